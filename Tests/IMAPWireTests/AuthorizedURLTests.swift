import IMAPWire
import Testing

@Suite("URLs that carry the right to read what they name")
struct AuthorizedURLTests {
    @Test("every part is read, in any case of letters and with percent-encoding")
    func whole() throws {
        let text =
            "IMAP://taro%40x;AUTH=*@Mail.Example.Test:1143/Other%20Users/a/;UID=20/;section=1.2/;PARTIAL=3.9;Expire=2026-11-22T09:30:00.25+09:00;UrlAuth=User+ha%2bnako:INTERNAL:01AB"
        let url = try #require(AuthorizedURL(parsing: text))
        #expect(url.user == "taro@x" && url.host == "mail.example.test")
        #expect(url.message.mailbox == "Other Users/a" && url.message.uid.rawValue == 20 && url.message.section.part == [1, 2])
        #expect(url.message.section.partial == OctetRange(first: 3, count: 9))
        #expect(url.expires == 1_795_307_400)
        #expect(url.access == .user("ha+nako"))
        #expect(url.rump.hasSuffix(";UrlAuth=User+ha%2bnako") && text.hasPrefix(url.rump))
        #expect(url.authorization?.mechanism == "internal" && url.authorization?.token == "01ab")
    }

    @Test(
        "what is no whole URL with an access identifier is none",
        arguments: [
            "", "imap://", "imap://a@b", "imap://b/INBOX/;UID=1;URLAUTH=authuser", "imap://@b/INBOX/;UID=1;URLAUTH=authuser",
            "imap://a@/INBOX/;UID=1;URLAUTH=authuser", "imap://a@b/INBOX/;UID=1", "imap://a@b/INBOX/;UID=0;URLAUTH=authuser",
            "imap://a@b/INBOX;URLAUTH=authuser", "imap://a@b/INBOX/;UID=1;URLAUTH=", "imap://a@b/INBOX/;UID=1;URLAUTH=user+",
            "imap://a@b/INBOX/;UID=1;URLAUTH=other+a", "imap://a@b/INBOX/;UID=1;URLAUTH=authuser:internal",
            "imap://a@b/INBOX/;UID=1;URLAUTH=authuser::aa", "imap://a@b/INBOX/;UID=1;URLAUTH=authuser:internal:",
            "imap://a@b/INBOX/;UID=1;EXPIRE=2026-02-30T00:00:00Z;URLAUTH=authuser", "imap://a@b/INBOX/;UID=1;EXPIRE=x;URLAUTH=authuser",
            "imap://a@b/INBOX/;UID=1;EXPIRE=2026-02-20T00:00:00;URLAUTH=authuser", "imap://a@b/IN BOX/;UID=1;URLAUTH=authuser",
            "http://a@b/INBOX/;UID=1;URLAUTH=authuser", "imap://a@b/INBOX/;UID=1;URLAUTH=user+%zz",
        ])
    func broken(_ text: String) { #expect(AuthorizedURL(parsing: text) == nil) }

    @Test("a code holds for one URL and one key")
    func tokens() {
        let token = URLToken.make("imap://a@b/c/;UID=1;URLAUTH=authuser", key: [1, 2, 3])
        #expect(token.utf8.count == 66)
        #expect(URLToken.isRight(token, of: "imap://a@b/c/;UID=1;URLAUTH=authuser", key: [1, 2, 3]))
        #expect(!URLToken.isRight(token, of: "imap://a@b/c/;UID=2;URLAUTH=authuser", key: [1, 2, 3]))
        #expect(!URLToken.isRight(token, of: "imap://a@b/c/;UID=1;URLAUTH=authuser", key: [1, 2, 4]))
        for wrong in ["", "01", "02" + token.dropFirst(2), token + "00", String(token.dropLast()) + "g"] {
            #expect(!URLToken.isRight(wrong, of: "imap://a@b/c/;UID=1;URLAUTH=authuser", key: [1, 2, 3]))
        }
    }
}
