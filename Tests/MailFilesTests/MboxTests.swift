import Bytes
import MailFiles
import Testing
import Vocabulary

@Suite("mbox files") struct MboxTests {
    private static func read(_ text: String, by size: Int = .max, limit: Int = 1 << 20) -> [MboxReader.Event] {
        var reader = MboxReader(limit: limit)
        var events: [MboxReader.Event] = []
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { raw in
            var at = 0
            while at < raw.count {
                let end = min(raw.count, at + min(size, raw.count))
                events += reader.read(UnsafeRawBufferPointer(rebasing: raw[at..<end]))
                at = end
            }
        }
        return events + reader.finish()
    }

    private static func messages(_ text: String) -> [FiledMessage] {
        self.read(text).compactMap { if case .message(let message, _, _) = $0 { message } else { nil } }
    }

    private static let two = """
        From jane@example.test Sat Jan  3 01:05:34 1998
        Subject: one
        Status: RO
        X-Status: AF
        X-Keywords: $Forwarded work
          later
        X-UID: 17

        Hello
        >From here on
        >>From there
        From now on it is text

        From root Sun Nov 22 09:00:00 +0900 2026
        Subject: two

        Bye

        """

    @Test("messages are taken apart with their flags, and the marks of other programs are taken out") func takenApart() {
        let found = Self.messages(Self.two)
        #expect(found.count == 2)
        guard found.count == 2 else { return }
        #expect(
            String(decoding: found[0].content, as: UTF8.self)
                == "Subject: one\r\n\r\nHello\r\nFrom here on\r\n>From there\r\nFrom now on it is text\r\n")
        #expect(found[0].flags == [.seen, .answered, .flagged])
        #expect(found[0].keywords == ["$Forwarded", "work"])
        #expect(found[0].date == 883_789_534)
        #expect(found[1].date == 1_795_305_600)
        #expect(String(decoding: found[1].content, as: UTF8.self) == "Subject: two\r\n\r\nBye\r\n")
    }

    @Test("it is the same in pieces of any length") func pieces() {
        let whole = Self.read(Self.two)
        for size in [1, 2, 3, 7, 64] { #expect(Self.read(Self.two, by: size) == whole) }
    }

    @Test(
        "text that begins with From and has no date begins no message",
        arguments: ["From me", "From Monday on", "From x Jan 1998", "From  "])
    func noPostmark(_ line: String) {
        #expect(Self.messages("From a Sat Jan  3 01:05:34 1998\nS: x\n\nb\n\n\(line)\nmore\n").count == 1)
    }

    @Test("what stands before the first message is told, and a message that is too long is left out alone") func leftOut() {
        #expect(Self.read("no mail\nat all\n") == [.foreign(octets: 15)])
        let long = "From a Sat Jan  3 01:05:34 1998\nS: x\n\n\(String(repeating: "y", count: 500))\n\n"
        let events = Self.read(long + "From b Sat Jan  3 01:05:34 1998\nS: z\n\nshort\n", limit: 100)
        #expect(events.count == 2)
        if case .tooLong(0, _)? = events.first {} else { Issue.record("\(events)") }
        if case .message(let message, _, _)? = events.last {
            #expect(String(decoding: message.content, as: UTF8.self) == "S: z\r\n\r\nshort\r\n")
        }
    }

    @Test("the folder data of other servers is no message") func folderData() {
        let text =
            "From MAILER-DAEMON Sat Jan  3 01:05:34 1998\nSubject: DON'T DELETE\nX-IMAP: 1 2\n\nx\n\nFrom b Sat Jan  3 01:05:34 1998\nS: z\n\nmail\n"
        #expect(Self.messages(text).count == 1)
    }

    @Test("what is written is read as the same message") func roundTrip() {
        let texts = [
            "Subject: x\r\n\r\nFrom the start\r\n>From quoted\r\n\r\n\r\nend\r\n", "Subject: only a header\r\n\r\n", "\r\nbody\r\n",
            "Subject: blank lines\r\n\r\n\r\n\r\n", "From: a\r\n\r\nFrom a Sat Jan  3 01:05:34 1998\r\n",
        ]
        var file: [UInt8] = []
        let messages = texts.enumerated().map { index, text in
            FiledMessage(
                content: Array(text.utf8), flags: index % 2 == 0 ? [.seen, .draft] : [.deleted], keywords: index == 1 ? ["a", "b"] : [],
                date: Int64(index) * 86_399)
        }
        for (index, message) in messages.enumerated() {
            file += MboxWriter.encoded(message, sender: index == 0 ? "" : "a b@x", uid: UInt32(index + 1))
        }
        let found = Self.read(String(decoding: file, as: UTF8.self))
        #expect(found.count == messages.count)
        for (index, event) in found.enumerated() {
            guard case .message(let message, let uid, _) = event else {
                Issue.record("\(event)")
                continue
            }
            #expect(message == messages[index])
            #expect(uid == UInt32(index + 1))
        }
    }

    @Test("senders and dates of From lines, also odd ones") func postmarks() {
        #expect(PostmarkLine("From a@b Thu Jan  1 00:00:01 1970".utf8) == PostmarkLine(sender: "a@b", date: 1))
        #expect(PostmarkLine("From a b Thu Jan  1 00:00 1970".utf8) == PostmarkLine(sender: "a b", date: 0))
        #expect(PostmarkLine("From - Thu Jan  1 01:00:00 1970 +0100".utf8)?.date == 0)
        #expect(PostmarkLine("From - Thu Feb 30 01:00:00 1970".utf8) == nil)
        #expect(PostmarkLine("From - Thu Feb 3 99:00:00 1970".utf8) == nil)
        #expect(PostmarkLine("From - Thu Feb 99999999999999999999 01:00:00 1970".utf8) == nil)
        #expect(PostmarkLine(sender: "x", date: .max).line.hasSuffix("9999"))
        #expect(PostmarkLine(sender: "x", date: .min).line.hasPrefix("From x "))
    }
}

@Suite("Maildir names") struct MaildirNameTests {
    @Test("flags and keywords of a name, and back") func names() {
        let name = MaildirName("1700000000.M1P2.host,S=3:2,DFRSTab")
        #expect(name?.flags == [.draft, .flagged, .answered, .seen, .deleted])
        #expect(name?.keywordLetters == Array("ab".utf8))
        #expect(name?.name == "1700000000.M1P2.host,S=3:2,DFRSTab")
        #expect(MaildirName("plain")?.name == "plain:2,")
        #expect(MaildirName(".hidden") == nil)
        #expect(MaildirName("") == nil)
        #expect(MaildirName("x:1,S")?.flags == [])
    }

    @Test("the file of keywords, and what is wrong in one") func keywords() {
        let found = MaildirName.keywords(of: "0 $Label1\n25 z\n26 no\n-1 no\nx y\n3\n")
        #expect(found == [UInt8(ascii: "a"): "$Label1", UInt8(ascii: "z"): "z"])
    }
}
