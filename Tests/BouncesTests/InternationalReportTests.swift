import Bounces
import NIOCore
import Policy
import Testing
import Vocabulary

@Suite("Reports about international mail")
struct InternationalReportTests {
    private let original = "From: <太郎@例.test>\r\nSubject: こんにちは\r\nMessage-ID: <1@x>\r\n\r\n本文\r\n"
    private let failure = DeliveryFailure(.needsInternational, remoteHost: "mx.far.test")

    private func report(_ sender: String) -> DeliveryReport {
        var recipient = Samples.failed("花子@far.test", self.failure)
        recipient.recipient.originalRecipient = "utf-8;\\x{82B1}\\x{5B50}@far.test"
        return Samples.report([recipient], Samples.envelope(Samples.address(sender)) { $0.isInternationalized = true })
    }

    @Test("to a sender beyond ASCII the report is international too, with message/global and UTF-8 addresses")
    func global() throws {
        let (composed, text) = try #require(Samples.composed(self.report("太郎@例.test"), original: self.original))
        #expect(composed.envelope.isInternationalized)
        #expect(composed.envelope.isEightBit)
        let read = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(read.partTypes == ["text/plain", "message/global-delivery-status", "message/global"])
        #expect(text.contains("Final-Recipient: utf-8; 花子@far.test\r\n"))
        #expect(text.contains("Original-Recipient: utf-8; 花子@far.test\r\n"))
        #expect(text.contains("本文"))
    }

    @Test("to an ASCII sender the report is ASCII: addresses encoded, the original in base64")
    func ascii() throws {
        let (composed, text) = try #require(Samples.composed(self.report("taro@example.test"), original: self.original))
        #expect(!composed.envelope.isInternationalized)
        #expect(!composed.envelope.isEightBit)
        #expect(composed.original == .wholeInBase64)
        let read = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(read.partTypes == ["text/plain", "message/delivery-status", "message/global"])
        #expect(text.contains("Final-Recipient: utf-8; \\x{82B1}\\x{5B50}@far.test\r\n"))
        #expect(text.contains("Original-Recipient: utf-8; \\x{82B1}\\x{5B50}@far.test\r\n"))
        // The readable text names the address itself, in base64.
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test("an original recipient of any length stays on one line of at most 998 octets")
    func longOriginalRecipient() throws {
        var recipient = Samples.failed("jane@far.test", self.failure)
        recipient.recipient.originalRecipient = "utf-8;" + String(repeating: "\u{FFFD}", count: 166)
        let (_, text) = try #require(Samples.composed(Samples.report([recipient])))
        for line in text.split(separator: "\r\n") { #expect(line.utf8.count <= 998) }
    }

    @Test("a header with raw octets goes back in quoted-printable, lines at most 76 long, and decodes to itself")
    func rawHeader() throws {
        let raw = "Subject: \u{3042}=\u{3044} \r\nX-Long: \(String(repeating: "x", count: 300))\r\n"
        var responses = ErrorResponses()
        responses.returnsWhole = false
        let report = Samples.report([Samples.failed("jane@far.test", self.failure)])
        let (_, text) = try #require(Samples.composed(report, Samples.composer([.english], responses), original: raw + "\r\nBody\r\n"))
        #expect(text.contains("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n"))
        #expect(text.contains("Subject: =E3=81=82=3D=E3=81=84=20\r\n"))
        for line in text.split(separator: "\r\n", omittingEmptySubsequences: false) { #expect(line.utf8.count <= 76) }
    }

    @Test("xtext and the encoding of international addresses go there and back")
    func encodings() {
        for text in ["", "plain", "a+b=c d", "~!\"", "jane@example.com"] { #expect(Xtext.decode(Xtext.encode(text)) == text) }
        for text in ["+", "+2", "+2b", "a=b", "+0D+0A", "+00", "+7F", "é"] { #expect(Xtext.decode(text) == nil) }
        for text in ["太郎@例.test", "a\\b=c+d e@x", "\u{10FFFF}"] {
            let encoded = Xtext.unitext(text)
            #expect(encoded.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "=") })
            #expect(Xtext.decodeUnitext(encoded) == text)
        }
        for text in ["\\x{}", "\\x{D800}", "\\x{110000}", "\\x{41", "\\y", "\\x{0A}", "\\x{0000041}", ""] {
            #expect(Xtext.decodeUnitext(text) == nil)
        }
    }
}
