import Testing
import Vocabulary
import WebPages
import WebTesting

@Suite struct HTMLTests {
    @Test("W1 text becomes text, whatever it is") func encoding() {
        #expect(text(HTML(text: "<b a='1' b=\"2\">&日本</b>").markup) == "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;日本&lt;/b&gt;")
        #expect(text(HTML(text: "a\u{0}b\u{1B}[31mc\r\nd\te").markup) == "a\u{FFFD}b\u{FFFD}[31mc\nd\te")
    }

    /// What people try where a page shows what they wrote.
    static let attacks = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus=alert(1) autofocus='",
        "</textarea><script>alert(1)</script>",
        "</title><script>alert(1)</script>", "javascript:alert(1)", "<!--", "-->", "]]>", "<svg/onload=alert(1)>", "&lt;script&gt;",
        "\u{0}<script>",
        "+ADw-script+AD4-", "\u{202E}gnp.exe", "<a href=//evil.example>", "{{7*7}}", "<script\u{3000}x>", "<ſcript>alert(1)</ſcript>",
        "</option></select><script>", "\"/></svg><script>alert(1)</script>", "a\" style=\"x", "\u{FF1C}script\u{FF1E}",
    ]

    @Test("W1 no text of the corpus becomes markup, wherever a page puts it", arguments: attacks) func corpus(_ attack: String) {
        var body = HTML()
        body.add(.p, [.class(attack), .id("x"), .title(attack), .data(.confirm, attack), .aria(.label, attack)], attack)
        body.foreign(attack)
        body.add(.input, [.type(.text), .name(attack), .value(attack)])
        body.add(.textarea, [.rows(2)], "\n" + attack)
        body.link(Link([attack, "x"], query: [(attack, attack)], fragment: attack), attack)
        var table = DataTable(Localized(en: attack, ja: attack), [DataTable.Column(Localized(en: attack, ja: attack), headsRow: true)])
        table.rows = [[HTML(text: attack)]]
        body.add(table.html(.english))
        body.add(
            Chart(
                Localized(en: attack, ja: attack), .line, times: [attack], series: [Chart.Series(Localized(en: attack, ja: attack), [1])]
            ).html(.japanese))
        var page = Page(Localized(en: attack, ja: attack), .english)
        page.host = attack
        page.person = Page.Person(name: attack, isPostmaster: true, logOut: "/logout")
        page.notices = [Notice(.failure, Localized(en: attack, ja: attack), lines: [attack])]
        page.menu = [MenuEntry(Localized(en: attack, ja: attack), Link([attack]))]
        page.path = [(Localized(en: attack, ja: attack), Link([attack]))]
        page.version = attack
        page.body = body
        let written = page.written()
        let markup = text(written)
        let faults = Wellformed(written).faults.filter { !$0.hasPrefix("nothing has the id") }
        #expect(faults == [], "\(markup)")
        for sign in ["<script>", "<img src=x", "<svg/", "<a href=//", "onerror=alert(1)>", "<ſcript", "</option>"] {
            #expect(!markup.contains(sign), "\(sign)")
        }
        // What turns the direction of writing is visible where foreign text stands.
        #expect(!text(HTML.build { $0.foreign(attack) }.markup).contains("\u{202E}"))
    }

    @Test("W8 a link leads to this server, whatever it is made of") func links() {
        for bad in [
            "//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil.example", "\\\\evil", "", "x", "/a b", "/a\"b",
            "/a\nb",
        ] {
            #expect(Link(untrusted: bad) == nil, "\(bad)")
        }
        #expect(Link(untrusted: "/accounts/12?x=1#top")?.text == "/accounts/12?x=1#top")
        #expect(Link(["a/b", "..", "日本"]).text == "/a%2Fb/%2E%2E/%E6%97%A5%E6%9C%AC")
        #expect(Link(["x"], query: [("q", "a&b=c")], fragment: "f 1").text == "/x?q=a%26b%3Dc#f%201")
        #expect(Link("/x").adding([("language", "ja")]).text == "/x?language=ja")
        #expect(Link(["x"], query: [("q", "1")], fragment: "f").adding([("r", "2")]).text == "/x?q=1&r=2#f")
        #expect(Link([]).text == "/")
    }

    @Test("a page has its language, one main part, a way past the menu, and nothing from elsewhere", arguments: Language.allCases)
    func frame(_ language: Language) {
        var page = Page(Localized(en: "Queue", ja: "キュー"), language)
        page.host = "mail.example.com"
        page.person = Page.Person(name: "太郎", isPostmaster: true, logOut: "/logout")
        page.csrfToken = "abc"
        page.menu = [
            MenuEntry(
                Localized(en: "Accounts", ja: "アカウント"), "/accounts", isCurrent: true,
                children: [MenuEntry(Localized(en: "Add", ja: "追加"), "/accounts/new")])
        ]
        page.languages = [(.english, "/x"), (.japanese, "/y")]
        page.body = HTML.build { $0.add(.h2, [], "x") }
        let written = page.written()
        let markup = text(written)
        #expect(Wellformed(written).faults == [])
        #expect(markup.hasPrefix("<!DOCTYPE html>\n<html lang=\"\(language.rawValue)\">"))
        #expect(markup.contains("<a href=\"#main\" class=\"skip\">"))
        #expect(markup.components(of: "<main ") == 1 && markup.components(of: "<h1>") == 1)
        #expect(markup.contains("name=\"token\" value=\"abc\""))
        #expect(markup.contains("aria-current=\"page\""))
        #expect(!markup.contains("http:") && !markup.contains("https:"))
        #expect(!markup.contains(" style=") && markup.components(of: "<script") == 1)
    }

    @Test("assets are found by their paths, change their path with their content, and are small") func assets() {
        for asset in Asset.all {
            #expect(Asset.at(asset.link.text)?.bytes == asset.bytes)
            #expect(asset.bytes.count < 16_000)
        }
        #expect(Asset.at("/assets/style.css") == nil)
    }

    @Test("a chart of a month with six series is light, and a row of its table tells sums or the highest of several points")
    func weight() {
        // Worst case: no two points of a curve have the same height.
        let series = (0..<6).map { number in
            Chart.Series(Localized(en: "s\(number)", ja: "s\(number)"), (0..<124).map { Double(($0 * 7919 + number * 104_729) % 9973) })
        }
        let times = (0..<124).map { "11-\(10 + $0 / 4) 0\($0 % 4)" }
        for kind in [Chart.Kind.line, .stacked] {
            let html = Chart(Localized(en: "Messages", ja: "メッセージ数"), kind, times: times, series: series).html(.english)
            #expect(html.markup.count < 11_000)
        }
        var chart = Chart(
            Localized(en: "Messages", ja: "メッセージ数"), .line, times: ["10:00", "10:01", "10:02"],
            series: [Chart.Series(Localized(en: "in", ja: "受信"), [3, nil, 40])])
        chart.pointsOfARow = 3
        #expect(text(chart.html(.english).markup).contains("10:00</th><td class=\"number\">43"))
        chart.rowTells = .highest
        #expect(text(chart.html(.english).markup).contains("10:00</th><td class=\"number\">40"))
        // A flat curve is one step, a place between gaps a dot.
        let flat = Chart(
            Localized(en: "x", ja: "x"), .line, times: ["a", "b", "c", "d", "e"],
            series: [Chart.Series(Localized(en: "in", ja: "受信"), [0, 0, 0, nil, 1])])
        #expect(text(flat.html(.english).markup).contains("d=\"M56 216h328M712 8h1\""))
    }

    @Test(
        "a chart tells the same numbers as a table, and copes with gaps, nothing and infinity",
        arguments: [Chart.Kind.line, .stacked, .bars])
    func chart(_ kind: Chart.Kind) {
        let chart = Chart(
            Localized(en: "Messages", ja: "メッセージ数"), kind, times: ["10:00", "10:01", "10:02"],
            series: [
                Chart.Series(Localized(en: "in", ja: "受信"), [1, nil, 1_234_567]),
                Chart.Series(Localized(en: "out", ja: "送信"), [.infinity, 2]),
            ])
        let html = chart.html(.japanese)
        #expect(Wellformed(html.markup).faults == [])
        let markup = text(html.markup)
        #expect(
            markup.contains("1,234,567") && markup.contains("<svg") && markup.contains("role=\"img\"")
                && markup.contains("<th scope=\"row\">10:02"))
        #expect(!markup.contains("inf") && !markup.contains("nan"))
        let empty = Chart(Localized(en: "Messages", ja: "メッセージ数"), kind, times: [], series: []).html(.english)
        #expect(Wellformed(empty.markup).faults == [])
    }
}

extension String {
    /// How often a piece is there.
    func components(of piece: String) -> Int {
        var count = 0
        var rest = Substring(self)
        while let range = rest.firstRange(of: piece) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
