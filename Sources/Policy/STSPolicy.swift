internal import Bytes

/// What a domain says about TLS on the way to it: the text of `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`. [RFC8461-3.2]
package struct STSPolicy: Sendable, Hashable {
    package enum Mode: String, Sendable, Hashable {
        /// Hosts that do not match get nothing.
        case enforce
        /// What does not match is reported, and delivered to.
        case testing
        /// The domain has done with it.
        case none
    }

    package let mode: Mode
    /// Seconds for which it may be kept; at most a year.
    package let maxAge: Int64
    /// Names of MX hosts, lower-case; `*.` in front stands for one label.
    package let patterns: [String]

    /// Octets of the text at most. [RFC8461-3.2] names no figure; mail providers take 64 KiB.
    package static let longest = 64 << 10
    package static let mostPatterns = 200
    package static let longestAge: Int64 = 31_557_600

    package init(mode: Mode, maxAge: Int64, patterns: [String]) {
        self.mode = mode
        self.maxAge = maxAge
        self.patterns = patterns
    }

    // RFC 8461 3.2:  lines `key: value` with LF or CRLF between them; unknown keys are passed over, of known ones the first counts
    /// nil for what is no policy.
    package init?(_ text: [UInt8]) {
        guard text.count <= Self.longest else { return nil }
        var values: [String: String] = [:]
        var patterns: [String] = []
        for line in text.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let key = Self.trimmed(line[..<colon])
            let value = Self.trimmed(line[line.index(after: colon)...])
            if key == "mx" {
                guard let pattern = Self.pattern(value), patterns.count < Self.mostPatterns else { return nil }
                patterns.append(pattern)
            } else if values[key] == nil {
                values[key] = value
            }
        }
        guard values["version"] == "STSv1", let mode = values["mode"].flatMap(Mode.init), let age = Self.age(values["max_age"]),
            mode == .none || !patterns.isEmpty
        else { return nil }
        self.init(mode: mode, maxAge: age, patterns: patterns)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        let front = bytes.drop(while: isBlank)
        return String(decoding: front.prefix((front.lastIndex { !isBlank($0) }).map { $0 - front.startIndex + 1 } ?? 0), as: UTF8.self)
    }

    /// 1*10 digits; more than a year is a year.
    private static func age(_ text: String?) -> Int64? {
        guard let text, (1...10).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIDigit), let age = Int64(text) else { return nil }
        return min(age, Self.longestAge)
    }

    /// A name, or `*.` and a name.
    private static func pattern(_ text: String) -> String? {
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        return isName && text.utf8.count <= 255 ? text.asciiLowercased : nil
    }

    /// Whether a host (lower-case) is one of those. A wildcard stands for exactly one label. [RFC8461-4.1]
    package func allows(_ host: String) -> Bool {
        self.patterns.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            guard let dot = host.utf8.firstIndex(of: UInt8(ascii: ".")), dot != host.utf8.startIndex else { return false }
            return host[dot...] == pattern.dropFirst()
        }
    }

    /// As it is kept and reported.
    package var lines: [String] {
        ["version: STSv1", "mode: \(self.mode.rawValue)", "max_age: \(self.maxAge)"] + self.patterns.map { "mx: \($0)" }
    }
}

/// The TXT records that say that there is a policy, or where reports go.
package enum TransportRecord {
    // RFC 8461 3.1:  v=STSv1; id=1*32(ALPHA / DIGIT) with fields between semicolons
    /// The id of the domain's policy; nil unless exactly one record says it. [RFC8461-3.1]
    package static func policyID(_ texts: [[UInt8]]) -> String? {
        let found = texts.compactMap { self.fields($0, version: "STSv1") }
        guard found.count == 1, let id = found[0]["id"], (1...32).contains(id.utf8.count),
            id.utf8.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit })
        else { return nil }
        return id
    }

    // RFC 8460 3:  v=TLSRPTv1; rua=uri *( "," uri )
    /// Where a domain wants its reports: URIs; empty unless exactly one record says it. [RFC8460-3]
    package static func reportURIs(_ texts: [[UInt8]]) -> [String] {
        let found = texts.compactMap { self.fields($0, version: "TLSRPTv1") }
        guard found.count == 1, let list = found[0]["rua"] else { return [] }
        return list.split(separator: ",").prefix(Self.mostURIs).map { uri in
            String(uri.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Reports of one domain go to so many places.
    package static let mostURIs = 5

    /// nil for a record of another kind.
    private static func fields(_ text: [UInt8], version: String) -> [String: String]? {
        guard text.count <= 4096, let string = String(validating: text, as: UTF8.self) else { return nil }
        let parts = string.split(separator: ";", omittingEmptySubsequences: false).map { part in
            part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { word in
                String(word.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            }
        }
        guard parts.first == ["v", version] else { return nil }
        var fields: [String: String] = [:]
        for part in parts.dropFirst() where part.count == 2 && fields[part[0]] == nil { fields[part[0]] = part[1] }
        return fields
    }
}
