import ArgumentParser
import Forms
import Vocabulary

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: .said("Settings: get, set, export, diff, apply, history, rollback.", "設定の表示、変更、書き出し、比較、適用、履歴、巻き戻し"),
        discussion: """
            Examples:
              postoffice config get message-size-limit
              postoffice config set message-size-limit '100 MiB'
              postoffice config set local-mail-domains --add example.net
              postoffice config set mail-routing-table '[remote.test:127.0.0.1:29025]'
              postoffice config export > settings.yaml
              postoffice config apply --dry-run settings.yaml
              postoffice config rollback 12
            """,
        subcommands: [Get.self, Set.self, Export.self, Diff.self, Apply.self, History.self, Rollback.self, Fields.self])

    struct Get: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get", abstract: .said("What settings say, defaults included.", "設定値を表示します（既定値を含む）。"),
            discussion: "Examples:\n  postoffice config get\n  postoffice config get host-name local-mail-domains --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Fields; default all.", "フィールド名。省略時は全フィールド。"))
        var field: [String] = []

        func run() throws {
            throw ExitCode(try self.common.perform("config get", operands: self.field, json: self.listing.json).rawValue)
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: .said("Change a setting; takes effect at once.", "設定を変更します。すぐに有効になります。"),
            discussion: """
                Examples:
                  postoffice config set check-recipients no
                  postoffice config set pop3-access 192.0.2.0/24 '*.example.com'
                  postoffice config set local-mail-domains --remove example.net
                  postoffice config set pop3-access --default
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("The field.", "フィールド名。"))
        var field: String

        @Argument(help: .said("Its value, or its entries.", "値（リストの場合は複数）。"))
        var value: [String] = []

        @Flag(name: .long, help: .said("Add the entries to those there are.", "今のリストに追加します。"))
        var add = false

        @Flag(name: .long, help: .said("Take the entries away from those there are.", "今のリストから取り除きます。"))
        var remove = false

        @Flag(name: .customLong("default"), help: .said("Take the setting back to its default.", "既定値に戻します。"))
        var reset = false

        func validate() throws {
            if [self.add, self.remove, self.reset].count(where: { $0 }) > 1 {
                throw ValidationError(
                    en: "--add, --remove and --default exclude each other", ja: "--add、--remove、--default は同時に指定できません")
            }
        }

        func run() throws {
            var options: [String: [String]] = [:]
            if self.add { options["add"] = [] }
            if self.remove { options["remove"] = [] }
            if self.reset { options["default"] = [] }
            throw ExitCode(try self.common.perform("config set", operands: [self.field] + self.value, options: options).rawValue)
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: .said("All settings as YAML, for `apply` and for keeping.", "全設定を YAML で書き出します。apply で適用できます。"),
            discussion: "Example:\n  postoffice config export --all > settings.yaml")

        @OptionGroup var common: CommonOptions

        @Flag(name: .long, help: .said("Settings that are at their defaults too, as comments.", "既定値のままの設定もコメントとして書き出します。"))
        var all = false

        func run() throws {
            throw ExitCode(try self.common.perform("config export", options: self.all ? ["all": []] : [:]).rawValue)
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: .said(
                "What `apply` would change. Settings that the file does not name stay.", "apply で何が変わるかを表示します。ファイルにない設定は変わりません。"),
            discussion: "Example:\n  postoffice config diff settings.yaml")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("YAML file, or - for standard input.", "YAML ファイル。- は標準入力。"))
        var file: String

        func run() throws {
            throw ExitCode(try self.common.perform("config diff", input: try self.common.yaml(self.file)).rawValue)
        }
    }

    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply",
            abstract: .said(
                "Set what a YAML file says: all of it, or nothing when something is wrong.", "YAML ファイルの内容を適用します。誤りがあれば何も変更しません。"),
            discussion: "Examples:\n  postoffice config apply --dry-run settings.yaml\n  postoffice config apply settings.yaml")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("YAML file, or - for standard input.", "YAML ファイル。- は標準入力。"))
        var file: String

        @Flag(name: .long, help: .said("Check and show only; change nothing.", "確認と表示だけを行い、変更しません。"))
        var dryRun = false

        func run() throws {
            let options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            throw ExitCode(try self.common.perform("config apply", options: options, input: try self.common.yaml(self.file)).rawValue)
        }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: .said("Who changed what and when, newest first.", "設定の変更履歴（新しい順）"),
            discussion: "Example:\n  postoffice config history --limit 5")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Option(
            name: .long, parsing: .unconditional, help: .said("How many revisions.", "表示するリビジョンの件数。"),
            transform: WholeNumber.within(1...1_000_000))
        var limit = 20

        func run() throws {
            throw ExitCode(
                try self.common.perform("config history", options: ["limit": ["\(self.limit)"]], json: self.listing.json).rawValue)
        }
    }

    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback",
            abstract: .said(
                "Set everything as it was after a revision. This is a change itself and can be undone.",
                "設定をリビジョンの時点に戻します。これも変更の 1 つで、元に戻せます。"),
            discussion: "Example:\n  postoffice config rollback --dry-run 12")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("Number of the revision.", "リビジョン番号。"))
        var revision: String

        @Flag(name: .long, help: .said("Show only; change nothing.", "表示だけを行い、変更しません。"))
        var dryRun = false

        func run() throws {
            let options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            throw ExitCode(try self.common.perform("config rollback", operands: [self.revision], options: options).rawValue)
        }
    }

    struct Fields: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fields", abstract: .said("All settings, with what they take.", "全設定と指定できる値の一覧"),
            discussion: "Example:\n  postoffice config fields")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            AdminPrinter().show(.output(FieldReference.text(FieldTable.configuration, self.common.language, json: self.listing.json)))
        }
    }
}

struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route",
        abstract: .said(
            "Where mail for an address goes, with every step and the rule that decided.", "アドレス宛のメールの行き先を、判断の手順と決め手の規則とともに表示します。"),
        discussion: .said(
            """
            Examples:
              postoffice route jane+lists@example.com
              postoffice route jane@example.net --client 192.0.2.9 --from taro@example.com
            With --client or --login it also tells whether the relay restrictions let such mail pass.
            """,
            """
            Examples:
              postoffice route jane+lists@example.com
              postoffice route jane@example.net --client 192.0.2.9 --from taro@example.com
            --client か --login を付けると、リレー制限で許可されるかも表示します。
            """))

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Argument(help: .said("The address.", "E-mail アドレス。"))
    var address: String

    @Option(name: .long, help: .said("As if it came from this IP address.", "この IP アドレスから届いたものとして判断します。"))
    var client: String?

    @Option(name: .long, help: .said("As if this account had logged in: one of its addresses.", "このアカウント（アドレスの 1 つ）でログインしたものとして判断します。"))
    var login: String?

    @Option(name: .long, help: .said("As if this were the sender; empty is the null sender.", "この送信者からのものとして判断します。空は送信者なし（<>）。"))
    var from: String?

    func run() throws {
        var options: [String: [String]] = [:]
        options["client"] = self.client.map { [$0] }
        options["login"] = self.login.map { [$0] }
        options["from"] = self.from.map { [$0] }
        throw ExitCode(try self.common.perform("route", operands: [self.address], options: options, json: self.listing.json).rawValue)
    }
}

extension CommonOptions {
    func yaml(_ path: String) throws -> String {
        guard let text = String(validating: try self.contents(of: path, limit: 16 << 20), as: UTF8.self) else {
            throw self.exit(.failed, Localized(en: "\(path) is not UTF-8", ja: "\(path) は UTF-8 ではありません"))
        }
        return text
    }
}
