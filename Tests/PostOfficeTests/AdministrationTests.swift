import Bytes
import Directory
import Forms
import MailTesting
import MessageStore
import NIOCore
import Policy
import PostOffice
import SASL
import SMTPService
import Synchronization
import Testing
import Vocabulary

/// The verbs of accounts and configuration, as the control socket and the command carry them out.
@Suite struct AdministrationTests {
    /// An instance that is set up, without server.
    private final class Desk {
        let place = TemporaryDirectory("administration")
        let directory: Directory
        private(set) var store: MessageStore?
        private var context: AdminContext
        private let start: StartConfiguration

        init() throws {
            self.start = StartConfiguration(
                file: self.place("post.office.conf"),
                directories: .init(program: "/p", spool: self.place.path, mailbox: self.place("mailbox")), listeners: [])
            self.directory = try Directory.open(
                DirectoryLocation(file: start.directoryDatabase, now: { 1_800_000_000 }, random: SystemSources.random))
            try self.directory.setUp(
                mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: nil,
                by: Actor(name: "test", interface: "test"))
            // A greeting would open the store before the test does.
            try self.directory.configure([RoutingField.greetingMail.key: .flag(false)], by: Actor(name: "test", interface: "test"))
            self.context = AdminContext(start: self.start, directory: self.directory)
        }

        deinit {
            self.store?.close()
            self.directory.close()
        }

        /// With a store that the test can reach too, as inside the server.
        func openStore(_ counts: (@Sendable () -> ServerCounts)? = nil) throws -> MessageStore {
            var options = StoreOptions()
            options.minimumFree = 0
            let store = try MessageStore.open(
                StoreLocation(spool: self.start.directories.spool, mailbox: self.start.directories.mailbox), options)
            self.store = store
            self.context = AdminContext(start: self.start, directory: self.directory, store: store, reload: { nil }, counts: counts)
            return store
        }

        /// As inside the server, with what it remembers of peers.
        func openServer(_ guards: SMTPGuards, _ authenticator: Authenticator) throws {
            let store = try self.openStore()
            self.context = AdminContext(
                start: self.start, directory: self.directory, store: store, guards: guards, authenticator: authenticator, reload: { nil })
        }

        func details(_ name: String) throws -> AccountDetails? {
            guard let id = self.directory.find(name) else { return nil }
            return try self.directory.details(id)
        }

        struct Answer {
            var status: AdminStatus
            var output: String
            var problems: String
        }

        func run(
            _ verb: String, _ operands: String..., options: [String: [String]] = [:], input: String? = nil, language: Language = .english,
            json: Bool = false
        ) -> Answer {
            let frames = Mutex<[AdminFrame]>([])
            let output = AdminOutput(language: language) { frame in frames.withLock { $0.append(frame) } }
            var options = options
            options["by"] = ["tester"]
            let request = AdminRequest(verb, operands: operands, options: options, input: input, language: language, wantsJSON: json)
            var answer = Answer(status: Administration.registry.perform(request, self.context, output), output: "", problems: "")
            for frame in frames.withLock({ $0 }) {
                switch frame {
                case .output(let text): answer.output += text
                case .problem(let text): answer.problems += text
                case .begun, .progress, .done: break
                }
            }
            return answer
        }
    }

    @Test func anAccountIsAddedShownChangedAndListed() throws {
        let desk = try Desk()
        let added = desk.run(
            "account add", "jane@example.test", "jd@example.test", options: ["name": ["Jane Doe"], "set": ["quota=5 MiB"]],
            input: "secret-1")
        #expect(added.status == .done && added.output.contains("login name jane"))
        let shown = desk.run("account show", "JD@example.test")
        #expect(shown.output.contains("Jane Doe") && shown.output.contains("5 MiB") && !shown.output.contains("secret"))
        #expect(desk.run("account show", "jane", language: .japanese).output.contains("実名 (real-name): Jane Doe"))
        #expect(
            desk.run(
                "account set", "jane", options: ["set": ["state=locked", "forwarding-addresses=a@b.test", "forwarding-addresses=c@d.test"]]
            ).status == .done)
        let details = try #require(try desk.details("jane"))
        #expect(details.values["forwarding-addresses"] == .list(["a@b.test", "c@d.test"]))
        #expect(desk.run("account set", "jane", options: ["set": ["forwarding-addresses="]]).status == .done)
        #expect(try desk.details("jane")?.values["forwarding-addresses"] == nil)
        #expect(desk.run("account list").output.split(separator: "\n").count == 2)
        #expect(desk.run("account list", "doe").output.contains("jane@example.test"))
        #expect(desk.run("account list", options: ["type": ["administrative"]]).output.contains("postmaster@example.test "))
        #expect(desk.run("account list", json: true).output.contains("\"login\":\"jane\""))
    }

    @Test func wrongUseIsToldWithTheCure() throws {
        let desk = try Desk()
        let cases: [(String, [String], [String: [String]], AdminStatus, String)] = [
            ("account add", ["no address"], [:], .failed, "name@domain"),
            ("account add", ["a@b.test"], ["set": ["qouta=1"]], .failed, "quota"),
            ("account add", ["a@b.test"], ["set": ["quota"]], .misuse, "name=value"),
            ("account add", ["a@b.test"], ["set": ["mailbox-size=1"]], .failed, "mailbox-size"),
            ("account show", ["nobody"], [:], .failed, "account list"), ("config set", ["host-name"], [:], .misuse, "--default"),
            ("config set", ["host-nam", "x"], [:], .misuse, "host-name"), ("config set", ["log-days", "x"], [:], .failed, "3650"),
            ("config rollback", ["999"], [:], .failed, "config history"),
            ("config set", ["log-days", "5"], ["add": []], .misuse, "no list"),
            ("route", ["a b"], [:], .failed, "a b"), ("config set", ["host-name"], ["default": []], .failed, "value is needed"),
        ]
        for (verb, operands, options, status, cure) in cases {
            for language in Language.allCases {
                let answer =
                    operands.count == 1
                    ? desk.run(verb, operands[0], options: options, language: language)
                    : desk.run(verb, operands[0], operands[1], options: options, language: language)
                #expect(answer.status == status, "\(verb) \(operands): \(answer.problems)")
                if language == .english { #expect(answer.problems.contains(cure), "\(answer.problems)") }
                if language == .japanese { #expect(answer.problems.unicodeScalars.contains { $0.value > 0x3000 }, "\(answer.problems)") }
            }
        }
    }

    @Test func whatIsAllowedButSurprisingIsSaid() throws {
        let desk = try Desk()
        let added = desk.run("account add", "jane@far.test", "jane@example.test", input: "secret-1")
        #expect(
            added.status == .done && added.problems.contains("no mail comes to jane@far.test") && !added.problems.contains("jane@example"))
        #expect(added.problems.contains("postoffice config set local-mail-domains far.test --add"))
        #expect(desk.run("account set", "jane", options: ["set": ["real-name=J"]]).problems.isEmpty)
        #expect(desk.run("config set", "local-mail-domains", "far.test", options: ["add": []]).problems.isEmpty)
        let removed = desk.run("config set", "local-mail-domains", "far.test", options: ["remove": []], language: .japanese)
        #expect(removed.status == .done && removed.problems.contains("1 個のアドレス"))
        #expect(desk.run("config set", "plaintext-login-networks", "192.0.2.0/24").problems.isEmpty)
        #expect(desk.run("config set", "plaintext-login-networks", "0.0.0.0/0").problems.contains("without TLS from everywhere"))
        #expect(desk.run("config set", "log-days", "9").problems.isEmpty)
        #expect(desk.run("config get", "zzz").problems.contains("postoffice config fields"))
    }

    @Test func theCountsOfAServerCrossTheControlSocket() throws {
        let counts = ServerCounts(connections: 12, harvesters: 2, guessers: 0)
        #expect(ServerCounts(line: counts.line) == counts)
        #expect(ServerCounts(line: "connections=12 harvesters=2 guessers=0") == counts, "a server of an older version")
        for line in ["", "connections=1", "connections=x harvesters=0 guessers=0", "no answer"] { #expect(ServerCounts(line: line) == nil) }
        let desk = try Desk()
        #expect(desk.run("counts").status == .failed, "nobody counts where no server runs")
        _ = try desk.openStore { counts }
        #expect(desk.run("counts").output == "connections=12 harvesters=2 guessers=0 unwritten=0\n")
    }

    @Test("59 the postmaster's password has at least 6 characters and no blank in front") func postmasterPassword() throws {
        let desk = try Desk()
        for bad in ["short", " leading", "trailing ", ""] {
            #expect(desk.run("account set", "postmaster", input: bad).status == .failed, "\(bad)")
        }
        #expect(desk.run("account set", "postmaster", input: "better one").status == .done)
        #expect(try desk.details("postmaster")?.hasPassword == true)
        #expect(desk.run("account delete", "postmaster").status == .failed)
    }

    @Test func goodRowsOfAFileGoInAndBadOnesAreNamed() throws {
        let desk = try Desk()
        let file = """
            address,name,password,quota,部署
            a@example.test,"Doe, Jane",secret-1,5 MiB,営業
            broken,No,secret-2,,
            a@example.test,Again,secret-3,,
            b@example.test;b2@example.test,Two,short,,
            c@example.test,Three,,0,
            d@example.test,"Four,secret-4,,
            e@example.test,Five,secret-5,,,too many
            """
        let answer = desk.run("account import", input: file)
        #expect(answer.status == .failed)
        #expect(answer.output.contains("2 accounts added, 5 lines refused"), "\(answer.output)")
        for line in [3, 4, 5, 7, 8] { #expect(answer.problems.contains("line \(line): "), "\(answer.problems)") }
        let account = try #require(try desk.details("a@example.test"))
        #expect(account.values["real-name"] == .text("Doe, Jane"))
        #expect(account.values["department"] == .text("営業"))
        #expect(account.hasPassword)
        #expect(
            desk.run("account import", options: ["dry-run": []], input: "address\nz@example.test\n").output.contains(
                "1 account could be added"))
        #expect(desk.directory.find("z@example.test") == nil)
        let twice = desk.run("account import", options: ["dry-run": []], input: "address\ny@example.test\nz@example.test;Y@example.test\n")
        #expect(
            twice.output.contains("1 account could be added, 1 line refused") && twice.problems.contains("line 3: "), "\(twice.problems)")
        // A blank within quotes parts no addresses.
        #expect(desk.run("account import", input: "address\n\"\"\"a b\"\"@example.test q@example.test\"\n").status == .done)
        #expect(try desk.details("q@example.test")?.addresses == ["\"a b\"@example.test", "q@example.test"])
        #expect(desk.run("account import", input: "").status == .failed)
        #expect(desk.run("account import", input: "name\nx").problems.contains("address"))
        let wide = desk.run("account import", input: "address" + String(repeating: ",x", count: 1000) + "\n")
        #expect(wide.status == .failed && wide.problems.contains("line 1: more than 1000 cells"), "\(wide.problems)")
        #expect(desk.run("account import", input: "address,\"name\nx").problems.contains("line 1: a quote is opened"))
        #expect(desk.run("account import", input: "address,colour\nx@y.test,red").problems.contains("colour"))
    }

    @Test("accounts that were exported are taken back, every field of them") func accountsExportAndImport() throws {
        let desk = try Desk()
        _ = desk.run(
            "account add", "jane@example.test", "jd@example.test",
            options: [
                "name": ["Doe, \"\u{FF9E}Jane\" "],
                "set": [
                    "quota=5 MiB", "state=locked", "type=administrative", "expiry-date=2030-01-31", "forwarding-addresses=a@b.test",
                    "forwarding-addresses=c@d.test", "access-restrictions=192.0.2.0/24", "access-restrictions=*.home.test",
                    "services=pop3", "services=web", "login-name=janie", "note=two\nlines", "granted-senders=*@far.test",
                    "department=営業, 第一",
                ],
            ], input: "secret-1")
        #expect(desk.run("account add", "plain@example.test").status == .done)
        let exported = desk.run("account export")
        #expect(exported.status == .done && exported.output.hasPrefix("address,name,") && !exported.output.contains("secret"))
        #expect(!exported.output.contains("postmaster@"))
        let other = try Desk()
        let imported = other.run("account import", input: exported.output)
        #expect(imported.status == .done, "\(imported.problems)")
        for name in ["jane@example.test", "plain@example.test"] {
            let (before, after) = (try desk.details(name), try other.details(name))
            #expect(before?.values == after?.values && before?.login == after?.login)
        }
        #expect(other.run("account export").output == exported.output)
        #expect(try Desk().run("account export").output == "address,name\n")
    }

    @Test("58 an import does not give accounts the postmaster's password, however many rows have it; a large one compares what many have")
    func importOfThePostmastersPassword() throws {
        let desk = try Desk()
        #expect(desk.run("account set", "postmaster", input: "the master's word").status == .done)
        let rows = (0..<70).map { "u\($0)@example.test,\($0 % 2 == 0 ? "the master's word" : "a word of \($0 % 10)")\n" }
        let answer = desk.run("account import", input: "address,password\n" + rows.joined())
        #expect(answer.status == .failed && answer.output.contains("35 accounts added"), "\(answer)")
        #expect(answer.problems.components(separatedBy: "this is the postmaster's password").count == 36, "\(answer.problems)")
        #expect(answer.problems.contains("line 2: ") && answer.problems.contains("line 70: ") && !answer.problems.contains("line 3: "))
        #expect(!answer.problems.contains("the master's word"))
    }

    @Test("a file of accounts can be imported again: what is there stays, --update makes it what the file says; YAML and CSV alike")
    func importAgain() throws {
        let desk = try Desk()
        let first = "address,name,quota,password\nyuki@example.test,Yuki,1 MiB,secret word\naki@example.test;a@example.test,Aki,,\n"
        #expect(desk.run("account import", input: first).status == .done)
        let again = desk.run("account import", input: first)
        #expect(again.status == .done && again.output.contains("0 accounts that were there changed, 2 said already"), "\(again)")
        let other = first.replacing("1 MiB", with: "2 MiB")
        #expect(desk.run("account import", input: other).status == .failed)
        let changed = desk.run("account import", options: ["update": []], input: other)
        #expect(changed.status == .done && changed.output.contains("1 accounts that were there changed, 1 said already"), "\(changed)")
        #expect(desk.run("account import", input: first.replacing("secret word", with: "another word")).status == .failed)
        // Two accounts' addresses in one line are no account.
        #expect(
            desk.run("account import", options: ["update": []], input: "address\nyuki@example.test;aki@example.test\n").status == .failed)
        let yaml = desk.run("account export", options: ["format": ["yaml"]]).output
        #expect(yaml.contains("- address: [\"aki@example.test\", \"a@example.test\"]\n  name: \"Aki\"\n"), "\(yaml)")
        let copy = try Desk()
        #expect(copy.run("account import", options: ["format": ["yaml"]], input: yaml).status == .done)
        #expect(copy.run("account export").output == desk.run("account export").output)
        #expect(copy.run("account import", options: ["format": ["yaml"]], input: yaml).output.contains("2 said already"))
        for (text, word) in [
            ("a: b", "list of accounts"), ("- x", "list of accounts"), ("- {", "YAML"), ("- colour: red", "colour"),
            ("- name: X", "address"),
        ] {
            let wrong = copy.run("account import", options: ["format": ["yaml"]], input: text)
            #expect(wrong.status == .failed && wrong.problems.contains(word), "\(text): \(wrong.problems)")
        }
    }

    @Test("wrong use of a command is explained in Japanese to whom reads Japanese, with the way to the help")
    func misuseInJapanese() {
        let usage = "Usage: postoffice account add <address> ...\n  See 'postoffice account add --help' for more information."
        for (message, words) in [
            ("Missing expected argument '<address> ...'", "引数 <address> ... を指定してください"),
            ("Unknown option '--nmae'", "--nmae というオプションはありません"),
            ("Missing value for '--name <name>'", "--name <name> に値を指定してください"), ("Unexpected argument 'x y'", "引数「x y」は余分です"),
            ("The value 'abc' is invalid for '--limit <limit>'", "--limit <limit> に「abc」は指定できません"), ("Something new", "Something new"),
        ] {
            let text = MisuseText.text("Error: \(message)\n\(usage)", .japanese)
            #expect(text.hasPrefix("postoffice: ") && text.contains(words) && text.contains("postoffice account add --help を実行"), "\(text)")
            #expect(text.contains("使い方: postoffice account add <address> ..."))
            #expect(MisuseText.text("Error: \(message)\n\(usage)", .english) == "Error: \(message)\n\(usage)")
        }
    }

    @Test("a cell that a spreadsheet would compute is exported as text and taken back as it was") func exportedFormulas() throws {
        let desk = try Desk()
        let names = ["=HYPERLINK(\"http://evil.test\",\"x\")", "+81 3 1234", "-1+1", "@SUM(A1)", "'=1", "''-x", "'quoted'", "O'Neil"]
        for (number, name) in names.enumerated() {
            #expect(desk.run("account add", "u\(number)@example.test", options: ["name": [name]]).status == .done)
        }
        #expect(desk.run("account add", "+plus@example.test", options: ["name": ["plain"]]).status == .done)
        let exported = desk.run("account export").output
        var reader = CSVReader(exported)
        var cells: [String] = []
        while let row = try reader.next()?.get() { cells += row.cells }
        #expect(cells.contains("'+plus@example.test") && cells.contains("'quoted'") && cells.contains("'''-x"))
        #expect(!cells.contains { cell in ["=", "+", "-", "@"].contains { cell.hasPrefix($0) } })
        let other = try Desk()
        #expect(other.run("account import", input: exported).status == .done)
        for (number, name) in names.enumerated() {
            #expect(try other.details("u\(number)@example.test")?.value(AccountField.realName).text == name)
        }
        #expect(try other.details("+plus@example.test") != nil)
        #expect(other.run("account export").output == exported)
    }

    @Test("what was exported is taken back") func exportAndApply() throws {
        let desk = try Desk()
        let samples: [(String, [String])] = [
            ("local-mail-domains", ["example.test", "bücher.test"]), ("mail-routing-table", ["[remote.test:127.0.0.1:29025]", "[*:hold]"]),
            ("smtp-channel-aliases", ["[<a@example.test> <\"b ] c\"@far.test>]"]), ("message-size-limit", ["7 MiB"]),
            ("check-recipients", ["no"]),
            ("pop3-access", ["192.0.2.0/24", "*.example.test"]), ("smtp-command-timeout", ["90"]), ("detail-separator", ["none"]),
            ("seat-limit-end", ["2030-01-31"]),
        ]
        for (field, texts) in samples {
            let answer = texts.count == 1 ? desk.run("config set", field, texts[0]) : desk.run("config set", field, texts[0], texts[1])
            #expect(answer.status == .done, "\(answer.problems)")
        }
        let exported = desk.run("config export", options: ["all": []]).output
        let values = desk.directory.configuration.values
        #expect(desk.run("config diff", input: exported).output.isEmpty)
        let other = try Desk()
        let shown = other.run("config apply", options: ["dry-run": []], input: exported)
        #expect(
            shown.status == .done && shown.output.contains("+ message-size-limit: 7 MiB") && other.directory.configuration.values != values)
        #expect(other.run("config apply", input: exported).status == .done)
        #expect(other.directory.configuration.values == values)
        #expect(other.run("config apply", input: exported).output.contains("nothing to change"))
        let bad = other.run("config apply", input: "log-days: 5\nmessage-size-limit: x\nno-such: 1\n")
        #expect(bad.status == .failed && bad.problems.contains("line 2: ") && bad.problems.contains("line 3: "))
        #expect(other.run("config get", "log-days").output == "30\n")
    }

    @Test func historyTellsWhoAndRollbackUndoes() throws {
        let desk = try Desk()
        #expect(desk.run("config set", "log-days", "5").status == .done)
        let revision = try #require(try desk.directory.history().first?.id)
        #expect(desk.run("config set", "log-days", "6").status == .done)
        #expect(desk.run("config set", "pop3-access", "192.0.2.1").status == .done)
        #expect(desk.run("config history").output.contains("tester, command"))
        #expect(desk.run("config history", json: true).output.contains("\"new\":6"))
        #expect(desk.run("config rollback", "\(revision)").status == .done)
        #expect(desk.run("config get", "log-days").output == "5\n")
        #expect(desk.run("config get", "pop3-access").output.isEmpty)
    }

    @Test func routeExplainsEachStep() throws {
        let desk = try Desk()
        _ = desk.run("account add", "jane@example.test")
        let answer = desk.run("route", "jane+lists@example.test")
        #expect(answer.status == .done && answer.output.hasSuffix("account jane@example.test\n"))
        #expect(answer.output.contains("detail: ") && answer.output.contains("=> address: "))
        #expect(desk.run("route", "nobody@example.test").status == .failed)
        #expect(desk.run("route", "a%b@example.test", language: .japanese).output.contains("拒否"))
        #expect(desk.run("route", "jane", json: true).output.contains("\"rule\":\"completion\""))
    }

    @Test("route says what SMTP does: forwarding, unchecked recipients, source routes, own literals, routes back to this server")
    func routeAndReality() throws {
        let desk = try Desk()
        _ = desk.run("account add", "jane@example.test", options: ["set": ["forwarding-addresses=a@remote.test"]])
        _ = desk.run("account add", "taro@example.test", options: ["set": ["forwarding-addresses=jane@example.test", "pop3-delivery=no"]])
        var answer = desk.run("route", "jane@example.test")
        #expect(
            answer.status == .done && answer.output.hasSuffix("account jane@example.test, and forwarded to a@remote.test\n"),
            "\(answer.output)")
        #expect(answer.output.contains("forwarding: jane@example.test forwards to a@remote.test: another host, for remote.test"))
        answer = desk.run("route", "taro@example.test", language: .japanese)
        #expect(answer.output.hasSuffix("アカウント taro@example.test: jane@example.test に転送\n"), "\(answer.output)")
        #expect(desk.run("route", "taro@example.test").output.contains("keeps no copy"))

        answer = desk.run("route", "postmaster@[127.0.0.1]", options: ["client": ["127.0.0.1"]])
        #expect(answer.status == .done && answer.output.contains("[127.0.0.1] is an address of this host"))
        #expect(desk.run("route", "x@[192.0.2.77]", options: ["client": ["192.0.2.1"]]).output.contains("relaying refused"))

        answer = desk.run("route", "@evil.test,@b.test:taro@example.test")
        #expect(answer.output.contains("source-route: the source route @evil.test,@b.test: is taken off"))
        #expect(answer.status == .done && answer.output.contains("account taro@example.test"))
        #expect(desk.run("route", "<taro@example.test>").status == .done)
        for malformed in ["@evil.test", "@:taro@example.test", "<taro@example.test", "<taro@example.test>x", "@evil.test:", ""] {
            #expect(desk.run("route", malformed).status == .failed, "\(malformed)")
        }

        _ = desk.run("config set", "check-recipients", "no")
        answer = desk.run("route", "nobody@example.test")
        #expect(answer.status == .failed && answer.output.contains("taken, since check-recipients is no, then returned"))
        #expect(
            desk.run("route", "nobody@example.test", options: ["login": ["taro@example.test"]]).output.contains("refused: no-such-address"))
        #expect(desk.run("route", "accounts@example.test").output.contains("refused: handler accounts"))

        let table = RoutingField.mailRoutingTable
        try desk.directory.configure([table.key: try table.parse(["[*:mail.example.test]"])], by: Actor(name: "test", interface: "test"))
        answer = desk.run("route", "x@far.test")
        #expect(answer.status == .failed && answer.output.contains("=> route: that is this server itself"), "\(answer.output)")
        #expect(answer.output.hasSuffix("taken, then returned to its sender: the next host is this server\n"))
        #expect(desk.run("route", "x@far.test", json: true).output.contains("\"loops\":true"))
        #expect(desk.run("config set", "mail-routing-table", "[a.test:::1:25]").status != .done, "address and port, or a long address?")
        #expect(desk.run("config set", "mail-routing-table", "[a.test:[::1]:25]").status == .done)
        _ = desk.run("config set", "mail-routing-table", "[*:relay.example.test]")
        #expect(desk.run("route", "x@far.test").status == .done)
        _ = desk.run("config set", "relay-domains", "behind.test")
        let stranger = ["client": ["192.0.2.1"]]
        answer = desk.run("route", "x@behind.test", options: stranger)
        #expect(answer.output.contains("the next host is asked at RCPT") && answer.output.contains("relaying allowed"), "\(answer.output)")
        _ = desk.run("config set", "relay-recipient-check", "list")
        _ = desk.run("config set", "relay-recipients", "y@behind.test")
        #expect(desk.run("route", "x@behind.test", options: stranger).output.contains("relaying refused (relay-recipients)"))
        #expect(desk.run("route", "y@behind.test", options: stranger).output.contains("relaying allowed (recipient-domain)"))
        _ = desk.run("config set", "outbound-reach", "this-host")
        #expect(desk.run("route", "x@far.test").output.contains("outbound-reach is this-host"))
    }

    @Test func anAccountsHistoryTellsWhoDidWhatAlsoAfterItsEnd() throws {
        let desk = try Desk()
        _ = try desk.openStore()
        _ = desk.run("account add", "jane@example.test", options: ["name": ["Jane"]], input: "secret-1")
        #expect(desk.run("account set", "jane", options: ["set": ["state=locked", "quota=5 MiB"]]).status == .done)
        #expect(desk.run("account set", "jane", input: "secret-2").status == .done)
        let told = desk.run("account history", "jane").output
        for part in ["added as jane@example.test", "+ state: Locked", "+ quota: 5 MiB", "password: a new secret", "tester, command"] {
            #expect(told.contains(part), "\(part) in \(told)")
        }
        #expect(!told.contains("secret-"))
        #expect(desk.run("account history", "jane", options: ["limit": ["1"]]).output.split(separator: "\n").count == 2)
        #expect(desk.run("account delete", "jane").status == .done)
        #expect(desk.run("account history", "jane@example.test", language: .japanese).output.contains("jane@example.test を削除"))
        #expect(
            desk.run("account history", "jane@example.test", json: true).output.contains(
                "\"field\":\"state\",\"old\":null,\"new\":\"locked\""))
        #expect(desk.run("account history", "nobody").status == .failed)
    }

    @Test("a deletion that stopped between directory and mail is named by check and finished later") func halfADeletion() throws {
        let desk = try Desk()
        let store = try desk.openStore()
        _ = desk.run("account add", "jane@example.test")
        let id = try #require(desk.directory.find("jane"))
        try self.deliver(to: id, store)
        #expect(desk.run("check").status == .done)
        // As after a crash behind the first half.
        try desk.directory.removeAccount(id, by: Actor(name: "test", interface: "test"))
        #expect(try desk.directory.unfinishedRemovals() == [id])
        let found = desk.run("check")
        #expect(found.status == .failed && found.output.contains("unfinished-removal: account \(id) "), "\(found.output)")
        // The next start does this.
        #expect(try AccountRemoval.finishAll(desk.directory, store) == [id])
        #expect(try desk.directory.unfinishedRemovals().isEmpty && store.accounts().isEmpty)
        #expect(desk.run("check").status == .done)
        #expect(try AccountRemoval.finishAll(desk.directory, store).isEmpty)
    }

    @Test("mail without an account that the directory knows of is named, and nobody removes it") func mailWithoutAccount() throws {
        let desk = try Desk()
        let store = try desk.openStore()
        try self.deliver(to: AccountID(rawValue: 4711), store)
        #expect(desk.run("check").output.contains("mailbox-without-account: the store has mail of account 4711"))
        #expect(try AccountRemoval.finishAll(desk.directory, store).isEmpty)
        #expect(try store.accounts() == [AccountID(rawValue: 4711)])
    }

    @Test("I3 a new account under an old address gets nothing of the one before") func nothingIsInherited() throws {
        let desk = try Desk()
        let store = try desk.openStore()
        _ = desk.run("account add", "jane@example.test", input: "secret-1")
        let old = try #require(desk.directory.find("jane"))
        try self.deliver(to: old, store)
        #expect(desk.run("account delete", "jane").status == .done)
        _ = desk.run("account add", "jane@example.test")
        let new = try #require(desk.directory.find("jane"))
        #expect(new != old && new.rawValue > old.rawValue)
        #expect(try desk.details("jane")?.hasPassword == false)
        #expect(desk.run("account show", "jane").output.contains("0 "))
        #expect(desk.run("account history", "jane").output.split(separator: "\n").count == 2)
    }

    @Test("route tells what the relay restrictions say of a client, rule by rule")
    func relayExplained() throws {
        let desk = try Desk()
        let refused = desk.run("route", "x@remote.test", options: ["client": ["192.0.2.9"]])
        #expect(refused.status == .failed && refused.output.contains("relaying refused (stranger)"))
        #expect(desk.run("route", "x@remote.test").status == .done)
        _ = desk.run("config set", "relay-networks", "192.0.2.0/24")
        let allowed = desk.run("route", "x@remote.test", options: ["client": ["192.0.2.9"]])
        #expect(allowed.status == .done && allowed.output.contains("=> relay-networks: 192.0.2.9 is in 192.0.2.0/24"))
        _ = desk.run("config set", "relay-sender-domains", "example.test")
        let json = desk.run("route", "x@remote.test", options: ["client": ["192.0.2.9"], "from": ["a@b.test"]], json: true).output
        #expect(json.contains("\"reason\":\"sender-domain\"") && json.contains("\"passes\":false"))
        #expect(
            desk.run("route", "x@remote.test", options: ["login": ["jane@example.test"]], language: .japanese).output.contains("リレーを許可"))
        #expect(desk.run("route", "x@remote.test", options: ["client": ["nonsense"]]).status == .misuse)
        #expect(desk.run("config set", "relay-networks", "0.0.0.0/0").status == .failed)
    }

    @Test("filter test says what the filters would do with a file, with a delivered message, and with rules that are not set yet")
    func filterTest() throws {
        let desk = try Desk()
        let store = try desk.openStore()
        #expect(desk.run("config set", "filters", "a: if subject /lottery/i then refuse \"No\"", "b: tag \"X-B: 1\"").status == .done)
        let message = Base64.encode(Array("Subject: =?UTF-8?Q?L=6fttery?=\r\n\r\nx\r\n".utf8))
        let answer = desk.run("filter test", options: ["to": ["jane@example.test", "joe@example.test"]], input: message)
        #expect(answer.output == "jane@example.test: refuse: 550 No  (a)\njoe@example.test: refuse: 550 No  (a)\n")
        let other = desk.run("filter test", options: ["rules": ["c: if from /^$/ then drop"], "from": [""]], input: message, json: true)
        #expect(other.output.contains("\"action\":\"drop\""))
        _ = desk.run("account add", "jane@example.test")
        let jane = try #require(desk.directory.find("jane"))
        try self.deliver(to: jane, store)
        let stored = desk.run("filter test", options: ["account": ["jane"], "uid": ["1"]])
        #expect(stored.status == .done && stored.output.contains("deliver  (b)\n    + X-B: 1"))
        #expect(desk.run("filter test").status == .misuse)
        #expect(desk.run("filter test", options: ["rules": ["x"]], input: message).problems.contains("line 1"))
        #expect(desk.run("filter test", options: ["entry": ["99"]]).status == .failed)
        #expect(desk.run("config set", "filters", "a: if body /(/ then drop").problems.contains("line 1"))
    }

    @Test("99 the switch of the recipient check explains itself: off, and on a host without accounts")
    func recipientCheckExplained() throws {
        let desk = try Desk()
        #expect(desk.run("config set", "check-recipients", "no").problems.contains("returned to its sender"))
        #expect(desk.run("config set", "check-recipients", "yes").problems.contains("relay-domains"))
        _ = desk.run("account add", "jane@example.test")
        _ = desk.run("config set", "check-recipients", "no")
        #expect(desk.run("config set", "check-recipients", "yes").problems.isEmpty)
    }

    @Test("blocked list shows failed logins; release lets go whom it names, says whom, and says why where there is nobody")
    func blocked() throws {
        let desk = try Desk()
        let guards = SMTPGuards()
        let authenticator = Authenticator(desk.directory, AuthenticatorOptions(cacheKey: Secret("key of a test")))
        defer { authenticator.close() }
        try desk.openServer(guards, authenticator)
        _ = desk.run("config set", "login-failure-budget", "3")
        let now = SystemSources.now()
        func fail(_ text: String, _ times: Int = 3) throws {
            let peer = try #require(IPAddress(text))
            let facts = ConnectionFacts(
                peer: peer, peerPort: 1, local: peer, localPort: 2, listener: ListenerRole(name: "pop3", service: .pop3),
                trace: TraceID("t"))
            for number in 0..<times {
                let flag = Flag()
                authenticator.answer(
                    .password(login: "nobody", Secret("x\(number)")), LoginContext(facts: facts, hasTLS: true, hostName: .notLooked)
                ) { _ in flag.isSet.store(true, ordering: .releasing) }
                #expect(eventually { flag.isSet.load(ordering: .acquiring) })
            }
        }
        try fail("192.0.2.9")
        try fail("192.0.2.10", 1)
        try fail("fd00:77:0:1::3")
        let harvester = try #require(IPAddress("fd00:77:0:2::1"))
        for _ in 0..<3 { _ = guards.harvest.spend(harvester, limit: 2, closure: 600, at: now) }
        _ = guards.rates.take(.client(try #require(IPAddress("198.51.100.1"))), 1, limit: 1, at: now)
        let list = desk.run("blocked list").output
        for line in [
            "192.0.2.9  failed-logins  3  until ", "192.0.2.10  failed-logins  1  counted", "fd00:77:0:1::/64  failed-logins  3  until ",
            "fd00:77:0:2::/64  unknown-recipients  3  until ", "198.51.100.1  rate  1  at its limit", "4 held back",
        ] { #expect(list.contains(line), "\(line) in \(list)") }
        #expect(desk.run("blocked list", language: .japanese).output.contains("制限中 4 件"))
        #expect(desk.run("blocked list", json: true).output.contains("\"cause\":\"failed-logins\""))

        let one = desk.run("blocked release", "fd00:77:0:1::3")
        #expect(one.status == .done && one.output == "fd00:77:0:1::/64  failed-logins  3\n1 released\n")
        let again = desk.run("blocked release", "fd00:77:0:1::3")
        #expect(again.status == .failed && again.output == "0 released\n")
        #expect(again.problems.contains("fd00:77:0:1::3") && again.problems.contains("is not held back"))
        #expect(desk.run("blocked release", "192.0.2.0/24").output.hasSuffix("2 released\n"))
        for nonsense in ["somebody", "192.0.2.0/33", "192.0.2", "uid:x", "", "fd00::/129", "192.0.2.1/"] {
            let answer = desk.run("blocked release", nonsense)
            #expect(answer.status == .misuse && !answer.problems.isEmpty, "\(nonsense)")
        }
        #expect(desk.run("blocked release", "jane@example.test").problems.contains("not held back"))
        _ = desk.run("config set", "blocked-hosts", "203.0.113.0/24")
        #expect(desk.run("blocked release", "203.0.113.5").problems.contains("blocked-hosts"))
        #expect(desk.run("blocked release", "203.0.113.5", language: .japanese).problems.contains("blocked-hosts で拒否"))
        #expect(desk.run("blocked release", options: ["all": []]).output.hasSuffix("2 released\n"))
        let none = desk.run("blocked release", options: ["all": []])
        #expect(none.status == .done && none.output == "0 released\n")
        #expect(desk.run("blocked list").output == "0 held back\n")
    }

    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    @Test("blocked list and release need a running server, and say so")
    func blockedWithoutServer() throws {
        let desk = try Desk()
        #expect(desk.run("blocked list").problems.contains("not running"))
        #expect(desk.run("blocked release", "192.0.2.1").status == .failed)
    }

    private func deliver(to account: AccountID, _ store: MessageStore) throws {
        let item = AcceptItem(
            body: .memory(ByteBuffer(string: "Subject: x\r\n\r\n")), envelope: Envelope(sender: nil), receivedAt: 1_800_000_000,
            trace: TraceID("T"), deliveries: [PlannedDelivery(account: account, prefix: ByteBuffer())], queue: [])
        let box = Box()
        store.accept(item) { result in box.set((try? result.get()) != nil) }
        #expect(eventually { box.value == true })
        #expect(eventually { (try? store.accounts().contains(account)) == true })
    }

    private final class Box: Sendable {
        private let state = Mutex<Bool?>(nil)
        func set(_ value: Bool) { self.state.withLock { $0 = value } }
        var value: Bool? { self.state.withLock { $0 } }
    }
}
