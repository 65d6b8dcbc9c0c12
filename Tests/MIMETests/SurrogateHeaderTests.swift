import MIME
import MailTesting
import NIOCore
import Testing

private func surrogate(_ message: String) -> String? { SurrogateHeader.rewritten(ByteBuffer(string: message)).map { String(buffer: $0) } }

/// The field as it comes out, unfolded.
private func field(_ field: String) -> String? {
    surrogate(field + "\r\n\r\nbody\r\n")?.replacing("\r\n ", with: " ").split(separator: "\r\n", omittingEmptySubsequences: false).first
        .map(String.init)
}

@Suite struct SurrogateHeaderTests {
    @Test func whatIsASCIIStaysAsItIs() {
        #expect(surrogate("Subject: plain\r\n\r\nbody\r\n") == nil)
        #expect(surrogate("Subject: plain\r\n\r\n本文\r\n") == nil, "the body is not touched")
        #expect(surrogate("") == nil)
    }

    @Test func wordsBecomeEncodedWords() {
        #expect(field("Subject: Re: 日本語 の件 today") == "Subject: Re: =?UTF-8?B?5pel5pys6KqeIOOBruS7tg==?= today")
        #expect(field("X-Anything: é") == "X-Anything: =?UTF-8?B?w6k=?=")
    }

    @Test func longTextsAreFoldedIntoWordsOfAtMost75() throws {
        let out = try #require(surrogate("Subject: \(String(repeating: "件", count: 200))\r\n\r\n"))
        #expect(out.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 76 + "Subject: ".utf8.count })
        #expect(out.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test func namesInAddressFieldsAreEncoded() {
        #expect(field("From: 太郎 <taro@example.test>") == "From: =?UTF-8?B?5aSq6YOO?= <taro@example.test>")
        #expect(field("To: \"山田, 太郎\" <t@x.test>, bob@x.test") == "To: =?UTF-8?B?5bGx55SwLCDlpKrpg44=?= <t@x.test>, bob@x.test")
        #expect(field("Cc: a@日本.test") == "Cc: a@xn--wgv71a.test")
        #expect(field("Reply-To: Bob <a@日本.test>") == "Reply-To: Bob <a@xn--wgv71a.test>")
    }

    @Test func addressesThatASCIICannotSayBecomeEmptyGroups() {
        #expect(field("From: 太郎 <太郎@example.test>") == "From: =?UTF-8?B?5aSq6YOOIDzlpKrpg45AZXhhbXBsZS50ZXN0Pg==?=:;")
        #expect(field("To: bob@x.test, 太郎@example.test") == "To: bob@x.test, =?UTF-8?B?5aSq6YOOQGV4YW1wbGUudGVzdA==?=:;")
    }

    @Test func parametersGetTheirExtendedForm() {
        #expect(
            field("Content-Disposition: attachment; filename=\"日.txt\"; size=3")
                == "Content-Disposition: attachment; filename*=UTF-8''%E6%97%A5.txt; size=3")
    }

    @Test func structuredFieldsThatCannotBeSaidAreLeftOut() {
        let out = surrogate("Return-Path: <太郎@x.test>\r\nReceived: from a for <太郎@x.test>; now\r\nSubject: é\r\n\r\n.\r\n")
        #expect(out == "Subject: =?UTF-8?B?w6k=?=\r\n\r\n.\r\n")
    }

    @Test func octetsThatAreNoUTF8AreSentAsEver() {
        let bytes = Array("Subject: ".utf8) + [0x93, 0xFA] + Array("\r\n\r\n".utf8)
        #expect(SurrogateHeader.rewritten(ByteBuffer(bytes: bytes)) == nil)
    }

    @Test("P1 whatever comes, the header that goes out is ASCII and the rest is what came") func randomHeaders() {
        let pieces = [
            "From: ", "Subject: ", "Content-Type: ", "To", ":", " ", "\r\n", "\r\n ", "é", "日本", "\"", "\\", "<", ">", "(", ")", ",", ";",
            "=", "@",
            "a", "x.test", "\u{202E}", "\0", "\r", "\n", "\u{85}", "\u{2028}",
        ]
        var random = SeededGenerator(seed: 6856)
        for _ in 0..<20_000 {
            let header = (0..<Int.random(in: 1...24, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let message = "X-Start: é\r\n" + header + "\r\nX-End: é\r\n\r\n本文\r\n"
            guard let out = SurrogateHeader.rewritten(ByteBuffer(string: message)) else {
                Issue.record("nothing was rewritten")
                return
            }
            let bytes = Array(out.readableBytesView)
            var reader = HeaderReader(out)
            while let field = reader.next() {
                #expect(bytes[field.start..<field.end].allSatisfy { $0 < 0x80 && $0 != 0 } || header.contains("\0"))
            }
            #expect(bytes.suffix(8) == Array("本文\r\n".utf8)[...])
        }
    }
}
