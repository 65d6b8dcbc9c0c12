import Forms
package import Vocabulary
import Yams

/// Why a text is no YAML: line, reason and the line itself, cut. The library's own words are English and of any length.
package struct YAMLProblem: Error, Sendable {
    /// Counted from 1; nil where the whole is wrong.
    package let line: Int?
    package let reason: Localized
    /// Of the line that is wrong, safe to show; nil where none is known.
    package let excerpt: String?

    init(_ error: any Error, _ text: String) {
        var reason = ""
        var line: Int?
        switch error as? YamlError {
        case .scanner(_, let words, let mark, _)?, .parser(_, let words, let mark, _)?, .composer(_, let words, let mark, _)?:
            (reason, line) = (words, mark.line)
        case .duplicatedKeysInMapping(let keys, let context)?:
            let names = Shown.text(keys.joined(separator: ", "))
            self.init(context.mark.line, Localized(en: "\(names) is there twice", ja: "\(names) が重複しています"), text)
            return
        case .reader(let words, _, _, _)?: reason = words
        default: break
        }
        self.init(line, Self.words(reason), text)
    }

    private init(_ line: Int?, _ reason: Localized, _ text: String) {
        self.line = line
        self.reason = reason
        let lines = line.map { text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(max(0, $0 - 1)) }
        self.excerpt = (lines?.first).flatMap { $0.allSatisfy(\.isWhitespace) ? nil : Shown.text(String($0)) }
    }

    /// One sentence with the place and the cure.
    package var text: Localized {
        let shown = self.excerpt.map { ": \($0)" } ?? ""
        let place = self.line.map { Localized(en: "line \($0): ", ja: "\($0) 行目: ") } ?? Localized(en: "", ja: "")
        return Localized(
            en: "\(place.english)this is no YAML (\(self.reason.english))\(shown); write lines of `field: value`",
            ja: "\(place.japanese)YAML として読み取れません (\(self.reason.japanese))\(shown)。「フィールド: 値」の形で書いてください")
    }

    /// The mistakes that people make; the others are told without detail rather than in a foreign language.
    private static func words(_ reason: String) -> Localized {
        for (part, japanese) in Self.known where reason.contains(part) { return Localized(en: reason, ja: japanese) }
        return Localized(en: reason.isEmpty ? "malformed" : reason, ja: "書式の誤り")
    }

    private static let known: [(String, String)] = [
        ("could not find expected ':'", "「:」がありません"), ("did not find expected key", "字下げかキーが正しくありません"),
        ("mapping values are not allowed", "ここに「:」は書けません。値を引用符で囲んでください"),
        ("found character that cannot start any token", "タブや引用符の必要な文字で始まっています"),
        ("found unexpected end of stream", "引用符か括弧が閉じていません"), ("did not find expected ',' or", "括弧が閉じていません"),
        ("did not find expected '-' indicator", "リストの「-」の位置が正しくありません"), ("found unknown escape character", "「\\」の使い方が正しくありません"),
        ("block sequence entries are not allowed", "リストの「-」の位置が正しくありません"), ("found undefined alias", "「*」で始まる値は引用符で囲んでください"),
        ("control characters are not allowed", "制御文字は使えません"), ("invalid", "UTF-8 ではない文字があります"),
    ]
}
