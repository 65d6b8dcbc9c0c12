internal import Bytes
internal import Text
package import Vocabulary

/// Reads who stands in a From field (or Sender, or their Resent- forms), and writes it as the account of the sender says.
package enum FromField {
    package enum Style: Sendable, Hashable {
        /// `"Real Name" <primary@domain>`
        case quoted
        /// `primary@domain (Real Name)`
        case comment
    }

    package struct Mailbox: Hashable, Sendable {
        /// Decoded; empty where there is none.
        package var name: String
        package var address: Address
    }

    /// Octets of a line that holds an encoded word. [RFC2047-2]
    private static let line = 76
    /// So much text in one encoded word that it fits behind `From: `.
    private static let octetsInAWord = 42
    /// Characters of a name; longer ones are cut.
    private static let longestName = 200

    // MARK: Reading

    // RFC 5322 3.6.2:  from = "From:" mailbox-list CRLF;  RFC 6854 adds groups
    /// The mailboxes of an unfolded field body, those of groups too; nil when some of it is no mailbox. Bare local parts get `domain`.
    package static func mailboxes(in body: [UInt8], completing domain: String?) -> [Mailbox]? {
        var found: [Mailbox] = []
        for entry in EnvelopeAddressReader.addresses(in: body) where !entry.isGroupMark {
            guard let mailbox = entry.mailbox, let host = entry.host,
                let address = self.address(String(decoding: mailbox, as: UTF8.self), String(decoding: host, as: UTF8.self), domain)
            else { return nil }
            found.append(Mailbox(name: HeaderText.decode(entry.name ?? []), address: address))
        }
        return found
    }

    private static func address(_ local: String, _ host: String, _ domain: String?) -> Address? {
        if host.isEmpty {
            guard let domain, !local.isEmpty else { return nil }
            return try? Address(parsing: "\(local)@\(domain)")
        }
        return try? Address(parsing: "\(local)@\(host)")
    }

    /// Everything in an unfolded field body that some reader could take for an address, also where the field is broken: words with an `@` outside
    /// quotes and comments. nil for such a word that is none.
    package static func everyAddress(in body: [UInt8]) -> [Address]? {
        var found: [Address] = []
        for word in self.words(body) where word.contains(UInt8(ascii: "@")) {
            // The rest of an address whose local part stands in quotes.
            if word.first == UInt8(ascii: "@") { continue }
            guard let address = try? Address(parsing: String(decoding: word, as: UTF8.self)) else { return nil }
            found.append(address)
        }
        return found
    }

    private static func words(_ body: [UInt8]) -> [[UInt8]] {
        var words: [[UInt8]] = [[]]
        var (isQuoted, isEscaped, depth) = (false, false, 0)
        for byte in body {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\\") where isQuoted || depth > 0: isEscaped = true
            case UInt8(ascii: "\"") where depth == 0: isQuoted.toggle()
            case _ where isQuoted: break
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case _ where depth > 0: break
            case .space, .tab, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"):
                words.append([])
            default: words[words.count - 1].append(byte)
            }
        }
        return words.filter { !$0.isEmpty }
    }

    // MARK: Writing

    /// The whole field, folded, with its CRLF.
    package static func written(_ field: String, _ address: Address, name: String, _ style: Style = .quoted) -> String {
        let name = self.plain(name)
        guard !name.isEmpty else { return "\(field): <\(address)>\r\n" }
        switch style {
        case .quoted: return self.joined(["\(field):"] + self.phrase(name) + ["<\(address)>"])
        case .comment: return self.joined(["\(field):", "\(address)"] + self.comment(name))
        }
    }

    /// One line of text: no control characters, no blanks at the ends, not endless.
    private static func plain(_ name: String) -> String {
        let scalars = name.unicodeScalars.prefix(self.longestName).map { scalar in
            scalar.properties.generalCategory == .control || scalar.value == 0x2028 || scalar.value == 0x2029 ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
    }

    /// As words between which a line may be folded.
    private static func phrase(_ name: String) -> [String] {
        guard !self.mustEncode(name) else { return EncodedWords.list(name, octets: self.octetsInAWord) }
        let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return self.words("\"\(escaped)\"")
    }

    private static func comment(_ name: String) -> [String] {
        if self.mustEncode(name) {
            var words = EncodedWords.list(name, octets: self.octetsInAWord)
            if let first = words.first, let last = words.indices.last {
                words[0] = "(" + first
                words[last] += ")"
            }
            return words
        }
        let escaped = name.replacing("\\", with: "\\\\").replacing("(", with: "\\(").replacing(")", with: "\\)")
        return self.words("(\(escaped))")
    }

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    /// What is not ASCII, and what would be taken for an encoded word.
    private static func mustEncode(_ name: String) -> Bool { !UnicodeText.isASCII(name) || name.contains("=?") }

    private static func joined(_ words: [String]) -> String {
        var out = ""
        var column = 0
        for word in words {
            let isFirst = out.isEmpty
            if !isFirst, column + 1 + word.utf8.count > self.line, column > 1 {
                out += "\r\n"
                column = 0
            }
            out += isFirst ? word : " \(word)"
            column += word.utf8.count + (isFirst ? 0 : 1)
        }
        return out + "\r\n"
    }
}
