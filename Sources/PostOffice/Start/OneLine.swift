internal import Text

/// What others wrote (a file, another host) in a line of ours: line ends become ` / `, other control characters show, what is long is cut.
/// Nobody forges a second line, or moves the cursor of who reads it.
package enum OneLine {
    package static func of(_ text: String, limit: Int = 1000) -> String {
        let joined = text.split(whereSeparator: \.isNewline).joined(separator: " / ").unicodeScalars
        var line = ""
        for scalar in joined.prefix(limit) { line.unicodeScalars.append(UnicodeText.isControl(scalar) ? "\u{FFFD}" : scalar) }
        return joined.count > limit ? line + "…" : line
    }
}
