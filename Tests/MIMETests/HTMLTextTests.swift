import MIME
import Testing

@Suite struct HTMLTextTests {
    @Test(
        "HTML reads as readers see it: tags, comments, scripts and marks without width are off, references decoded",
        arguments: [
            ("<p>Buy <b>vi</b>ag<!-- x -->ra</p><p>now</p>", "Buy viagra\nnow\n"), ("a&nbsp;b&#32;&#x43;&amp;lt;", "a b C&lt;"),
            ("<style>p{}</style>x<script>if (a<b) '</scrip'</SCRIPT >y", "xy"), ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
            ("<a title='a>b' href=\"c>d\">link</a>", "link"), ("v\u{AD}i&shy;a&#8203;g&zwj;ra", "viagra"),
            ("<!doctype html><br>x<br/>y", "x\ny"),
            ("&unknown; &#; &#x; &", "&unknown; &#; &#x; &"), ("&#1114112;&#xD800;&#0;", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("caf&eacute; &yen;1", "café ¥1"),
            ("<a href=\"open>text", "text"), ("", ""), ("<", "<"), ("<b", ""), ("<!-- never ends", ""), ("  a \r\n\t b  ", "a b "),
            ("&#99999999999999999999;", "\u{FFFD}"), ("<script>gone", ""), ("会&#x8b70;", "会議"),
        ])
    func seen(_ html: String, _ text: String) { #expect(HTMLText.visible(html) == text) }

    @Test("Whatever is fed to it, it ends, and gives no more than it got, three octets for a reference at most")
    func anything() {
        var state: UInt64 = 42
        let alphabet = Array("<>&#;x'\"/!-? abscript123\u{E9}\n").map(String.init)
        for _ in 0..<3000 {
            var html = ""
            for _ in 0..<60 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                html += alphabet[Int(state >> 33) % alphabet.count]
            }
            #expect(HTMLText.visible(html).utf8.count <= html.utf8.count + 1)
        }
    }
}
