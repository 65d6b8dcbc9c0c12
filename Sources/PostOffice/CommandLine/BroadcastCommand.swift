import ArgumentParser
import Vocabulary

/// `postoffice broadcast`: a message to everybody.
struct BroadcastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadcast",
        abstract: .said(
            "Send a message from the postmaster to all accounts, or to those of a domain.", "全アカウントまたはドメインのアカウントに、ポストマスタからメールを送信します。"),
        discussion: .said(
            """
            The text is UTF-8. Says how many accounts get it and asks, unless --yes is given; text from standard input needs --yes.
            Examples:
              postoffice broadcast --subject 'Maintenance on Sunday' notice.txt
              postoffice broadcast --domain example.com --subject Hello --yes - < notice.txt
              postoffice broadcast --subject Hello --dry-run notice.txt
            """,
            """
            本文は UTF-8 です。送信するアカウント数を表示して確認します（--yes を付けると確認しません。標準入力から読むときは --yes が必要です）。
            Examples:
              postoffice broadcast --subject '日曜日の保守作業のお知らせ' notice.txt
              postoffice broadcast --domain example.com --subject お知らせ --yes - < notice.txt
              postoffice broadcast --subject お知らせ --dry-run notice.txt
            """))

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: .said("Its subject.", "件名。"))
    var subject: String

    @Option(name: .long, help: .said("Only accounts whose primary address is in this domain.", "メインアドレスがこのドメインにあるアカウントだけに送信します。"))
    var domain: String?

    @Flag(name: .long, help: .said("Say how many accounts would get it; send nothing.", "送信せずに、対象のアカウント数を表示します。"))
    var dryRun = false

    @Flag(name: .long, help: .said("Do not ask.", "確認せずに送信します。"))
    var yes = false

    @Argument(help: .said("File with the text, or - for standard input.", "本文のファイル名。- は標準入力。"))
    var file: String

    func validate() throws {
        guard !self.subject.allSatisfy(\.isWhitespace) else {
            throw ValidationError(en: "--subject: write one", ja: "--subject: 件名を指定してください")
        }
        guard self.file != "-" || self.yes || self.dryRun else {
            throw ValidationError(
                en: "a text from standard input needs --yes, because nothing is left to answer with", ja: "標準入力から本文を読むときは --yes を指定してください")
        }
    }

    func run() throws {
        let bytes = try self.common.contents(of: self.file, limit: 8 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw self.common.exit(
                .failed, Localized(en: "\(self.file) is not UTF-8; convert it first", ja: "\(self.file) は UTF-8 ではありません。UTF-8 に変換してください"))
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            throw self.common.exit(.failed, Localized(en: "\(self.file) is empty; nothing was sent", ja: "\(self.file) は空です。送信しませんでした"))
        }
        var options = ["subject": [self.subject]]
        if let domain { options["domain"] = [domain] }
        if self.dryRun || !self.yes {
            options["preview"] = []
            let status = try self.common.perform("broadcast", options: options, input: text)
            guard status == .done, !self.dryRun else { throw ExitCode(status.rawValue) }
            options["preview"] = nil
            AdminPrinter().show(.problem(Localized(en: "Send it? [yes/no] ", ja: "送信しますか？ [yes/no] ").text(self.common.language)))
            guard readLine() == "yes" else {
                throw self.common.exit(.failed, Localized(en: "nothing was sent", ja: "送信しませんでした"))
            }
        }
        throw ExitCode(try self.common.perform("broadcast", options: options, input: text).rawValue)
    }
}
