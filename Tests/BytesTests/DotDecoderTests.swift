import Bytes
import MailTesting
import NIOCore
import Testing

@Suite("The end of DATA")
struct DotDecoderTests {
    struct Result: Equatable {
        var content: String
        var fault: DotDecoder.Fault?
        var isFinished: Bool
        /// Octets behind the end.
        var rest: String
    }

    static func decode(_ pieces: [[UInt8]], maximumLine: Int = 998) -> Result {
        var decoder = DotDecoder(maximumLine: maximumLine)
        var out = ByteBuffer()
        var rest = ByteBuffer()
        for piece in pieces {
            rest.writeBytes(piece)
            if !decoder.isFinished { decoder.decode(&rest, into: &out) }
        }
        return Result(content: String(buffer: out), fault: decoder.fault, isFinished: decoder.isFinished, rest: String(buffer: rest))
    }

    /// Two-way splits at every place, and byte by byte.
    static func everyCut(_ bytes: [UInt8]) -> [[[UInt8]]] {
        [[bytes], bytes.map { [$0] }] + bytes.indices.dropFirst().map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    }

    /// Everything that some server somewhere takes for the end of a message: each kind of line end before the dot, each behind it.
    static let lineEnds: [String] = ["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\r", "\0\r\n", "\r\0\n", "\r\n\0", ""]

    @Test("S1 only CRLF.CRLF ends DATA, in 100 mixes of line ends, cut at every place", arguments: lineEnds, lineEnds)
    func smuggling(_ before: String, _ after: String) {
        let wire = Array("text\(before).\(after)MAIL FROM:<evil@x.test>\r\n.\r\n".utf8)
        let wanted = Self.reference(wire)
        for cut in Self.everyCut(wire) {
            let result = Self.decode(cut)
            #expect(result.isFinished && result.rest == wanted.rest)
            #expect((result.fault == nil) == wanted.isClean)
            if wanted.isClean { #expect(result.content == wanted.content) }
        }
    }

    /// The rule in its plainest form, as a second parser: the first CRLF.CRLF, and no other CR, LF or NUL before it.
    static func reference(_ wire: [UInt8]) -> (content: String, rest: String, isClean: Bool) {
        let bytes: [UInt8] = [0x0D, 0x0A] + wire
        let end: [UInt8] = [0x0D, 0x0A, 0x2E, 0x0D, 0x0A]
        guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { return ("", "", false) }
        var text: [UInt8] = []
        var isClean = true
        var index = 2
        while index < start + 2 {
            if bytes[index...].starts(with: [0x0D, 0x0A]) {
                text += [0x0D, 0x0A]
                index += 2
                if index < start + 2, bytes[index] == 0x2E { index += 1 }
            } else {
                if bytes[index] == 0x0D || bytes[index] == 0x0A || bytes[index] == 0 { isClean = false }
                text.append(bytes[index])
                index += 1
            }
        }
        return (String(decoding: text, as: UTF8.self), String(decoding: bytes[(start + 5)...], as: UTF8.self), isClean)
    }

    @Test("Stuffing is undone at line starts and nowhere else")
    func stuffing() {
        for cut in Self.everyCut(Array("..a\r\nb..c\r\n...\r\n.x\r\n\r\n.\r\n".utf8)) {
            #expect(Self.decode(cut) == Result(content: ".a\r\nb..c\r\n..\r\nx\r\n\r\n", fault: nil, isFinished: true, rest: ""))
        }
    }

    @Test("An empty message is empty")
    func empty() {
        #expect(Self.decode([Array(".\r\n".utf8)]) == Result(content: "", fault: nil, isFinished: true, rest: ""))
    }

    @Test("S2 S5 faults are named, and reading goes on to the end")
    func faults() {
        let cases: [(String, DotDecoder.Fault)] = [
            ("a\nb\r\n.\r\n", .bareLineFeed), ("a\rb\r\n.\r\n", .bareCarriageReturn), ("a\r\r\n.\r\n", .bareCarriageReturn),
            ("\0\r\n.\r\n", .nul),
            (".\rx\r\n.\r\n", .bareCarriageReturn), (String(repeating: "x", count: 999) + "\r\n.\r\n", .longLine),
            ("\n.\r\n\r\n.\r\n", .bareLineFeed), (".,\0\0\n\r\n.\r\n", .nul), (".,\n\0\n\r\n.\r\n", .bareLineFeed),
            (String(repeating: "x", count: 999) + "\0\n\r\n.\r\n", .longLine),
            (String(repeating: "x", count: 997) + "\0xxx\n\r\n.\r\n", .nul),
            (String(repeating: "x", count: 998) + "\nxxx\0\r\n.\r\n", .bareLineFeed),
        ]
        for (wire, fault) in cases {
            for cut in Self.everyCut(Array(wire.utf8)) {
                let result = Self.decode(cut)
                #expect(result.fault == fault && result.isFinished && result.rest.isEmpty, "\(wire.debugDescription.prefix(20))")
            }
        }
    }

    @Test("S1 S2 for clients that may, LF becomes CRLF; the end of the message stays CRLF.CRLF, and a CR alone a fault")
    func repairedNewlines() {
        let cases: [(wire: String, content: String)] = [
            ("a\nb\r\n.\r\n", "a\r\nb\r\n"), ("\n\n\r\n.\r\n", "\r\n\r\n\r\n"), ("a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\n.\r\nMAIL FROM:<evil@x.test>\r\n.\r\n", "a\r\n.\r\nMAIL FROM:<evil@x.test>\r\n"),
            ("a\r\n.\nRCPT\r\n.\r\n", "a\r\n\r\nRCPT\r\n"), ("a\n..b\r\n..c\r\n.\r\n", "a\r\n..b\r\n.c\r\n"),
            (
                String(repeating: String(repeating: "x", count: 900) + "\n", count: 3) + "\r\n.\r\n",
                String(repeating: String(repeating: "x", count: 900) + "\r\n", count: 3) + "\r\n"
            ),
        ]
        for (wire, content) in cases {
            for cut in Self.everyCut(Array(wire.utf8)) {
                var decoder = DotDecoder(maximumLine: 998, repairsNewlines: true)
                var (out, rest) = (ByteBuffer(), ByteBuffer())
                for piece in cut {
                    rest.writeBytes(piece)
                    if !decoder.isFinished { decoder.decode(&rest, into: &out) }
                }
                #expect(decoder.isFinished && decoder.fault == nil && rest.readableBytes == 0)
                #expect(String(buffer: out) == content && decoder.size == Int64(content.utf8.count))
            }
        }
        for (wire, fault) in [("a\rb\r\n.\r\n", DotDecoder.Fault.bareCarriageReturn), ("a\n\0\r\n.\r\n", .nul)] {
            var decoder = DotDecoder(maximumLine: 998, repairsNewlines: true)
            var (input, out) = (ByteBuffer(string: wire), ByteBuffer())
            decoder.decode(&input, into: &out)
            #expect(decoder.fault == fault && decoder.isFinished)
        }
        // Of BDAT the end is counted.
        var decoder = DotDecoder(unstuffs: false, maximumLine: 998, repairsNewlines: true)
        var (input, out) = (ByteBuffer(string: "a\n.\n"), ByteBuffer())
        decoder.decode(&input, into: &out)
        decoder.finishLine(into: &out)
        #expect(String(buffer: out) == "a\r\n.\r\n" && decoder.fault == nil)
    }

    @Test("S5 a line of 998 octets is the longest; the stuffing dot does not count")
    func longestLine() {
        let line = String(repeating: "x", count: 997)
        #expect(Self.decode([Array("..\(line)\r\n.\r\n".utf8)]).fault == nil)
        #expect(Self.decode([Array("..\(line)x\r\n.\r\n".utf8)]).fault == .longLine)
    }

    @Test("S3 what a dot encoder writes, comes out again")
    func roundTrip() {
        var generator = SeededBytes(7)
        for _ in 0..<200 {
            let text = generator.lines()
            let stuffed = text.split(separator: "\r\n", omittingEmptySubsequences: false).map { $0.hasPrefix(".") ? ".\($0)" : "\($0)" }
            let wire = Array((stuffed.joined(separator: "\r\n") + ".\r\n").utf8)
            let result = Self.decode(Cutting.random(generator.next()).pieces(of: wire))
            #expect(result == Result(content: text, fault: nil, isFinished: true, rest: ""))
        }
    }
}

/// Lines of dots and letters, the same for the same seed.
private struct SeededBytes {
    private var state: UInt64
    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return self.state >> 20
    }

    mutating func lines() -> String {
        (0..<(self.next() % 8)).map { _ in String((0..<(self.next() % 6)).map { _ in self.next() % 2 == 0 ? "." : "x" }) + "\r\n" }.joined()
    }
}
