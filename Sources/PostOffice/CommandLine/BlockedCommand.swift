import ArgumentParser

/// `postoffice blocked`: whom the server holds back by itself, and letting them go.
struct BlockedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocked",
        abstract: .said(
            "Peers and users that are held back: too many unknown recipients or failed logins, or too much mail.",
            "制限中の接続元とユーザ（不明な宛先やログインの失敗が多い、またはメールが多い）"),
        discussion: .said(
            """
            Whom you block yourself stands in the configuration: blocked-hosts, blocked-senders, blocked-helo-names.
            Examples:
              postoffice blocked list
              postoffice blocked release 192.0.2.9
            Who must never be held back, such as a school behind one address, stands in blocking-exceptions.
            """,
            """
            手動の拒否は設定 blocked-hosts、blocked-senders、blocked-helo-names で行います。
            Examples:
              postoffice blocked list
              postoffice blocked release 192.0.2.9
            学校など、制限してはならない接続元は blocking-exceptions に指定します。
            """),
        subcommands: [List.self, Release.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: .said("Who is held back, why, and for how long.", "制限中の相手、理由、期間の一覧"),
            discussion: "Examples:\n  postoffice blocked list\n  postoffice blocked list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("blocked list", json: self.listing.json).rawValue) }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: .said("Forget what is known of them, so that they may go on.", "記録を消し、制限を解除します。"),
            discussion: "Examples:\n  postoffice blocked release 192.0.2.9\n  postoffice blocked release --all")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("IP addresses, networks or users as `blocked list` shows them.", "blocked list が表示する IP アドレス、ネットワーク、ユーザ。"))
        var who: [String] = []

        @Flag(name: .long, help: .said("Everybody.", "すべて解除します。"))
        var all = false

        func run() throws {
            throw ExitCode(
                try self.common.perform("blocked release", operands: self.who, options: self.all ? ["all": []] : [:]).rawValue)
        }
    }
}
