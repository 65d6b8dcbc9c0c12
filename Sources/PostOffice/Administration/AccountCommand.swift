import ArgumentParser
import Forms
import Glibc
import Text
import Vocabulary

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: .said(
            "Accounts: add, import, export, list, show, set, release, history, logins, delete.",
            "アカウントの追加、取り込み、書き出し、一覧、表示、変更、送信停止の解除、履歴、ログインの記録、削除"),
        discussion: """
            Examples:
              postoffice account add jane@example.com --name 'Jane G. Doe' --password-file pw
              postoffice account import people.csv
              postoffice account list
              postoffice account set jane@example.com quota='2 GiB' addresses=jane@example.com addresses=jd@example.com
              postoffice account set postmaster --password-stdin < pw
            """,
        subcommands: [
            Add.self, Import.self, Export.self, List.self, Show.self, Set.self, Release.self, History.self, Logins.self, Delete.self,
            Fields.self, AppPassword.self, Passkeys.self, Default.self, ImportUnix.self,
        ])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: .said("Add an account.", "アカウントを追加します。"),
            discussion: "Example:\n  postoffice account add jane@example.com --name 'Jane G. Doe' --password-file pw --set quota='2 GiB'")

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: .said("Its addresses; the first is the primary one.", "E-mail アドレス（複数可）。最初のものがメイン E-mail アドレスになります。"))
        var address: [String]

        @Option(name: .long, help: .said("Real name.", "実名。"))
        var name: String?

        @Option(name: .customLong("set"), help: .said("Any other field; may be repeated.", "その他のフィールド（複数指定可）。", valueName: "field=value"))
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
            commandName: "import",
            abstract: .said(
                "Add accounts from a CSV file: header line, then one account a line.", "CSV ファイルからアカウントを追加します（1 行目は列名、以降 1 行 1 アカウント）。"),
            discussion: .said(
                """
                Columns: address, name, password, and any field (`postoffice account fields`). UTF-8 or Shift_JIS. Or YAML: a list
                of accounts with the same names. Lines that cannot be taken are named; the others go in. What is there already
                stays as it is, so that a file can be imported again; with --update it becomes what the file says.
                Examples:
                  postoffice account import people.csv
                  postoffice account import --dry-run - < people.csv
                """,
                """
                列: address、name、password と任意のフィールド（postoffice account fields）。
                UTF-8 か Shift_JIS で書きます。同じ名前のアカウントの並びを YAML で書くこともできます。
                既存のアカウントは変わらないため、同じファイルを繰り返し取り込めます。--update を付けると
                ファイルの内容に変更します。
                取り込めない行は行番号とともに表示し、他の行は取り込みます。
                Examples:
                  postoffice account import people.csv
                  postoffice account import --dry-run - < people.csv
                """))

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("The file, or - for standard input.", "ファイル名。- は標準入力。"))
        var file: String

        @Option(name: .long, help: .said("Charset of the file; default: found out.", "ファイルの文字コード。省略時は自動判別。"))
        var charset: String?

        @Flag(name: .long, help: .said("Check only; add nothing.", "確認だけを行い、追加しません。"))
        var dryRun = false

        @Flag(
            name: .long,
            help: .said(
                "Send each new account the greeting message; without this none gets it.", "追加したアカウントにグリーティングメッセージを送信します（指定しないと送信しません）。"))
        var greeting = false

        @Flag(name: .long, help: .said("Change accounts that are there.", "既存のアカウントも変更します。"))
        var update = false

        @Option(name: .long, help: .said("csv or yaml; default: by the file's name.", "csv または yaml。省略時はファイル名で判別。"))
        var format: String?

        func validate() throws { try Self.check(self.format) }

        static func check(_ format: String?) throws {
            guard format.map({ ["csv", "yaml"].contains($0) }) ?? true else {
                throw ValidationError(en: "--format is csv or yaml", ja: "--format には csv か yaml を指定してください")
            }
        }

        func run() throws {
            var known: Charset?
            if let charset {
                guard let found = Charset(named: charset) else {
                    throw ValidationError(
                        en: "--charset: \(Shown.text(charset)) is unknown; try UTF-8 or Shift_JIS",
                        ja: "--charset: \(Shown.text(charset)) は知らない文字コードです。UTF-8 か Shift_JIS を指定してください")
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
            var options: [String: [String]] = self.dryRun ? ["dry-run": []] : [:]
            if self.update { options["update"] = [] }
            let isYAML = self.file.hasSuffix(".yaml") || self.file.hasSuffix(".yml")
            options["format"] = [self.format ?? (isYAML ? "yaml" : "csv")]
            if self.greeting { options["greeting"] = [] }
            throw ExitCode(try self.common.perform("account import", options: options, input: text).rawValue)
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: .said(
                "All accounts as CSV or YAML in UTF-8, for `import` and for keeping. Without passwords.",
                "全アカウントを CSV または YAML（UTF-8）で書き出します。import で取り込めます。パスワードは含みません。"),
            discussion: "Example:\n  postoffice account export > people.csv")

        @OptionGroup var common: CommonOptions

        @Option(name: .long, help: .said("csv (default) or yaml.", "csv（省略時）または yaml。"))
        var format = "csv"

        func validate() throws { try Import.check(self.format) }

        func run() throws { throw ExitCode(try self.common.perform("account export", options: ["format": [self.format]]).rawValue) }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: .said(
                "All accounts, or those whose address, login or real name has a text.", "全アカウント、またはアドレス・ログイン名・実名に文字列を含むアカウントの一覧"),
            discussion: "Examples:\n  postoffice account list\n  postoffice account list --type administrative --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Text to look for.", "検索する文字列。"))
        var text: String?

        @Option(name: .long, help: .said("general, administrative or reserved.", "種類: general（一般）、administrative（管理）、reserved（予約）。"))
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
            commandName: "show", abstract: .said("Everything about an account.", "アカウントのすべての情報を表示します。"),
            discussion: "Examples:\n  postoffice account show jane\n  postoffice account show jane@example.com --all --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        @Flag(name: .long, help: .said("Empty fields too, with their defaults.", "空のフィールドも既定値とともに表示します。"))
        var all = false

        func run() throws {
            let options: [String: [String]] = self.all ? ["all": []] : [:]
            throw ExitCode(
                try self.common.perform("account show", operands: [self.account], options: options, json: self.listing.json).rawValue)
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: .said("Change fields or the password of an account.", "アカウントのフィールドやパスワードを変更します。"),
            discussion: .said(
                """
                A field given several times has several entries; an empty value clears it.
                Examples:
                  postoffice account set jane state=locked
                  postoffice account set jane forwarding-addresses=
                  postoffice account set postmaster --password-stdin < pw
                """,
                """
                同じフィールドを繰り返すとリストになります。空の値で消去します。
                Examples:
                  postoffice account set jane state=locked
                  postoffice account set jane forwarding-addresses=
                  postoffice account set postmaster --password-stdin < pw
                """))

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: .said("Address or login name, or postmaster.", "E-mail アドレスまたはログイン名、あるいは postmaster。"))
        var account: String

        @Argument(help: .said("What to change.", "変更するフィールドと値。", valueName: "field=value"))
        var fields: [String] = []

        func validate() throws {
            guard self.password.isGiven || !self.fields.isEmpty else {
                throw ValidationError(
                    en: "say what to change: field=value, or --password-stdin",
                    ja: "変更する内容を指定してください（フィールド=値、または --password-stdin）")
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
            commandName: "delete", abstract: .said("Delete an account and all its mail.", "アカウントとそのメールをすべて削除します。"),
            discussion: .said(
                "Says what would be lost and asks, unless --yes is given.\nExample:\n  postoffice account delete jane@example.com",
                "失われるものを表示して確認します（--yes を付けると確認しません）。\nExample:\n  postoffice account delete jane@example.com"))

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        @Flag(name: .long, help: .said("Do not ask.", "確認せずに削除します。"))
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

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: .said("Let an account send again whose sending is suspended.", "アカウントの送信停止を解除します。"),
            discussion: .said(
                """
                The server suspends sending when an account suddenly sends far more than it ever did, or half of its recipients are refused.
                Give it a new password first, if somebody else has the old one.
                Example:
                  postoffice account release jane@example.com
                """,
                """
                送信量が急に増えた、または受信者の半数以上が拒否されたアカウントは、サーバが送信を停止します。
                パスワードが漏れた可能性がある場合は、先にパスワードを変更してください。
                Example:
                  postoffice account release jane@example.com
                """))

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("Address or login name.", "E-mail アドレスまたはログイン名。"))
        var account: String

        func run() throws { throw ExitCode(try self.common.perform("account release", operands: [self.account]).rawValue) }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history",
            abstract: .said(
                "Who changed what about an account and when, newest first; also of one that is deleted.",
                "アカウントの変更履歴（新しい順）。削除済みのアカウントも表示できます。"),
            discussion: "Example:\n  postoffice account history jane@example.com --limit 5")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(
            help: .said(
                "Address or login name; of a deleted account its last primary address.", "E-mail アドレスまたはログイン名。削除済みの場合は最後のメイン E-mail アドレス。"))
        var account: String

        @Option(
            name: .long, parsing: .unconditional, help: .said("How many changes.", "表示する変更の件数。"),
            transform: WholeNumber.within(1...1_000_000))
        var limit = 20

        func run() throws {
            let options = ["limit": ["\(self.limit)"]]
            throw ExitCode(
                try self.common.perform("account history", operands: [self.account], options: options, json: self.listing.json).rawValue)
        }
    }

    struct Fields: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fields", abstract: .said("All fields of an account, with what they take.", "アカウントの全フィールドと指定できる値の一覧"),
            discussion: "Example:\n  postoffice account fields")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            AdminPrinter().show(.output(FieldReference.text(FieldTable.account, self.common.language, json: self.listing.json)))
        }
    }
}
