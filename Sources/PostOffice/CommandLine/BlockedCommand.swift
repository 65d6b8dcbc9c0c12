import ArgumentParser

/// `postoffice blocked`: whom the server holds back by itself, and letting them go.
struct BlockedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocked", abstract: "Peers and users that are held back: too many unknown recipients, or too much mail.",
        discussion: """
            Whom you block yourself stands in the configuration: blocked-hosts, blocked-senders, blocked-helo-names.
            Examples:
              postoffice blocked list
              postoffice blocked release 192.0.2.9
            """,
        subcommands: [List.self, Release.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Who is held back, why, and for how long.",
            discussion: "Examples:\n  postoffice blocked list\n  postoffice blocked list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("blocked list", json: self.listing.json).rawValue) }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: "Forget what is known of them, so that they may go on.",
            discussion: "Examples:\n  postoffice blocked release 192.0.2.9\n  postoffice blocked release --all")

        @OptionGroup var common: CommonOptions

        @Argument(help: "IP addresses, networks or users as `blocked list` shows them.")
        var who: [String] = []

        @Flag(name: .long, help: "Everybody.")
        var all = false

        func run() throws {
            throw ExitCode(
                try self.common.perform("blocked release", operands: self.who, options: self.all ? ["all": []] : [:]).rawValue)
        }
    }
}
