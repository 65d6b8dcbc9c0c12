import Bytes
import MIME
import MailTesting
import NIOCore
import Testing

/// The same messages, taken apart by Python's email package.
@Suite("Structure of messages, compared with Python", .serialized)
struct PythonMIMETests {
    private static let script = """
        import email, email.policy, sys, base64
        def walk(m, depth):
            kind = m.get_content_type()
            if m.is_multipart() and kind != "message/rfc822":
                print(depth, kind)
                for p in m.get_payload(): walk(p, depth + 1)
            elif kind == "message/rfc822" and m.is_multipart():
                print(depth, kind)
                walk(m.get_payload(0), depth + 1)
            else:
                body = m.get_payload(decode=True) or b""
                print(depth, kind, base64.b64encode(body.replace(b"\\r\\n", b"\\n")).decode())
        data = open(sys.argv[1], "rb").read()
        for message in data.split(b"\\x00"):
            print("message")
            walk(email.message_from_bytes(message), 0)
        """

    /// A random message of `depth` levels, and well formed.
    private static func message(_ depth: Int, _ generator: inout SeededGenerator) -> String {
        let kind = depth == 0 ? Int.random(in: 0..<3, using: &generator) : Int.random(in: 0..<6, using: &generator)
        let lines = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            ["a line", "--not a boundary", "", "- -", "caf=C3=A9"].randomElement(using: &generator) ?? ""
        }
        let text = lines.joined(separator: "\r\n")
        switch kind {
        case 0: return "Subject: x\r\n\r\n\(text)"
        case 1: return "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\(text)"
        case 2:
            return
                "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\nZGVm\(lines.count % 2 == 0 ? "\r\n" : "")"
        case 3: return "Content-Type: message/rfc822\r\n\r\n" + Self.message(depth - 1, &generator)
        default:
            let boundary = "b\(Int.random(in: 0..<1_000_000, using: &generator))"
            var out = "Content-Type: multipart/mixed; boundary=\"\(boundary)\"\r\n\r\n" + (kind == 4 ? "preamble\r\n" : "")
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                out += "--\(boundary)\r\n" + Self.message(depth - 1, &generator) + "\r\n"
            }
            return out + "--\(boundary)--\r\n" + (kind == 5 ? "epilogue\r\n" : "")
        }
    }

    @Test("Three hundred generated messages have the same parts with the same content")
    func generated() throws {
        var generator = SeededGenerator(seed: 822)
        let messages = (0..<300).map { _ in Self.message(4, &generator) }
        let directory = TemporaryDirectory("mime")
        directory.write("messages", messages.joined(separator: "\0"))
        let result = try ChildProcess.run("/usr/bin/python3", ["-c", Self.script, directory("messages")], seconds: 60)
        #expect(result.ending == .exited(0), "\(result.output.suffix(500))")
        let theirs = result.output.components(of: "message\n")
        try #require(theirs.count == messages.count)
        for (message, drawn) in zip(messages, theirs) { #expect(Self.drawn(message) == drawn, "\(message)") }
    }

    private static func drawn(_ message: String) -> String {
        var parser = MIMEParser()
        parser.read(ByteBuffer(string: message))
        var out = ""
        for entity in parser.finish().entities {
            out += "\(entity.depth) \(entity.type.name)"
            if entity.content == .leaf {
                let body = PartText.content(of: entity, in: ByteBuffer(string: message), limit: 1 << 20)
                let plain = String(decoding: body, as: UTF8.self).replacing("\r\n", with: "\n")
                out += " " + Base64.encode(Array(plain.utf8))
            }
            out += "\n"
        }
        return out
    }
}

extension String {
    /// What stands behind each `mark` at the beginning of a line.
    fileprivate func components(of mark: String) -> [String] {
        var out: [String] = []
        for line in self.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if "\(line)\n" == mark { out.append("") } else if !out.isEmpty { out[out.count - 1] += "\(line)\n" }
        }
        return out
    }
}
