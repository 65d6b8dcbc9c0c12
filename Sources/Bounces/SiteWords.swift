internal import Forms
package import Vocabulary

/// What the site says in reports in words of its own, by language; where there are none, ours stand. Placeholders are still in them.
package struct SiteWords: Sendable, Hashable {
    /// Of reports about mail that could not be delivered.
    package var reportOpening: [Language: String] = [:]
    /// Of all reports.
    package var reportClosing: [Language: String] = [:]

    package init() {}
}

extension SiteText {
    /// As lines of a message; nil where the site has no such text.
    static func lines(_ text: String?, _ values: [String: String]) -> [String]? {
        guard let text, !text.isEmpty else { return nil }
        // Nothing that steers a terminal, whatever stands in a name.
        return Self.filled(text, values).split(omittingEmptySubsequences: false) { $0.isNewline }.map { SafeText.text(String($0)) }
    }
}
