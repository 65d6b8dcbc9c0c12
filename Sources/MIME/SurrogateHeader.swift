internal import Bytes
package import NIOCore
internal import Text
internal import Vocabulary

/// Makes the header of an international message readable for a client that knows ASCII only: words become encoded-words, international
/// domains A-labels, mailboxes that cannot be written in ASCII empty groups that show them, parameters their extended form. Fields of
/// other structure that hold UTF-8 are left out. The body stays as it is. [RFC6532-3.2] [RFC6855-7] [RFC6856-2.1] [RFC2047-5] [RFC2231-4]
package enum SurrogateHeader {
    /// The piece with its header rewritten, or nil when there is nothing to rewrite.
    ///
    /// - Parameter piece: the beginning of the message; what is not in it of a very long header stays as it is.
    package static func rewritten(_ piece: ByteBuffer) -> ByteBuffer? {
        guard piece.readableBytesView.contains(where: { $0 >= 0x80 }) else { return nil }
        var reader = HeaderReader(piece)
        var out = ByteBuffer()
        var copied = 0
        while let field = reader.next() {
            guard let bytes = piece.getBytes(at: piece.readerIndex + field.start, length: field.end - field.start),
                bytes.contains(where: { $0 >= 0x80 }), let text = String(validating: bytes, as: UTF8.self)
            else { continue }  // Octets that are no UTF-8 are older than international mail and are sent as they always were.
            if let kept = piece.getSlice(at: piece.readerIndex + copied, length: field.start - copied) { out.writeImmutableBuffer(kept) }
            out.writeString(Self.field(text, nameLength: field.nameEnd - field.start))
            copied = field.end
        }
        guard copied > 0, let rest = piece.getSlice(at: piece.readerIndex + copied, length: piece.readableBytes - copied) else {
            return nil
        }
        out.writeImmutableBuffer(rest)
        return out
    }

    private static func field(_ text: String, nameLength: Int) -> String {
        let name = String(decoding: text.utf8.prefix(nameLength), as: UTF8.self)
        let body = self.unfolded(text.utf8.dropFirst(nameLength).drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ":") })
        switch name.asciiLowercased {
        case "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc",
            "disposition-notification-to":
            return "\(name): \(SurrogateAddresses.rewritten(body))\r\n"
        case "content-type", "content-disposition":
            return "\(name): \(SurrogateParameters.rewritten(body))\r\n"
        case "return-path", "delivered-to", "received", "message-id", "in-reply-to", "references", "resent-message-id", "date", "list-id",
            "list-post", "list-help", "list-unsubscribe", "list-subscribe", "list-owner", "list-archive", "dkim-signature",
            "authentication-results", "content-id", "content-transfer-encoding", "mime-version":
            return ""
        default: return "\(name): \(EncodedWords.text(body))\r\n"
        }
    }

    /// Line ends and what a peer may have put beside them are out; blanks at both ends too.
    private static func unfolded(_ body: some Sequence<UInt8>) -> String {
        var bytes = body.filter { $0 != .cr && $0 != .lf && $0 != 0 }.map { $0 == .tab ? .space : $0 }
        while bytes.last == .space { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Encoded-words in UTF-8 and base64. [RFC2047-2]
package enum EncodedWords {
    /// Octets of text in one word: 75 characters less the frame, in base64.
    static let octetsInAWord = 45

    /// The words for a text, folded one a line.
    package static func words(_ text: some StringProtocol) -> String { self.list(text).joined(separator: "\r\n ") }

    /// One by one; whole characters in each.
    /// - Parameter octets: of text in one word.
    static func list(_ text: some StringProtocol, octets: Int = EncodedWords.octetsInAWord) -> [String] {
        var words: [String] = []
        var held: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if held.count + bytes.count > octets {
                words.append("=?UTF-8?B?\(Base64.encode(held))?=")
                held = []
            }
            held += bytes
        }
        if !held.isEmpty { words.append("=?UTF-8?B?\(Base64.encode(held))?=") }
        return words
    }

    /// An unstructured text: what stands from the first word beyond ASCII to the last of them is encoded, blanks between included,
    /// since blanks between encoded-words vanish. [RFC2047-6.2]
    package static func text(_ text: String) -> String {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let first = parts.firstIndex(where: { !UnicodeText.isASCII(String($0)) }),
            let last = parts.lastIndex(where: { !UnicodeText.isASCII(String($0)) })
        else { return text }
        let middle = self.words(parts[first...last].joined(separator: " "))
        let before = parts[..<first].map { $0 + " " }.joined()
        let after = parts[(last + 1)...].map { " " + $0 }.joined()
        return before + middle + after
    }
}

/// Address lists for clients that know ASCII only.
enum SurrogateAddresses {
    static func rewritten(_ list: String) -> String {
        self.elements(list).map { UnicodeText.isASCII($0) ? $0 : self.element($0) }.joined(separator: ",\r\n ")
    }

    /// Cut at commas outside quotes, comments and angle brackets. A group stays one element.
    private static func elements(_ list: String) -> [String] {
        var elements: [String] = []
        var current = ""
        var isQuoted = false
        var isEscaped = false
        var depth = 0
        for scalar in list.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" && depth == 0 {
                isQuoted.toggle()
            } else if !isQuoted {
                if scalar == "(" || scalar == "<" || (scalar == ":" && depth == 0) { depth += 1 }
                if (scalar == ")" || scalar == ">" || scalar == ";") && depth > 0 { depth -= 1 }
                if scalar == "," && depth == 0 {
                    elements.append(self.trimmed(current))
                    current = ""
                    continue
                }
            }
            current.unicodeScalars.append(scalar)
        }
        elements.append(self.trimmed(current))
        return elements.filter { !$0.isEmpty }
    }

    private static func element(_ text: String) -> String {
        guard let open = text.unicodeScalars.lastIndex(of: "<"), text.unicodeScalars.last == ">" else {
            // A bare address, a group, or what is neither.
            return self.address(text) ?? self.removed(text)
        }
        let phrase = self.trimmed(String(text[..<open]))
        let inner = String(text[text.index(after: open)...].dropLast())
        guard let address = self.address(inner) else { return self.removed(text) }
        guard !phrase.isEmpty else { return "<\(address)>" }
        return UnicodeText.isASCII(phrase) ? "\(phrase) <\(address)>" : "\(EncodedWords.words(self.unquoted(phrase))) <\(address)>"
    }

    /// The address in ASCII; nil when it cannot be written so.
    private static func address(_ text: String) -> String? {
        let text = self.trimmed(text)
        if UnicodeText.isASCII(text) { return text }
        guard let at = text.lastIndex(of: "@"), UnicodeText.isASCII(String(text[..<at])), !text[..<at].contains(" "),
            let domain = DomainName.normalized(String(text[text.index(after: at)...]))
        else { return nil }
        return "\(text[..<at])@\(domain)"
    }

    /// An empty group whose name shows what stood there: a reply cannot go astray. [RFC5322-3.4]
    private static func removed(_ text: String) -> String { "\(EncodedWords.words(self.unquoted(text))):;" }

    private static func unquoted(_ text: String) -> String {
        guard text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count >= 2 else { return text }
        var out = ""
        var isEscaped = false
        for scalar in text.unicodeScalars.dropFirst().dropLast() {
            if scalar == "\\" && !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            out.unicodeScalars.append(scalar)
        }
        return out
    }

    private static func trimmed(_ text: String) -> String {
        let inner = text.utf8.drop { $0 == 0x20 }
        guard let last = inner.lastIndex(where: { $0 != 0x20 }) else { return "" }
        return String(decoding: inner[...last], as: UTF8.self)
    }
}

/// Parameters of MIME fields for clients that know ASCII only. [RFC2231-4]
enum SurrogateParameters {
    static func rewritten(_ body: String) -> String {
        self.parts(body).map { UnicodeText.isASCII($0) ? $0 : self.parameter($0) }.filter { !$0.isEmpty }.joined(separator: ";\r\n ")
    }

    /// Cut at semicolons outside quotes.
    private static func parts(_ body: String) -> [String] {
        var parts: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for scalar in body.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                isQuoted.toggle()
            } else if scalar == ";" && !isQuoted {
                parts.append("")
                continue
            }
            parts[parts.count - 1].unicodeScalars.append(scalar)
        }
        return parts.map { String(decoding: $0.utf8.drop { $0 == 0x20 }, as: UTF8.self) }
    }

    /// `name*=UTF-8''…`; empty when the part is no parameter.
    private static func parameter(_ part: String) -> String {
        guard let equals = part.firstIndex(of: "="), UnicodeText.isASCII(String(part[..<equals])) else { return "" }
        let value = part[part.index(after: equals)...].unicodeScalars.filter { $0 != "\"" && $0 != "\\" }
        var out = "\(part[..<equals])*=UTF-8''"
        for byte in String(String.UnicodeScalarView(value)).utf8 {
            if byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
            {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }
}
