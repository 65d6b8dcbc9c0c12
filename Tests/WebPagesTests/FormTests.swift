import Forms
import Testing
import Vocabulary
import WebPages
import WebTesting

@Suite struct FormTests {
    static let all = FieldTable.account + FieldTable.configuration

    /// A value that the type takes.
    static func sample(_ field: Field) -> FieldValue {
        switch field.type {
        case .text: .text("a \"quoted\" <text> & 'more'")
        case .paragraph: .text("\n first\n\n<b>\nlast")
        case .integer(let range), .bytes(let range), .duration(let range): .integer(range.upperBound)
        case .flag: .flag(!(field.defaultValue.flag ?? false))
        case .choice(let choices): .text(choices.last?.name ?? "")
        case .date: .text("2026-11-22")
        case .address: .text("jane@example.net")
        case .addresses: .list(["jane@example.net", "odd、one@example.net"])
        case .loginName: .text("jane")
        case .domain: .text("example.net")
        case .domains: .list(["example.net", "example.org"])
        case .accessList: .list(["192.0.2.1", "198.51.100.0/24", "*.example.net"])
        case .networks: .list(["192.0.2.0/24"])
        case .domainPatterns: .list(["*.example.net"])
        case .mailPatterns: .list(["jane@"])
        case .servers: .list(["192.0.2.53:5353"])
        case .words(let choices): .list(choices.prefix(2).map(\.name))
        case .url: .text("https://example.net/?a=1&b=2")
        case .telephone: .text("+81 3-1234-5678")
        case .picture: .text("/9j/")
        case .password: .none
        case .table(let table): .rows([table.columns.map(Self.cell)])
        }
    }

    static func cell(_ column: Table.Column) -> String {
        switch column.kind {
        case .text: "jane"
        case .routePattern: "*.example.net"
        case .routeHost: "[2001:db8::1]"
        case .port: "2525"
        case .address: "jane@example.net"
        case .domain: "example.net"
        case .bytes: "1048576"
        case .duration: "300"
        case .date: "2026-11-22"
        case .integer: "7"
        case .nextHost: "smtp.example.net:587"
        case .ipAddress: "192.0.2.7"
        case .word(let words): words.first ?? ""
        }
    }

    @Test("W2 a value of every field is shown, posted by the form as it is, and read back the same", arguments: all)
    func roundTrip(_ field: Field) {
        let value = Self.sample(field)
        let view = FormView(action: "/x", csrfToken: "t", [FormView.Section([FieldEntry(field, value)])])
        for language in Language.allCases {
            let html = view.html(language)
            #expect(Wellformed(html.markup).faults == [])
            let reading = FormReading(Browser.submit(text(html.markup)), [field])
            #expect(reading.problems == [])
            #expect(reading.values[field.key] == value)
        }
    }

    @Test("W2 of a form that nobody touched, nothing changes", arguments: all) func untouched(_ field: Field) {
        let view = FormView(action: "/x", csrfToken: "t", [FormView.Section([FieldEntry(field, .none)])])
        let reading = FormReading(Browser.submit(text(view.html(.english).markup)), [field])
        #expect(reading.values.allSatisfy { field.effective($0.value) == field.effective(.none) })
    }

    @Test("what is wrong stands at its field, with what was typed", arguments: Language.allCases) func problems(_ language: Language) {
        let fields = [
            LimitField.messageSize, AccountField.addresses, DeliveryField.quota, AccountField.expiryDate, RoutingField.mailRoutingTable,
        ]
        let form = PostedForm([
            ("message-size-limit", "<huge>"), ("addresses", "a@b.example\r\nno address"), ("quota", "10 MiB"), ("expiry-date", "soon"),
            ("mail-routing-table.0.pattern", "*"), ("mail-routing-table.0.host", "*"), ("mail-routing-table.0.port", ""),
            ("mail-routing-table.1.pattern", "ok.example"), ("mail-routing-table.1.host", "not a host"), ("mail-routing-table.1.port", ""),
            ("mail-routing-table.2.pattern", ""), ("mail-routing-table.2.host", ""), ("mail-routing-table.2.port", ""),
        ])
        let reading = FormReading(form, fields)
        #expect(Set(reading.problems.map(\.field.text)) == ["message-size-limit", "addresses", "expiry-date", "mail-routing-table"])
        #expect(reading.wrongRows[RoutingField.mailRoutingTable.key] == 1)
        #expect(reading.values[DeliveryField.quota.key] == .integer(10 << 20))
        var view = FormView(action: "/x", csrfToken: "t", [FormView.Section(fields.map { FieldEntry($0, .none) })])
        view.apply(reading)
        let html = view.html(language)
        #expect(Wellformed(html.markup).faults == [])
        let markup = text(html.markup)
        #expect(
            markup.contains("&lt;huge&gt;") && markup.contains("no address") && markup.contains("value=\"soon\"")
                && markup.contains("not a host"))
        #expect(markup.contains("href=\"#f-message-size-limit\""))
        #expect(markup.contains("aria-describedby=\"f-message-size-limit-problem f-message-size-limit-help\" aria-invalid=\"true\""))
        #expect(markup.contains("id=\"f-mail-routing-table-1-host\" value=\"not a host\""))
        // What was typed comes back the same when it is sent once more.
        #expect(FormReading(Browser.submit(markup), fields).typed[LimitField.messageSize.key] == .texts(["<huge>"]))
    }

    @Test("rows of a table left empty vanish, rows further down stay, and what brackets cannot say is refused") func rows() {
        let field = RoutingField.channelAliases
        func reading(_ cells: [(String, String)]) -> FormReading { FormReading(PostedForm(cells.map { ($0.0, $0.1) }), [field]) }
        let two = reading([
            ("smtp-channel-aliases.0.in", ""), ("smtp-channel-aliases.0.out", " "), ("smtp-channel-aliases.7.in", "a@x.example"),
            ("smtp-channel-aliases.7.out", "b@x.example"), ("smtp-channel-aliases.3.in", "c@x.example"),
            ("smtp-channel-aliases.3.out", "d@x.example"),
        ])
        #expect(two.values[field.key] == .rows([["c@x.example", "d@x.example"], ["a@x.example", "b@x.example"]]))
        #expect(reading([("smtp-channel-aliases.0.in", ""), ("smtp-channel-aliases.0.out", "")]).values[field.key] == FieldValue.none)
        #expect(!reading([("smtp-channel-aliases.0.in", "a@x.example"), ("smtp-channel-aliases.0.out", "")]).isRight)
        let spaced = FormReading(
            PostedForm([("route-logins.0.host", "smtp.example"), ("route-logins.0.user", "two words"), ("route-logins.0.security", "")]),
            [NextHopField.logins])
        #expect(spaced.wrongRows[NextHopField.logins.key] == 0)
        // Names that no form of ours has say nothing.
        let odd = reading([
            ("smtp-channel-aliases.-1.in", "a@x.example"), ("smtp-channel-aliases.99999999999.in", "a"), ("smtp-channel-aliases.x.in", "a"),
        ])
        #expect(odd.values.isEmpty && odd.problems.isEmpty)
    }

    @Test("a password is asked for twice, never given back, and left as it is when empty") func passwords() {
        let field = AccountField.password
        func reading(_ first: String, _ second: String) -> FormReading {
            FormReading(PostedForm([("password", first), ("password.again", second)]), [field])
        }
        #expect(reading("secret one", "secret one").values[field.key] == .text("secret one"))
        #expect(reading("secret one", "secret two").problem(field.key)?.english.contains("not the same") == true)
        #expect(reading("", "").values[field.key] == FieldValue.none)
        #expect(!reading(" secret", " secret").isRight)
        var view = FormView(action: "/x", csrfToken: "t", [FormView.Section([FieldEntry(field, .none)])])
        view.apply(reading("secret one", "secret two"))
        let markup = text(view.html(.japanese).markup)
        #expect(!markup.contains("secret one") && markup.contains("の再入力") && markup.contains("type=\"password\""))
    }

    @Test("what a person may not change is shown as text, what is off says why, and then there is nothing to submit") func access() {
        let view = FormView(
            action: "/x", csrfToken: "t",
            [
                FormView.Section([
                    FieldEntry(DeliveryField.quota, .integer(5 << 20), access: .readOnly),
                    FieldEntry(
                        DeliveryField.programDelivery, .flag(true), access: .off(Localized(en: "no program <is> allowed", ja: "許可なし"))),
                ])
            ])
        let html = view.html(.english)
        #expect(Wellformed(html.markup).faults == [])
        let markup = text(html.markup)
        #expect(markup.contains("5 MiB") && !markup.contains("name=\"quota\""))
        #expect(markup.contains("no program &lt;is&gt; allowed") && markup.contains(" disabled"))
        #expect(!markup.contains("type=\"submit\""))
    }

    @Test("each field has its label, its help and its name in both languages; the form has 送信 and リセット") func labels() {
        let view = FormView(action: "/x", csrfToken: "t", [FormView.Section(FieldTable.account.map { FieldEntry($0, .none) })])
        for language in Language.allCases {
            let html = view.html(language)
            let markup = text(html.markup)
            #expect(Wellformed(html.markup).faults == [])
            for field in FieldTable.account {
                #expect(markup.contains(text(HTML(text: field.label.text(language)).markup)))
                #expect(markup.contains(text(HTML(text: field.help.text(language)).markup)))
            }
        }
        #expect(text(view.html(.japanese).markup).contains(">送信</button>") && text(view.html(.japanese).markup).contains(">リセット</button>"))
    }

    @Test("a table of many rows is one text with a row in brackets a line, read back the same") func longTable() {
        let field = RoutingField.channelAliases
        let rows = (0..<500).map { ["a\($0)@x.example", "b\($0)@x.example"] }
        let view = FormView(action: "/x", csrfToken: "t", [FormView.Section([FieldEntry(field, .rows(rows))])])
        let html = view.html(.english)
        #expect(Wellformed(html.markup).faults == [])
        let reading = FormReading(Browser.submit(text(html.markup)), [field])
        #expect(reading.values[field.key] == .rows(rows))
    }
}
