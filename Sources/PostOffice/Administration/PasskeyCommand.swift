import ArgumentParser
import Directory
import Vocabulary

extension AccountCommand {
    struct Passkeys: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "passkey", abstract: .said("Passkeys of an account for the web.", "Web ログイン用のパスキー"),
            discussion: .said(
                """
                People make them in their browsers, under "Passkeys" of the account management menu. Here they are looked at and removed.
                Examples:
                  postoffice account passkey list jane
                  postoffice account passkey remove jane 3
                """,
                """
                パスキーは、利用者がアカウント管理メニューの［パスキー］で作成します。ここでは表示と削除ができます。
                Examples:
                  postoffice account passkey list jane
                  postoffice account passkey remove jane 3
                """),
            subcommands: [ListPasskeys.self, RemovePasskey.self])
    }

    struct ListPasskeys: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: .said("Passkeys of an account.", "アカウントのパスキーの一覧"),
            discussion: "Example:\n  postoffice account passkey list jane --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        func run() throws {
            throw ExitCode(try self.common.perform("account passkey list", operands: [self.account], json: self.listing.json).rawValue)
        }
    }

    struct RemovePasskey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: .said("Remove passkeys, such as that of a lost device.", "紛失した機器などのパスキーを削除します。"),
            discussion: "Examples:\n  postoffice account passkey remove jane 3\n  postoffice account passkey remove jane --all")

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
                en: "say which: numbers as `passkey list` shows them, or --all",
                ja: "削除するものを番号（passkey list で表示）か --all で指定してください")
        }

        func run() throws {
            let options: [String: [String]] = self.all ? ["all": []] : [:]
            throw ExitCode(
                try self.common.perform(
                    "account passkey remove", operands: [self.account] + self.number.map { "\($0)" }, options: options
                ).rawValue)
        }
    }
}
