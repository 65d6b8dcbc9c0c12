package import Vocabulary

/// What a person is told who used a command wrongly. The library that reads the arguments speaks English only; a Japanese reader gets the
/// usual mistakes in Japanese, the library's own words for the others, and always the way to the help.
package enum MisuseText {
    /// - Parameter text: the library's message: "Error: …", usage, a hint where to look.
    package static func text(_ text: String, _ language: Language) -> String {
        guard language == .japanese else { return text }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        let message = lines.first.map { $0.hasPrefix("Error: ") ? String($0.dropFirst(7)) : String($0) } ?? ""
        var out = ["postoffice: \(self.translated(message))"]
        if let usage = lines.first(where: { $0.hasPrefix("Usage: ") }) { out.append("使い方: \(usage.dropFirst(7))") }
        let help = lines.lazy.compactMap { self.quoted(String($0), after: "See '") }.first ?? "postoffice --help"
        out.append("詳しくは \(help) を実行してください。")
        return out.joined(separator: "\n")
    }

    private static func translated(_ message: String) -> String {
        if let name = self.quoted(message, after: "Missing expected argument '") { return "引数 \(name) を指定してください。" }
        if let name = self.quoted(message, after: "Missing value for '") { return "\(name) に値を指定してください。" }
        if let name = self.quoted(message, after: "Unknown option '") { return "\(name) というオプションはありません。" }
        if let name = self.quoted(message, after: "Unexpected argument '") { return "引数「\(name)」は余分です。" }
        if message.hasPrefix("The value '"), let value = self.quoted(message, after: "The value '"),
            let name = self.quoted(message, after: "' is invalid for '")
        {
            return "\(name) に「\(value)」は指定できません。"
        }
        return "コマンドの指定に誤りがあります（\(message)）。"
    }

    /// What stands between the prefix, which may be anywhere, and the next quote.
    private static func quoted(_ text: String, after prefix: String) -> String? {
        guard let start = text.firstRange(of: prefix)?.upperBound else { return nil }
        let rest = text[start...]
        guard let end = rest.firstIndex(of: "'") else { return nil }
        return String(rest[..<end])
    }
}
