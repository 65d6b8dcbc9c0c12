import Bytes
import MailTesting
import NIOCore
import Testing

/// The plainest possible byte-stuffing, to compare with.
private func stuffed(_ body: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var atLineStart = true
    for byte in body {
        if atLineStart && byte == UInt8(ascii: ".") { out.append(byte) }
        out.append(byte)
        atLineStart = byte == .lf
    }
    if !body.isEmpty && !(body.count >= 2 && body.suffix(2).elementsEqual([.cr, .lf])) { out += [.cr, .lf] }
    return out + Array(".\r\n".utf8)
}

private func encoded(_ body: [UInt8], pieces: [Int]) -> [UInt8] {
    var encoder = DotEncoder()
    var out = ByteBuffer()
    var rest = body[...]
    for size in pieces where !rest.isEmpty {
        encoder.encode(ByteBuffer(bytes: rest.prefix(size)), into: &out)
        rest = rest.dropFirst(size)
    }
    encoder.encode(ByteBuffer(bytes: rest), into: &out)
    encoder.finish(into: &out)
    return Array(out.readableBytesView)
}

@Suite struct DotEncoderTests {
    @Test(arguments: [
        "", ".", "..", "...", "a", "\r\n", ".\r\n", "\r\n.\r\n", "a\r\n.b\r\n..c\r\nd.\r\n", "a\n.b", "a\r.b\r\n", "\r", "\n", ".\n.",
        "no end",
        "ends with CR\r",
    ])
    func matchesThePlainWay(_ text: String) {
        let body = Array(text.utf8)
        for size in 1...max(1, body.count) {
            #expect(encoded(body, pieces: Array(repeating: size, count: body.count)) == stuffed(body), "pieces of \(size)")
        }
    }

    @Test func randomBodiesInRandomPieces() {
        var random = SeededGenerator(seed: 0xD07)
        for _ in 0..<2000 {
            let alphabet: [UInt8] = [.cr, .lf, UInt8(ascii: "."), UInt8(ascii: "x")]
            let body = (0..<Int.random(in: 0...60, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            let pieces = (0..<8).map { _ in Int.random(in: 0...9, using: &random) }
            #expect(encoded(body, pieces: pieces) == stuffed(body), "\(body) in \(pieces)")
        }
    }

    @Test func isReadyForTheNextBodyAfterTheEnd() {
        var encoder = DotEncoder()
        var out = ByteBuffer()
        encoder.encode(ByteBuffer(string: "open line"), into: &out)
        encoder.finish(into: &out)
        out.clear()
        encoder.encode(ByteBuffer(string: ".first\r\n"), into: &out)
        encoder.finish(into: &out)
        #expect(String(buffer: out) == "..first\r\n.\r\n")
    }
}
