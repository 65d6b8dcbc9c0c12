import Bytes
import MIME
import NIOCore
import Testing
import Vocabulary

@Suite("What submission adds to a message")
struct SubmissionFixerTests {
    static let fixer = SubmissionFixer(
        completionDomain: "example.test", date: CivilTime(unixSeconds: 1_795_286_299), messageID: "<id@host>",
        from: Address(localPart: "taro", domain: "example.test"))

    static func fixed(_ text: String, isWhole: Bool = true) throws -> String {
        String(buffer: try self.fixer.fixed(ByteBuffer(string: text), isWhole: isWhole))
    }

    static let complete = "Date: x\r\nFrom: a@x.test\r\nMessage-ID: <y>\r\n"

    @Test("A complete message stays byte for byte")
    func complete() throws {
        let text = Self.complete + "Sender: s@x.test\r\n\r\nbody\r\n.\r\n"
        #expect(try Self.fixed(text) == text)
    }

    @Test("Missing fields come first, never a Sender")
    func missing() throws {
        let text = try Self.fixed("Subject: x\r\n\r\nbody\r\n")
        #expect(
            text
                == "Date: Sat, 21 Nov 2026 18:38:19 +0000\r\nFrom: <taro@example.test>\r\nMessage-ID: <id@host>\r\nSubject: x\r\n\r\nbody\r\n"
        )
        #expect(!text.contains("Sender"))
    }

    @Test("Fields are known in any case of letters")
    func caseOfNames() throws {
        #expect(
            try Self.fixed("DATE: x\r\nfrom: a@x.test\r\nmessage-id: <y>\r\n\r\n") == "DATE: x\r\nfrom: a@x.test\r\nmessage-id: <y>\r\n\r\n"
        )
    }

    @Test("A message without header, or without an empty line, gets one")
    func noHeader() throws {
        let added = "Date: Sat, 21 Nov 2026 18:38:19 +0000\r\nFrom: <taro@example.test>\r\nMessage-ID: <id@host>\r\n"
        #expect(try Self.fixed("just text\r\n") == added + "\r\njust text\r\n")
        #expect(try Self.fixed("\r\nbody\r\n") == added + "\r\nbody\r\n")
        #expect(try Self.fixed("") == added + "\r\n")
        #expect(try Self.fixed("Subject: x") == added + "Subject: x\r\n\r\n")
        #expect(try Self.fixed("To: taro") == added + "To: taro@example.test\r\n\r\n")
        #expect(try Self.fixed("Subject: x\r\n") == added + "Subject: x\r\n\r\n")
        #expect(try Self.fixed("Subject: x\r\nno field\r\n") == added + "Subject: x\r\n\r\nno field\r\n")
    }

    @Test("A header that does not end in the piece is refused")
    func tooLong() { #expect(throws: SubmissionFixer.Failure.headerTooLong) { try Self.fixed("Subject: x\r\n", isWhole: false) } }

    @Test(
        "Bare local parts get the domain; nothing else in the field changes",
        arguments: [
            ("taro", "taro@example.test"), ("taro, hanako", "taro@example.test, hanako@example.test"),
            ("Taro Y <taro>", "Taro Y <taro@example.test>"),
            (#""Y, Taro" <taro> , a@x.test"#, #""Y, Taro" <taro@example.test> , a@x.test"#),
            ("taro (a, b@c (d))", "taro@example.test (a, b@c (d))"),
            ("(c) taro", "(c) taro@example.test"),
            ("Friends: taro, b@x.test;, hanako", "Friends: taro@example.test, b@x.test;, hanako@example.test"),
            ("undisclosed-recipients:;", "undisclosed-recipients:;"), ("=?utf-8?B?44GC?= <taro>", "=?utf-8?B?44GC?= <taro@example.test>"),
            ("=?utf-8?B?44GC?=", "=?utf-8?B?44GC?="), ("Taro Yamada", "Taro Yamada"), ("<taro>", "<taro@example.test>"),
            ("< taro >", "< taro@example.test >"),
            (#"<"ta ro">"#, #"<"ta ro"@example.test>"#), (#""Taro""#, #""Taro""#), ("<@r.test:a@x.test>", "<@r.test:a@x.test>"),
            ("a@x.test", "a@x.test"),
            ("a @ x.test", "a @ x.test"), ("a@[1.2.3.4]", "a@[1.2.3.4]"), ("<>", "<>"), ("", ""), (",,", ",,"),
            ("taro,\r\n\thanako", "taro@example.test,\r\n\thanako@example.test"),
            ("田中 <taro>", "田中 <taro@example.test>"),
        ])
    func completion(_ before: String, _ after: String) throws {
        #expect(try Self.fixed("\(Self.complete)To: \(before)\r\n\r\n") == "\(Self.complete)To: \(after)\r\n\r\n")
    }

    @Test(
        "What is no address list stays",
        arguments: ["a <b", "a > b", "(unclosed", "\"unclosed", "a <b <c>", "x\\y", "[", "<a, b>", "\u{7}"])
    func notUnderstood(_ body: String) throws {
        let text = "\(Self.complete)Cc: taro, \(body)\r\n\r\n"
        #expect(try Self.fixed(text) == text)
    }

    @Test("Fields that hold no addresses are not touched")
    func otherFields() throws {
        let text = "\(Self.complete)Subject: taro\r\nX-To: taro\r\n\r\nTo: taro\r\n"
        #expect(try Self.fixed(text) == text)
    }

    @Test("A field whose lines would become too long stays as it is")
    func longLines() throws {
        let text = "\(Self.complete)To: " + Array(repeating: "taro", count: 160).joined(separator: ",") + "\r\n\r\n"
        #expect(try Self.fixed(text) == text)
    }

    @Test(
        "P4 the worst fields take linear time: four times the bytes, no more than some times the steps",
        arguments: ["(", "\"", "<", ",", "a ", ";:", "(()", "\\", "a,\r\n "])
    func worstCase(_ unit: String) throws {
        // 200 KB of each; a quadratic reader would need minutes, so that finishing at all is the proof.
        let text = "\(Self.complete)To: " + String(repeating: unit, count: 200_000 / unit.utf8.count) + "\r\n\r\n"
        #expect(try Self.fixed(text).utf8.count >= text.utf8.count)
    }

    @Test("Message-IDs are well formed and differ")
    func messageID() {
        let one = MessageIDMaker.make(now: 1_795_286_299, random: Array(0..<16), host: "mail.example.test")
        #expect(one.hasPrefix("<") && one.hasSuffix(".0123456789abcdef@mail.example.test>"))
        #expect(
            MessageIDMaker.make(now: 0, random: Array(1..<17), host: "h") != MessageIDMaker.make(now: 0, random: Array(2..<18), host: "h"))
    }
}
