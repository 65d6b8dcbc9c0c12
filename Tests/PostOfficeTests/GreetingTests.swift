import Directory
import Forms
import Foundation
import MailTesting
import MessageStore
import NIOCore
import PostOffice
import Synchronization
import Testing
import Vocabulary

/// Mail that the server writes to accounts: greetings and announcements, by the verbs of the command line.
@Suite struct GreetingTests {
    private final class Desk {
        let place = TemporaryDirectory("greeting")
        let directory: Directory
        let store: MessageStore
        private let context: AdminContext

        init() throws {
            let start = StartConfiguration(
                file: self.place("post.office.conf"),
                directories: .init(program: "/p", spool: self.place.path, mailbox: self.place("mailbox")), listeners: [])
            self.directory = try Directory.open(
                DirectoryLocation(file: start.directoryDatabase, now: { 1_800_000_000 }, random: SystemSources.random))
            try self.directory.setUp(
                mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: nil,
                by: Actor(name: "test", interface: "test"))
            var options = StoreOptions()
            options.minimumFree = 0
            self.store = try MessageStore.open(StoreLocation(spool: self.place.path, mailbox: self.place("mailbox")), options)
            self.context = AdminContext(start: start, directory: self.directory, store: self.store, reload: { nil })
        }

        deinit {
            self.store.close()
            self.directory.close()
        }

        func run(
            _ verb: String, _ operands: String..., options: [String: [String]] = [:], input: String? = nil
        ) -> (status: AdminStatus, output: String, problems: String) {
            let frames = Mutex<[AdminFrame]>([])
            let output = AdminOutput(language: .english) { frame in frames.withLock { $0.append(frame) } }
            var options = options
            options["by"] = ["tester"]
            let request = AdminRequest(verb, operands: operands, options: options, input: input, language: .english, wantsJSON: false)
            var answer = (status: Administration.registry.perform(request, self.context, output), output: "", problems: "")
            for frame in frames.withLock({ $0 }) {
                switch frame {
                case .output(let text): answer.output += text
                case .problem(let text): answer.problems += text
                case .begun, .progress, .done: break
                }
            }
            return answer
        }

        /// Messages of an account's INBOX, whole.
        func mail(_ name: String) throws -> [String] {
            let id = try #require(self.directory.find(name))
            let inbox = try self.wait { self.store.openInbox(of: id, completion: $0) }
            return try inbox.entries.map { entry in
                let reader = try self.wait { self.store.reader(inbox.mailbox, entry.uid, completion: $0) }
                var whole = ByteBuffer()
                while var piece = try self.wait({ reader.next($0) }) { whole.writeBuffer(&piece) }
                return String(buffer: whole)
            }
        }

        /// How often a text stands in the segments.
        func copies(of text: String) throws -> Int {
            let folder = self.place("mailbox") + "/segments"
            var count = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
                var rest = data[...]
                while let found = rest.range(of: Data(text.utf8)) {
                    count += 1
                    rest = rest[found.upperBound...]
                }
            }
            return count
        }

        private func wait<Value: Sendable, Failure: Error>(
            _ start: (@escaping @Sendable (Result<Value, Failure>) -> Void) -> Void
        ) throws -> Value {
            let answer = Promised<Result<Value, Failure>>()
            start { answer.give($0) }
            return try answer.wait(for: "an answer of the store").get()
        }
    }

    @Test("43 44 a new account is greeted: layout, addresses in brackets, what each field means, settings for the mail program")
    func greeting() throws {
        let desk = try Desk()
        let answer = desk.run("account add", "susie.queue@example.test", "sq@example.test", options: ["name": ["Susie Queue"]])
        #expect(answer.status == .done && !answer.problems.contains("greeting"))
        let mail = try desk.mail("susie.queue")
        #expect(mail.count == 1)
        let text = try #require(mail.first)
        #expect(text.hasPrefix("Return-Path: <>\r\nDelivered-To: susie.queue@example.test\r\nDate: "))
        #expect(
            text.contains(
                "\r\nFrom: Account-Manager <accounts@mail.example.test>\r\nReply-To: Account-Manager <accounts@mail.example.test>\r\n"))
        #expect(
            text.contains("\r\nTo: <susie.queue@example.test>\r\nSubject: Form: Greeting\r\n") && text.contains("\r\nMIME-Version: 1.0\r\n")
        )
        #expect(text.contains("Auto-Submitted: auto-generated"))
        #expect(text.contains("\r\n\r\nInformation\r\n\r\nYour electronic mail account has been opened."))
        #expect(
            text.contains(
                "\r\nYour-Name:  [Susie Queue]\r\n   (This is called the account name.)\r\n\r\n"
                    + "Internet-Addresses: [susie.queue@example.test]\r\n                    [sq@example.test]\r\n\r\nFinger-Information: []\r\n"
            ))
        #expect(text.contains("\r\n" + String(repeating: "=", count: 68) + "\r\n"))
        for field in ["\r\n Your-Name\r\n", "\r\n Internet-Addresses\r\n", "\r\n Finger-Information\r\n", "User name: susie.queue\r\n"] {
            #expect(text.contains(field))
        }
        // There are no forms by mail or web yet: nobody is told to use them.
        #expect(!text.contains("Web:") && !text.contains("E-mail:"))
    }

    @Test("43 44 in the account's language, in UTF-8; the switch on the mail routing form; reserved names get none")
    func languageAndSwitch() throws {
        let desk = try Desk()
        _ = desk.run("account add", "hanako@example.test", options: ["name": ["山田 花子"], "set": ["language=ja"]])
        let text = try #require(try desk.mail("hanako").first)
        #expect(text.contains("Subject: Form: Greeting\r\n") && text.contains("charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"))
        _ = desk.run("account add", "hostmaster@example.test", options: ["set": ["type=reserved"]])
        #expect(try desk.mail("hostmaster@example.test").isEmpty)
        #expect(desk.run("config set", "greeting-mail", "no").status == .done)
        _ = desk.run("account add", "taro@example.test")
        #expect(try desk.mail("taro").isEmpty)
    }

    @Test("43 an import greets nobody unasked, and everybody with --greeting")
    func imported() throws {
        let desk = try Desk()
        #expect(desk.run("account import", input: "address,name\na@example.test,A\n").status == .done)
        #expect(try desk.mail("a@example.test").isEmpty)
        let answer = desk.run("account import", options: ["greeting": []], input: "address,name\nb@example.test,B\nc@example.test,C\n")
        #expect(answer.status == .done && answer.output.contains("2"))
        #expect(try desk.mail("b@example.test").count == 1 && desk.mail("c@example.test").count == 1)
    }

    @Test("45 broadcast: everybody has it from one stored copy; those of a domain; a preview sends nothing")
    func broadcast() throws {
        let desk = try Desk()
        _ = desk.run("config set", "greeting-mail", "no")
        _ = desk.run("config set", "local-mail-domains", "other.test", options: ["add": []])
        let lines = (1...1200).map { "user\($0)@\($0 % 2 == 0 ? "example.test" : "other.test"),User \($0)" }.joined(separator: "\n")
        #expect(desk.run("account import", input: "address,name\n\(lines)\n").status == .done)
        let preview = desk.run("broadcast", options: ["subject": ["日曜日の保守"], "preview": []], input: "本文\n")
        #expect(preview.output.contains("1200 accounts"))
        #expect(try desk.mail("user2@example.test").isEmpty)
        let text = "日曜日に停止します。\n" + String(repeating: "0123456789abcdef\n", count: 5000)
        let answer = desk.run("broadcast", options: ["subject": ["日曜日の保守"]], input: text)
        #expect(answer.status == .done && answer.output.contains("sent to 1200 accounts"))
        for name in ["user2@example.test", "user1199@other.test"] {
            let mail = try desk.mail(name)
            #expect(mail.count == 1)
            #expect(
                mail.first?.contains("\r\nFrom: Postmaster <postmaster@example.test>\r\nTo: All users of mail.example.test:;\r\n") == true)
            #expect(mail.first?.hasPrefix("Return-Path: <>\r\nDelivered-To: \(name)\r\n") == true)
        }
        let id = try #require(try desk.mail("user2@example.test").first?.split(separator: "\r\n").first { $0.hasPrefix("Message-ID: ") })
        #expect(try desk.copies(of: String(id)) == 1)
        #expect(desk.run("broadcast", options: ["subject": ["x"], "domain": ["OTHER.test"]], input: "y").output.contains("sent to 600"))
        #expect(try desk.mail("user1@other.test").count == 2 && desk.mail("user2@example.test").count == 1)
        #expect(desk.run("broadcast", options: ["subject": ["x"], "domain": ["nobody.test"]], input: "y").status == .failed)
        #expect(try desk.store.check().problems.isEmpty)
    }

    @Test("L5 account release lets a suspended account send again, and says when it was not")
    func release() throws {
        let desk = try Desk()
        _ = desk.run("config set", "greeting-mail", "no")
        _ = desk.run("account add", "taro@example.test", options: ["set": ["sending=suspended"]])
        #expect(desk.run("account show", "taro").output.contains("(sending): Suspended"))
        #expect(desk.run("account release", "taro").output.contains("taro@example.test may send again"))
        #expect(desk.run("account release", "taro").output.contains("was not suspended"))
        #expect(desk.run("account history", "taro").output.contains("sending"))
    }
}
