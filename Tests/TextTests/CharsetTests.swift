import Testing
import Text

@Suite struct CharsetTests {
    @Test(
        arguments: [
            ("ISO-2022-JP", [0x1B, 0x24, 0x42, 0x46, 0x7C, 0x4B, 0x5C, 0x1B, 0x28, 0x42, 0x21], "日本!"),
            ("iso-2022-jp", [0x1B, 0x24, 0x40, 0x46, 0x7C, 0x1B, 0x28, 0x4A, 0x78], "日x"),
            // NEC row 13 and half-width kana, which senders put under this name although RFC 1468 has neither.
            ("iso-2022-jp", [0x1B, 0x24, 0x42, 0x2D, 0x21, 0x1B, 0x28, 0x42], "①"),
            ("iso-2022-jp", [0x1B, 0x28, 0x49, 0x31, 0x32, 0x1B, 0x28, 0x42], "ｱｲ"),
            ("iso-2022-jp", [0xB1, 0xB2], "ｱｲ"), ("iso-2022-jp", [0x1B, 0x24, 0x42, 0x46, 0x7C, 0x0A, 0x61], "日\na"),
            ("Shift_JIS", [0x93, 0xFA, 0x96, 0x7B, 0x87, 0x40], "日本①"), ("windows-31j", [0x81, 0x60], "～"),
            ("EUC-JP", [0xC6, 0xFC, 0xCB, 0xDC], "日本"),
            ("utf8", [0xE6, 0x97, 0xA5], "日"), ("latin1", [0xE9, 0x80], "é€"), ("KOI8-R", [0xC1], "а"), ("gb2312", [0xC8, 0xD5], "日"),
            ("big5", [0xA4, 0xE9], "日"),
            ("ks_c_5601-1987", [0xC0, 0xCF], "일"), ("us-ascii", [0x61], "a"),
        ] as [(String, [UInt8], String)]) func whatPeersSendIsRead(name: String, bytes: [UInt8], text: String) throws
    {
        let charset = try #require(Charset(named: name))
        #expect(charset.decode(bytes) == text)
        #expect(charset.decodeStrictly(bytes) == text)
    }

    @Test func whatIsNoTextBecomesAReplacement() throws {
        #expect(Charset.utf8.decode([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
        #expect(Charset.shiftJIS.decode([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
        #expect(Charset.shiftJIS.decodeStrictly([0x61, 0xFF]) == nil)
        #expect(Charset.eucJP.decode([0x61, 0xC6]) == "a\u{FFFD}")
        #expect(Charset.iso2022JP.decode([0x1B, 0x24, 0x42, 0x46]).unicodeScalars.count <= 4)
        #expect(Charset.ascii.decode([]).isEmpty)
    }

    @Test func namesOfPeersNeverReachTheLibrary() {
        for name in ["", "//TRANSLIT", "UTF-8//IGNORE", "char", "../../x", String(repeating: "x", count: 100_000), "utf-8\u{0}"] {
            #expect(Charset(named: name) == nil)
        }
    }

    @Test func everyCharsetOfTheTableIsKnownToTheLibrary() throws {
        for name in [
            "utf-8", "us-ascii", "shift_jis", "iso-2022-jp", "iso-2022-jp-2", "iso-2022-jp-3", "euc-jp", "iso-8859-1", "iso-8859-2",
            "iso-8859-15", "windows-1250",
            "windows-1258", "koi8-u", "gb18030", "big5", "euc-kr", "iso-2022-kr", "tis-620", "utf-7", "utf-16le", "utf-16be",
        ] {
            let charset = try #require(Charset(named: name))
            #expect(charset.decodeStrictly(name.hasPrefix("utf-16") ? [] : Array("a".utf8)) != nil, "\(name)")
        }
    }
}

@Suite struct UnicodeTextTests {
    @Test func foldingJoinsSpellingsAndKeepsDifferentThingsApart() {
        #expect(UnicodeText.folded("STRASSE") == UnicodeText.folded("straße"))
        #expect(UnicodeText.folded("JOSE\u{301}") == UnicodeText.folded("josé"))
        #expect(UnicodeText.folded("Ｊ") != UnicodeText.folded("J"))
        #expect(UnicodeText.folded("ΣΊΣΥΦΟΣ") == UnicodeText.folded("σίσυφος"))
        #expect(UnicodeText.nfkc("ＡＢｱ①") == "ABア1")
        #expect(UnicodeText.nfc("e\u{301}") == "\u{E9}")
        #expect(UnicodeText.folded("") == "")
        #expect(UnicodeText.folded("a\u{0}B") == "a\u{0}b")
    }

    @Test func columnsCountWideCharactersTwice() {
        #expect(UnicodeText.columns("abc") == 3)
        #expect(UnicodeText.columns("日本ab") == 6)
    }
}

@Suite struct DomainNameTests {
    @Test(arguments: [
        ("Example.TEST.", "example.test"), ("bücher.test", "xn--bcher-kva.test"), ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("straße.test", "xn--strae-oqa.test"), ("a_b.test", "a_b.test"), ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:DB8::0001]", "[ipv6:2001:db8::1]"),
    ]) func namesHaveOneForm(typed: String, expected: String) { #expect(DomainName.normalized(typed) == expected) }

    @Test(arguments: [
        "", ".", "a..b", ".a", "-a.test", "a-.test", "a b.test", "a@b", "[300.1.1.1]", "[", "[]", "[2001:db8::1]", "a\u{0}.test", "a/b",
        "ü\u{0}.test",
        String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "bc", String(repeating: "ü", count: 5000),
    ]) func whatIsNoNameIsRefused(typed: String) { #expect(DomainName.normalized(typed) == nil) }

    @Test func readableNamesShowTheirScript() {
        #expect(DomainName.readable("xn--bcher-kva.test") == "bücher.test")
        #expect(DomainName.readable("example.test") == "example.test")
        #expect(DomainName.readable("xn--\u{0}") == "xn--\u{0}")
    }
}
