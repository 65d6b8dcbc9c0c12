import Bytes
import MIME
import NIOCore
import Testing

@Suite("Summary of a message")
struct MessageSummaryTests {
    static func summary(_ lines: String...) -> MessageSummary {
        MessageSummaryBuilder.summary(of: ByteBuffer(string: lines.joined(separator: "\r\n")))
    }

    static func envelope(_ header: String..., form: MessageSummary.Form = .ascii) -> String {
        let summary = MessageSummaryBuilder.summary(of: ByteBuffer(string: header.joined(separator: "\r\n") + "\r\n\r\n"))
        return String(buffer: summary.envelope(form))
    }

    // MARK: ENVELOPE

    @Test("the envelope of RFC 9051's example")
    func envelopeOfTheRFC() {
        #expect(
            Self.envelope(
                "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", "From: Terry Gray <gray@cac.washington.edu>",
                "Subject: IMAP4rev2 WG mtg summary and minutes", "To: imap@cac.washington.edu",
                "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>", "Message-Id: <B27397-0100000@cac.washington.ed>",
                "MIME-Version: 1.0", "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII")
                    == """
                    ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" \
                    (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) \
                    (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) \
                    ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.ed>")
                    """)
    }

    @Test("absent fields are NIL, empty ones empty strings, and empty address fields NIL")
    func absentAndEmpty() {
        #expect(Self.envelope("X: y") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
        #expect(
            Self.envelope("Date:", "Subject: ", "From:", "To: ", "In-Reply-To:", "Message-ID:")
                == "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")")
    }

    @Test(
        "addresses in every form",
        arguments: [
            ("a@b.test", "((NIL NIL \"a\" \"b.test\"))"),
            ("<a@b.test>", "((NIL NIL \"a\" \"b.test\"))"),
            ("a@b.test (Taro (the) Yamada)", "((\"Taro (the) Yamada\" NIL \"a\" \"b.test\"))"),
            ("Yamada\r\n Taro <a@b.test>", "((\"Yamada Taro\" NIL \"a\" \"b.test\"))"),
            ("\"Yamada, \\\"T\\\"\" <a@b.test>", "((\"Yamada, \\\"T\\\"\" NIL \"a\" \"b.test\"))"),
            ("J. R. <a@b.test>", "((\"J. R.\" NIL \"a\" \"b.test\"))"),
            ("\"taro\"@b.test", "((NIL NIL \"taro\" \"b.test\"))"),
            ("\"ta ro\"@b.test", "((NIL NIL \"\\\"ta ro\\\"\" \"b.test\"))"),
            ("a . b @ c . test", "((NIL NIL \"a.b\" \"c.test\"))"),
            ("<@x.test,@y.test:a@b.test>", "((NIL \"@x.test,@y.test\" \"a\" \"b.test\"))"),
            ("a@[192.0.2.1]", "((NIL NIL \"a\" \"[192.0.2.1]\"))"),
            ("a@[IPv6:2001:db8::1], b@c.test", "((NIL NIL \"a\" \"[IPv6:2001:db8::1]\")(NIL NIL \"b\" \"c.test\"))"),
            ("undisclosed-recipients:;", "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))"),
            (
                "A Group: a@b.test, C <c@d.test>; e@f.test",
                "((NIL NIL \"A Group\" NIL)(NIL NIL \"a\" \"b.test\")(\"C\" NIL \"c\" \"d.test\")(NIL NIL NIL NIL)(NIL NIL \"e\" \"f.test\"))"
            ),
            ("Team: a@b.test", "((NIL NIL \"Team\" NIL)(NIL NIL \"a\" \"b.test\")(NIL NIL NIL NIL))"),
            ("Taro Yamada", "((NIL NIL \"Taro Yamada\" \"\"))"),
            ("Taro <taro>", "((\"Taro\" NIL \"taro\" \"\"))"),
            ("Taro <>", "((\"Taro\" NIL \"\" \"\"))"),
            (", ,<>,", "NIL"),
            ("\"open <a@b.test", "((NIL NIL \"open <a@b.test\" \"\"))"),
            ("a@b.test (open ((", "((\"open ((\" NIL \"a\" \"b.test\"))"),
            ("a@b.test <c@d.test", "((\"a@b.test\" NIL \"c\" \"d.test\"))"),
        ])
    func addresses(_ field: String, _ expected: String) {
        #expect(Self.envelope("To: \(field)") == "(NIL NIL NIL NIL NIL \(expected) NIL NIL NIL NIL)")
    }

    @Test("several fields of one name are one list")
    func repeatedFields() {
        let envelope = Self.envelope("To: a@b.test", "To: c@d.test", "Subject: one", "Subject: two")
        #expect(envelope == "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"b.test\")(NIL NIL \"c\" \"d.test\")) NIL NIL NIL NIL)")
    }

    @Test("UTF-8 goes to IMAP4rev2 as it is and to IMAP4rev1 as encoded words, A-labels and literals")
    func beyondASCII() {
        let header = ["Subject: Re: 会議 now", "From: 山田 <山田@例え.test>"]
        #expect(
            Self.envelope(header[0], header[1], form: .utf8)
                == "(NIL \"Re: 会議 now\" ((\"山田\" NIL \"山田\" \"例え.test\")) ((\"山田\" NIL \"山田\" \"例え.test\")) "
                + "((\"山田\" NIL \"山田\" \"例え.test\")) NIL NIL NIL NIL NIL)")
        let address = "((\"=?UTF-8?B?5bGx55Sw?=\" NIL {6}\r\n山田 \"xn--r8jz45g.test\"))"
        #expect(
            Self.envelope(header[0], header[1])
                == "(NIL \"Re: =?UTF-8?B?5Lya6K2w?= now\" \(address) \(address) \(address) NIL NIL NIL NIL NIL)")
    }

    @Test("octets that are no UTF-8 are read as Japanese mail writes them")
    func unlabelledOctets() {
        var blob = ByteBuffer(string: "Subject: ")
        blob.writeBytes([0x89, 0xEF, 0x8B, 0x63])  // 会議 in Shift_JIS
        blob.writeString("\r\n\r\n")
        let summary = MessageSummaryBuilder.summary(of: blob)
        #expect(String(buffer: summary.envelope(.utf8)).hasPrefix("(NIL \"会議\" NIL"))
        #expect(String(buffer: summary.envelope(.ascii)).hasPrefix("(NIL \"=?UTF-8?B?5Lya6K2w?=\" NIL"))
    }

    @Test("a long string, and one with what quotes cannot hold, is a literal; NUL is dropped")
    func literals() {
        let long = String(repeating: "x", count: 1001)
        #expect(Self.envelope("Subject: \(long)").hasPrefix("(NIL {1001}\r\n\(long) NIL"))
        #expect(Self.envelope("Subject: a\"b\\c\0d").hasPrefix("(NIL \"a\\\"b\\\\cd\" NIL"))
    }

    // MARK: BODYSTRUCTURE

    @Test("a text and a base64 attachment, as in RFC 9051")
    func structure() {
        let summary = Self.summary(
            "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII", "", "Hello", "there",
            "--b",
            "Content-Type: text/plain; charset=us-ascii; name=\"cc.diff\"", "Content-ID: <960723163407.20117h@cac.washington.edu>",
            "Content-Description: Compiler diff", "Content-Transfer-Encoding: BASE64",
            "Content-Disposition: attachment; filename=\"cc.diff\"; size=12", "Content-Language: ja, en", "Content-MD5: Q2hlY2s=",
            "Content-Location: http://a.test/x", "", "SGVsbG8=", "--b--", "")
        #expect(
            String(buffer: summary.body(.ascii))
                == """
                (("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 12 1)("text" "plain" ("charset" "us-ascii" "name" "cc.diff") \
                "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 8 0) "mixed")
                """)
        #expect(
            String(buffer: summary.bodyStructure(.ascii))
                == """
                (("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 12 1 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii" "name" \
                "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 8 0 "Q2hlY2s=" ("attachment" ("filename" \
                "cc.diff" "size" "12")) ("ja" "en") "http://a.test/x") "mixed" ("boundary" "b") NIL NIL NIL)
                """)
    }

    @Test("a message in a message has its envelope, structure and lines")
    func nestedMessage() {
        let summary = Self.summary(
            "Content-Type: message/rfc822", "", "Subject: inner", "From: a@b.test", "", "one", "two", "")
        #expect(
            String(buffer: summary.body(.ascii))
                == """
                ("message" "rfc822" NIL NIL NIL "7bit" 44 (NIL "inner" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) \
                ((NIL NIL "a" "b.test")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2) 5)
                """)
    }

    @Test("what has no parts by its bytes gets one, so that the grammar holds")
    func brokenStructures() {
        let empty = Self.summary("Content-Type: multipart/mixed; boundary=b", "", "no boundary here", "")
        #expect(String(buffer: empty.body(.ascii)) == "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")")
        let unlabelled = Self.summary("Content-Type: multipart/mixed", "", "text", "")
        #expect(String(buffer: unlabelled.body(.ascii)) == "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 6 1)")
        let encoded = Self.summary("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "U3ViamVjdDogeA==", "")
        #expect(String(buffer: encoded.body(.ascii)) == "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 18)")
    }

    @Test("parameters in pieces are put together, decoded for IMAP4rev2")
    func extendedParameters() {
        let summary = Self.summary(
            "Content-Type: application/pdf; name*0=\"ab\"; name*1=\"cd\"",
            "Content-Disposition: attachment; filename*0*=UTF-8''%E4%BC%9A; filename*1*=%E8%AD%B0; filename*2=.pdf", "", "x")
        let head = "(\"application\" \"pdf\" (\"name\" \"abcd\") NIL NIL \"7bit\" 1 NIL (\"attachment\" (\"filename*\" "
        #expect(String(buffer: summary.bodyStructure(.ascii)) == head + "\"UTF-8''%E4%BC%9A%E8%AD%B0.pdf\")) NIL NIL)")
        #expect(String(buffer: summary.bodyStructure(.utf8)) == head + "\"会議.pdf\")) NIL NIL)")
    }

    // MARK: Texts

    @Test("texts are decoded, and dates kept as moment and as day")
    func texts() {
        let summary = Self.summary(
            "From: =?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <taro@b.test>, x@y.test",
            "Subject: [list] Re: =?UTF-8?Q?=E4=BC=9A?=  =?UTF-8?Q?=E8=AD=B0?=",
            "Date: Sun, 1 Nov 2026 23:30:00 -0500", "Message-ID: <\"a b\"@c.test>", "In-Reply-To: <r@c.test> from somebody", "", "")
        #expect(summary.text(.from) == "山田 <taro@b.test>, x@y.test")
        #expect(summary.text(.subject) == "[list] Re: 会議")
        #expect(summary.text(.baseSubject) == "会議")
        #expect(summary.isReplyOrForward)
        #expect(summary.text(.fromMailbox) == "taro")
        #expect(summary.text(.displayFrom) == "山田")
        #expect(summary.text(.messageID) == "ab@c.test")
        #expect(summary.references == ["r@c.test"])
        #expect(summary.sentDate == 1_793_593_800)
        #expect(summary.sentDay == CalendarDay(year: 2026, month: 11, day: 1))
        #expect(summary.has(.from) && !summary.has(.cc))
    }

    @Test("references win over In-Reply-To")
    func references() {
        let summary = Self.summary("References: <a@b> <\"c\"@d>\r\n\t<e@f>", "In-Reply-To: <x@y>", "", "")
        #expect(summary.references == ["a@b", "c@d", "e@f"])
    }

    @Test("what is kept comes back, and what is damaged or of another version does not")
    func coding() {
        let summary = Self.summary("Subject: x", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "text", "--b--", "")
        var encoded = summary.encoded
        #expect(MessageSummary(decoding: encoded) == summary)
        #expect(MessageSummary(decoding: encoded)?.parts == summary.parts)
        for offset in 0..<encoded.readableBytes {
            var damaged = encoded
            damaged.setInteger(damaged.getInteger(at: offset, as: UInt8.self).map { $0 ^ 0x41 } ?? 0, at: offset)
            #expect(MessageSummary(decoding: damaged) == nil, "octet \(offset)")
        }
        _ = encoded.readBytes(length: 1)
        #expect(MessageSummary(decoding: encoded) == nil)
        #expect(MessageSummary(decoding: ByteBuffer()) == nil)
    }

    @Test("pieces may be cut anywhere")
    func pieces() {
        let blob = ByteBuffer(string: NastyMessages.all.joined(separator: "\r\n"))
        let whole = MessageSummaryBuilder.summary(of: blob)
        for size in [1, 7, 64, 1000] {
            var builder = MessageSummaryBuilder()
            var rest = blob
            while let piece = rest.readSlice(length: min(size, max(1, rest.readableBytes))) { builder.read(piece) }
            #expect(builder.finish() == whole, "pieces of \(size)")
        }
    }

    @Test("nasty messages give values that the grammar allows")
    func nasty() {
        for message in NastyMessages.all {
            let summary = MessageSummaryBuilder.summary(of: ByteBuffer(string: message))
            for form in [MessageSummary.Form.ascii, .utf8] {
                for value in [summary.envelope(form), summary.body(form), summary.bodyStructure(form)] {
                    #expect(ValueChecker.isList(Array(value.readableBytesView), form), "\(String(buffer: value)) of \(message.prefix(60))")
                }
            }
            #expect(String(buffer: summary.preview).unicodeScalars.count <= 200)
            #expect(MessageSummary(decoding: summary.encoded)?.parts == summary.parts)
        }
    }

    // MARK: Preview

    @Test(
        "the preview is the first text, decoded, in one line of 200 characters",
        arguments: [
            ("Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n  world\t!\r\n", "Hello, world !"),
            ("\r\n> quoted\r\n> more\r\nAnswer\r\n", "Answer"),
            ("\r\n> only\r\n> quotes\r\n", "> only > quotes"),
            ("Content-Type: text/html\r\n\r\n<html><head><style>p{}</style></head><body><p>Hi &amp; bye</p></body></html>", "Hi & bye"),
            ("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\u{1B}$B2q5D\u{1B}(B", "会議"),
            ("Content-Type: application/pdf\r\n\r\nJVBERi0=", ""),
            ("Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx", ""),
            (
                "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--b--",
                "x"
            ),
        ])
    func preview(_ message: String, _ expected: String) {
        #expect(String(buffer: Self.summary(message).preview) == expected)
    }

    @Test("a header of any length leaves the preview to the text behind it, however it comes in pieces", arguments: [7, 4096, 65536])
    func previewBehindLongHeader(size: Int) {
        let fields = (0..<20_000).map { "X-\($0): a field\r\n" }.joined()
        for (message, expected) in [
            (fields + "\r\nx", "x"), (fields + "no field, so it is text\r\nand more", "no field, so it is text and more"),
            ("no header", "no header"), (fields, ""), ("\r\nonly text\r\n", "only text"), ("A: b\r\n\r\n", ""),
            (
                "Content-Type: multipart/mixed; boundary=b\r\n" + fields + "\r\n--b\r\n\r\n--b\r\n\r\nsecond part\r\n--b--\r\n",
                "second part"
            ),
        ] {
            var (builder, rest) = (MessageSummaryBuilder(), ByteBuffer(string: message))
            while rest.readableBytes > 0, let piece = rest.readSlice(length: min(size, rest.readableBytes)) { builder.read(piece) }
            #expect(String(buffer: builder.finish().preview) == expected, "\(message.suffix(40))")
        }
    }

    @Test("a preview ends after 200 characters, whatever their octets")
    func longPreview() {
        let summary = Self.summary("Content-Type: text/plain; charset=utf-8", "", String(repeating: "会", count: 500))
        #expect(String(buffer: summary.preview) == String(repeating: "会", count: 200))
    }
}
