import ArgumentParser
import Forms
import Vocabulary

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Settings: get, set, export, diff, apply, history, rollback.",
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
            commandName: "get", abstract: "What settings say, defaults included.",
            discussion: "Examples:\n  postoffice config get\n  postoffice config get host-name local-mail-domains --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: "Fields; default all.")
        var field: [String] = []

        func run() throws {
            throw ExitCode(try self.common.perform("config get", operands: self.field, json: self.listing.json).rawValue)
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change a setting; takes effect at once.",
            discussion: """
                Examples:
                  postoffice config set check-recipients no
                  postoffice config set pop3-access 192.0.2.0/24 '*.example.com'
                  postoffice config set local-mail-domains --remove example.net
                  postoffice config set pop3-access --default
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The field.")
        var field: String

        @Argument(help: "Its value, or its entries.")
        var value: [String] = []

        @Flag(name: .long, help: "Add the entries to those there are.")
        var add = false

        @Flag(name: .long, help: "Take the entries away from those there are.")
        var remove = false

        @Flag(name: .customLong("default"), help: "Take the setting back to its default.")
        var reset = false

        func validate() throws {
            if [self.add, self.remove, self.reset].count(where: { $0 }) > 1 {
                throw ValidationError("--add, --remove and --default exclude each other")
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
            commandName: "export", abstract: "All settings as YAML, for `apply` and for keeping.",
            discussion: "Example:\n  postoffice config export --all > settings.yaml")

        @OptionGroup var common: CommonOptions

        @Flag(name: .long, help: "Settings that are at their defaults too, as comments.")
        var all = false

        func run() throws {
            throw ExitCode(try self.common.perform("config export", options: self.all ? ["all": []] : [:]).rawValue)
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff", abstract: "What `apply` would change. Settings that the file does not name stay.",
            discussion: "Example:\n  postoffice config diff settings.yaml")

        @OptionGroup var common: CommonOptions

        @Argument(help: "YAML file, or - for standard input.")
        var file: String

        func run() throws {
            throw ExitCode(try self.common.perform("config diff", input: try self.common.yaml(self.file)).rawValue)
        }
    }

    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply", abstract: "Set what a YAML file says: all of it, or nothing when something is wrong.",
            discussion: "Examples:\n  postoffice config apply --dry-run settings.yaml\n  postoffice config apply settings.yaml")

        @OptionGroup var common: CommonOptions

        @Argument(help: "YAML file, or - for standard input.")
        var file: String

        @Flag(name: .long, help: "Check and show only; change nothing.")
        var dryRun = false

        func run() throws {
            let options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            throw ExitCode(try self.common.perform("config apply", options: options, input: try self.common.yaml(self.file)).rawValue)
        }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: "Who changed what and when, newest first.",
            discussion: "Example:\n  postoffice config history --limit 5")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Option(name: .long, help: "How many revisions.")
        var limit = 20

        func run() throws {
            throw ExitCode(
                try self.common.perform("config history", options: ["limit": ["\(self.limit)"]], json: self.listing.json).rawValue)
        }
    }

    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback", abstract: "Set everything as it was after a revision. This is a change itself and can be undone.",
            discussion: "Example:\n  postoffice config rollback --dry-run 12")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Number of the revision.")
        var revision: String

        @Flag(name: .long, help: "Show only; change nothing.")
        var dryRun = false

        func run() throws {
            let options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            throw ExitCode(try self.common.perform("config rollback", operands: [self.revision], options: options).rawValue)
        }
    }

    struct Fields: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fields", abstract: "All settings, with what they take.", discussion: "Example:\n  postoffice config fields")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            AdminPrinter().show(.output(FieldReference.text(FieldTable.configuration, self.common.language, json: self.listing.json)))
        }
    }
}

struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Where mail for an address goes, with every step and the rule that decided.",
        discussion: """
            Examples:
              postoffice route jane+lists@example.com
              postoffice route jane@example.net --client 192.0.2.9 --from taro@example.com
            With --client or --login it also tells whether the relay restrictions let such mail pass.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Argument(help: "The address.")
    var address: String

    @Option(name: .long, help: "As if it came from this IP address.")
    var client: String?

    @Option(name: .long, help: "As if this account had logged in: one of its addresses.")
    var login: String?

    @Option(name: .long, help: "As if this were the sender; empty is the null sender.")
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
