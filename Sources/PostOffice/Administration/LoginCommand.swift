import ArgumentParser
import Vocabulary

extension AccountCommand {
    struct Logins: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logins",
            abstract: .said(
                "Who logged in, from where and with what, newest first; refused logins too.", "ログインの記録（日時、サービス、接続元、方法。新しい順、拒否されたものを含む）"),
            discussion: .said(
                """
                One line for all logins of one service from one place by the same means: the last time, and how many since when.
                Examples:
                  postoffice account logins jane@example.com
                  postoffice account logins jane --json
                """,
                """
                同じサービス、接続元、方法のログインを 1 行にまとめ、最後の日時と回数を表示します。
                Examples:
                  postoffice account logins jane@example.com
                  postoffice account logins jane --json
                """))

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        func run() throws {
            throw ExitCode(try self.common.perform("account logins", operands: [self.account], json: self.listing.json).rawValue)
        }
    }
}
