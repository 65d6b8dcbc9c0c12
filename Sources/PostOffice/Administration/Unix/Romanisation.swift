import Text

/// Names in Latin letters without marks, for addresses that everybody can type: `山田` stays as it is (who knows its reading?), `やまだ` is `Yamada`.
package enum Romanisation {
    /// Words of a name; nil when a letter of it cannot be written so.
    package static func words(_ name: String) -> [String]? {
        var words: [String] = []
        for word in UnicodeText.nfkc(name).split(whereSeparator: { $0 == " " || $0 == "." || $0 == "・" || $0 == "\u{3000}" }) {
            guard let plain = self.plain(String(word)) else { return nil }
            if !plain.isEmpty { words.append(plain.prefix(1).uppercased() + plain.dropFirst()) }
        }
        return words.isEmpty ? nil : words
    }

    private static func plain(_ word: String) -> String? {
        var out = ""
        var kana: [Unicode.Scalar] = []
        for scalar in word.unicodeScalars {
            // Katakana as hiragana.
            let folded = (0x30A1...0x30F6).contains(scalar.value) ? Unicode.Scalar(scalar.value - 0x60) ?? scalar : scalar
            if (0x3041...0x3096).contains(folded.value) || folded.value == 0x30FC {
                kana.append(folded)
                continue
            }
            guard let text = self.latin(folded) else { return nil }
            out += self.romanised(kana) + text
            kana = []
        }
        return out + self.romanised(kana)
    }

    private static func latin(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-": return String(scalar)
        case "'", "’", "\"", "(", ")", ",": return ""
        default: break
        }
        if (0x300...0x36F).contains(scalar.value) { return "" }
        guard let place = self.marked.firstIndex(of: scalar) else { return self.special[scalar] }
        return String(self.unmarked[place])
    }

    private static let marked = Array(
        "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćČčĎďĐđĒēĘęĚěĞğĪīİıŁłŃńŇňŌōŐőŘřŚśŞşŠšŤťŪūŮůŰűŹźŻżŽžȘșȚț".unicodeScalars
    )
    private static let unmarked = Array(
        "AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcDdDdEeEeEeGgIiIiLlNnNnOoOoRrSsSsSsTtUuUuUuZzZzZzSsTt".unicodeScalars
    )
    private static let special: [Unicode.Scalar: String] = [
        "ß": "ss", "Æ": "Ae", "æ": "ae", "Ø": "O", "ø": "o", "Œ": "Oe", "œ": "oe", "Þ": "Th", "þ": "th",
    ]

    // MARK: Kana, by Hepburn's way

    private static func romanised(_ kana: [Unicode.Scalar]) -> String {
        var out = ""
        var isDoubling = false
        var index = 0
        while index < kana.count {
            let pair = index + 1 < kana.count ? String(kana[index]) + String(kana[index + 1]) : ""
            var sound = self.digraphs[pair]
            index += sound == nil ? 1 : 2
            let single = String(kana[index - 1])
            if sound == nil {
                // A small tsu doubles what follows; a long vowel is not written.
                if single == "っ" {
                    isDoubling = true
                    continue
                }
                if single == "ー" { continue }
                sound = self.syllables[single] ?? ""
            }
            let text = sound ?? ""
            if isDoubling, let first = text.first { out += text.hasPrefix("ch") ? "t" : String(first) }
            isDoubling = false
            out += text
        }
        return out
    }

    private static let syllables: [String: String] = Self.table(
        "あ a い i う u え e お o か ka き ki く ku け ke こ ko が ga ぎ gi ぐ gu げ ge ご go さ sa し shi す su せ se そ so ざ za じ ji ず zu ぜ ze ぞ zo た ta ち chi つ tsu て te と to だ da ぢ ji づ zu で de ど do な na に ni ぬ nu ね ne の no は ha ひ hi ふ fu へ he ほ ho ば ba び bi ぶ bu べ be ぼ bo ぱ pa ぴ pi ぷ pu ぺ pe ぽ po ま ma み mi む mu め me も mo や ya ゆ yu よ yo ら ra り ri る ru れ re ろ ro わ wa を o ん n ゔ vu ぁ a ぃ i ぅ u ぇ e ぉ o ゃ ya ゅ yu ょ yo"
    )
    private static let digraphs: [String: String] = Self.table(
        "きゃ kya きゅ kyu きょ kyo ぎゃ gya ぎゅ gyu ぎょ gyo しゃ sha しゅ shu しょ sho じゃ ja じゅ ju じょ jo ちゃ cha ちゅ chu ちょ cho にゃ nya にゅ nyu にょ nyo ひゃ hya ひゅ hyu ひょ hyo びゃ bya びゅ byu びょ byo ぴゃ pya ぴゅ pyu ぴょ pyo みゃ mya みゅ myu みょ myo りゃ rya りゅ ryu りょ ryo しぇ she じぇ je ちぇ che てぃ ti でぃ di ふぁ fa ふぃ fi ふぇ fe ふぉ fo"
    )

    private static func table(_ text: String) -> [String: String] {
        let parts = text.split(separator: " ").map(String.init)
        return Dictionary(stride(from: 0, to: parts.count - 1, by: 2).map { (parts[$0], parts[$0 + 1]) }) { first, _ in first }
    }
}
