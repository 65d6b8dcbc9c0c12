import Bytes
import MIME
import NIOCore
import Search
import Testing
import Vocabulary

/// A message with what a service knows of it.
struct Sample {
    var facts: SearchFacts
    var summary: MessageSummary
    var text: SearchText

    init(_ message: ByteBuffer, prefix: String = "", flags: Flags = [], uid: UInt32 = 1, internalDate: Int64 = 0) {
        self.summary = MessageSummaryBuilder.summary(of: message)
        self.text = SearchText.make(prefix: ByteBuffer(string: prefix), parts: self.summary.parts) { range throws(Never) in
            message.getSlice(at: message.readerIndex + Int(range.lowerBound), length: range.count) ?? ByteBuffer()
        }
        self.facts = SearchFacts(
            uid: UID(rawValue: uid), flags: flags, size: Int64(prefix.utf8.count + message.readableBytes), internalDate: internalDate)
    }

    init(_ message: String, prefix: String = "") { self.init(ByteBuffer(string: message), prefix: prefix) }

    static let context = SearchContext(now: 1_000_000_000, utcOffset: 540) {
        $0.lowercased() == "$forwarded" ? Flags(rawValue: 1 << 5) : nil
    }

    /// Asked in three steps: no step may contradict another, and the last one decides.
    func matches(_ key: SearchKey) -> Bool? {
        guard let plan = SearchPlan(SearchProgram(key), Self.context) else { return nil }
        let verdicts = [plan.decide(self.facts), plan.decide(self.facts, self.summary), plan.decide(self.facts, self.summary, self.text)]
        let known = verdicts.filter { $0 != .unknown }
        guard verdicts.last != .unknown, Set(known).count == 1 else { return nil }
        if !plan.needs.contains(.summary), verdicts[0] == .unknown { return nil }
        if !plan.needs.contains(.text), verdicts[1] == .unknown { return nil }
        return verdicts.last == .yes
    }
}

@Suite("Search keys")
struct SearchKeyTests {
    static let mail = Sample(
        "From: =?UTF-8?B?5bGx55Sw5aSq6YOO?= <taro@Example.jp>\r\nTo: Hanako <hanako@b.test>,\r\n Suzuki <s@b.test>\r\nCc: c@b.test\r\n"
            + "Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= at ten\r\nDate: Sat, 31 Dec 2022 23:30:00 -0800\r\nX-Tag: One\r\nX-Tag: Two\r\nX-Empty:\r\n"
            + "Message-ID: <id-1@b.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe quick\r\nbrown  fox, 明日の会\r\n議です。 Straße ＡＢＣ ｶﾞｽ\r\n",
        prefix: "Return-Path: <bounce@z.test>\r\nReceived: from mx.z.test\r\n\tby us\r\n")

    @Test(
        "strings in fields",
        arguments: [
            (SearchKey.from("山田"), true), (.from("TARO@example"), true), (.from("jiro"), false), (.to("suzuki"), true),
            (.to("hanako@b.test>, SUZUKI"), true),
            (.to("c@b"), false), (.cc("c@b"), true), (.bcc("x"), false), (.bcc(""), false), (.cc(""), true), (.subject("会議"), true),
            (.subject("会議 AT Ten"), true),
            (.subject("quick"), false), (.header(name: "Subject", "会議 at"), true), (.header(name: "x-tag", "two"), true),
            (.header(name: "X-TAG", "one"), true),
            (.header(name: "x-tag", "one two"), false), (.header(name: "x-ta", ""), false), (.header(name: "x-empty", ""), true),
            (.header(name: "x-empty", "a"), false),
            (.header(name: "x-none", ""), false), (.header(name: "message-id", "<id-1@b.test>"), true),
            (.header(name: "received", "mx.z.test by"), true),
            (.header(name: "return-path", "bounce"), true), (.header(name: "date", "31 Dec"), true),
            (.header(name: "content-type", "utf-8"), true),
        ])
    func fields(_ key: SearchKey, _ expected: Bool) { #expect(Self.mail.matches(key) == expected) }

    @Test(
        "text and body: over line ends, any case, any width",
        arguments: [
            (SearchKey.body("quick brown fox"), true), (.body("QUICK\tBROWN"), true), (.body("quickbrown"), false),
            (.body("明日の会議です"), true),
            (.body("会 議"), true), (.body("会議"), true), (.body("strasse"), true), (.body("abc"), true), (.body("ガス"), true),
            (.body("ｶﾞｽ"), true), (.body("山田"), false),
            (.text("山田"), true), (.text("会議です"), true), (.text("mx.z.test"), true), (.text("nowhere"), false), (.body(""), true),
            (.text(""), true),
            (.body("。 straße"), true), (.body(" fox"), true), (.body("fox, 明"), true), (.body("the"), true), (.body("\u{E9}"), false),
        ])
    func texts(_ key: SearchKey, _ expected: Bool) { #expect(Self.mail.matches(key) == expected) }

    @Test("dates: the Date field's own day, internal dates in the server's zone")
    func dates() throws {
        let new = try #require(CalendarDay(year: 2022, month: 12, day: 31))
        #expect(Self.mail.matches(.sentDate(DateTest(.on, new))) == true)
        #expect(Self.mail.matches(.sentDate(DateTest(.before, new))) == false)
        #expect(Self.mail.matches(.sentDate(DateTest(.since, new))) == true)
        var sample = Self.mail
        sample.facts.internalDate = 1_672_498_800  // 2023-01-01 00:00 +0900
        let first = try #require(CalendarDay(year: 2023, month: 1, day: 1))
        #expect(sample.matches(.internalDate(DateTest(.on, first))) == true)
        #expect(sample.matches(.internalDate(DateTest(.before, first))) == false)
        sample.facts.internalDate -= 1
        #expect(sample.matches(.internalDate(DateTest(.on, first))) == false)
        #expect(sample.matches(.internalDate(DateTest(.before, first))) == true)
        let undated = Sample("Subject: x\r\n\r\n")
        for order in [DateTest.Order.before, .on, .since] { #expect(undated.matches(.sentDate(DateTest(order, new))) == false) }
    }

    @Test("save dates, and internal ones where a mailbox does not keep them [RFC8514-4.3]")
    func saveDates() throws {
        var sample = Sample("\r\n")
        sample.facts.internalDate = 0
        sample.facts.savedDate = 10 * 86_400
        let test = SearchKey.savedDate(DateTest(.since, CalendarDay(number: 5)))
        #expect(sample.matches(test) == true)
        #expect(sample.matches(.savedDateSupported) == true)
        let context = SearchContext(now: 0, keepsSaveDates: false) { _ in nil }
        let plan = try #require(SearchPlan(SearchProgram(test), context))
        #expect(plan.decide(sample.facts) == .no)
        #expect(try #require(SearchPlan(SearchProgram(.savedDateSupported), context)).decide(sample.facts) == .no)
    }

    @Test(
        "what rows decide",
        arguments: [
            (SearchKey.all, true), (.flags(.seen), true), (.flags([.seen, .draft]), false), (.not(.flags(.draft)), true),
            (.keyword("$FORWARDED"), true),
            (.keyword("other"), false), (.not(.keyword("other")), true), (.recent, false), (.larger(99), true), (.larger(100), false),
            (.smaller(101), true),
            (.smaller(100), false), (.older(seconds: 100), true), (.older(seconds: 101), false), (.younger(seconds: 100), true),
            (.younger(seconds: 99), false),
            (.older(seconds: .max), false), (.modSeq(ModSeq(rawValue: 7)), true), (.modSeq(ModSeq(rawValue: 8)), false),
            (.emailID("M1"), true),
            (.emailID("m1"), false), (.uids(UIDSet(ascending: [3, 5])), true),
            (.uids(UIDSet(ascending: [4])), false),
            (.and([]), true), (.and([.all, .flags(.seen)]), true), (.or(.recent, .flags(.seen)), true),
            (.or(.recent, .flags(.draft)), false),
            (.fuzzy(.flags(.seen)), true), (.not(.not(.flags(.seen))), true),
        ])
    func rows(_ key: SearchKey, _ expected: Bool) throws {
        let facts = SearchFacts(
            uid: UID(rawValue: 5), flags: [.seen, Flags(rawValue: 1 << 5)], size: 100, internalDate: 999_999_900,
            modSeq: ModSeq(rawValue: 7),
            emailID: "M1")
        let plan = try #require(SearchPlan(SearchProgram(key), Sample.context))
        #expect(plan.decide(facts) == (expected ? .yes : .no))
    }

    @Test("what is decided early asks for no more")
    func earlyDecisions() throws {
        let facts = SearchFacts(uid: UID(rawValue: 1), flags: [], size: 1, internalDate: 0)
        func verdict(_ key: SearchKey) throws -> SearchPlan.Verdict {
            try #require(SearchPlan(SearchProgram(key), Sample.context)).decide(facts)
        }
        #expect(try verdict(.and([.body("x"), .flags(.seen)])) == .no)
        #expect(try verdict(.or(.body("x"), .not(.flags(.seen)))) == .yes)
        #expect(try verdict(.and([.body("x"), .not(.flags(.seen))])) == .unknown)
        #expect(try verdict(.not(.and([.body("x"), .flags(.seen)]))) == .yes)
    }

    @Test("references to messages are resolved first; a program too deep is refused")
    func resolution() {
        let program = SearchProgram(.and([.messages(.sequence("1:3")), .not(.messages(.saved)), .or(.messages(.uid("7")), .all)]))
        #expect(SearchPlan(program, Sample.context) == nil)
        let resolved = program.resolved { reference in
            switch reference {
            case .sequence(let text): text == "1:3" ? UIDSet(10...12) : nil
            case .uid: UIDSet(7...7)
            case .saved: UIDSet()
            }
        }
        #expect(resolved?.key == .and([.uids(UIDSet(10...12)), .not(.uids(UIDSet())), .or(.uids(UIDSet(7...7)), .all)]))
        #expect(resolved.flatMap { SearchPlan($0, Sample.context) }?.uids == UIDSet(10...12))
        #expect(program.resolved { _ in nil } == nil)
        var deep = SearchKey.all
        for _ in 0..<SearchProgram.deepest { deep = .not(deep) }
        #expect(SearchPlan(SearchProgram(deep), Sample.context) == nil)
        #expect(SearchProgram(deep).resolved { _ in UIDSet() } == nil)
    }

    @Test("a plan says what it needs")
    func needs() throws {
        func needs(_ key: SearchKey) throws -> SearchPlan.Needs { try #require(SearchPlan(SearchProgram(key), Sample.context)).needs }
        #expect(try needs(.flags(.seen)) == [])
        #expect(try needs(.subject("x")) == .summary)
        #expect(try needs(.and([.text("x"), .emailID("M")])) == [.summary, .text, .objectIDs])
        #expect(SearchProgram(.and([.not(.modSeq(ModSeq(rawValue: 1)))])).asksModSeq)
        #expect(!SearchProgram(.all).asksModSeq)
    }
}

@Suite("Text of messages for search")
struct SearchTextTests {
    @Test(
        "Japanese in all charsets and encodings",
        arguments: [
            ("iso-2022-jp", [0x1B, 0x24, 0x42, 0x32, 0x71, 0x35, 0x44, 0x1B, 0x28, 0x42] as [UInt8]),
            ("shift_jis", [0x89, 0xEF, 0x8B, 0x63]),
            ("euc-jp", [0xB2, 0xF1, 0xB5, 0xC4]), ("utf-8", Array("会議".utf8)), ("us-ascii", Array("会議".utf8)),
            ("x-unknown", [0x89, 0xEF, 0x8B, 0x63]),
        ])
    func charsets(_ charset: String, _ bytes: [UInt8]) {
        var plain = ByteBuffer(string: "Content-Type: text/plain; charset=\(charset)\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
        plain.writeBytes(bytes)
        let encoded = "Content-Type: text/plain; charset=\(charset)\r\nContent-Transfer-Encoding: base64\r\n\r\n\(Base64.encode(bytes))\r\n"
        let quoted =
            "Content-Type: text/html; charset=\"\(charset)\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>"
            + bytes.map { "=" + String($0 >> 4, radix: 16, uppercase: true) + String($0 & 15, radix: 16, uppercase: true) }.joined()
            + "</p>"
        var field = ByteBuffer(string: "Subject: =?\(charset)?B?\(Base64.encode(bytes))?=\r\n\r\n")
        #expect(Sample(plain).matches(.body("会議")) == true)
        #expect(Sample(encoded).matches(.body("会議")) == true)
        #expect(Sample(quoted).matches(.body("会議")) == true)
        if charset != "x-unknown", charset != "us-ascii" { #expect(Sample(field).matches(.subject("会議")) == true) }
        field.clear()
        field.writeString("Subject: ")
        field.writeBytes(bytes)
        field.writeString("\r\n\r\n")
        #expect(Sample(field).matches(.subject("会議")) == true)
    }

    @Test("attachments with text, messages inside with their headers, HTML without its marks, names of files")
    func parts() {
        let message = [
            "Subject: top", "Content-Type: multipart/mixed; boundary=A", "", "--A", "Content-Type: text/html", "",
            "<p>Vis<b>ible</b> &amp; clear</p><script>hidden</script>", "--A", "Content-Type: text/csv; name*=UTF-8''%E8%A1%A8.csv",
            "Content-Disposition: attachment; filename=list.csv", "", "alpha,beta", "--A", "Content-Type: message/rfc822", "",
            "Subject: =?utf-8?q?inner?=",
            "From: deep@b.test", "", "deep text", "--A", "Content-Type: application/pdf", "", "%PDF secret", "--A--", "",
        ].joined(separator: "\r\n")
        let sample = Sample(message)
        for (key, expected): (SearchKey, Bool) in [
            (.body("visible & clear"), true), (.body("hidden"), false), (.body("alpha,beta"), true), (.body("inner"), true),
            (.body("deep@b.test"), true),
            (.body("deep text"), true), (.body("secret"), false), (.subject("inner"), false), (.header(name: "subject", "inner"), false),
            (.header(name: "from", ""), false), (.text("list.csv"), true), (.text("表.csv"), true), (.body("list.csv"), false),
            (.text("top"), true),
            (.body("top"), false), (.body("clear alpha"), false),
        ] {
            #expect(sample.matches(key) == expected, "\(key)")
        }
    }

    @Test("what is kept comes back")
    func coding() {
        let text = SearchKeyTests.mail.text
        #expect(SearchText(decoding: text.encoded) == text)
        var cut = text.encoded
        cut.moveWriterIndex(to: cut.writerIndex - 1)
        #expect(SearchText(decoding: cut) == nil)
        #expect(SearchText(decoding: ByteBuffer()) == nil)
        var other = text.encoded
        other.setInteger(UInt8(99), at: other.readerIndex)
        #expect(SearchText(decoding: other) == nil)
    }

    @Test(
        "folding: one form for what people take for the same",
        arguments: [
            ("ＡＢＣ１２３", "abc123"), ("ｶﾞｷﾞｸﾞ", "ガギグ"), ("か\u{3099}", "が"), ("e\u{301}É", "éé"), ("㎏㏁", "kgmω"), ("ﬁﬂ", "fifl"),
            ("İ", "i\u{307}"), ("ΑΣ", "ασ"),
            ("a \t\r\n b", "a b"), ("日 本\r\n語", "日本語"), ("日 a 本", "日 a 本"), ("한국 사람", "한국 사람"), ("soft\u{AD}hyphen", "softhyphen"),
            ("a\u{200B}b\u{FEFF}", "ab"), ("　全角　空白　x", "全角空白 x"), ("a\0b", "ab"), ("", ""), ("①", "1"), ("㈱", "(株)"), ("A\u{30A}", "å"),
            ("\u{1100}\u{1161}", "가"),
        ])
    func folding(_ text: String, _ expected: String) {
        #expect(String(decoding: SearchFold.folded(text), as: UTF8.self) == expected)
    }

    @Test("octets that are no UTF-8 fold to something")
    func hostileFolding() {
        for bytes: [UInt8] in [
            [0xFF], [0xC2], [0xE3, 0x81], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC0, 0x80],
            [0x80, 0xCC, 0x81],
        ] {
            let folded = bytes.withUnsafeBufferPointer { SearchFold.folded($0) }
            #expect(String(validating: folded, as: UTF8.self) != nil, "\(bytes)")
        }
        let marks = "a" + String(repeating: "\u{301}", count: 20_000)
        #expect(!SearchFold.folded(marks).isEmpty)
    }
}

@Suite("Pieces for an index")
struct PieceTests {
    static func text(_ body: String) -> SearchText { Sample("Content-Type: text/plain; charset=utf-8\r\n\r\n" + body).text }

    @Test("what a needle of one kind asks for")
    func needles() throws {
        func narrowing(_ text: String) throws -> SearchNarrowing? {
            try #require(SearchPlan(SearchProgram(.body(text)), Sample.context)).narrowing
        }
        func count(_ text: String) throws -> Int? {
            guard case .pieces(let pieces) = try narrowing(text) else { return nil }
            return pieces.count
        }
        #expect(try count("abc") == 1)
        #expect(try count("abcd") == 2)
        #expect(try count("会議") == 1)
        #expect(try count("会議室") == 2)
        #expect(try count("x会") == 1)
        #expect(try narrowing("ab") == nil)
        #expect(try narrowing("会") == nil)
        #expect(try narrowing("a b c") == nil)
        #expect(try narrowing("") == nil)
        func plan(_ key: SearchKey) throws -> SearchPlan { try #require(SearchPlan(SearchProgram(key), Sample.context)) }
        #expect(try plan(.not(.body("abc"))).narrowing == nil)
        #expect(try plan(.or(.body("abc"), .flags(.seen))).narrowing == nil)
        #expect(try plan(.and([.body("abc"), .flags(.seen)])).narrowing != nil)
        #expect(try plan(.or(.body("abc"), .subject("def"))).narrowing != nil)
    }

    @Test("no message that matches is left out by the index, in random Japanese and mixed text")
    func neverLoses() throws {
        var random = SeededRandom(seed: 20_261_122)
        let letters = Array("aAbBéＡｶﾞが会議日本語。한국 \t\n.-1①か\u{3099}\u{301}ß😀".unicodeScalars)
        func text(_ length: Int) -> String {
            var out = String.UnicodeScalarView()
            for _ in 0..<length { out.append(letters[Int.random(in: 0..<letters.count, using: &random)]) }
            return String(out)
        }
        var matched = 0
        for _ in 0..<400 {
            let body = text(Int.random(in: 1...60, using: &random))
            let sample = Sample("Content-Type: text/plain; charset=utf-8\r\nSubject: s\r\n\r\n\(body)\r\n")
            let pieces = Set(sample.text.pieces)
            let scalars = Array(body.unicodeScalars)
            for _ in 0..<20 {
                let start = Int.random(in: 0..<scalars.count, using: &random)
                let end = min(scalars.count, start + Int.random(in: 1...8, using: &random))
                let needle = String(String.UnicodeScalarView(scalars[start..<end]))
                for key in [
                    SearchKey.body(needle), .text(needle), .or(.body(needle), .body(text(3))), .and([.text("subject"), .body(needle)]),
                ] {
                    let plan = try #require(SearchPlan(SearchProgram(key), Sample.context))
                    guard plan.decide(sample.facts, sample.summary, sample.text) == .yes else { continue }
                    matched += 1
                    if let narrowing = plan.narrowing { #expect(narrowing.allows(pieces.contains), "\(needle) in \(body)") }
                }
            }
        }
        #expect(matched > 5000)
    }

    @Test("NUL in a header hides nothing from the index that the summary shows")
    func zeros() throws {
        let sample = Sample("Subject: 会\0議 a\0bc\r\nX-Other: 会\0議\r\n\r\n\r\n")
        let pieces = Set(sample.text.pieces)
        for key in [SearchKey.subject("会議"), .subject("abc"), .text("会議"), .header(name: "x-other", "会議")] {
            let plan = try #require(SearchPlan(SearchProgram(key), Sample.context))
            #expect(plan.decide(sample.facts, sample.summary, sample.text) == .yes, "\(key)")
            let narrowing = try #require(plan.narrowing)
            #expect(narrowing.allows(pieces.contains), "\(key)")
        }
    }

    @Test("pieces are sorted and unique, also of long texts")
    func uniquePieces() {
        let pieces = Self.text(String(repeating: "abcdef 会議室 ", count: 20_000)).pieces
        #expect(pieces == Array(Set(pieces)).sorted())
        #expect(pieces.count < 100)
    }
}

/// The same numbers each time (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
