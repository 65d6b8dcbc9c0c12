import Database
import Directory
import Forms
import MessageStore
import NetKit
import Vocabulary

/// What any error of the parts below is to the person who runs a command: in his language, with the cause as far as it helps him.
enum ErrorWords {
    static func text(of error: any Error) -> Localized {
        switch error {
        case let failure as AdminFailure: failure.text
        case let failure as SystemFailure: failure.text
        case let failure as TLSFailure: failure.text
        case let error as DirectoryError: error.message
        case let problem as FieldProblem: problem.message
        case let error as StoreError: self.store(error)
        default: Localized(en: "\(error)", ja: "内部エラー (\(error))")
        }
    }

    /// What could not be done, and why.
    static func text(_ english: String, _ japanese: String, _ error: any Error) -> Localized {
        let why = self.text(of: error)
        return Localized(en: "\(english): \(why.english)", ja: "\(japanese): \(why.japanese)")
    }

    private static func store(_ error: StoreError) -> Localized {
        switch error {
        case .inUse(let path):
            Localized(en: "\(error)", ja: "\(path) は別のプロセスが使用中です。先にそれを停止するか、動作中のサーバでコマンドを実行してください")
        case .newerFormat(let text): Localized(en: text, ja: "新しいバージョンで作られたものです。そのバージョンを使用してください (\(text))")
        case .damaged(let text): Localized(en: text, ja: "ファイルが壊れています。postoffice check で調べてください (\(text))")
        case .io(let failure):
            SystemFailure("\(failure.operation) \(failure.path)", failure.code).text
        case .database(let error): Localized(en: "\(error)", ja: "データベースのエラーです (\(error))")
        case .noSuchMailbox(let id): Localized(en: "\(error)", ja: "メールボックス \(id) はありません")
        case .noSuchMessage: Localized(en: "\(error)", ja: "そのメッセージはありません")
        case .noSuchAccount(let id): Localized(en: "\(error)", ja: "アカウント \(id) はありません")
        case .mailboxExists(let name): Localized(en: "\(error)", ja: "メールボックス \(name) はすでにあります")
        case .inboxStays: Localized(en: "\(error)", ja: "INBOX は削除できません")
        case .tooManyKeywords: Localized(en: "\(error)", ja: "このメールボックスにはこれ以上キーワードを追加できません")
        case .overQuota: Localized(en: "\(error)", ja: "容量の上限を超えています")
        case .diskFull: Localized(en: "\(error)", ja: "ディスクの空きがありません")
        case .tooLarge: Localized(en: "\(error)", ja: "一度に扱える大きさを超えています")
        case .forgotten: Localized(en: "\(error)", ja: "その時点の削除の記録はもう残っていません")
        case .busy: Localized(en: "\(error); try again", ja: "混み合っています。もう一度実行してください")
        case .unanswered: Localized(en: "\(error)", ja: "メッセージストアが応答しません")
        case .failed(let reason): Localized(en: "\(error)", ja: "読み出し専用になっています (\(reason))")
        case .closed: Localized(en: "\(error)", ja: "メッセージストアは閉じられています")
        }
    }
}
