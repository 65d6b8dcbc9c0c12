internal import Bytes

/// What a stranger wrote, made safe for one line of a report: no line end, no control character, a bounded length.
enum SafeText {
    /// Replies of other hosts may have many lines; more than this says nothing new.
    static let longest = 800

    /// UTF-8 is kept; control characters become blanks, runs of blanks one, none at the ends. Made safe once more it stays the same.
    static func line(_ text: String, limit: Int = SafeText.longest) -> String {
        var out = String.UnicodeScalarView()
        var isBlank = false
        var count = 0
        /// Where to cut, when it is too long.
        var end = out.endIndex
        for scalar in text.unicodeScalars {
            guard scalar.properties.generalCategory != .control, scalar != " ", scalar.value != 0x2028, scalar.value != 0x2029 else {
                isBlank = true
                continue
            }
            if isBlank, count > 0 {
                out.append(" ")
                count += 1
            }
            isBlank = false
            out.append(scalar)
            count += UTF8.width(scalar)
            if count <= limit - 3 { end = out.endIndex }
            if count > limit { return String(out[..<end]) + "..." }
        }
        return String(out)
    }

    /// A line of a text as it is, without what steers a terminal.
    static func text(_ line: String) -> String {
        String(String.UnicodeScalarView(line.unicodeScalars.filter { $0 == "\t" || $0.properties.generalCategory != .control }))
    }

    /// As `line`, in ASCII: every other character becomes a question mark.
    static func ascii(_ text: String, limit: Int = SafeText.longest) -> String {
        var out = String.UnicodeScalarView()
        for scalar in self.line(text, limit: limit).unicodeScalars { out.append(scalar.isASCII ? scalar : "?") }
        return String(out)
    }

    /// A name of a host: letters, digits and what stands in names and literals; anything else becomes a question mark.
    static func host(_ name: String) -> String {
        let bytes = name.utf8.prefix(255).map { byte -> UInt8 in
            byte.isASCIILetter || byte.isASCIIDigit || ".-_:[]".utf8.contains(byte) ? byte : UInt8(ascii: "?")
        }
        return bytes.isEmpty ? "unknown" : String(decoding: bytes, as: UTF8.self)
    }

    /// `Name: value`, folded at blanks so that lines stay within 78 characters where they can; never above 998. [RFC5322-2.1.1]
    static func folded(_ name: String, _ value: String) -> String {
        var out = "\(name):"
        var column = out.utf8.count
        for word in value.split(separator: " ", omittingEmptySubsequences: true) {
            if column + 1 + word.utf8.count > 78, column > name.utf8.count + 1 {
                out += "\r\n"
                column = 0
            }
            out += " \(word)"
            column += 1 + word.utf8.count
        }
        return out + "\r\n"
    }
}
