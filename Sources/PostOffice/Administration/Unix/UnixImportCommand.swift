import ArgumentParser
import FoundationEssentials
import Vocabulary

extension AccountCommand {
    struct ImportUnix: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import-unix",
            abstract: .said("Make accounts for the login users of this computer.", "このコンピュータのログインユーザのアカウントを作成します。"),
            discussion: .said(
                """
                System users are skipped. Passwords are not taken along: set them, or link them with --password-link. .plan and .project become
                finger information, which nobody sees until the account is published. .forward and /etc/aliases are looked at with
                --forward-files only; programs, files and lists in them are told and never taken over. Run again it makes only
                who is new. A summary goes to the postmaster.
                Examples:
                  postoffice account import-unix --dry-run
                  postoffice account import-unix --delivery maildrop --password-link
                  postoffice account import-unix --domain-mail --forward-files report
                """,
                """
                システムユーザは除きます。パスワードは取り込みません（後で設定するか、--password-link でリンクします）。.plan と .project は
                フィンガー情報になりますが、アカウントを公開するまで表示されません。.forward と /etc/aliases は --forward-files を指定した場合
                だけ調べ、プログラム、ファイル、リストは表示するだけで取り込みません。もう一度実行すると新しいユーザだけを追加します。
                結果はポストマスタにメールで送信します。
                Examples:
                  postoffice account import-unix --dry-run
                  postoffice account import-unix --delivery maildrop --password-link
                  postoffice account import-unix --domain-mail --forward-files report
                """))

        @OptionGroup var common: CommonOptions

        @Option(
            name: .long,
            help: .said("Where mail goes: mailbox (default), maildrop or both.", "配信先: mailbox（省略時）、maildrop、both。"))
        var delivery = "mailbox"

        @Flag(name: .long, help: .said("Primary addresses in the domain instead of the host.", "メインアドレスをホスト名ではなくドメインのものにします。"))
        var domainMail = false

        @Option(
            name: .long,
            help: .said(
                "Form of the primary address: first.last (default) or login.", "メインアドレスの形式: first.last（省略時）、login。"))
        var addresses = "first.last"

        @Flag(name: .long, help: .said("Log in with the operating system's password.", "OS のパスワードでログインできるようにします。"))
        var passwordLink = false

        @Option(
            name: .long,
            help: .said("What to do with .forward and aliases: report or apply.", ".forward と aliases の扱い: report（表示のみ）、apply（適用）。"))
        var forwardFiles: String?

        @Option(name: .long, help: .said("File of aliases.", "エイリアスファイル。", valueName: "file"))
        var aliasesFile = "/etc/aliases"

        @Option(
            name: .long,
            help: .said("Read users from a file like /etc/passwd.", "/etc/passwd 形式のファイルからユーザを読みます。", valueName: "file"))
        var passwdFile: String?

        @Option(
            name: .long, help: .said("Directory of existing maildrops.", "既存のメールドロップのディレクトリ。", valueName: "directory"))
        var maildropDirectory = "/var/mail"

        @Flag(
            name: .long,
            help: .said(
                "Send each new account the greeting message; without this none gets it.", "追加したアカウントにグリーティングメッセージを送信します（指定しないと送信しません）。"))
        var greeting = false

        @Flag(name: .long, help: .said("Show what would be done; do nothing.", "実行内容の表示だけを行います。"))
        var dryRun = false

        @Flag(name: .long, help: .said("Send no summary.", "結果のメールを送信しません。"))
        var noSummary = false

        func validate() throws {
            guard ["mailbox", "maildrop", "both"].contains(self.delivery) else {
                throw ValidationError(
                    en: "--delivery is mailbox, maildrop or both", ja: "--delivery には mailbox、maildrop、both のいずれかを指定してください")
            }
            guard ["first.last", "login"].contains(self.addresses) else {
                throw ValidationError(en: "--addresses is first.last or login", ja: "--addresses には first.last か login を指定してください")
            }
            guard self.forwardFiles.map({ ["report", "apply"].contains($0) }) ?? true else {
                throw ValidationError(en: "--forward-files is report or apply", ja: "--forward-files には report か apply を指定してください")
            }
        }

        func run() throws {
            let source = UnixUsers(
                file: self.passwdFile, readsForward: self.forwardFiles != nil, maildrops: self.maildropDirectory)
            var order: UnixImportOrder
            do {
                order = UnixImportOrder(users: try source.read())
                if self.forwardFiles != nil {
                    // A computer without sendmail has none.
                    order.aliases = try? String(decoding: FileAccess.contents(of: self.aliasesFile, limit: 16 << 20), as: UTF8.self)
                }
            } catch {
                throw self.common.exit(error)
            }
            var options = ["delivery": [self.delivery], "addresses": [self.addresses]]
            for (name, isSet) in [
                ("domain-mail", self.domainMail), ("password-link", self.passwordLink), ("dry-run", self.dryRun),
                ("no-summary", self.noSummary), ("greeting", self.greeting),
            ] where isSet { options[name] = [] }
            if let forwardFiles { options["forward-files"] = [forwardFiles] }
            guard let data = try? JSONEncoder().encode(order) else { throw ExitCode.failure }
            throw ExitCode(
                try self.common.perform("account import-unix", options: options, input: String(decoding: data, as: UTF8.self)).rawValue)
        }
    }
}

/// What the command read, for the handler.
struct UnixImportOrder: Codable, Sendable {
    var users: [UnixUser]
    /// Text of the aliases file.
    var aliases: String?
}
