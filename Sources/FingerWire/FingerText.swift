internal import NIOCore

/// Sentences of the finger server. They are part of the product's protocol, in English whoever asks.
package enum FingerWords {
    package static let nothing = "No information available"
    package static let noForwarding = "Finger forwarding service denied"  // [RFC1288-3.2.1]
    package static let tooLong = "Query too long"
    package static let more = "There are more; ask for a longer name"
    package static let unavailable = "Not available now, try again later"
    package static let rule = "----------"
}

/// Text as it goes over the wire: UTF-8, CRLF, and nothing that a terminal obeys.
///
/// UTF-8 and not ISO-2022-JP: that is switched by ESC, a control character, and those are exactly what must never be sent. [RFC1288-2.2]
package enum FingerText {
    /// Control characters, and those that turn the direction of writing or break lines unseen.
    package static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F: true
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029, 0xFEFF, 0xFFF9...0xFFFB: true
        default: false
        }
    }

    /// Lines without their ends; blank lines at the end are left out.
    package static func lines(_ text: String) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            switch scalar {
            case "\n" where previous == "\r": break
            case "\n", "\r", "\u{2028}", "\u{2029}":
                lines.append(String(line))
                line = String.UnicodeScalarView()
            case "\t": line.append(contentsOf: "    ".unicodeScalars)
            default: if !self.isForbidden(scalar) { line.append(scalar) }
            }
        }
        if !line.isEmpty { lines.append(String(line)) }
        while let last = lines.last, last.allSatisfy({ $0 == " " }) { lines.removeLast() }
        return lines
    }

    /// One line, whatever it was.
    package static func line(_ text: String) -> String { self.lines(text).joined(separator: " ") }
}

extension ByteBuffer {
    mutating func writeLine(_ text: String) {
        self.writeString(text)
        self.writeStaticString("\r\n")
    }

    mutating func writeAnswer(_ outcome: FingerOutcome, host: String, limit: Int) {
        switch outcome {
        case .elsewhere: self.writeLine(FingerWords.noForwarding)
        case .unavailable: self.writeLine(FingerWords.unavailable)
        case .host(let text):
            let lines = FingerText.lines(text)
            if lines.isEmpty { return self.writeLine(FingerWords.nothing) }
            self.writeLines(lines, limit: limit)
        case .entries(let entries, let isCut):
            guard !entries.isEmpty else { return self.writeLine(FingerWords.nothing) }
            self.writeLine("[\(host)]")
            self.writeEntries(entries, isCut: isCut, limit: limit)
        }
    }

    private mutating func writeEntries(_ entries: [FingerEntry], isCut: Bool, limit: Int) {
        for (number, entry) in entries.enumerated() {
            let before = self.writerIndex
            if number > 0 { self.writeLine("") }
            self.write(entry, limit: limit)
            guard self.readableBytes <= limit || number == 0 else {
                self.moveWriterIndex(to: before)
                self.writeLine("")
                return self.writeLine(FingerWords.more)
            }
        }
        if isCut {
            self.writeLine("")
            self.writeLine(FingerWords.more)
        }
    }

    /// As the product always answered, behind a line with the host in brackets: name, address, a rule, the text of the account.
    private mutating func write(_ entry: FingerEntry, limit: Int) {
        self.writeLine("Account Name: \(FingerText.line(entry.name))")
        self.writeLine("Email address: \(FingerText.line(entry.address))")
        for fact in entry.facts {
            let lines = FingerText.lines(fact.value)
            guard let first = lines.first else { continue }
            self.writeLine("\(FingerText.line(fact.label)): \(first)")
            for line in lines.dropFirst() { self.writeLine("    \(line)") }
        }
        self.writeLine(FingerWords.rule)
        let information = FingerText.lines(entry.information)
        self.writeLines(information.isEmpty ? [FingerWords.nothing] : information, limit: limit)
    }

    /// Whole lines as long as there is room.
    private mutating func writeLines(_ lines: [String], limit: Int) {
        for line in lines {
            guard self.readableBytes + line.utf8.count + 2 <= limit else { return }
            self.writeLine(line)
        }
    }
}
