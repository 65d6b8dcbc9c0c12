import Delivery
import NIOCore
import Testing

/// Messages as a maildrop and as programs get them.
struct UnixFormTests {
    private static func form(_ text: String, quotes: Bool, pieces: Int = Int.max) -> String {
        var form = UnixForm(quotesFrom: quotes)
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
            out += form.take(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + min(pieces, bytes.count))]))
        }
        return String(decoding: out + form.finish(), as: UTF8.self)
    }

    @Test("P3 lines end in LF, lines that begin with From are quoted so that it can be undone, an empty line ends a message; drip-fed too")
    func maildropForm() {
        let messages: [(String, String)] = [
            ("", "\n"), ("a\r\n", "a\n\n"), ("a", "a\n\n"), ("From x\r\n", ">From x\n\n"), (">From x\r\n", ">>From x\n\n"),
            (">>>From x", ">>>>From x\n\n"), ("From", "From\n\n"), ("From:x\r\nFromage\r\n", "From:x\nFromage\n\n"),
            (" From x\r\n", " From x\n\n"),
            ("a From b\r\n", "a From b\n\n"), ("a\r\n\r\nFrom b\r\n", "a\n\n>From b\n\n"), ("> From x\r\n", "> From x\n\n"), (">", ">\n\n"),
            ("a\rb\r\n\r\r\n", "a\rb\n\r\n\n"), ("\r", "\r\n\n"), ("Fro\r\nFrom \r\n", "Fro\n>From \n\n"),
            (String(repeating: ">", count: 3000) + "From x", String(repeating: ">", count: 3000) + "From x\n\n"),
        ]
        for (message, wanted) in messages {
            for pieces in [Int.max, 1, 2, 3, 5] { #expect(Self.form(message, quotes: true, pieces: pieces) == wanted, "\(message)") }
        }
    }

    @Test("a program gets lines that end in LF, and nothing else is changed")
    func programForm() {
        for (message, wanted) in [("From x\r\n>From y\r\nz", "From x\n>From y\nz\n"), ("", ""), ("a\r\n\r\n", "a\n\n")] {
            for pieces in [Int.max, 1] { #expect(Self.form(message, quotes: false, pieces: pieces) == wanted) }
        }
    }
}
