import ArgumentParser
import MessageStore
import Vocabulary

struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: .said(
            "What waits for other hosts: list, show, retry, hold, release, return, redirect, delete.", "送信待ちメールの一覧、表示、再送、保留、保留解除、返送、宛先変更、削除"
        ),
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
        @Argument(
            help: .said(
                "Numbers of entries, or ids of messages, as `queue list` and the log have them.", "キューの番号またはメッセージの ID（queue list やログにあるもの）。"
            ))
        var entry: [String] = []

        @Option(name: .long, help: .said("Only for this recipient: an address or a domain.", "この宛先（アドレスかドメイン）のものだけ。"))
        var recipient: String?

        @Option(
            name: .long, help: .said("Only from this sender: an address, a domain, or <> for reports.", "この送信者（アドレスかドメイン、通知は <>）のものだけ。"))
        var sender: String?

        @Option(
            name: .long,
            help: .said("Only what takes this way: the destination that `queue show` tells.", "この経路（queue show の destination）のものだけ。"))
        var route: String?

        @Option(name: .long, help: .said("Only in this state: due, deferred or held.", "この状態（due、deferred、held）のものだけ。"))
        var state: String?

        @Option(name: .long, help: .said("Only with this in the reason.", "理由にこの文字列を含むものだけ。"))
        var text: String?

        func validate() throws {
            if let state, QueueQuery.State(rawValue: state) == nil {
                throw ValidationError(en: "--state takes due, deferred or held", ja: "--state には due、deferred、held のいずれかを指定してください")
            }
        }

        var options: [String: [String]] {
            var options: [String: [String]] = [:]
            options["state"] = self.state.map { [$0] }
            options["text"] = self.text.map { [$0] }
            options["recipient"] = self.recipient.map { [$0] }
            options["sender"] = self.sender.map { [$0] }
            options["route"] = self.route.map { [$0] }
            return options
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: .said("One line an entry, in order of acceptance.", "受け付けた順に 1 行ずつ表示します。"),
            discussion: "Examples:\n  postoffice queue list --limit 20\n  postoffice queue list --sender taro@example.test --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions
        @OptionGroup var choice: Choice

        @Option(
            name: .long, parsing: .unconditional, help: .said("At most so many lines.", "最大の行数。"),
            transform: WholeNumber.within(1...1_000_000))
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
            commandName: "show", abstract: .said("Everything that is known of entries.", "指定したものの情報をすべて表示します。"),
            discussion: "Examples:\n  postoffice queue show 4711")

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
            commandName: "retry", abstract: .said("Try again now, whatever the schedule says.", "予定にかかわらず今すぐ再送します。"),
            discussion: "Examples:\n  postoffice queue retry --all\n  postoffice queue retry --recipient example.net")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: .said("Everything in the queue.", "キュー内のすべて。"))
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue retry", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Hold: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hold", abstract: .said("Keep until released; no attempts, no time running.", "解除するまで保留します。その間は送信せず、期限も進みません。"),
            discussion: "Examples:\n  postoffice queue hold 4711 --reason 'asked the sender'")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: .said("Everything in the queue.", "キュー内のすべて。"))
        var all = false

        @Option(name: .long, help: .said("Shown in the list.", "一覧に表示する理由。"))
        var reason: String?

        func run() throws {
            throw ExitCode(
                try QueueCommand.change("queue hold", self.common, self.choice, all: self.all, ["reason": self.reason]).rawValue)
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: .said("Let go what is held; it is sent at once.", "保留を解除し、すぐに送信します。"),
            discussion: "Examples:\n  postoffice queue release --route hold\n  postoffice queue release 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: .said("Everything in the queue.", "キュー内のすべて。"))
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue release", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Return: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "return", abstract: .said("Send back to the sender now, with a report.", "今すぐ送信者に通知を付けて返送します。"),
            discussion: "Examples:\n  postoffice queue return 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: .said("Everything in the queue.", "キュー内のすべて。"))
        var all = false

        func run() throws { throw ExitCode(try QueueCommand.change("queue return", self.common, self.choice, all: self.all).rawValue) }
    }

    struct Redirect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redirect", abstract: .said("Send to another address instead.", "別のアドレスに送ります。"),
            discussion: "Examples:\n  postoffice queue redirect 4711 --to jane@example.net")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Option(name: .long, help: .said("The address.", "E-mail アドレス。"))
        var to: String

        func run() throws {
            throw ExitCode(try QueueCommand.change("queue redirect", self.common, self.choice, all: false, ["to": self.to]).rawValue)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: .said("Throw away without telling anybody.", "誰にも知らせずに捨てます。"),
            discussion: "Examples:\n  postoffice queue delete 4711")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(name: .long, help: .said("Everything in the queue.", "キュー内のすべて。"))
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
