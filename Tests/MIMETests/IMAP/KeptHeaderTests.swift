import MIME
import NIOCore
import Testing

/// Headers that are kept answer as the message would: octet by octet, or not at all.
@Suite struct KeptHeaderTests {
    private static let names = [
        "From", "To", "CC", "Subject", "DATE", "Message-ID", "References", "Received", "DKIM-Signature", "X-Spam-Report", "List-Id",
        "X-Odd", "x-odd",
    ]

    private func buffer(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    /// A header as strangers write them.
    private func header(_ random: inout some RandomNumberGenerator) -> String {
        var out =
            Bool.random(using: &random) || Bool.random(using: &random)
            ? "" : [" first goes on\r\n", "\tfirst\n"].randomElement(using: &random) ?? ""
        for _ in 0..<Int.random(in: 0...25, using: &random) {
            let name = Self.names.randomElement(using: &random) ?? ""
            let end = Int.random(in: 0...5, using: &random) == 0 ? "\n" : "\r\n"
            switch Int.random(in: 0...11, using: &random) {
            case 0: out += "no field at all\(end)"
            case 1: out += "\(name) : blank before the colon\(end)"
            case 2: out += "\(name): goes\(end) \(end)\ton\(end)"
            case 3: out += "\(name): \(String(repeating: "long ", count: Int.random(in: 0...1500, using: &random)))\(end)"
            case 4: out += "x\n"
            default: out += "\(name): value \(Int.random(in: 0...999, using: &random))\(end)"
            }
        }
        return out + (["", "\r\n", "\n", "\r\nbehind the end: x\r\n"].randomElement(using: &random) ?? "")
    }

    @Test("fields out of a header that is kept are those of the message, whatever it looks like")
    func sameAsTheMessage() throws {
        var random = SystemRandomNumberGenerator()
        var (answered, whole) = (0, 0)
        for _ in 0..<3000 {
            let text = self.header(&random)
            let (head, tail) = Bool.random(using: &random) ? ("Return-Path: <a@b>\r\n", "Received: by us\r\n") : ("", "")
            let lines = Bool.random(using: &random) ? "Delivered-To: c@d\r\n" : ""
            let isWhole = Bool.random(using: &random)
            let kept = KeptHeader(self.buffer(text), head: self.buffer(head), tail: self.buffer(tail))
            let again = try #require(KeptHeader(decoding: kept.encoded))
            #expect(again == kept)
            let all = self.buffer(isWhole ? lines + text : head + lines + tail + text)
            if let header = again.header(self.buffer(lines), isWhole: isWhole) {
                whole += 1
                #expect(header == all)
            }
            for isExcluding in [false, true] {
                let names =
                    Self.names.filter { _ in Int.random(in: 0...2, using: &random) == 0 }
                    + ["Received", "To"].prefix(Int.random(in: 0...2, using: &random))
                let filter = HeaderFieldFilter(names, isExcluding: isExcluding)
                guard let subset = again.subset(filter, self.buffer(lines), isWhole: isWhole) else { continue }
                answered += 1
                #expect(subset == filter.subset(of: all), "\(names) \(isExcluding) of \(String(buffer: all).debugDescription)")
            }
        }
        #expect(answered > 500 && whole > 500)
    }

    @Test("a filter takes whole fields by name, and the empty line")
    func filter() {
        let header = "A: 1\r\nbb : 2\r\n goes on\r\nno field\r\n and on\r\nC:3\r\na: 4\r\n\r\nA: behind\r\n"
        func subset(_ names: [String], _ isExcluding: Bool = false) -> String {
            String(buffer: HeaderFieldFilter(names, isExcluding: isExcluding).subset(of: self.buffer(header)))
        }
        #expect(subset(["a"]) == "A: 1\r\na: 4\r\n\r\n")
        #expect(subset(["BB", "c"]) == "bb : 2\r\n goes on\r\nC:3\r\n\r\n")
        #expect(subset(["A", "X"], true) == "bb : 2\r\n goes on\r\nC:3\r\n\r\n")
        #expect(subset([]) == "\r\n")
        #expect(subset([], true) == "A: 1\r\nbb : 2\r\n goes on\r\nC:3\r\na: 4\r\n\r\n")
        #expect(
            String(buffer: HeaderFieldFilter(["a"], isExcluding: false).subset(of: self.buffer("b: 1\r\na: without end")))
                == "a: without end")
    }

    @Test("of a long header what mail programs ask for is kept, and nothing is told that is not")
    func longHeader() throws {
        let received = (0..<40).map { "Received: from host\($0).example by other.example; Thu, 1 Jan 2026 00:00:00 +0000\r\n" }.joined()
        let long = received + "From: a@b\r\nSubject: x\r\nX-Junk: y\r\n\r\n"
        let kept = KeptHeader(self.buffer(long), head: ByteBuffer(), tail: ByteBuffer())
        #expect(kept.encoded.readableBytes < 200)
        func subset(_ names: [String], _ isExcluding: Bool = false) -> String? {
            kept.subset(HeaderFieldFilter(names, isExcluding: isExcluding), ByteBuffer(), isWhole: false).map { String(buffer: $0) }
        }
        #expect(subset(["SUBJECT", "from", "X-TUID"]) == "From: a@b\r\nSubject: x\r\n\r\n")
        #expect(subset(["From", "Received"]) == nil)
        #expect(subset(["x-junk"]) == nil)
        #expect(subset(["From"], true) == nil)
        #expect(kept.header(ByteBuffer(), isWhole: false) == nil)
        // A field of its name that was too long is not passed over.
        let two = KeptHeader(
            self.buffer("References: <1>\r\nReferences: \(String(repeating: "<2> ", count: 2000))\r\n\r\n"), head: ByteBuffer(),
            tail: ByteBuffer())
        #expect(two.subset(HeaderFieldFilter(["references"], isExcluding: false), ByteBuffer(), isWhole: false) == nil)
        #expect(KeptHeader(nil, head: ByteBuffer(), tail: ByteBuffer()).answersNothing)
        #expect(KeptHeader(self.buffer("a: b\r\n"), head: nil, tail: nil).answersNothing)
    }

    @Test("bytes that are none are refused")
    func damage() {
        let kept = KeptHeader(
            self.buffer(String(repeating: "X-A: b\r\n", count: 600)), head: self.buffer("h\r\n"), tail: self.buffer("t\r\n")
        ).encoded
        for length in 0..<min(kept.readableBytes, 40) { _ = KeptHeader(decoding: kept.getSlice(at: 0, length: length) ?? ByteBuffer()) }
        #expect(KeptHeader(decoding: ByteBuffer()) == nil)
        #expect(KeptHeader(decoding: ByteBuffer(bytes: [9, 1, 0, 0, 0, 0, 0, 0])) == nil)
        #expect(KeptHeader(decoding: ByteBuffer(bytes: [1, 7, 0, 0, 0, 0, 0, 0])) == nil)
        #expect(KeptHeader(decoding: ByteBuffer(bytes: [1, 2, 0, 0, 0, 0, 0xFF, 0xFF, 1])) == nil)
    }
}
