internal import Bytes
internal import Text
internal import Vocabulary

// Checks of single entries: what goes in is trimmed, what comes out is canonical.
extension Field {
    func parseAddress(_ typed: String) throws(FieldProblem) -> String {
        do throws(AddressError) {
            let address = try Address(parsing: Self.withoutBrackets(typed))
            guard DomainName.normalized(address.domain) != nil else { throw .domain }
            return address.description
        } catch {
            throw self.problem(.address(typed, error))
        }
    }

    func parseDomain(_ typed: String) throws(FieldProblem) -> String {
        guard typed.utf8.first != UInt8(ascii: "["), let name = DomainName.normalized(UnicodeText.nfkc(typed)) else {
            throw self.problem(.domain(typed))
        }
        return name
    }

    /// A name without blanks, or a whole address: what stands in front of a password.
    func parseLoginName(_ typed: String) throws(FieldProblem) -> String {
        let name = UnicodeText.nfc(typed)
        let isPlain = name.unicodeScalars.allSatisfy { !UnicodeText.isControl($0) && !$0.properties.isWhitespace }
        guard isPlain, (1...254).contains(name.utf8.count), !name.contains("@") || (try? Address(parsing: name)) != nil else {
            throw self.problem(.loginName(typed))
        }
        return name
    }

    func parseAccessEntry(_ typed: String) throws(FieldProblem) -> String {
        let plain = UnicodeText.nfkc(typed).asciiLowercased
        if let address = IPAddress(plain) { return address.description }
        if plain.contains("/") {
            guard let network = Self.network(plain) else { throw self.problem(.accessEntry(typed)) }
            return network
        }
        // Digits and dots alone are a mistyped address, never a name.
        guard plain.utf8.contains(where: \.isASCIILetter) || !UnicodeText.isASCII(plain) else { throw self.problem(.accessEntry(typed)) }
        let isWild = plain.hasPrefix("*.")
        guard !plain.contains("["), let name = DomainName.normalized(isWild ? String(plain.dropFirst(2)) : plain) else {
            throw self.problem(.accessEntry(typed))
        }
        return isWild ? "*.\(name)" : name
    }

    /// `domain` or `*.domain`; a leading `@` is what some people write.
    func parseDomainPattern(_ typed: String) throws(FieldProblem) -> String {
        let plain = UnicodeText.nfkc(typed.hasPrefix("@") ? String(typed.dropFirst()) : typed)
        let isWild = plain.hasPrefix("*.")
        let name = isWild ? String(plain.dropFirst(2)) : plain
        guard !name.hasPrefix("["), let name = DomainName.normalized(name) else { throw self.problem(.domainPattern(typed)) }
        return isWild ? "*.\(name)" : name
    }

    /// `a@domain`, `domain`, `*.domain`, or `user@` for every domain.
    func parseMailPattern(_ typed: String) throws(FieldProblem) -> String {
        let plain = Self.withoutBrackets(typed)
        guard plain.contains("@"), !plain.hasPrefix("@") else { return try self.parseDomainPattern(plain) }
        guard plain.hasSuffix("@") else { return try self.parseAddress(plain) }
        let end = "pattern.invalid"
        guard let address = try? Address(parsing: plain + end) else { throw self.problem(.mailPattern(typed)) }
        return String(address.description.dropLast(end.count))
    }

    func parseNetwork(_ typed: String) throws(FieldProblem) -> String {
        let plain = UnicodeText.nfkc(typed)
        guard let network = IPAddress(plain).map(\.description) ?? Self.network(plain) else { throw self.problem(.network(typed)) }
        return network
    }

    /// `address/length` with all bits behind the length zero; nil otherwise.
    private static func network(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPAddress(String(parts[0])), parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy(\.isASCIIDigit),
            let length = Int(parts[1]), length <= base.bytes.count * 8
        else { return nil }
        for (index, byte) in base.bytes.enumerated() {
            let kept = min(8, max(0, length - index * 8))
            if byte & UInt8(truncatingIfNeeded: 0xFF >> kept) != 0 { return nil }
        }
        return "\(base)/\(length)"
    }

    /// An address, or an address with a port: `192.0.2.53:53`, `[2001:db8::53]:53`. Canonical: brackets only where a port follows IPv6.
    func parseServer(_ typed: String) throws(FieldProblem) -> String {
        let plain = UnicodeText.nfkc(typed)
        if let address = IPAddress(plain) { return address.description }
        guard let (address, port) = Self.server(plain) else { throw self.problem(.server(typed)) }
        guard let port else { return address.description }
        return address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    private static func server(_ text: String) -> (IPAddress, Int?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), let address = IPAddress(String(text[..<end].dropFirst())) else { return nil }
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (address, nil) }
            guard rest.hasPrefix(":"), let port = self.port(String(rest.dropFirst())) else { return nil }
            return (address, port)
        }
        guard let colon = text.lastIndex(of: ":"), let address = IPAddress(String(text[..<colon])), !address.isIPv6,
            let port = self.port(String(text[text.index(after: colon)...]))
        else { return nil }
        return (address, port)
    }

    static func port(_ text: String) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIDigit), let port = Int(text), (1...65_535).contains(port)
        else {
            return nil
        }
        return port
    }

    func parseURL(_ typed: String) throws(FieldProblem) -> String {
        let lowered = typed.asciiLowercased
        let rest = lowered.hasPrefix("https://") ? typed.dropFirst(8) : lowered.hasPrefix("http://") ? typed.dropFirst(7) : ""
        let isPlain = typed.unicodeScalars.allSatisfy {
            !UnicodeText.isControl($0) && !$0.properties.isWhitespace && !"<>\"".unicodeScalars.contains($0)
        }
        guard !rest.isEmpty, isPlain, typed.utf8.count <= 1000 else { throw self.problem(.url(typed)) }
        return typed
    }

    func parseTelephone(_ plain: String) throws(FieldProblem) -> String {
        let allowed = plain.utf8.allSatisfy { $0.isASCIIDigit || "+-()./ x#*".utf8.contains($0) }
        guard allowed, plain.utf8.contains(where: \.isASCIIDigit), plain.utf8.count <= 40 else { throw self.problem(.telephone(plain)) }
        return plain
    }

    /// Base64 on any number of lines; canonical without line ends.
    func parsePicture(_ typed: String, _ most: Int) throws(FieldProblem) -> String {
        let bytes = typed.utf8.filter { !($0 == .cr || $0 == .lf || $0 == .space || $0 == .tab) }
        guard bytes.count <= most / 3 * 4 + 4, let picture = Base64.decode(bytes), picture.count <= most,
            picture.starts(with: [0xFF, 0xD8, 0xFF]) || picture.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        else { throw self.problem(.picture(most)) }
        return Base64.encode(picture)
    }

    /// `<name@domain>` as mail programs copy it.
    private static func withoutBrackets(_ typed: String) -> String {
        typed.hasPrefix("<") && typed.hasSuffix(">") ? String(typed.dropFirst().dropLast()) : typed
    }
}
