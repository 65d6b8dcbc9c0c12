import ArgumentParser
import Counters
import Directory
import Vocabulary

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: .said(
            "What postmasters did: who, when, from where, and what was so before and since.", "管理操作の記録（誰が、いつ、どこから、何を、変更前と変更後）を表示します。"),
        discussion: """
            Examples:
              postoffice audit --limit 20
              postoffice audit --text taro@example.com --json
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Option(name: .long, parsing: .unconditional, help: .said("At most so many.", "最大の件数。"), transform: WholeNumber.within(1...100_000))
    var limit = 50

    @Option(name: .long, help: .said("Only with this in a name, address, action or value.", "名前、アドレス、操作、値にこの文字列を含むものだけ。"))
    var text: String?

    @Option(name: .long, help: .said("Only by this way: command, web, api, mail.", "この経路（command、web、api、mail）のものだけ。"))
    var interface: String?

    func run() throws {
        var options = ["limit": ["\(self.limit)"]]
        options["text"] = self.text.map { [$0] }
        options["interface"] = self.interface.map { [$0] }
        throw ExitCode(try self.common.perform("audit", options: options, json: self.listing.json).rawValue)
    }
}

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: .said("Keys of the API: add, list, delete.", "API のキーの作成、一覧、削除"),
        discussion: """
            Examples:
              postoffice token add monitoring --scope read
              postoffice token add provisioning --scope accounts,queue --until 2027-12-31
              postoffice token list
              postoffice token delete 3
            """,
        subcommands: [Add.self, List.self, Delete.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: .said("Make a key and show it, once.", "キーを作成し、一度だけ表示します。"),
            discussion: "Examples:\n  postoffice token add monitoring --scope read")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("What it is for, as the list shows it.", "用途（一覧に表示されます）。"))
        var name: String

        @Option(
            name: .long,
            help: .said(
                "What it may be used for: read, accounts, queue, configuration, all; several with commas.",
                "許可する操作: read、accounts、queue、configuration、all（コンマで複数）。", valueName: "scopes"))
        var scope: [String]

        @Option(name: .long, help: .said("Its last day.", "有効期限の日。", valueName: "yyyy-mm-dd"))
        var until: String?

        func run() throws {
            var options = ["scope": self.scope]
            options["until"] = self.until.map { [$0] }
            throw ExitCode(
                try self.common.perform("token add", operands: [self.name], options: options, json: self.listing.json).rawValue)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: .said("All keys: number, name, scopes, made when and by whom, last day, last used.", "すべてのキーを表示します。"),
            discussion: "Examples:\n  postoffice token list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("token list", json: self.listing.json).rawValue) }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: .said("A key that opens nothing any more, at once.", "キーを直ちに無効にします。"),
            discussion: "Examples:\n  postoffice token delete 3")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("Its number in the list.", "一覧の番号。"))
        var number: String

        func run() throws { throw ExitCode(try self.common.perform("token delete", operands: [self.number]).rawValue) }
    }
}

struct CountersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counters",
        abstract: .said("What the server did in the last hour, day or month, in numbers.", "直近 1 時間、1 日、1 か月の統計を表示します。"),
        discussion: """
            Examples:
              postoffice counters
              postoffice counters --span day --json
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Option(name: .long, help: .said("hour, day or month.", "hour、day、month のいずれか。"))
    var span = "hour"

    func validate() throws {
        if Span(rawValue: self.span) == nil {
            throw ValidationError(en: "--span takes hour, day or month", ja: "--span には hour、day、month のいずれかを指定してください")
        }
    }

    func run() throws {
        throw ExitCode(try self.common.perform("counters", options: ["span": [self.span]], json: self.listing.json).rawValue)
    }
}
