internal import Bytes

/// What a reader of an HTML part sees, near enough to look for words in it: tags and comments are off, scripts and styles with them, character
/// references decoded, characters without width gone, runs of blanks one. Linear in the text; whatever is broken is text.
package enum HTMLText {
    /// Longest reference that is looked at, `&` and `;` included.
    private static let longestReference = 34
    /// Elements that begin a line of their own.
    private static let blocks: Set<String> = [
        "br", "p", "div", "tr", "td", "th", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "blockquote",
        "title",
        "section", "article", "header", "footer", "option",
    ]

    package static func visible(_ html: String) -> String {
        let text = Array(html.utf8)
        var out = Writer()
        var position = 0
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "<"):
                if let (end, name) = self.tag(text, at: position) {
                    if self.blocks.contains(name) { out.newLine() }
                    position = name == "script" || name == "style" ? self.end(of: name, text, from: end) : end
                } else {
                    out.add(text[position])
                    position += 1
                }
            case UInt8(ascii: "&"):
                if let (end, scalar) = self.reference(text, at: position) {
                    out.add(scalar)
                    position = end
                } else {
                    out.add(text[position])
                    position += 1
                }
            default:
                out.add(text[position])
                position += 1
            }
        }
        return out.text
    }

    // MARK: Tags

    /// Behind the tag or comment at `start`, and its element's name in lower case (empty for comments and ends of elements that begin no line).
    /// nil where the `<` is text.
    private static func tag(_ text: [UInt8], at start: Int) -> (end: Int, name: String)? {
        var position = start + 1
        guard position < text.count else { return nil }
        if text[position...].starts(with: Array("!--".utf8)) { return (self.behind(Array("-->".utf8), text, from: position + 3), "") }
        if text[position] == UInt8(ascii: "/") { position += 1 }
        let first = position < text.count ? text[position] : 0
        guard first.isASCIILetter || first == UInt8(ascii: "!") || first == UInt8(ascii: "?") else { return nil }
        let nameEnd = text[position...].firstIndex { !$0.isASCIILetter && !$0.isASCIIDigit } ?? text.count
        let isEnd = text[start + 1] == UInt8(ascii: "/")
        let name = String(decoding: text[position..<min(nameEnd, position + 20)].map(\.asciiLowercased), as: UTF8.self)
        var quote: UInt8?
        while position < text.count {
            let byte = text[position]
            position += 1
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return (position, isEnd && (name == "script" || name == "style") ? "" : name)
            }
        }
        // A quote that nobody closed: up to the next `>`, or the rest is gone.
        guard quote != nil, let close = text[nameEnd...].firstIndex(of: UInt8(ascii: ">")) else { return (text.count, name) }
        return (close + 1, name)
    }

    private static func behind(_ mark: [UInt8], _ text: [UInt8], from start: Int) -> Int {
        var position = start
        while position + mark.count <= text.count {
            if text[position] == mark[0], text[position..<position + mark.count].elementsEqual(mark) { return position + mark.count }
            position += 1
        }
        return text.count
    }

    /// At the end tag of an element whose content nobody sees.
    private static func end(of name: String, _ text: [UInt8], from start: Int) -> Int {
        let mark = Array("</\(name)".utf8)
        var position = start
        while position + mark.count <= text.count {
            if text[position] == mark[0], text[position..<position + mark.count].map(\.asciiLowercased) == mark { return position }
            position += 1
        }
        return text.count
    }

    // MARK: Character references

    private static func reference(_ text: [UInt8], at start: Int) -> (end: Int, scalar: Unicode.Scalar)? {
        let limit = min(start + self.longestReference, text.count)
        var position = start + 1
        guard position < limit else { return nil }
        if text[position] == UInt8(ascii: "#") {
            position += 1
            let isHex = position < limit && text[position] | 0x20 == UInt8(ascii: "x")
            if isHex { position += 1 }
            var value: UInt32 = 0
            let digits = position
            while position < limit, let digit = self.digit(text[position], isHex: isHex) {
                value = min(value * (isHex ? 16 : 10) + digit, 0x20_0000)
                position += 1
            }
            guard position > digits else { return nil }
            if position < text.count, text[position] == UInt8(ascii: ";") { position += 1 }
            return (position, Unicode.Scalar(value).flatMap { $0.value == 0 ? nil : $0 } ?? "\u{FFFD}")
        }
        guard let end = text[position..<limit].firstIndex(where: { !$0.isASCIILetter && !$0.isASCIIDigit }), text[end] == UInt8(ascii: ";"),
            let scalar = self.names[String(decoding: text[position..<end], as: UTF8.self)]
        else { return nil }
        return (end + 1, scalar)
    }

    private static func digit(_ byte: UInt8, isHex: Bool) -> UInt32? {
        if byte.isASCIIDigit { return UInt32(byte - UInt8(ascii: "0")) }
        let letter = byte | 0x20
        return isHex && (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(letter) ? UInt32(letter - UInt8(ascii: "a") + 10) : nil
    }

    /// Those that programs write; others stay as they are.
    private static let names: [String: Unicode.Scalar] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "ensp": " ", "emsp": " ", "thinsp": " ", "shy": "\u{AD}",
        "zwnj": "\u{200C}", "zwj": "\u{200D}", "copy": "©", "reg": "®", "trade": "™", "euro": "€", "pound": "£", "yen": "¥", "cent": "¢",
        "sect": "§", "deg": "°", "plusmn": "±", "times": "×", "divide": "÷", "middot": "·", "bull": "•", "hellip": "…", "ndash": "–",
        "mdash": "—", "lsquo": "‘", "rsquo": "’", "sbquo": "‚", "ldquo": "“", "rdquo": "”", "bdquo": "„", "laquo": "«", "raquo": "»",
        "lsaquo": "‹", "rsaquo": "›", "dollar": "$", "commat": "@", "period": ".", "comma": ",", "colon": ":", "excl": "!", "percnt": "%",
        "num": "#", "ast": "*", "lowbar": "_", "sol": "/", "hyphen": "-", "Agrave": "À", "Aacute": "Á", "Acirc": "Â", "Atilde": "Ã",
        "Auml": "Ä", "Aring": "Å", "AElig": "Æ", "Ccedil": "Ç", "Egrave": "È", "Eacute": "É", "Ecirc": "Ê", "Euml": "Ë", "Iacute": "Í",
        "Ntilde": "Ñ", "Oacute": "Ó", "Ouml": "Ö", "Oslash": "Ø", "Uacute": "Ú", "Uuml": "Ü", "szlig": "ß", "agrave": "à", "aacute": "á",
        "acirc": "â", "atilde": "ã", "auml": "ä", "aring": "å", "aelig": "æ", "ccedil": "ç", "egrave": "è", "eacute": "é", "ecirc": "ê",
        "euml": "ë", "igrave": "ì", "iacute": "í", "icirc": "î", "iuml": "ï", "ntilde": "ñ", "ograve": "ò", "oacute": "ó", "ocirc": "ô",
        "otilde": "õ", "ouml": "ö", "oslash": "ø", "ugrave": "ù", "uacute": "ú", "ucirc": "û", "uuml": "ü", "yuml": "ÿ",
    ]

    // MARK: Output

    private struct Writer {
        private var bytes: [UInt8] = []
        private var isBlank = true

        var text: String { String(decoding: self.bytes, as: UTF8.self).replacingInvisible() }

        mutating func add(_ byte: UInt8) {
            guard byte == .space || (0x09...0x0D).contains(byte) else {
                self.bytes.append(byte)
                self.isBlank = false
                return
            }
            if !self.isBlank { self.bytes.append(.space) }
            self.isBlank = true
        }

        mutating func add(_ scalar: Unicode.Scalar) {
            if scalar.isASCII {
                self.add(UInt8(truncatingIfNeeded: scalar.value))
            } else if scalar == "\u{A0}" {
                self.add(.space)
            } else {
                self.bytes += Array(String(scalar).utf8)
                self.isBlank = false
            }
        }

        mutating func newLine() {
            if self.bytes.last == .space { self.bytes.removeLast() }
            if !self.bytes.isEmpty, self.bytes.last != .lf { self.bytes.append(.lf) }
            self.isBlank = true
        }
    }
}

extension String {
    /// Soft hyphens, joiners and marks of no width: nobody sees them, and they are put into words that shall not be found.
    fileprivate func replacingInvisible() -> String {
        let isThere = self.utf8.contains { $0 == 0xC2 || $0 == 0xE2 || $0 == 0xEF }
        guard isThere else { return self }
        let invisible: Set<Unicode.Scalar> = ["\u{AD}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}"]
        return String(String.UnicodeScalarView(self.unicodeScalars.filter { !invisible.contains($0) }))
    }
}
