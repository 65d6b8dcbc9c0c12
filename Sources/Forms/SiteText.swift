/// Texts of the site in which words in braces stand for something else.
package enum SiteText {
    /// What stands for something: a word of small letters in braces. Other braces are text.
    package static func placeholders(in text: String) -> [String] {
        var found: [String] = []
        self.each(in: text) { piece, isPlaceholder in if isPlaceholder { found.append(String(piece)) } }
        return found
    }

    /// The text with what its placeholders stand for. What stands in a value is not looked at again; unknown ones stay.
    package static func filled(_ text: String, _ values: [String: String]) -> String {
        var out = ""
        self.each(in: text) { piece, isPlaceholder in out += isPlaceholder ? values[String(piece)] ?? String(piece) : String(piece) }
        return out
    }

    private static func each(in text: String, _ body: (Substring, Bool) -> Void) {
        var rest = Substring(text)
        while let brace = rest.firstIndex(of: "{") {
            let word = rest[rest.index(after: brace)...].prefix { ("a"..."z").contains($0) || $0 == "-" }
            guard !word.isEmpty, word.endIndex < rest.endIndex, rest[word.endIndex] == "}" else {
                body(rest[...brace], false)
                rest = rest[rest.index(after: brace)...]
                continue
            }
            let end = rest.index(after: word.endIndex)
            body(rest[..<brace], false)
            body(rest[brace..<end], true)
            rest = rest[end...]
        }
        body(rest, false)
    }
}
