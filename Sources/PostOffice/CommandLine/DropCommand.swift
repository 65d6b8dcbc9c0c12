import ArgumentParser

/// `postoffice drop`: what programs of this host handed over by `sendmail` and the server refused.
struct DropCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: .said("Messages of programs of this host that were refused, and set aside.", "拒否して保管した、このホストのプログラムからのメッセージ"),
        discussion: """
            Examples:
              postoffice drop list
              postoffice drop show m-0123456789abcdef
              postoffice drop release --all
            """,
        subcommands: [List.self, Show.self, Release.self, Delete.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: .said("What was refused, when, whose it is, and why.", "拒否したもの、日時、送り手、理由の一覧"),
            discussion: "Examples:\n  postoffice drop list\n  postoffice drop list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("drop list", json: self.listing.json).rawValue) }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: .said("Envelope and header of one message.", "メッセージ 1 通のエンベロープとヘッダを表示します。"),
            discussion: "Examples:\n  postoffice drop show m-0123456789abcdef")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("A name of `drop list`.", "drop list に表示される名前。"))
        var name: String

        func run() throws { throw ExitCode(try self.common.perform("drop show", operands: [self.name]).rawValue) }
    }

    /// Which messages.
    struct Choice: ParsableArguments {
        @Argument(help: .said("Names of `drop list`.", "drop list に表示される名前。"))
        var names: [String] = []

        @Flag(name: .long, help: .said("Every one.", "すべて。"))
        var all = false

        var options: [String: [String]] { self.all ? ["all": []] : [:] }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release",
            abstract: .said("Let the server try them once more, after the cause was mended.", "原因を取り除いた後、もう一度受け付けさせます。"),
            discussion: "Examples:\n  postoffice drop release m-0123456789abcdef\n  postoffice drop release --all")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        func run() throws {
            let status = try self.common.perform("drop release", operands: self.choice.names, options: self.choice.options)
            throw ExitCode(status.rawValue)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: .said("Throw them away.", "捨てます。"),
            discussion: "Examples:\n  postoffice drop delete m-0123456789abcdef\n  postoffice drop delete --all")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        func run() throws {
            let status = try self.common.perform("drop delete", operands: self.choice.names, options: self.choice.options)
            throw ExitCode(status.rawValue)
        }
    }
}
