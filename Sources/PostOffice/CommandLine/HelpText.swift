import Text
package import Vocabulary

/// Help as it is shown. The texts of our commands are in the reader's language already; what the library puts around them is replaced
/// here, and lines are folded by columns: Japanese has no blanks to fold at, its letters are two columns wide, and an example that
/// somebody wants to copy is never folded.
package enum HelpText {
    private static let width = 80
    /// Where the library begins the explanations of arguments, options and sub-commands.
    private static let indent = 26
    /// Set before the library writes: it folds at as many columns, which is never.
    static let neverFold = "100000"

    /// - Parameter text: what the library made, or anything else that ends a command well (a version, a completion script).
    package static func text(_ text: String, _ language: Language) -> String {
        guard text.hasPrefix("OVERVIEW: ") || text.hasPrefix("USAGE: ") else { return text }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.flatMap { self.folded(language == .japanese ? self.translated($0) : $0) }.joined(separator: "\n")
    }

    // MARK: Words

    private static let headings: [(String, String)] = [
        ("OVERVIEW: ", "概要: "), ("USAGE: ", "使い方: "), ("ARGUMENTS:", "引数:"), ("OPTIONS:", "オプション:"), ("SUBCOMMANDS:", "サブコマンド:"),
        ("Examples:", "例:"), ("Example:", "例:"),
    ]

    private static func translated(_ line: String) -> String {
        for (english, japanese) in self.headings where line.hasPrefix(english) { return japanese + line.dropFirst(english.count) }
        if let start = line.firstRange(of: "See '"), let end = line.firstRange(of: "' for detailed help.") {
            return "  詳しくは \(line[start.upperBound..<end.lowerBound]) を実行してください。"
        }
        var line = line
        for (english, japanese) in [
            ("Show help information.", "このヘルプを表示します。"), ("Show the version.", "バージョンを表示します。"), ("(default: ", "(既定値: "),
        ] {
            if let place = line.firstRange(of: english) { line.replaceSubrange(place, with: japanese) }
        }
        return line
    }

    // MARK: Folding

    private static let commands = ["postoffice ", "sudo ", "systemctl "]

    private static func folded(_ line: String) -> [String] {
        let blanks = line.prefix { $0 == " " }.count
        let words = line.dropFirst(blanks)
        guard UnicodeText.columns(line) > self.width, !self.commands.contains(where: { blanks == 2 && words.hasPrefix($0) }) else {
            return [line]
        }
        // An option goes on below its explanation, the usage below the command, a sentence below its beginning.
        let isEntry = blanks == 2 && (words.contains("  ") || words.hasPrefix("-"))
        let isUsage = line.hasPrefix("USAGE: ") || line.hasPrefix("使い方: ")
        let margin = String(repeating: " ", count: isEntry ? self.indent : isUsage ? 8 : blanks)
        var lines: [String] = []
        var now = ""
        for character in line {
            if UnicodeText.columns(now) + UnicodeText.columns(String(character)) > self.width, !self.mayNotBegin.contains(character) {
                let (head, tail) = character == " " ? (now, "") : self.cut(now, margin.count)
                lines.append(head)
                now = margin + tail
            }
            if character != " " || now != margin { now.append(character) }
        }
        return lines + [now]
    }

    /// At the end, or before the last word when a word of Latin letters would be cut.
    private static func cut(_ line: String, _ margin: Int) -> (String, String) {
        guard let last = line.last, !self.isWide(last), last != " " else { return (self.trimmed(line[...]), "") }
        guard let place = line.lastIndex(where: { $0 == " " || self.isWide($0) }), line.distance(from: line.startIndex, to: place) >= margin
        else { return (line, "") }
        let next = line.index(after: place)
        let head = line[place] == " " ? line[..<place] : line[..<next]
        return (self.trimmed(head), String(line[next...]))
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static let mayNotBegin: Set<Character> = ["、", "。", "）", "」", ")", "，", "．", "：", "ー", "っ", "ゃ", "ゅ", "ょ"]

    private static func isWide(_ character: Character?) -> Bool { character.map { UnicodeText.columns(String($0)) > 1 } ?? false }
}
