import ArgumentParser
import Forms
import Glibc
import Text
import Vocabulary

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Accounts: add, import, export, list, show, set, history, delete.",
        discussion: """
            Examples:
              postoffice account add jane@example.com --name 'Jane G. Doe' --password-file pw
              postoffice account import people.csv
              postoffice account list
              postoffice account set jane@example.com quota='2 GiB' addresses=jane@example.com addresses=jd@example.com
              postoffice account set postmaster --password-stdin < pw
            """,
        subcommands: [Add.self, Import.self, Export.self, List.self, Show.self, Set.self, History.self, Delete.self, Fields.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add an account.",
            discussion: "Example:\n  postoffice account add jane@example.com --name 'Jane G. Doe' --password-file pw --set quota='2 GiB'")

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: "Its addresses; the first is the primary one.")
        var address: [String]

        @Option(name: .long, help: "Real name.")
        var name: String?

        @Option(name: .customLong("set"), help: ArgumentHelp("Any other field; may be repeated.", valueName: "field=value"))
        var fields: [String] = []

        func run() throws {
            var options = ["set": self.fields]
            if let name { options["name"] = [name] }
            throw ExitCode(
                try self.common.perform("account add", operands: self.address, options: options, input: try self.password.read(self.common))
                    .rawValue)
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Add accounts from a CSV file: header line, then one account a line.",
            discussion: """
                Columns: address, name, password, and any field (`postoffice account fields`). UTF-8 or Shift_JIS.
                Lines that cannot be taken are named; the others go in.
                Examples:
                  postoffice account import people.csv
                  postoffice account import --dry-run - < people.csv
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The file, or - for standard input.")
        var file: String

        @Option(name: .long, help: "Charset of the file; default: found out.")
        var charset: String?

        @Flag(name: .long, help: "Check only; add nothing.")
        var dryRun = false

        func run() throws {
            var known: Charset?
            if let charset {
                guard let found = Charset(named: charset) else {
                    throw ValidationError("--charset: `\(charset)` is unknown; try UTF-8 or Shift_JIS")
                }
                known = found
            }
            guard let text = CSVReader.decode(try self.common.contents(of: self.file, limit: 48 << 20), charset: known) else {
                throw self.common.exit(
                    .failed,
                    Localized(
                        en: "\(self.file) is neither UTF-8 nor Shift_JIS; say which with --charset",
                        ja: "\(self.file) は UTF-8 でも Shift_JIS でもありません。--charset で指定してください"))
            }
            let options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            throw ExitCode(try self.common.perform("account import", options: options, input: text).rawValue)
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "All accounts as CSV in UTF-8, for `import` and for keeping. Without passwords.",
            discussion: "Example:\n  postoffice account export > people.csv")

        @OptionGroup var common: CommonOptions

        func run() throws { throw ExitCode(try self.common.perform("account export").rawValue) }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "All accounts, or those whose address, login or real name has a text.",
            discussion: "Examples:\n  postoffice account list\n  postoffice account list --type administrative --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: "Text to look for.")
        var text: String?

        @Option(name: .long, help: "general, administrative or reserved.")
        var type: String?

        func run() throws {
            let options = self.type.map { ["type": [$0]] } ?? [:]
            throw ExitCode(
                try self.common.perform("account list", operands: self.text.map { [$0] } ?? [], options: options, json: self.listing.json)
                    .rawValue)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Everything about an account.",
            discussion: "Examples:\n  postoffice account show jane\n  postoffice account show jane@example.com --all --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: "Address or login name.")
        var account: String

        @Flag(name: .long, help: "Empty fields too, with their defaults.")
        var all = false

        func run() throws {
            let options: [String: [String]] = self.all ? ["all": []] : [:]
            throw ExitCode(
                try self.common.perform("account show", operands: [self.account], options: options, json: self.listing.json).rawValue)
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change fields or the password of an account.",
            discussion: """
                A field given several times has several entries; an empty value clears it.
                Examples:
                  postoffice account set jane state=locked
                  postoffice account set jane forwarding-addresses=
                  postoffice account set postmaster --password-stdin < pw
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: "Address or login name, or postmaster.")
        var account: String

        @Argument(help: ArgumentHelp("What to change.", valueName: "field=value"))
        var fields: [String] = []

        func validate() throws {
            guard self.password.isGiven || !self.fields.isEmpty else {
                throw ValidationError("Say what to change: field=value, or --password-stdin")
            }
        }

        func run() throws {
            let password = try self.password.read(self.common)
            throw ExitCode(
                try self.common.perform("account set", operands: [self.account], options: ["set": self.fields], input: password).rawValue)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Delete an account and all its mail.",
            discussion: "Says what would be lost and asks, unless --yes is given.\nExample:\n  postoffice account delete jane@example.com")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Address or login name.")
        var account: String

        @Flag(name: .long, help: "Do not ask.")
        var yes = false

        func run() throws {
            if !self.yes {
                let status = try self.common.perform("account delete", operands: [self.account], options: ["preview": []])
                guard status == .done else { throw ExitCode(status.rawValue) }
                guard Self.confirmed(self.common.language) else {
                    throw self.common.exit(.failed, Localized(en: "nothing was deleted", ja: "削除しませんでした"))
                }
            }
            throw ExitCode(try self.common.perform("account delete", operands: [self.account]).rawValue)
        }

        private static func confirmed(_ language: Language) -> Bool {
            AdminPrinter().show(.problem(Localized(en: "Delete it? [yes/no] ", ja: "削除しますか？ [yes/no] ").text(language)))
            return readLine() == "yes"
        }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history", abstract: "Who changed what about an account and when, newest first; also of one that is deleted.",
            discussion: "Example:\n  postoffice account history jane@example.com --limit 5")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: "Address or login name; of a deleted account its last primary address.")
        var account: String

        @Option(name: .long, help: "How many changes.")
        var limit = 20

        func run() throws {
            let options = ["limit": ["\(self.limit)"]]
            throw ExitCode(
                try self.common.perform("account history", operands: [self.account], options: options, json: self.listing.json).rawValue)
        }
    }

    struct Fields: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fields", abstract: "All fields of an account, with what they take.",
            discussion: "Example:\n  postoffice account fields")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            AdminPrinter().show(.output(FieldReference.text(FieldTable.account, self.common.language, json: self.listing.json)))
        }
    }
}
