import MIME
import NIOCore
import Testing

@Suite("Header fields")
struct HeaderReaderTests {
    static func fields(_ text: String) -> (names: [String], end: HeaderReader.End?) {
        let message = ByteBuffer(string: text)
        var reader = HeaderReader(message)
        var names: [String] = []
        while let field = reader.next() {
            names.append(message.getString(at: field.start, length: field.nameEnd - field.start) ?? "?")
        }
        return (names, reader.end)
    }

    @Test("Fields, folded lines and the empty line are found")
    func plain() {
        let (names, end) = Self.fields("A: 1\r\nB:2\r\n\t3\r\n  4\r\nC :\r\n\r\nbody: x\r\n")
        #expect(names == ["A", "B", "C"])
        #expect(end == .blankLine(bodyStart: 27))
    }

    @Test(
        "What is no field ends the header",
        arguments: [
            ("A: 1\r\nno field\r\n", 6), (": x\r\n\r\n", 0), ("From x\r\n", 0), ("A: 1\r\n\rB: 2\r\n", 6), (" folded first\r\n", 0),
            ("é: x\r\n", 0),
        ])
    func noField(_ text: String, _ bodyStart: Int) { #expect(Self.fields(text).end == .noField(bodyStart: bodyStart)) }

    @Test(
        "Bytes that end within the header are incomplete",
        arguments: ["", "A", "A:", "A: x", "A: x\r", "A: x\r\n", "A: x\r\nB", "A: x\r\n\r"])
    func incomplete(_ text: String) { #expect(Self.fields(text).end == .incomplete) }

    @Test(
        "The header of what is no proper message ends with an empty line, and no more is changed",
        arguments: [
            ("x", "\r\nx"), ("A: x", "A: x"), ("A: x\r\nB", "A: x\r\n\r\nB"), ("A: x\r\n\r", "A: x\r\n\r\n\r"), (" x\r\n", "\r\n x\r\n"),
            ("A: x\r\n y", "A: x\r\n y"), ("A: x\r\n\r\n b", "A: x\r\n\r\n b"), ("", ""), ("\r\n", "\r\n"),
            (">From a\r\nA: x\r\n\r\n", "X-Mailbox-Line: >From a\r\nA: x\r\n\r\n"), ("From: a\r\n\r\n", "From: a\r\n\r\n"),
            (">>From a\r\n", "\r\n>>From a\r\n"),
        ])
    func headerEnd(_ text: String, _ wanted: String) {
        let message = ByteBuffer(string: text).withMailboxLineAsField()
        #expect(message.withHeaderEnded(message.countFields(named: "Received").end, isWhole: true) == ByteBuffer(string: wanted))
    }

    @Test("A mailbox line that would become too long stays, and the body begins with it")
    func longMailboxLine() {
        let long = ByteBuffer(string: "From " + String(repeating: "x", count: 985) + "\r\n")
        #expect(long.withMailboxLineAsField() == long)
        let fits = ByteBuffer(string: "From " + String(repeating: "x", count: 977) + "\r\n")
        #expect(fits.withMailboxLineAsField().readableBytes == 1000)
    }

    @Test("P2 a thousand fields are enough")
    func tooMany() {
        #expect(Self.fields(String(repeating: "X: y\r\n", count: 1001) + "\r\n").end == .tooManyFields)
        #expect(Self.fields(String(repeating: "X: y\r\n", count: 1000) + "\r\n").names.count == 1000)
    }

    @Test("Names are compared without case, bodies come unfolded")
    func names() {
        let message = ByteBuffer(string: "rEcEiVeD: from a\r\n\tby b  \r\nReceived-SPF: no\r\nreceived:\r\n\r\n")
        #expect(message.countFields(named: "Received").count == 2)
        var reader = HeaderReader(message)
        if let field = reader.next() { #expect(String(decoding: message.unfolded(field), as: UTF8.self) == "from a\tby b") }
        _ = reader.next()
        if let field = reader.next() { #expect(message.unfolded(field).isEmpty) }
    }
}

@Suite struct TLSRequiredTests {
    @Test(
        "TLS-Required counts when it stands alone and says No",
        arguments: [
            ("TLS-Required: No\r\n\r\n", true), ("tls-required:\r\n no \r\n\r\n", true),
            ("TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false),
            ("TLS-Required: Yes\r\n\r\n", false), ("Subject: x\r\n\r\nTLS-Required: No\r\n", false), ("TLS-Required:\r\n\r\n", false),
        ])
    func field(_ text: String, _ isOptional: Bool) { #expect(ByteBuffer(string: text).saysTLSOptional == isOptional) }
}
