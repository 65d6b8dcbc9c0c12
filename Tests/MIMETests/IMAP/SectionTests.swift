import MIME
import NIOCore
import Testing

@Suite("Sections of a message")
struct SectionTests {
    /// The message of RFC 9051 6.4.5.1.
    static let complex = [
        "Subject: top", "Content-Type: multipart/mixed; boundary=A", "", "preamble", "--A", "Content-Type: text/plain", "", "one", "--A",
        "Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64", "", "AAEC", "--A", "Content-Type: message/rfc822",
        "",
        "Subject: three", "Content-Type: multipart/mixed; boundary=B", "", "--B", "", "three-one", "--B",
        "Content-Type: application/octet-stream", "", "three-two", "--B--", "--A", "Content-Type: multipart/mixed; boundary=C", "", "--C",
        "Content-Type: image/gif", "", "gif", "--C", "Content-Type: message/rfc822", "", "Subject: four-two",
        "Content-Type: multipart/mixed; boundary=D", "", "--D", "", "four-two-one", "--D",
        "Content-Type: multipart/alternative; boundary=E",
        "", "--E", "", "plain", "--E", "Content-Type: text/richtext", "", "rich", "--E--", "--D--", "--C--", "--A--", "",
    ].joined(separator: "\r\n")

    /// What a server would send, prefix included; nil for NIL.
    static func fetch(_ message: String, _ part: [UInt32], _ content: SectionPath.Content = .whole, prefix: String = "") -> String? {
        let blob = ByteBuffer(string: message)
        let parts = MessageSummaryBuilder.summary(of: blob).parts
        guard let place = parts.place(of: SectionPath(part, content)) else { return nil }
        switch place {
        case .bytes(let range, let hasPrefix):
            return (hasPrefix ? prefix : "") + (blob.getString(at: Int(range.lowerBound), length: range.count) ?? "?")
        case .fields(let range, let hasPrefix, let names, let isExcluding):
            var header = ByteBuffer(string: hasPrefix ? prefix : "")
            header.writeImmutableBuffer(blob.getSlice(at: Int(range.lowerBound), length: range.count) ?? ByteBuffer())
            return String(buffer: HeaderFieldFilter(names, isExcluding: isExcluding).subset(of: header))
        }
    }

    @Test("every specifier of the RFC's example")
    func rfcExample() {
        let m = Self.complex
        #expect(Self.fetch(m, []) == m)
        #expect(Self.fetch(m, [], .header) == "Subject: top\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n")
        #expect(Self.fetch(m, [], .text)?.hasPrefix("preamble\r\n--A") == true)
        #expect(Self.fetch(m, [1]) == "one")
        #expect(Self.fetch(m, [1], .mime) == "Content-Type: text/plain\r\n\r\n")
        #expect(Self.fetch(m, [2]) == "AAEC")
        #expect(Self.fetch(m, [3])?.hasPrefix("Subject: three") == true)
        #expect(Self.fetch(m, [3], .header) == "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n")
        #expect(
            Self.fetch(m, [3], .text) == "--B\r\n\r\nthree-one\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nthree-two\r\n--B--")
        #expect(Self.fetch(m, [3], .mime) == "Content-Type: message/rfc822\r\n\r\n")
        #expect(Self.fetch(m, [3, 1]) == "three-one")
        #expect(Self.fetch(m, [3, 1], .mime) == "\r\n")
        #expect(Self.fetch(m, [3, 2]) == "three-two")
        #expect(Self.fetch(m, [4])?.hasPrefix("--C") == true)
        #expect(Self.fetch(m, [4, 1]) == "gif")
        #expect(Self.fetch(m, [4, 1], .mime) == "Content-Type: image/gif\r\n\r\n")
        #expect(Self.fetch(m, [4, 2], .header) == "Subject: four-two\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n")
        #expect(Self.fetch(m, [4, 2, 1]) == "four-two-one")
        #expect(Self.fetch(m, [4, 2, 2])?.hasPrefix("--E") == true)
        #expect(Self.fetch(m, [4, 2, 2, 1]) == "plain")
        #expect(Self.fetch(m, [4, 2, 2, 2]) == "rich")
    }

    @Test("what is not there is NIL")
    func absent() {
        let m = Self.complex
        for part: [UInt32] in [[5], [0], [1, 1], [2, 1], [3, 3], [4, 3], [4, 2, 3], [4, 2, 2, 3], [4, 1, 1], [.max]] {
            #expect(Self.fetch(m, part) == nil, "\(part)")
        }
        for part: [UInt32] in [[1], [2], [4], [4, 1], [3, 1]] {
            #expect(Self.fetch(m, part, .header) == nil)
            #expect(Self.fetch(m, part, .text) == nil)
        }
        #expect(Self.fetch(m, [], .mime) == nil)
    }

    @Test("a message that is no multipart has a part 1")
    func single() {
        let m = "Subject: x\r\nContent-Type: text/plain\r\n\r\nbody\r\n"
        #expect(Self.fetch(m, [1]) == "body\r\n")
        #expect(Self.fetch(m, [1], .mime) == "Subject: x\r\nContent-Type: text/plain\r\n\r\n")
        #expect(Self.fetch(m, [], .text) == "body\r\n")
        #expect(Self.fetch(m, [2]) == nil)
        #expect(Self.fetch(m, [1, 1]) == nil)
        #expect(Self.fetch(m, [1], .header) == nil)
    }

    @Test("a message whose body is a message: its part 1 is that message")
    func messageAlone() {
        let m = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody"
        #expect(Self.fetch(m, [1]) == "Subject: in\r\n\r\nbody")
        #expect(Self.fetch(m, [1], .header) == "Subject: in\r\n\r\n")
        #expect(Self.fetch(m, [1], .text) == "body")
        #expect(Self.fetch(m, [1, 1]) == "body")
        #expect(Self.fetch(m, [1, 1], .mime) == "Subject: in\r\n\r\n")
        #expect(Self.fetch(m, [1, 1, 1]) == nil)
    }

    @Test("trace lines belong to the message and its header, and to nothing else")
    func prefix() {
        let m = "Subject: x\r\n\r\nbody"
        let prefix = "Return-Path: <a@b.test>\r\nReceived: from x\r\n\tby y\r\n"
        #expect(Self.fetch(m, [], prefix: prefix) == prefix + m)
        #expect(Self.fetch(m, [], .header, prefix: prefix) == prefix + "Subject: x\r\n\r\n")
        #expect(Self.fetch(m, [], .text, prefix: prefix) == "body")
        #expect(Self.fetch(m, [], .fields(["RECEIVED"], isExcluding: false), prefix: prefix) == "Received: from x\r\n\tby y\r\n\r\n")
        #expect(
            Self.fetch(m, [], .fields(["subject", "received"], isExcluding: true), prefix: prefix) == "Return-Path: <a@b.test>\r\n\r\n")
    }

    @Test("fields by name, folded ones whole, the empty line always, in whatever order and case they were asked")
    func fields() {
        let m = "From: a\r\nTo: b,\r\n c\r\nX-From: no\r\nFROM : second\r\nno field\r\n\r\nbody"
        #expect(Self.fetch(m, [], .fields(["to", "FROM"], isExcluding: false)) == "From: a\r\nTo: b,\r\n c\r\nFROM : second\r\n")
        let whole = "From: a\r\nTo: b,\r\n c\r\n\r\nbody"
        #expect(Self.fetch(whole, [], .fields(["to"], isExcluding: false)) == "To: b,\r\n c\r\n\r\n")
        #expect(Self.fetch(whole, [], .fields(["to"], isExcluding: true)) == "From: a\r\n\r\n")
        #expect(Self.fetch(whole, [], .fields(["none"], isExcluding: false)) == "\r\n")
        #expect(Self.fetch("From: a\r\n", [], .fields(["x"], isExcluding: false)) == "")
    }

    @Test("fields of a message inside")
    func innerFields() {
        #expect(Self.fetch(Self.complex, [3], .fields(["Subject"], isExcluding: false)) == "Subject: three\r\n\r\n")
        #expect(
            Self.fetch(Self.complex, [4, 2], .fields(["Subject"], isExcluding: true)) == "Content-Type: multipart/mixed; boundary=D\r\n\r\n"
        )
    }

    // MARK: BINARY

    static func binary(_ message: String, _ part: [UInt32], pieces: Int = 1000) -> [UInt8]? {
        var blob = ByteBuffer(string: message)
        guard let place = MessageSummaryBuilder.summary(of: blob).parts.binary(part), var decoder = BinaryDecoder(place) else { return nil }
        blob.moveReaderIndex(to: Int(place.range.lowerBound))
        var body = blob.readSlice(length: place.range.count) ?? ByteBuffer()
        var out: [UInt8] = []
        while body.readableBytes > 0, let piece = body.readSlice(length: min(pieces, body.readableBytes)) {
            out += Array(decoder.decode(piece).readableBytesView)
        }
        return out + Array(decoder.finish().readableBytesView)
    }

    @Test("content without its transfer encoding, whatever the pieces")
    func binaryContent() {
        for pieces in [1, 3, 1000] {
            #expect(Self.binary(Self.complex, [2], pieces: pieces) == [0, 1, 2])
            #expect(Self.binary(Self.complex, [1], pieces: pieces) == Array("one".utf8))
            let quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb \r\n"
            #expect(Self.binary(quoted, [1], pieces: pieces) == Array("a=b\r\n".utf8))
        }
    }

    @Test("parts that hold parts have no content of their own; an unknown encoding is told")
    func binaryRefusals() {
        let parts = MessageSummaryBuilder.summary(of: ByteBuffer(string: Self.complex)).parts
        #expect(parts.binary([3]) == nil)
        #expect(parts.binary([4]) == nil)
        #expect(parts.binary([9]) == nil)
        #expect(parts.binary([])?.range == 0..<parts.size)
        let odd = MessageSummaryBuilder.summary(of: ByteBuffer(string: "Content-Transfer-Encoding: x-uuencode\r\n\r\nbody")).parts
        let place = odd.binary([1])
        #expect(place != nil && place.flatMap { BinaryDecoder($0) } == nil)
    }
}
