import MailTesting
import NIOCore
import SMTPWire
import Testing
import Vocabulary

@Suite("Replies of other servers")
struct ReplyReaderTests {
    private func read(_ bytes: [UInt8], _ cutting: Cutting = .whole) -> [String] {
        var reader = SMTPReplyReader()
        var input = ByteBuffer()
        var out: [String] = []
        for piece in cutting.pieces(of: bytes) {
            input.writeBytes(piece)
            do throws(SMTPReplyReader.Fault) {
                while let reply = try reader.next(&input) {
                    out.append("\(reply.code) \(reply.status.map { "\($0)" } ?? "-") \(reply.text)")
                }
            } catch { return out + ["\(error)"] }
        }
        return out
    }

    @Test(
        "Every way of writing a reply, and of writing none",
        arguments: [
            ("250 Ok\r\n", ["250 - Ok"]), ("250\r\n", ["250 - "]), ("250 \r\n", ["250 - "]),
            ("250-a\r\n250-b\r\n250 c\r\n", ["250 - a\nb\nc"]), ("250-a\r\n250\r\n", ["250 - a\n"]),
            ("250 2.1.0 Ok\r\n", ["250 2.1.0 Ok"]), ("550-5.1.1 No\r\n550 5.1.1 user\r\n", ["550 5.1.1 No\nuser"]),
            ("550 4.1.1 odd\r\n", ["550 - 4.1.1 odd"]), ("354 3.0.0 x\r\n", ["354 - 3.0.0 x"]), ("250 2.1 x\r\n", ["250 - 2.1 x"]),
            ("250 2.1.1234 x\r\n", ["250 - 2.1.1234 x"]), ("250 2.1.5\r\n", ["250 2.1.5 "]),
            ("220 a\u{1}b\r\n", ["220 - a?b"]), ("250 a\r\n550 b\r\n", ["250 - a", "550 - b"]),
            ("250-a\r\n251 b\r\n", ["mixedCodes"]), ("250 Ok\n", ["malformed"]), ("199 x\r\n", ["malformed"]), ("660 x\r\n", ["malformed"]),
            ("25 x\r\n", ["malformed"]), ("2500 x\r\n", ["malformed"]), ("\r\n", ["malformed"]), ("HTTP/1.1 200 OK\r\n", ["malformed"]),
            ("250xOk\r\n", ["malformed"]), ("250 Ok", []), ("250 Ok\r", []),
        ])
    func table(_ wire: String, _ expected: [String]) {
        for cutting in Cutting.all { #expect(self.read(Array(wire.utf8), cutting) == expected, "\(cutting)") }
    }

    @Test("P2 lines, replies and texts are bounded")
    func bounds() {
        #expect(self.read(Array("250 \(String(repeating: "x", count: 33_000))\r\n".utf8), .whole) == ["tooLong"])
        #expect(self.read(Array("550 \(String(repeating: "x", count: 20_000))\r\n".utf8), .whole).first?.hasPrefix("tooLong") == false)
        #expect(self.read(Array(repeating: UInt8(ascii: "2"), count: 40_000), .everyByte) == ["tooLong"])
        #expect(self.read(Array(String(repeating: "250-x\r\n", count: 200).utf8)) == ["tooLong"])
        let long = String(repeating: "250-\(String(repeating: "y", count: 1000))\r\n", count: 100) + "250 end\r\n"
        #expect(self.read(Array(long.utf8)).first.map { $0.utf8.count < 9000 } == true)
    }

    @Test func randomBytesTrapNothing() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator) : Array("250-.\r\n ".utf8).randomElement(using: &generator) ?? 0
            }
            #expect(self.read(bytes) == self.read(bytes, .everyByte))
        }
    }
}
