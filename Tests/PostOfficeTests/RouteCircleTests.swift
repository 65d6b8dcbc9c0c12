import Directory
import Forms
import MailTesting
import MessageStore
import PostOffice
import Synchronization
import Testing
import Vocabulary

/// Rows of the mail routing table that lead back to this server, in `config set`, `config apply` and `config rollback`.
@Suite struct RouteCircleTests {
    private final class Desk {
        let place = TemporaryDirectory("circle")
        let directory: Directory
        private let context: AdminContext

        init(_ listeners: [StartConfiguration.Listener]) throws {
            let start = StartConfiguration(
                file: self.place("post.office.conf"),
                directories: .init(program: "/p", spool: self.place.path, mailbox: self.place("mailbox")), listeners: listeners)
            self.directory = try Directory.open(
                DirectoryLocation(file: start.directoryDatabase, now: { 1_800_000_000 }, random: SystemSources.random))
            try self.directory.setUp(
                mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: nil,
                by: Actor(name: "test", interface: "test"))
            self.context = AdminContext(start: start, directory: self.directory)
        }

        deinit { self.directory.close() }

        func run(
            _ verb: String, _ operands: String..., options: [String: [String]] = [:], input: String? = nil, language: Language = .english
        ) -> (status: AdminStatus, said: String) {
            let said = Mutex("")
            let output = AdminOutput(language: language) { frame in
                if case .output(let text) = frame { said.withLock { $0 += text } }
                if case .problem(let text) = frame { said.withLock { $0 += text } }
            }
            var options = options
            options["by"] = ["tester"]
            let request = AdminRequest(verb, operands: operands, options: options, input: input, language: language, wantsJSON: false)
            let status = Administration.registry.perform(request, self.context, output)
            return (status, said.withLock { $0 })
        }

        func table() -> String { self.run("config get", "mail-routing-table").said }
    }

    private static func listener(_ service: ListenerRole.Service, _ address: StartConfiguration.ListenAddress, _ port: Int)
        -> StartConfiguration.Listener
    {
        StartConfiguration.Listener(role: ListenerRole(name: "\(service)-\(port)", service: service), address: address, port: port)
    }

    private static func loopback(_ text: String) throws -> StartConfiguration.ListenAddress { .address(try #require(IPAddress(text))) }

    @Test("A row that leads back to this server is refused by name, with the reason and the cure, in both languages; nothing is changed")
    func refused() throws {
        let desk = try Desk([
            Self.listener(.smtp, .any, 25), Self.listener(.smtp, try Self.loopback("127.0.0.7"), 2525),
            Self.listener(.submission, .any, 587), Self.listener(.lmtp, try Self.loopback("127.0.0.1"), 2424),
        ])
        let circles = [
            "[*:mail.example.test]", "[far.test:MAIL.example.test.]", "[far.test:[mail.example.test]]", "[*.far.test:127.0.0.1]",
            "[far.test:[::1]:25]", "[far.test:127.0.0.7:2525]", "[far.test:lmtp:127.0.0.1:2424]", "[far.test:mail.example.test:2525]",
        ]
        for row in circles {
            let answer = desk.run("config set", "mail-routing-table", "[good.test:hub.test]", row)
            #expect(answer.status != .done, "\(row)")
            #expect(answer.said.contains("leads back to this server") && answer.said.contains("local-mail-domains"), "\(answer.said)")
            #expect(!answer.said.contains("good.test"), "\(answer.said)")
        }
        #expect(desk.run("config set", "mail-routing-table", "[far.test:127.0.0.1]").said.contains("[far.test:127.0.0.1] leads back"))
        #expect(desk.run("config set", "mail-routing-table", "[far.test:127.0.0.1]").said.contains("listens at 127.0.0.1 port 25"))
        let japanese = desk.run("config set", "mail-routing-table", circles[0], language: .japanese).said
        #expect(japanese.contains("[*:mail.example.test] の送信先はこのサーバ自身です") && japanese.contains("local-mail-domains に"), "\(japanese)")
        #expect(!desk.table().contains("["))
        let applied = desk.run("config apply", input: "mail-routing-table:\n  - \"[*:mail.example.test]\"\n")
        #expect(applied.status != .done && applied.said.contains("[*:mail.example.test] leads back"), "\(applied.said)")
        #expect(desk.run("config apply", options: ["dry-run": []], input: "mail-routing-table:\n  - \"[*:127.0.0.1]\"\n").status != .done)
        // The name that comes with it counts.
        let renamed = desk.run("config apply", input: "host-name: hub.test\nmail-routing-table:\n  - \"[*:hub.test]\"\n")
        #expect(renamed.status != .done && renamed.said.contains("hub.test is the name of this host"), "\(renamed.said)")
    }

    @Test("Other ports, other addresses, hosts, LMTP beside us, hold and the recipient's own domain are no circle")
    func straight() throws {
        let desk = try Desk([Self.listener(.smtp, try Self.loopback("127.0.0.7"), 25), Self.listener(.pop3, .any, 110)])
        for row in [
            "[far.test:127.0.0.1]", "[far.test:127.0.0.7:2525]", "[far.test:127.0.0.7:110]", "[far.test:hub.test]", "[*:*]",
            "[far.test:hold]",
            "[far.test:lmtp:127.0.0.7:24]", "[far.test:lmtp:/run/lmtp]", "[far.test:[mail.example.test]:2525]",
            "[mail.example.test:hub.test]",
        ] {
            let answer = desk.run("config set", "mail-routing-table", row)
            #expect(answer.status == .done && !answer.said.contains("leads back"), "\(row) \(answer.said)")
        }
    }

    @Test(
        "Rows that became circles are told of: after a change of the host's name or of the table, and after a rollback; they stay until removed"
    )
    func known() throws {
        let desk = try Desk([Self.listener(.smtp, .any, 25)])
        #expect(desk.run("config set", "mail-routing-table", "[far.test:hub.test]").status == .done)
        var answer = desk.run("config set", "host-name", "hub.test")
        #expect(
            answer.status == .done && answer.said.contains("note: mail-routing-table: [far.test:hub.test] leads back"), "\(answer.said)")
        answer = desk.run("config set", "mail-routing-table", "[near.test:other.test]", options: ["add": []])
        #expect(answer.status == .done && answer.said.contains("[far.test:hub.test] leads back"), "\(answer.said)")
        answer = desk.run("config set", "mail-routing-table", "[far.test:hub.test]", options: ["remove": []], language: .japanese)
        #expect(answer.status == .done && !answer.said.contains("このサーバ自身"), "\(answer.said)")
        let history = desk.run("config history").said
        let number = try #require(
            history.split(separator: "\n").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }.dropFirst().first)
        answer = desk.run("config rollback", "\(number)", language: .japanese)
        #expect(
            answer.status == .done && answer.said.contains("注意: mail-routing-table: [far.test:hub.test] の送信先はこのサーバ自身です"), "\(answer.said)")
        #expect(desk.run("config set", "queue-lifetime", "4 days").said.contains("leads back") == false)
    }
}
