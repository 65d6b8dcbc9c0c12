import ArgumentParser
import Directory
import Vocabulary

extension AccountCommand {
    struct AppPassword: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "app-password",
            abstract: .said("Passwords for single devices and programs.", "機器やプログラムごとのパスワード"),
            discussion: .said(
                """
                Made by the server and shown once. Each is for the services that are named, and can be revoked without touching the others.
                Examples:
                  postoffice account app-password add jane --label phone --services imap,submission --expires 2027-03-31
                  postoffice account app-password list jane
                  postoffice account app-password revoke jane 3
                """,
                """
                サーバが作成し、一度だけ表示します。指定したサービスだけに使用でき、個別に取り消せます。
                Examples:
                  postoffice account app-password add jane --label phone --services imap,submission --expires 2027-03-31
                  postoffice account app-password list jane
                  postoffice account app-password revoke jane 3
                """),
            subcommands: [AddPassword.self, ListPasswords.self, RevokePassword.self])
    }

    struct AddPassword: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: .said("Make an app password and show it, once.", "アプリパスワードを作成し、一度だけ表示します。"),
            discussion: "Example:\n  postoffice account app-password add jane --label phone --services imap,submission")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        @Option(name: .long, help: .said("What it is for, such as a device.", "用途（機器の名前など）。"))
        var label: String

        @Option(
            name: .long,
            help: .said("Services, with commas: pop3, imap, submission, ldap, sieve.", "サービス（カンマ区切り）: pop3、imap、submission、ldap、sieve。"))
        var services = "imap,pop3,submission"

        @Option(name: .long, help: .said("Its last day.", "有効期限の日付。", valueName: "YYYY-MM-DD"))
        var expires: String?

        func run() throws {
            var options = ["label": [self.label], "services": [self.services]]
            if let expires { options["expires"] = [expires] }
            throw ExitCode(
                try self.common.perform(
                    "account app-password add", operands: [self.account], options: options, json: self.listing.json
                ).rawValue)
        }
    }

    struct ListPasswords: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: .said("App passwords of an account, without the passwords.", "アカウントのアプリパスワードの一覧（パスワード自体は表示しません）"),
            discussion: "Example:\n  postoffice account app-password list jane --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        func run() throws {
            throw ExitCode(
                try self.common.perform("account app-password list", operands: [self.account], json: self.listing.json).rawValue)
        }
    }

    struct RevokePassword: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: .said("Revoke app passwords; sessions that they opened end.", "アプリパスワードを取り消します。それで開かれたセッションは終了します。"),
            discussion: "Examples:\n  postoffice account app-password revoke jane 3\n  postoffice account app-password revoke jane --all")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        @Argument(help: .said("Their numbers, as the list shows.", "一覧に表示される番号（複数可）。"))
        var number: [Int64] = []

        @Flag(name: .long, help: .said("All of the account.", "アカウントのすべて。"))
        var all = false

        func validate() throws {
            guard self.all != self.number.isEmpty else { return }
            throw ValidationError(
                en: "say which: numbers as `app-password list` shows them, or --all",
                ja: "取り消すものを番号（app-password list で表示）か --all で指定してください")
        }

        func run() throws {
            let options: [String: [String]] = self.all ? ["all": []] : [:]
            throw ExitCode(
                try self.common.perform(
                    "account app-password revoke", operands: [self.account] + self.number.map { "\($0)" }, options: options
                ).rawValue)
        }
    }
}
