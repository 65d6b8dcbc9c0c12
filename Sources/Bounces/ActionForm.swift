internal import Bytes
package import Vocabulary

/// The form of an action message: `Field-Name: [value]` a line, as all forms by mail. It is answered by sending it back, quoted or not, with
/// the brackets filled in.
package enum ActionForm {
    package static let entryField = "Queue-Entry"
    package static let secretField = "Secret"
    package static let actionField = "Action"
    package static let redirectField = "Redirect-To"

    package struct Answer: Sendable, Hashable {
        package let entry: QueueID
        package let secret: String
        package let answer: HeldAnswer
    }

    /// Why a form that came back cannot be carried out: named so that the sender of it can mend it.
    package enum Problem: String, Error, Sendable, Hashable, CaseIterable {
        case noEntry = "no-entry"
        case noSecret = "no-secret"
        case noAction = "no-action"
        case unknownAction = "unknown-action"
        case noAddress = "no-address"
        case badAddress = "bad-address"
        /// A field has two different values.
        case contradiction

        package var text: Localized {
            switch self {
            case .noEntry: Localized(en: "Queue-Entry has no number", ja: "Queue-Entry に番号がありません")
            case .noSecret: Localized(en: "Secret is empty: leave it as it came", ja: "Secret が空です。届いたままにしてください")
            case .noAction: Localized(en: "Action is empty", ja: "Action が空です")
            case .unknownAction:
                Localized(
                    en: "Action is none of return, redirect, retry, delete", ja: "Action には return、redirect、retry、delete のいずれかを指定してください")
            case .noAddress: Localized(en: "Redirect-To is empty", ja: "Redirect-To が空です")
            case .badAddress: Localized(en: "Redirect-To is no mail address", ja: "Redirect-To が E-mail アドレスではありません")
            case .contradiction: Localized(en: "a field has two different values", ja: "1 つのフィールドに異なる値が指定されています")
            }
        }
    }

    /// Longest line that is looked at, and most lines: a form is short.
    private static let longestLine = 2000
    private static let mostLines = 2000

    /// Reads a form that came back: text in UTF-8, any line ends, quoted with `>` or `|`. What is no field is passed over.
    package static func read(_ text: String) throws(Problem) -> Answer {
        let values = try self.values(text)
        guard let number = values[self.entryField.asciiLowercased].flatMap({ Int64($0) }), number > 0 else { throw .noEntry }
        guard let secret = values[self.secretField.asciiLowercased], !secret.isEmpty else { throw .noSecret }
        guard let action = values[self.actionField.asciiLowercased], !action.isEmpty else { throw .noAction }
        let answer = try self.answer(action, redirect: values[self.redirectField.asciiLowercased] ?? "")
        return Answer(entry: QueueID(rawValue: number), secret: secret, answer: answer)
    }

    /// As the web form and the command say it too.
    package static func answer(_ action: String, redirect: String) throws(Problem) -> HeldAnswer {
        switch action.asciiLowercased {
        case "return", "返送": return .giveBack
        case "retry", "再送": return .retry
        case "delete", "削除": return .delete
        case "redirect", "転送":
            guard !redirect.isEmpty else { throw .noAddress }
            let plain = redirect.hasPrefix("<") && redirect.hasSuffix(">") ? String(redirect.dropFirst().dropLast()) : redirect
            guard let address = try? Address(parsing: plain) else { throw .badAddress }
            return .redirect(address)
        default: throw .unknownAction
        }
    }

    /// Values by field name in lower case, trimmed.
    private static func values(_ text: String) throws(Problem) -> [String: String] {
        var values: [String: String] = [:]
        let names = [self.entryField, self.secretField, self.actionField, self.redirectField].map(\.asciiLowercased)
        for line in text.utf8.split(whereSeparator: { $0 == .lf || $0 == .cr }).prefix(self.mostLines) {
            guard line.count <= self.longestLine, let (name, value) = self.field(line), names.contains(name) else { continue }
            // Who answers above the form that he quotes leaves its brackets empty.
            guard !value.isEmpty else { continue }
            guard values[name] == nil || values[name] == value else { throw .contradiction }
            values[name] = value
        }
        return values
    }

    // line = *( ">" / "|" / WSP ) name ":" *WSP "[" value "]" *any
    private static func field(_ line: Substring.UTF8View) -> (name: String, value: String)? {
        let content = line.drop { $0 == .space || $0 == .tab || $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "|") }
        guard let colon = content.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let rest = content[content.index(after: colon)...].drop { $0 == .space || $0 == .tab }
        guard rest.first == UInt8(ascii: "["), let close = rest.lastIndex(of: UInt8(ascii: "]")) else { return nil }
        var value = rest[rest.index(after: rest.startIndex)..<close].drop { $0 == .space || $0 == .tab }
        while let last = value.last, last == .space || last == .tab { value = value.dropLast() }
        return (String(Substring(content[..<colon])).asciiLowercased, String(Substring(value)))
    }
}
