internal import Database
package import Forms
package import Vocabulary

/// Why the directory cannot do what was asked; the message names the thing and the cure.
package struct DirectoryError: Error, Sendable {
    package enum Kind: Sendable, Hashable { case notFound, conflict, invalid, notSetUp, database }
    package let kind: Kind
    package let message: Localized
    /// Fields that are wrong, when it is about a form.
    package let problems: [FieldProblem]

    package init(_ kind: Kind, _ english: String, _ japanese: String) {
        self.kind = kind
        self.message = Localized(en: english, ja: japanese)
        self.problems = []
    }

    /// Values that cannot be taken; `message` is the first of them.
    package init(_ problems: [FieldProblem]) {
        self.kind = .invalid
        self.message = problems.first?.message ?? Localized(en: "invalid", ja: "無効な値です")
        self.problems = problems
    }

    init(_ error: DatabaseError) {
        switch error.kind {
        case .full:
            self.init(
                .database, "the disk is full: nothing was changed; make room and try again", "ディスクの空き容量がありません。何も変更していません。空きを作ってからやり直してください")
        case .newerFormat, .corrupt:
            self.init(.database, "the directory cannot be used: \(error.text)", "ディレクトリデータベースを使用できません: \(error.text)")
        default: self.init(.database, "the directory database says: \(error)", "ディレクトリデータベースのエラー: \(error)")
        }
    }

    package static func noAccount(_ name: String) -> DirectoryError {
        DirectoryError(
            .notFound, "there is no account \(Shown.text(name)); `postoffice account list` shows all",
            "アカウント \(Shown.text(name)) はありません。postoffice account list で一覧を表示できます")
    }
}
