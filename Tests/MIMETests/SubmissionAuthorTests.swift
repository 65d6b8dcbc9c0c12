import Bytes
import MIME
import MailTesting
import NIOCore
import Testing
import Vocabulary

/// From in mail that an account sends.
@Suite("From is rewritten, or checked")
struct SubmissionAuthorTests {
    static let primary = Address(localPart: "jane", domain: "example.test")

    static func fixer(_ style: FromField.Style?, name: String = "Jane G. Doe", primary: Address = Self.primary) -> SubmissionFixer {
        var fixer = SubmissionFixer(
            completionDomain: "example.test", date: CivilTime(unixSeconds: 0), messageID: "<id@host>", from: primary)
        let own = ["jane@example.test", "jd@example.test", "jane@host.example.test", "\(primary)"]
        fixer.author = SubmissionAuthor(
            style: style, address: primary, name: name, mayUse: { own.contains("\($0)".lowercased()) },
            isOfThisSite: { $0.domain.hasSuffix("example.test") })
        return fixer
    }

    static func fixed(
        _ header: String, _ style: FromField.Style?, name: String = "Jane G. Doe", primary: Address = Self.primary
    ) throws -> String {
        let message = "Date: x\r\nMessage-ID: <y>\r\n" + header + "\r\nbody\r\n"
        let text = String(buffer: try self.fixer(style, name: name, primary: primary).fixed(ByteBuffer(string: message), isWhole: true))
        #expect(text.hasPrefix("Date: x\r\nMessage-ID: <y>\r\n") && text.hasSuffix("\r\nbody\r\n"))
        return String(text.dropFirst("Date: x\r\nMessage-ID: <y>\r\n".count).dropLast("\r\nbody\r\n".count))
    }

    @Test(
        "6 61 quoted: whatever From says, it is the real name and the primary address",
        arguments: [
            "From: jd@example.test\r\n", "From: \"Somebody\" <jd@example.test>\r\n", "from : boss@example.test (The Boss)\r\n",
            "From: jane\r\n", "From: a@x.test, b@y.test\r\n", "From: A Group: a@x.test, b@y.test;\r\n", "From: undisclosed:;\r\n",
            "From:\r\n", "From: <<broken@\r\n", "From: \"never closed <a@x.test>\r\n", "From: =?utf-8?q?Jane?= <jane@example.test>\r\n",
            "From: Jane\r\n <jane@host.example.test>\r\n", "From: jane@example.test (Jane G. Doe)\r\n",
        ])
    func quoted(field: String) throws {
        #expect(try Self.fixed("To: x@y.test\r\n" + field, .quoted) == "To: x@y.test\r\nFrom: \"Jane G. Doe\" <jane@example.test>\r\n")
    }

    @Test("8 comment: the primary address, and the real name behind it")
    func comment() throws {
        #expect(try Self.fixed("From: Jane <jd@example.test>\r\n", .comment) == "From: jane@example.test (Jane G. Doe)\r\n")
        #expect(
            try Self.fixed("From: x\r\n", .comment, name: "Jane (Post) \\ Doe") == "From: jane@example.test (Jane \\(Post\\) \\\\ Doe)\r\n")
    }

    @Test("What From says already stays byte for byte, so that signatures hold")
    func same() throws {
        for field in [
            "From: Jane G. Doe <jane@example.test>\r\n", "FROM: \"Jane G. Doe\"\r\n <jane@example.test>\r\n",
            "From: =?utf-8?q?Jane_G=2E_Doe?= <JANE@Example.Test>\r\n",
        ] {
            #expect(try Self.fixed(field, .quoted) == field)
        }
        let comment = "From: jane@example.test (Jane G. Doe)\r\n"
        #expect(try Self.fixed(comment, .comment) == comment)
        let japanese = "From: =?iso-2022-jp?B?GyRCOzNFRBsoQiA=?=\r\n =?iso-2022-jp?B?GyRCMlY7UhsoQg==?= <jane@example.test>\r\n"
        #expect(try Self.fixed(japanese, .quoted, name: "山田 花子") == japanese)
    }

    @Test("No From at all: one is added; a Sender beside it, and more From fields, go")
    func others() throws {
        let message = try Self.fixer(.comment).fixed(
            ByteBuffer(string: "Date: x\r\nMessage-ID: <y>\r\nSender: jd@example.test\r\n\r\n"), isWhole: true)
        #expect(String(buffer: message) == "From: jane@example.test (Jane G. Doe)\r\nDate: x\r\nMessage-ID: <y>\r\n\r\n")
        #expect(
            try Self.fixed("From: a@x.test\r\nSender: b@x.test\r\nFrom: c@x.test\r\nX: y\r\n", .quoted)
                == "From: \"Jane G. Doe\" <jane@example.test>\r\nX: y\r\n")
    }

    @Test("An account without a real name keeps the name that the message gives, and gets none otherwise")
    func withoutName() throws {
        #expect(
            try Self.fixed("From: \"Doe, Jane\" <jd@example.test>\r\n", .quoted, name: "") == "From: \"Doe, Jane\" <jane@example.test>\r\n")
        #expect(try Self.fixed("From: jd@example.test\r\n", .quoted, name: "") == "From: <jane@example.test>\r\n")
        #expect(try Self.fixed("From: jane@example.test\r\n", .quoted, name: "") == "From: jane@example.test\r\n")
        #expect(try Self.fixed("From: A <a@x.test>, B <b@x.test>\r\n", .comment, name: "") == "From: <jane@example.test>\r\n")
    }

    @Test("Names beyond ASCII become encoded words of at most 75 characters in lines of at most 76, whole characters in each")
    func encoded() throws {
        #expect(try Self.fixed("From: x\r\n", .quoted, name: "山田花子") == "From: =?UTF-8?B?5bGx55Sw6Iqx5a2Q?= <jane@example.test>\r\n")
        #expect(try Self.fixed("From: x\r\n", .comment, name: "山田花子") == "From: jane@example.test (=?UTF-8?B?5bGx55Sw6Iqx5a2Q?=)\r\n")
        let long = String(repeating: "株式会社ポストオフィス・", count: 12)
        for style in [FromField.Style.quoted, .comment] {
            let field = try Self.fixed("From: x\r\n", style, name: long)
            let lines = field.split(separator: "\r\n")
            #expect(lines.count > 3 && lines.allSatisfy { $0.utf8.count <= 76 })
            let words = field.split { " ()\r\n".contains($0) }.filter { $0.hasPrefix("=?") }
            #expect(words.allSatisfy { $0.utf8.count <= 75 && !HeaderText.decode(Array($0.utf8)).contains("\u{FFFD}") })
            let body = Array(field.dropFirst(5).utf8.filter { $0 != 13 && $0 != 10 })
            let read = FromField.mailboxes(in: body, completing: nil)
            #expect(read?.map(\.address) == [Self.primary] && read?.map(\.name) == [long])
        }
    }

    @Test("Names that would break the field do not: quotes, backslashes, line ends, what looks like an encoded word")
    func hostileNames() throws {
        #expect(try Self.fixed("From: x\r\n", .quoted, name: "J \"J\" \\ D") == "From: \"J \\\"J\\\" \\\\ D\" <jane@example.test>\r\n")
        #expect(
            try Self.fixed("From: x\r\n", .quoted, name: "Jane\r\nBcc: x@y.test") == "From: \"Jane Bcc: x@y.test\" <jane@example.test>\r\n")
        #expect(try !Self.fixed("From: x\r\n", .quoted, name: "=?UTF-8?B?AAAA?=").contains("?AAAA?"))
        let field = try Self.fixed("From: x\r\n", .quoted, name: String(repeating: "very long name ", count: 13))
        #expect(field.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    @Test("A message that is sent on unchanged keeps its author of another site; Resent-From is what is rewritten")
    func resent() throws {
        let dkim = "DKIM-Signature: v=1; h=from; b=x\r\n"
        #expect(
            try Self.fixed(
                "Resent-From: jd@example.test\r\nResent-Sender: z@example.test\r\n\(dkim)From: a@x.test\r\nSender: b@x.test\r\n", .quoted)
                == "Resent-From: \"Jane G. Doe\" <jane@example.test>\r\n\(dkim)From: a@x.test\r\nSender: b@x.test\r\n")
        // Nobody gives himself out for somebody of this site by a field more.
        for style in [FromField.Style.quoted, .comment, nil] {
            #expect(throws: SubmissionFixer.Failure.foreignAuthor) {
                try Self.fixed("Resent-From: jane@example.test\r\nFrom: The Boss <boss@example.test>\r\n", style)
            }
        }
        // Only the newest block is ours.
        let text = "Resent-From: jane@example.test (Jane G. Doe)\r\nResent-From: older@x.test\r\nFrom: a@x.test\r\n"
        #expect(try Self.fixed(text, .comment) == text)
        #expect(throws: SubmissionFixer.Failure.severalAuthors) {
            try Self.fixed("Resent-From: jane@example.test\r\nFrom: a@x.test\r\nFrom: boss@example.test\r\n", .quoted)
        }
    }

    @Test(
        "none: own and granted addresses stay as they are",
        arguments: [
            "From: Whoever I am <jd@example.test>\r\n", "From: jane@host.example.test, \"Me\" <JANE@example.test>\r\n",
            "From: We: jane@example.test, jd@example.test;\r\n", "Sender: jd@example.test\r\nFrom: jane@example.test\r\n",
        ])
    func noneKeeps(header: String) throws { #expect(try Self.fixed(header, nil) == header) }

    @Test(
        "none: what any reader could take for another author is refused",
        arguments: [
            ("From: boss@example.test\r\n", SubmissionFixer.Failure.foreignAuthor), ("From: a@x.test\r\n", .foreignAuthor),
            ("From: jane@example.test, boss@example.test\r\n", .foreignAuthor),
            ("From: G: jane@example.test, a@x.test;\r\n", .foreignAuthor),
            ("From: <boss@example.test> <jane@example.test>\r\n", .foreignAuthor),
            ("From: boss@example.test <jane@example.test>\r\n", .foreignAuthor),
            ("From: jane@example.test boss@example.test\r\n", .unreadableAuthor), ("From: boss\r\n", .foreignAuthor),
            // What completion makes an address of is one.
            ("From: G:<jane@example.test>x: boss\r\n", .foreignAuthor),
            ("Sender: boss@example.test\r\nFrom: jane@example.test\r\n", .foreignAuthor), ("From: undisclosed:;\r\n", .unreadableAuthor),
            ("From:\r\n", .unreadableAuthor), ("From: \"never closed <jane@example.test>\r\n", .unreadableAuthor),
            ("From: jane@example.test\r\nFrom: jane@example.test\r\n", .severalAuthors),
        ])
    func noneRefuses(header: String, failure: SubmissionFixer.Failure) {
        #expect(throws: failure) { try Self.fixed(header, nil) }
    }

    @Test("none: bare local parts are completed and then checked")
    func noneCompletes() throws { #expect(try Self.fixed("From: jane (J)\r\n", nil) == "From: jane@example.test (J)\r\n") }

    @Test("For whatever header, the result has one From that says the primary address alone, and done again nothing changes")
    func property() throws {
        var random = SeededGenerator(seed: 20_261_122)
        let pieces = [
            "From:", "from :", "Sender:", "Resent-From:", "To:", " ", "\t", "\r\n", "\r\n ", "<", ">", "\"", "(", ")", ",", ";", ":", "@",
            "\\", "=?utf-8?b?5bGx?=",
            "a@x.test", "boss@example.test", "jane@example.test", "Jane", "山田", ".", "[", "]", "\0",
        ]
        let names = ["", "Jane", "山田 花子", "a\"b\\c(d)", "=?x?="]
        for round in 0..<4000 {
            var header = ""
            for _ in 0..<Int.random(in: 1...12, using: &random) { header += pieces.randomElement(using: &random) ?? "" }
            let message = ByteBuffer(string: header + "\r\n\r\nbody\r\n")
            let name = names[round % names.count]
            let style: FromField.Style = round % 2 == 0 ? .quoted : .comment
            let fixer = Self.fixer(style, name: name)
            guard let once = try? fixer.fixed(message, isWhole: true) else { continue }
            #expect(try fixer.fixed(once, isWhole: true) == once, "\(header)")
            var reader = HeaderReader(once)
            var from: [[UInt8]] = []
            var isResent = false
            while let field = reader.next() {
                if once.isField(field, named: "From") { from.append(once.unfolded(field)) }
                if once.isField(field, named: "Resent-From") { isResent = true }
            }
            #expect(from.count == 1, "\(header)")
            guard !isResent, let body = from.first else { continue }
            let mailboxes = FromField.mailboxes(in: body, completing: nil)
            #expect(mailboxes?.map(\.address) == [Self.primary], "\(header) -> \(String(decoding: body, as: UTF8.self))")
            #expect(FromField.everyAddress(in: body)?.allSatisfy { $0 == Self.primary } == true, "\(header)")
            if !name.isEmpty { #expect(mailboxes?.first?.name == name, "\(header)") }
        }
    }
}
