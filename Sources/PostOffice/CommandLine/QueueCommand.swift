import ArgumentParser
import Vocabulary

struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "What waits for other hosts: list, show, retry, hold, release, return, redirect, delete.",
        discussion: """
            Examples:
              postoffice queue list
              postoffice queue list --recipient example.net --json
              postoffice queue retry --all
              postoffice queue release --route hold
              postoffice queue return 4711
              postoffice queue redirect 4711 --to jane@example.net
            """,
        subcommands: [List.self, Show.self, Retry.self, Hold.self, Release.self, Return.self, Redirect.self, Delete.self])

    /// Which entries a command means.
    struct Choice: ParsableArguments {
        @Argument(help: "Numbers of entries, or ids of messages, as `queue list` and the log have them.")
        var entry: [String] = []

        @Option(name: .long, help: "Only for this recipient: an address or a domain.")
        var recipient: String?

        @Option(name: .long, help: "Only from this sender: an address, a domain, or <> for reports.")
        var sender: String?

        @Option(name: .long, help: "Only what takes this way: the destination that `queue show` tells.")
        var route: String?

        var options: [String: [String]] {
            var options: [String: [String]] = [:]
            options["recipient"] = self.recipient.map { [$0] }
            options["sender"] = self.sender.map { [$0] }
            options["route"] = self.route.map { [$0] }
            return options
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "One line an entry, in order of acceptance.",
            discussion: "Examples:\n  postoffice queue list --limit 20\n  postoffice queue list --sender taro@example.test --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions
        @OptionGroup var choice: Choice

        @Option(name: .long, help: "At most so many lines.")
        var limit = 1000

        func run() throws {
            var options = self.choice.options
            options["limit"] = ["\(self.limit)"]
            throw ExitCode(
                try self.common.perform("queue list", operands: self.choice.entry, options: options, json: self.listing.json).rawValue)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Everything that is known of entries.", discussion: "Examples:\n  postoffice queue show 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions
        @OptionGroup var choice: Choice

        func run() throws {
            throw ExitCode(
                try self.common.perform(
                    "queue show", operands: self.choice.entry, options: self.choice.options, json: self.listing.json
                ).rawValue)
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Try again now, whatever the schedule says.",
            discussion: "Examples:\n  postoffice queue retry --all\n  postoffice queue retry --recipient example.net")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: "Everything in the queue.")
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue retry", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Hold: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hold", abstract: "Keep until released; no attempts, no time running.",
            discussion: "Examples:\n  postoffice queue hold 4711 --reason 'asked the sender'")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: "Everything in the queue.")
        var all = false

        @Option(name: .long, help: "Shown in the list.")
        var reason: String?

        func run() throws {
            throw ExitCode(
                try QueueCommand.change("queue hold", self.common, self.choice, all: self.all, ["reason": self.reason]).rawValue)
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: "Let go what is held; it is sent at once.",
            discussion: "Examples:\n  postoffice queue release --route hold\n  postoffice queue release 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: "Everything in the queue.")
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue release", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Return: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "return", abstract: "Send back to the sender now, with a report.",
            discussion: "Examples:\n  postoffice queue return 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: "Everything in the queue.")
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue return", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Redirect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redirect", abstract: "Send to another address instead.",
            discussion: "Examples:\n  postoffice queue redirect 4711 --to jane@example.net")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Option(name: .long, help: "The address.")
        var to: String

        func run() throws {
            throw ExitCode(try QueueCommand.change("queue redirect", self.common, self.choice, all: false, ["to": self.to]).rawValue)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Throw away without telling anybody.", discussion: "Examples:\n  postoffice queue delete 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: "Everything in the queue.")
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue delete", self.common, self.choice, all: self.all).rawValue) }
    }

    private static func change(
        _ verb: String, _ common: CommonOptions, _ choice: Choice, all: Bool, _ more: [String: String?] = [:]
    ) throws -> AdminStatus {
        var options = choice.options
        for (name, value) in more { options[name] = value.map { [$0] } }
        if all { options["all"] = [] }
        return try common.perform(verb, operands: choice.entry, options: options)
    }
}
