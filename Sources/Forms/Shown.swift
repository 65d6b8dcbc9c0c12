internal import Text

/// What somebody typed, on its way into a sentence: quoted, cut, and harmless to a terminal.
package enum Shown {
    private static let most = 60

    /// At most 60 characters; control characters are written as `\x1B`.
    package static func text(_ given: String) -> String {
        let cut = given.unicodeScalars.prefix(Self.most)
        let visible = Self.visible(String(String.UnicodeScalarView(cut)))
        return "\"\(visible)\(cut.count < given.unicodeScalars.count ? "…" : "")\""
    }

    /// The same text with what a terminal would obey made visible.
    package static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isHidden) else { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if Self.isHidden(scalar) { out.append(contentsOf: Self.escape(scalar).unicodeScalars) } else { out.append(scalar) }
        }
        return String(out)
    }

    /// Control characters, and those that turn the direction of what follows.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        UnicodeText.isControl(scalar) || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return scalar.value < 0x100 ? "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
}
