import Bytes
import MIME
import MailTesting
import NIOCore
import Testing

@Suite("Structure of messages")
struct MIMEParserTests {
    static func structure(_ text: String, _ limits: MIMELimits = MIMELimits()) -> MIMEStructure {
        var parser = MIMEParser(limits)
        parser.read(ByteBuffer(string: text))
        return parser.finish()
    }

    /// `type lines:body` of each entity, by depth.
    static func drawn(_ text: String, _ limits: MIMELimits = MIMELimits()) -> [String] {
        let bytes = Array(text.utf8)
        return Self.structure(text, limits).entities.map { entity in
            let body = bytes[Int(entity.body.lowerBound)..<Int(entity.body.upperBound)]
            let shown = entity.content == .leaf ? " " + String(decoding: body, as: UTF8.self).debugDescription : ""
            return String(repeating: "  ", count: entity.depth) + entity.type.name + " \(entity.lines)" + shown
        }
    }

    static let nested = """
        From: a@b.test\r
        Content-Type: multipart/mixed; boundary="outer"\r
        \r
        preamble\r
        --outer\r
        \r
        plain text\r
        two lines\r
        --outer\r
        Content-Type: multipart/alternative; boundary=inner\r
        \r
        --inner\r
        Content-Type: text/plain; charset=utf-8\r
        \r
        x\r
        --inner\r
        Content-Type: TEXT/HTML\r
        \r
        <p>\r
        --inner--\r
        epilogue of inner\r
        --outer\r
        Content-Type: message/rfc822\r
        \r
        Subject: inside\r
        \r
        body\r
        --outer--\r
        epilogue\r

        """

    @Test("Parts, messages within, preamble and epilogue; the line end before a boundary is the boundary's")
    func nesting() {
        #expect(
            Self.drawn(Self.nested) == [
                "multipart/mixed 26", #"  text/plain 1 "plain text\r\ntwo lines""#, "  multipart/alternative 9", #"    text/plain 0 "x""#,
                #"    text/html 0 "<p>""#, "  message/rfc822 2", #"    text/plain 0 "body""#,
            ])
    }

    @Test(
        "What is no MIME, or broken, is what can be made of it",
        arguments: [
            ("", ["text/plain 0 \"\""]), ("\r\n", ["text/plain 0 \"\""]),
            ("body without header\r\n", [#"text/plain 1 "body without header\r\n""#]),
            ("Subject: x\r\n", ["text/plain 0 \"\""]), ("Subject: x\r\n\r\nbody", [#"text/plain 0 "body""#]),
            ("Subject: x\nContent-Type: text/html\n\nlf only\n", [#"text/html 1 "lf only\n""#]),
            ("Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ny\r\n", [#"multipart/mixed 3 "--x\r\n\r\ny\r\n""#]),
            ("Content-Type: nonsense\r\n\r\nx", [#"text/plain 0 "x""#]),
            // Never closed, no part, a boundary within a header, a boundary that is the beginning of another.
            ("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n", ["multipart/mixed 3", #"  text/plain 1 "x\r\n""#]),
            ("Content-Type: multipart/mixed; boundary=a\r\n\r\n", ["multipart/mixed 0"]),
            (
                "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nX: y\r\n--a\r\n\r\nz\r\n--a--\r\n",
                ["multipart/mixed 6", "  text/plain 0 \"\"", #"  text/plain 0 "z""#]
            ),
            (
                "Content-Type: multipart/mixed; boundary=a\r\n\r\n--ab\r\n--a \t\r\n\r\nz\r\n--a--\r\n--a\r\nnot a part\r\n",
                ["multipart/mixed 7", #"  text/plain 0 "z""#]
            ),
            (
                "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\ny\r\n--a--\r\n",
                ["multipart/digest 6", "  message/rfc822 2", #"    text/plain 0 "y""#]
            ),
            // A message in base64 is not looked into.
            ("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n", [#"message/rfc822 1 "AAAA\r\n""#]),
            // The first of two fields counts.
            ("Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\nx", [#"text/html 0 "x""#]),
        ])
    func odd(_ text: String, _ wanted: [String]) {
        #expect(Self.drawn(text) == wanted)
    }

    @Test(
        "A part that is over with its header lies within its parents, which keep the line end before the boundary",
        arguments: [
            ("--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--a--\r\n", "Subject: x\r\n\r\n"),
            ("--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--a--\r\n", "Subject: x\r\n"),
            (
                "--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n--a--\r\n",
                "--b\r\nContent-Type: text/html\r\n\r\n"
            ),
        ])
    func emptyParts(_ body: String, _ second: String) {
        let text = "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + body
        let entities = Self.structure(text).entities
        #expect(entities.count == 3)
        for entity in entities {
            guard let parent = entity.parent else { continue }
            let outer = entities[parent].body
            #expect(entity.header.lowerBound >= outer.lowerBound && entity.body.upperBound <= outer.upperBound)
        }
        let bytes = Array(text.utf8)
        let range = entities.dropFirst().first.map { Int($0.body.lowerBound)..<Int($0.body.upperBound) } ?? 0..<0
        #expect(String(decoding: bytes[range], as: UTF8.self) == second)
        #expect(entities.dropFirst().first?.lines == Int64(second.split(separator: "\r\n", omittingEmptySubsequences: false).count - 1))
    }

    @Test("The same in every cut")
    func everyCut() {
        let whole = Self.structure(Self.nested)
        let bytes = Array(Self.nested.utf8)
        var dripped = MIMEParser()
        for byte in bytes { dripped.read(ByteBuffer(bytes: [byte])) }
        #expect(dripped.finish() == whole)
        for cut in 1..<bytes.count {
            var parser = MIMEParser()
            parser.read(ByteBuffer(bytes: bytes[..<cut]))
            parser.read(ByteBuffer(bytes: bytes[cut...]))
            #expect(parser.finish() == whole, "cut at \(cut)")
        }
    }

    @Test("P2 P5 depth and number of parts are bounded; a message beyond them is whole all the same")
    func bounded() {
        var deep = "Content-Type: text/plain\r\n\r\nend"
        for level in 0..<200 { deep = "Content-Type: multipart/mixed; boundary=b\(level)\r\n\r\n--b\(level)\r\n" + deep }
        let structure = Self.structure(deep)
        #expect(structure.isTruncated && structure.entities.count == 33 && structure.size == Int64(deep.utf8.count))
        #expect(structure.entities.last?.content == .leaf)
        let messages = String(repeating: "Content-Type: message/rfc822\r\n\r\n", count: 5000)
        #expect(Self.structure(messages).entities.count == 33)
        let wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n\r\nx\r\n", count: 5000)
        let many = Self.structure(wide)
        #expect(many.isTruncated && many.entities.count == 1000)
    }

    @Test("P4 what is made to cost much costs no more: boundaries that almost fit, endless lines and fields")
    func linear() {
        let almost =
            "Content-Type: multipart/mixed; boundary=" + String(repeating: "b", count: 200) + "\r\n\r\n"
            + String(repeating: "--" + String(repeating: "b", count: 199) + "c\r\n", count: 20_000)
        #expect(Self.structure(almost).entities.count == 1)
        let line = "Subject: x\r\n\r\n" + String(repeating: "-", count: 8 << 20)
        #expect(Self.structure(line).size == Int64(line.utf8.count))
        let field = "Content-Type: text/plain; " + String(repeating: "a*1*=%41; ", count: 100_000) + "\r\n\r\n"
        #expect(Self.structure(field).entities.first?.type.name == "text/plain")
        let comments = "Content-Type: " + String(repeating: "(", count: 1 << 20) + " text/html\r\n\r\n"
        #expect(Self.structure(comments).entities.count == 1)
    }

    @Test("Fields of a part: parameters in every spelling, file names, disposition")
    func fields() {
        func entity(_ fields: String) -> MIMEEntity? { Self.structure(fields + "\r\n\r\n").entities.first }
        let table: [(String, String, String?)] = [
            ("text/plain; charset=us-ascii (Plain text)", "charset", "us-ascii"),
            ("text/plain; charset=\"us-ascii\"", "charset", "us-ascii"), ("TEXT / Plain ; CHARSET = UTF-8", "charset", "UTF-8"),
            ("image/png; name=a b.png", "name", "a b.png"), ("image/png; name=\"a\\\"b;c\"", "name", "a\"b;c"),
            ("image/png; name*=utf-8'en'%e6%bc%a2.png", "name", "漢.png"),
            ("image/png; name*0*=iso-2022-jp'ja'%1B%24B4A; name*1*=%1B%28B; name*2=.png", "name", "漢.png"),
            ("image/png; name*1=b; name*0=a", "name", "ab"), ("image/png; name=old; name*=utf-8''new", "name", "new"),
            ("image/png; name==?UTF-8?B?5ryi?=", "name", "漢"), ("image/png; name=\"=?UTF-8?Q?=E6=BC=A2?=.png\"", "name", "漢.png"),
            ("image/png; name=first; name=second", "name", "first"), ("image/png; junk; ; =x; name=y", "name", "y"),
            ("image/png; name=\"not ended", "name", "not ended"), ("image/png;\r\n\tname=\r\n folded", "name", "folded"),
            ("image/png", "name", nil), ("image/png; name*0*=x'y", "name", "x'y"), ("image/png; *=x; name*99999999999=z", "name", nil),
        ]
        for (field, name, value) in table { #expect(entity("Content-Type: \(field)")?.type[name] == value, "\(field)") }
        let part = entity("Content-Disposition: Attachment; filename=\"a.zip\"\r\nContent-Type: application/zip; name=b.zip")
        #expect(part?.disposition?.kind == "attachment" && part?.fileName == "a.zip")
        #expect(entity("Content-Transfer-Encoding: Quoted-Printable (x)")?.encoding == .quotedPrintable)
        #expect(entity("Content-Transfer-Encoding: x-uuencode")?.encoding == .other("x-uuencode"))
        #expect(entity("Content-Type : text/html")?.type.name == "text/html")
    }

    // MARK: Text

    @Test("Transfer encodings, in every cut, with every fault that real mail has")
    func transfer() {
        let table: [(TransferEncoding, String, String)] = [
            (.base64, "aGVsbG8=", "hello"), (.base64, "aGVs\r\nbG8", "hello"), (.base64, "aGVsbG8=d29ybGQ=", "helloworld"),
            (.base64, "aGVs*!bG8=", "hello"), (.base64, "====", ""), (.base64, "a", ""), (.base64, "aG", "h"), (.base64, "aGU", "he"),
            (.quotedPrintable, "a=3Db", "a=b"), (.quotedPrintable, "a=3db", "a=b"), (.quotedPrintable, "soft=\r\nbreak", "softbreak"),
            (.quotedPrintable, "soft= \t\r\nbreak", "softbreak"), (.quotedPrintable, "soft=\nbreak", "softbreak"),
            (.quotedPrintable, "blanks  \t\r\nx", "blanks\r\nx"), (.quotedPrintable, "a b", "a b"), (.quotedPrintable, "=ZZ=4", "=ZZ=4"),
            (.quotedPrintable, "=", "="), (.quotedPrintable, "a==3D", "a=="), (.quotedPrintable, "=4G=41", "=4GA"),
            (.quotedPrintable, "= x", "= x"),
            (.sevenBit, "=41", "=41"), (.other("x-uuencode"), "=41", "=41"),
        ]
        for (encoding, text, wanted) in table {
            let bytes = Array(text.utf8)
            for cut in 0...bytes.count {
                var decoder = TransferDecoder(encoding)
                var out: [UInt8] = []
                decoder.decode(bytes[..<cut], into: &out)
                decoder.decode(bytes[cut...], into: &out)
                decoder.finish(into: &out)
                #expect(String(decoding: out, as: UTF8.self) == wanted, "\(encoding) \(text) cut at \(cut)")
                #expect(out.count <= bytes.count)
            }
        }
    }

    @Test("Encoded words, and text that says nothing of its charset")
    func headerText() {
        let table: [(String, String)] = [
            ("plain", "plain"), ("=?UTF-8?B?5ryi5a2X?=", "漢字"), ("=?utf-8?q?caf=C3=A9_x?=", "café x"),
            ("=?ISO-2022-JP?B?GyRCNEE7ehsoQg==?=", "漢字"), ("=?Shift_JIS?B?ir+Omg==?=", "漢字"), ("=?EUC-JP?B?tMG7+g==?=", "漢字"),
            ("a =?UTF-8?Q?b?= c", "a b c"), ("=?UTF-8?Q?a?= =?UTF-8?Q?b?=", "ab"), ("=?UTF-8?Q?a?=  \t =?UTF-8?Q?b?=", "ab"),
            ("=?UTF-8?B?5ry?= =?UTF-8?B?oeWtlw==?=", "漡字"), ("=?UTF-8*ja?B?5ryi?=", "漢"), ("=?UTF-8?Q?a?=b", "ab"),
            ("=?x-unknown?Q?a?=", "=?x-unknown?Q?a?="), ("=?UTF-8?X?a?=", "=?UTF-8?X?a?="), ("=?UTF-8?Q?a", "=?UTF-8?Q?a"), ("=?", "=?"),
            ("=?UTF-8?Q?a b?=", "a b"), ("=?UTF-8??a?=", "=?UTF-8??a?="), ("1 = 2 ?", "1 = 2 ?"), ("=?UTF-8?Q?=ZZ?=", "=ZZ"),
        ]
        for (field, text) in table { #expect(HeaderText.decode(Array(field.utf8)) == text, "\(field)") }
        #expect(HeaderText.unlabelled(Array("漢字".utf8)) == "漢字")
        #expect(HeaderText.unlabelled([0x1B, 0x24, 0x42, 0x34, 0x41, 0x3B, 0x7A, 0x1B, 0x28, 0x42]) == "漢字")
        #expect(HeaderText.unlabelled([0x8A, 0xBF, 0x8E, 0x9A]) == "漢字")
        #expect(HeaderText.unlabelled([0xB4, 0xC1, 0xBB, 0xFA]) == "漢字")
    }

    @Test("The text of a part, as a reader sees it")
    func partText() {
        let text = "Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: base64\r\n\r\nGyRCNEE7ehsoQg==\r\n"
        let message = ByteBuffer(string: text)
        let entity = Self.structure(text).entities[0]
        #expect(PartText.text(of: entity, in: message, limit: 1000) == "漢字")
        // Of a part that goes beyond what is there, the beginning.
        #expect(PartText.text(of: entity, in: message.getSlice(at: 0, length: text.utf8.count - 6) ?? message, limit: 1000).hasPrefix("漢"))
        #expect(PartText.text(of: entity, in: ByteBuffer(), limit: 1000) == "")
    }
}
