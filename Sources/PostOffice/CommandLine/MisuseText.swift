package import Vocabulary

/// What a person is told who used a command wrongly. The library that reads the arguments speaks English only; a Japanese reader gets its
/// mistakes in Japanese, and always the way to the help.
package enum MisuseText {
    /// - Parameter text: the library's message: "Error: …", usage, a hint where to look.
    package static func text(_ text: String, _ language: Language) -> String {
        guard language == .japanese else { return text }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        // A value that somebody typed may have lines of its own.
        let message = lines.prefix { !$0.hasPrefix("Help:  ") && !$0.hasPrefix("Usage: ") }.joined(separator: "\n")
        var out = ["postoffice: \(self.translated(message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message))"]
        if let explained = lines.first(where: { $0.hasPrefix("Help:  ") }) { out.append("説明: \(explained.dropFirst(7))") }
        if let usage = lines.first(where: { $0.hasPrefix("Usage: ") }) { out.append("使い方: \(usage.dropFirst(7))") }
        let help = lines.lazy.compactMap { self.quoted(String($0), "See '", "' for more") }.first ?? "postoffice --help"
        out.append("詳しくは \(help) を実行してください。")
        return out.joined(separator: "\n")
    }

    private static func translated(_ message: String) -> String {
        // Ours, said in the reader's language where the mistake was found.
        guard self.isOfLibrary(message) else { return message }
        if let name = self.quoted(message, "Missing expected argument '", "'") { return "引数 \(name) を指定してください。" }
        if let names = self.quoted(message, "Missing one of: '", nil) { return "次のどれかを指定してください: \(self.list(names))" }
        if let text = self.unknownOption(message) { return text }
        if let name = self.quoted(message, "Missing value for '", "'") { return "\(name) に値を指定してください。" }
        if let name = self.quoted(message, "Unexpected argument '", nil) { return "引数「\(self.unquoted(name))」は余分です。" }
        if let names = self.quoted(message, " unexpected arguments: '", nil) { return "余分な引数があります: \(self.list(names))" }
        if let text = self.badValue(message) { return text }
        if message.hasPrefix("The option '"), let name = self.quoted(message, "The option '", "'") { return "\(name) に値は付けられません。" }
        if message.hasPrefix("Value to be set with ") { return "同時に指定できないオプションがあります。" }
        if let name = self.quoted(message, "Invalid option: ", nil) { return "\(name) というオプションはありません。" }
        if message.hasPrefix("Can't ") { return "補完スクリプトを作成できるシェルは zsh、bash、fish です。--generate-completion-script=bash のように指定してください。" }
        return "サブコマンドを指定してください。"
    }

    private static let beginnings = [
        "Missing expected argument '", "Missing one of: '", "Unknown option '", "Missing value for '", "Unexpected argument '",
        "The value '",
        "The option '", "Value to be set with ", "Invalid option: ", "Missing required subcommand",
        "Can't generate completion scripts", "Can't autodetect",
    ]

    private static func isOfLibrary(_ message: String) -> Bool {
        self.beginnings.contains { message.hasPrefix($0) } || message.contains(" unexpected arguments: '")
    }

    private static func unknownOption(_ message: String) -> String? {
        guard message.hasPrefix("Unknown option '"), let name = self.quoted(message, "Unknown option '", "'") else { return nil }
        let near = self.quoted(message, "Did you mean '", "'?").map { "\($0) ではありませんか。" } ?? ""
        return "\(name) というオプションはありません。\(near)"
    }

    /// A value that the option's type refuses; behind it the check's own sentence, if it has one.
    private static func badValue(_ message: String) -> String? {
        guard message.hasPrefix("The value '"), let border = message.firstRange(of: "' is invalid for '") else { return nil }
        let value = message[..<border.lowerBound].dropFirst("The value '".count)
        let rest = message[border.upperBound...]
        guard let end = rest.firstIndex(of: "'") else { return nil }
        let reason = rest[rest.index(after: end)...]
        return "\(rest[..<end]) に「\(value)」は指定できません" + (reason.hasPrefix(": ") ? "。\(reason.dropFirst(2))" : "。")
    }

    /// What stands between two marks, or behind the first to the end.
    private static func quoted(_ text: String, _ start: String, _ end: String?) -> String? {
        guard let begin = text.firstRange(of: start)?.upperBound else { return nil }
        let rest = text[begin...]
        guard let end else { return String(rest) }
        return rest.firstRange(of: end).map { String(rest[..<$0.lowerBound]) }
    }

    private static func unquoted(_ text: String) -> String { text.hasSuffix("'") ? String(text.dropLast()) : text }

    private static func list(_ names: String) -> String { self.unquoted(names).replacing("', '", with: "、") }
}
