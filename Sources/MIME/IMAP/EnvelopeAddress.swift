internal import Bytes

/// One address of an envelope, its parts as they stand in the field, encoded words and all. A group begins with an address that has a mailbox
/// (its name) and no host, and ends with one that has neither. [RFC9051-7.5.2]
struct EnvelopeAddress: Hashable, Sendable {
    var name: [UInt8]?
    var route: [UInt8]?
    var mailbox: [UInt8]?
    var host: [UInt8]?

    static let groupEnd = EnvelopeAddress()
    var isGroupMark: Bool { self.host == nil }
}

/// Takes an address field apart. It refuses nothing: what is no address is a mailbox without a host (empty, since NIL means a group). Linear,
/// and nothing recurses, comments neither. [RFC5322-3.4]
struct EnvelopeAddressReader {
    /// Addresses of one field.
    private static let most = 10_000

    private var found: [EnvelopeAddress] = []
    /// The words so far, quotes taken off, one space between: the name, if an address in angle brackets follows.
    private var phrase: [UInt8] = []
    /// The same without blanks, quotes where they must be: the address, if none does.
    private var bare: [UInt8] = []
    private var comment: [UInt8] = []
    private var angle: [UInt8]?
    private var isInAngle = false
    private var isInGroup = false
    private var isInLiteral = false
    /// A blank or comment came behind a word.
    private var isGap = false

    static func addresses(in body: [UInt8]) -> [EnvelopeAddress] {
        var reader = EnvelopeAddressReader()
        var index = 0
        while index < body.count { reader.take(body, &index) }
        reader.endAddress()
        if reader.isInGroup { reader.found.append(.groupEnd) }
        return reader.found
    }

    private mutating func take(_ body: [UInt8], _ index: inout Int) {
        let byte = body[index]
        index += 1
        switch byte {
        case UInt8(ascii: "("): self.takeComment(body, &index)
        case UInt8(ascii: "\""): self.takeQuoted(body, &index)
        case .space, .tab, .cr, .lf: self.isGap = true
        case UInt8(ascii: "<") where !self.isInAngle:
            self.isInAngle = true
            self.angle = []
        case UInt8(ascii: ">") where self.isInAngle: self.isInAngle = false
        case UInt8(ascii: ",") where !self.isInAngle: self.endAddress()
        case UInt8(ascii: ";") where !self.isInAngle:
            self.endAddress()
            if self.isInGroup { self.found.append(.groupEnd) }
            self.isInGroup = false
        case UInt8(ascii: ":") where !self.isInAngle && !self.isInGroup && !self.isInLiteral && self.angle == nil: self.beginGroup()
        default:
            if byte == UInt8(ascii: "[") { self.isInLiteral = true }
            if byte == UInt8(ascii: "]") { self.isInLiteral = false }
            // In a bare address a backslash stands for what follows it; in a word it is a letter.
            self.put(byte)
        }
    }

    private mutating func put(_ byte: UInt8) {
        if self.isInAngle {
            self.angle?.append(byte)
        } else {
            if self.isGap, !self.phrase.isEmpty { self.phrase.append(.space) }
            self.phrase.append(byte)
            self.bare.append(byte)
        }
        self.isGap = false
    }

    private mutating func put(_ text: [UInt8], raw: [UInt8]) {
        if self.isInAngle {
            self.angle? += raw
        } else {
            if self.isGap, !self.phrase.isEmpty { self.phrase.append(.space) }
            self.phrase += text
            self.bare += raw
        }
        self.isGap = false
    }

    private mutating func takeQuoted(_ body: [UInt8], _ index: inout Int) {
        var text: [UInt8] = []
        var raw = [UInt8(ascii: "\"")]
        while index < body.count {
            let byte = body[index]
            index += 1
            raw.append(byte)
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), index < body.count {
                text.append(body[index])
                raw.append(body[index])
                index += 1
            } else {
                text.append(byte)
            }
        }
        if raw.count == 1 || raw.last != UInt8(ascii: "\"") { raw.append(UInt8(ascii: "\"")) }
        // `"taro"@a.test` is taro: quotes stay where the local part needs them.
        self.put(text, raw: Self.isDotAtom(text) ? text : raw)
    }

    private mutating func takeComment(_ body: [UInt8], _ index: inout Int) {
        var depth = 1
        var text: [UInt8] = []
        while index < body.count {
            let byte = body[index]
            index += 1
            if byte == UInt8(ascii: "\\"), index < body.count {
                text.append(body[index])
                index += 1
                continue
            }
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 { break }
            }
            text.append(byte)
        }
        if !text.isEmpty { self.comment = text }
        self.isGap = true
    }

    // MARK: Results

    private mutating func beginGroup() {
        self.isInGroup = true
        self.add(EnvelopeAddress(mailbox: self.phrase))
        self.clear()
    }

    private mutating func endAddress() {
        defer { self.clear() }
        if let angle = self.angle {
            var (address, route) = (angle[...], [UInt8]?.none)
            // RFC 5322 4.4:  obs-route = obs-domain-list ":"
            if angle.first == UInt8(ascii: "@"), let colon = angle.firstIndex(of: UInt8(ascii: ":")) {
                route = Array(angle[..<colon])
                address = angle[(colon + 1)...]
            }
            guard !address.isEmpty || !self.phrase.isEmpty else { return }
            return self.add(self.address(Array(address), name: self.phrase.isEmpty ? self.comment : self.phrase, route: route))
        }
        guard !self.bare.isEmpty else { return }
        guard Self.at(self.bare) != nil else {
            return self.add(EnvelopeAddress(name: self.comment.isEmpty ? nil : self.comment, mailbox: self.phrase, host: []))
        }
        self.add(self.address(self.bare, name: self.comment, route: nil))
    }

    private func address(_ bytes: [UInt8], name: [UInt8], route: [UInt8]?) -> EnvelopeAddress {
        let at = Self.at(bytes)
        return EnvelopeAddress(
            name: name.isEmpty ? nil : name, route: route, mailbox: at.map { Array(bytes[..<$0]) } ?? bytes,
            host: at.map { Array(bytes[($0 + 1)...]) } ?? [])
    }

    /// The last `@` outside quotes.
    private static func at(_ bytes: [UInt8]) -> Int? {
        var found: Int?
        var isQuoted = false
        var isEscaped = false
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isQuoted: isEscaped = true
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "@") where !isQuoted: found = index
            default: break
            }
        }
        return found
    }

    private mutating func add(_ address: EnvelopeAddress) { if self.found.count < Self.most { self.found.append(address) } }

    private mutating func clear() {
        (self.phrase, self.bare, self.comment, self.angle, self.isInAngle, self.isGap, self.isInLiteral) = (
            [], [], [], nil, false, false, false
        )
    }

    /// RFC 5322 3.2.3:  dot-atom-text = 1*atext *("." 1*atext)
    private static func isDotAtom(_ text: [UInt8]) -> Bool {
        guard let first = text.first, first != UInt8(ascii: "."), text.last != UInt8(ascii: ".") else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case 0...0x20, 0x7F, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"),
                UInt8(ascii: ","),
                UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "["), UInt8(ascii: "]"):
                false
            default: true
            }
        }
    }
}
