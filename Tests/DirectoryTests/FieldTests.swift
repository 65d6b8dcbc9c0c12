import Forms
import Testing
import Vocabulary

@Suite struct FieldTests {
    static let all = FieldTable.account + FieldTable.configuration

    @Test func everyFieldHasTextsInBothLanguagesAndAUsableDefault() throws {
        for field in Self.all {
            for language in Language.allCases {
                #expect(!field.label.text(language).isEmpty && !field.help.text(language).isEmpty, "\(field.key)")
            }
            #expect(field.key.text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }, "\(field.key)")
            let written = field.written(field.defaultValue)
            if !written.isEmpty { #expect(try field.parse(written) == field.defaultValue, "\(field.key)") }
        }
        for fields in [FieldTable.account, FieldTable.configuration] {
            #expect(Set(fields.map(\.key)).count == fields.count)
            #expect(Set(fields.map { $0.mailName.lowercased() }).count == fields.count)
        }
    }

    @Test func theOriginalsFieldNamesAreKept() {
        for (name, key) in [
            ("User's-Real-Name", "real-name"), ("Mail-Account-Password", "password"), ("Use-NT-Logon-Password", "use-os-password"),
            ("NT-Username", "os-user"),
            ("Internet-Addresses", "addresses"), ("From-Address-Rewrite", "from-address-rewrite"), ("POP3-Delivery", "pop3-delivery"),
            ("POP3-Login-Name", "login-name"), ("Maximum-POP3-Mailbox-Size", "quota"), ("Current-POP3-Mailbox-Size", "mailbox-size"),
            ("Program-Delivery", "program-delivery"), ("NT-Account-for-Program", "program-account"), ("Programs-to-Run", "programs-to-run"),
            ("Forwarding-Addresses", "forwarding-addresses"), ("Finger-Information", "finger-information"),
        ] {
            #expect(FieldTable.account(named: name)?.key.text == key)
        }
        #expect(AccountField.password.label.japanese == "メールアカウント/POP3 のパスワード")
        #expect(DeliveryField.mailboxDelivery.label.japanese == "POP3/IMAP4 配信")
        #expect(DeliveryField.forwarding.label.japanese == "転送先")
        #expect(RoutingField.localMailDomains.label.japanese == "ローカルメールドメイン")
    }

    @Test("an address with a Japanese comma is written so that it is read as one")
    func commaInAddress() throws {
        for (field, typed) in [(BlockField.senders, "\"、b\"@c.test"), (AccountField.addresses, "\"a、b\"@c.test")] {
            let value = try field.parse([typed])
            #expect(field.written(value) == [typed])
            #expect(try field.parse(field.written(value)) == value)
        }
    }

    /// A value of each field that differs from its default, in the words a person would write.
    static func sample(_ field: Field) -> [String] {
        switch field.type {
        case .text: ["Some \"text\" of <one> line; it's 'odd' & 日本語\\"]
        case .paragraph: ["first: line", "# second 'line'", "\tthird - \"line\" \\ 終わり"]
        case .integer(let range): ["\(range.upperBound)"]
        case .bytes(let range): ["\(range.upperBound)"]
        case .duration(let range): ["\(range.upperBound)"]
        case .flag: [field.defaultValue == .flag(true) ? "no" : "yes"]
        case .choice(let choices): [choices.last { .text($0.name) != field.defaultValue }?.name ?? ""]
        case .date: ["2028-02-29"]
        case .address: ["\"a, b\"@example.test"]
        case .addresses: ["\"a, b\\\"\"@example.test", "josé@bücher.test", "*@example.test", "o'neil+x@[192.0.2.1]"]
        case .loginName: ["jane.doe"]
        case .domain: ["Bücher.test"]
        case .domains: ["a.test", "bücher.test", "c.test"]
        case .accessList: ["192.0.2.1", "2001:db8::/32", "host.example.test", "*.example.test", "10.0.0.0/8"]
        case .networks: ["192.0.2.0/24", "2001:db8::1"]
        case .domainPatterns: ["example.net", "*.example.net", "xn--wgv71a119e.example.test"]
        case .mailPatterns: ["jane@example.net", "example.org", "*.example.org", "sales@", "\"a b\"@"]
        case .servers: ["192.0.2.53", "[2001:db8::53]:5353", "192.0.2.54:5353"]
        case .words(let choices): choices.map(\.name)
        case .url: ["https://example.test/~jane?x=1&y=%20#top"]
        case .telephone: ["+81 (3) 1234-5678 x9"]
        case .picture: ["/9j/2wA="]
        case .password: ["pass word"]
        case .table(let table):
            switch table.columns.first?.kind {
            case .address where table.columns.last?.kind == .domain: ["[<jane@example.test> far.test]"]
            case .routePattern:
                ["[remote.test:127.0.0.1:29025]", "[*.v6.test:[2001:db8::1]:25]", "[a.test:*][b.test:[mx.b.test]]", "[*:hold]"]
            case .address: ["[<a@b.test> <\"c ] d\"@e.test>]", "[x@y.test z@w.test]"]
            case .duration: ["[10 s][90]", "[2 h]"]
            case .nextHost(takesAll: true): ["[* 192.0.2.1]", "[a.test:26 2001:db8::1][[2001:db8::2]:25 192.0.2.3]"]
            case .nextHost: ["[smtp.a.test:587 jane]", "[[b.test] jane@b.test encrypted][[192.0.2.1]:465 x CLEAR]"]
            case .domain where table.columns.last?.kind == .date: ["[big.test:20]", "[small.test:5:2027-03-31]"]
            default: ["[big.test:2 GiB]", "[free.test:0]"]
            }
        }
    }

    @Test func everyFieldRoundTripsThroughStoreAndExport() throws {
        for field in Self.all where !field.isSecret {
            let value = try field.parse(Self.sample(field))
            #expect(!value.isNone && value != field.defaultValue, "\(field.key)")
            #expect(field.value(stored: field.stored(value)) == value, "\(field.key)")
            #expect(try field.parse(field.written(value)) == value, "\(field.key): \(field.written(value))")
            for language in Language.allCases { #expect(!field.shown(value, language).isEmpty, "\(field.key)") }
        }
    }

    @Test("A4 metacharacters are kept as text or refused, in every field") func metacharacters() throws {
        let hostile = [
            "'; DROP TABLE account; --", "\" OR 1=1", "*)(uid=*))(|(uid=*", "<script>alert(1)</script>", "%s%n%x", "$(reboot)`id`",
            "a\u{0}b", "a\r\nb",
            "../../etc/passwd", "\u{202E}txt", "\u{2028}", String(repeating: "x", count: 100_000),
        ]
        for field in Self.all where !field.isSecret {
            for text in hostile {
                guard let value = try? field.parse(text) else { continue }
                #expect(field.value(stored: field.stored(value)) == value, "\(field.key)")
                if case .paragraph = field.type { continue }
                for entry in field.written(value) {
                    #expect(
                        !entry.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x2028 },
                        "\(field.key)")
                }
            }
        }
    }

    @Test(arguments: [
        ("message-size-limit", "50 MiB", "50 MiB"), ("message-size-limit", "104857600", "100 MiB"), ("message-size-limit", "５０Ｍ", "50 MiB"),
        ("smtp-command-timeout", "90", "90 s"), ("smtp-command-timeout", "5 分", "5 min"), ("check-recipients", "はい", "yes"),
        ("check-recipients", "OFF", "no"),
        ("host-name", "ＭＡＩＬ．Example．Test", "mail.example.test"), ("host-name", "Bücher.TEST.", "xn--bcher-kva.test"),
        ("plaintext-login-networks", "192.0.2.0/24", "192.0.2.0/24"), ("name-servers", "::1", "::1"), ("detail-separator", "使用しない", "none"),
        ("pop3-access", "::ffff:192.0.2.1", "192.0.2.1"), ("system-language", "ja", "ja"),
    ]) func peopleWriteThingsInTheirOwnWay(key: String, typed: String, canonical: String) throws {
        let field = try #require(FieldTable.configuration(named: key))
        #expect(field.written(try field.parse(typed)) == [canonical])
    }

    @Test(arguments: [
        ("message-size-limit", "abc", "50 MiB"), ("message-size-limit", "1", "64 KiB"),
        ("message-size-limit", "99999999999999999999 TiB", "50 MiB"),
        ("recipient-limit", "5", "100"), ("recipient-limit", "-1", "100"), ("recipient-limit", "1e3", "100"),
        ("smtp-command-timeout", "1", "10 s"),
        ("check-recipients", "perhaps", "yes"), ("host-name", "two words", "example.com"), ("host-name", "", "value"),
        ("host-name", "-x.test", "example.com"),
        ("plaintext-login-networks", "192.0.2.1/24", "192.0.2.0/24"), ("plaintext-login-networks", "192.0.2.0/33", "192.0.2.0/24"),
        ("name-servers", "ns.example.test", "IP address"), ("name-servers", "192.0.2.53:99999", "IP address"),
        ("pop3-access", "1.2.3", "*.domain"),
        ("pop3-access", "*.*.test", "*.domain"), ("mail-routing-table", "[a.test]", "[pattern:host"),
        ("mail-routing-table", "[a.test:b.test", "[pattern:host"),
        ("mail-routing-table", "[a b:c]", "pattern"), ("mail-routing-table", "[a.test:x][a.test:x]", "twice"),
        ("smtp-channel-aliases", "[<a@b.test>]", "<incoming>"),
        ("smtp-channel-aliases", "[<a@b.test> <c>]", "name@domain"), ("local-mail-domains", "a.test A.TEST", "twice"),
        ("seat-limit-end", "2027-02-29", "2026-11-21"),
        ("log-days", "99999", "3650"), ("address-completion-domain", "[192.0.2.1]", "example.com"),
    ]) func aMessageNamesTheFieldAndTheCure(key: String, typed: String, cure: String) throws {
        let field = try #require(FieldTable.configuration(named: key))
        let problem = #expect(throws: FieldProblem.self) { try field.parse(typed) }
        let message = try #require(problem).message
        #expect(message.english.contains(key) && message.english.contains(cure), "\(message.english)")
        #expect(message.japanese.contains(key) && message.japanese.unicodeScalars.contains { $0.value > 0x3000 }, "\(message.japanese)")
        #expect(message.english.hasSuffix(".") && message.japanese.hasSuffix("。"))
    }

    @Test func passwordsKeepTheirBlanksButNotAtTheEnds() throws {
        let field = AccountField.password
        #expect(try field.parse("pass word") == .text("pass word"))
        for bad in [" secret", "secret ", "\tsecret", "sec\nret", "sec\u{0}ret", "\u{3000}secret"] {
            #expect(throws: FieldProblem.self) { try field.parse(bad) }
        }
        #expect(field.stored(.none) == nil)
    }

    @Test func anUnknownFieldSaysWhichIsNear() {
        #expect(FieldProblem.unknown("mesage-size", in: FieldTable.configuration).message.english.contains("message-size-limit"))
        #expect(FieldProblem.unknown("zzzzzzzzzz", in: FieldTable.configuration).message.english.contains("zzzzzzzzzz"))
        #expect(!FieldProblem.unknown(String(repeating: "a", count: 100_000), in: FieldTable.account).message.english.isEmpty)
    }
}
