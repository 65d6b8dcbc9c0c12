internal import Bytes
internal import CUnicode
internal import Vocabulary

/// Domain names in the one form in which they are compared: lower case, internationalised labels as A-labels (UTS 46, non-transitional).
package enum DomainName {
    /// Longest name as text, without the final dot. [RFC1035-2.3.4]
    package static let longest = 253

    /// The comparable form of a domain or address literal; nil when it can be neither. A final dot is dropped.
    package static func normalized(_ domain: String) -> String? {
        if domain.utf8.first == UInt8(ascii: "[") { return self.literal(domain) }
        let name = domain.utf8.last == UInt8(ascii: ".") ? String(domain.dropLast()) : domain
        if UnicodeText.isASCII(name) {
            let lowered = name.asciiLowercased
            return self.isName(lowered) ? lowered : nil
        }
        // Longer text cannot give a valid name; libidn2 need not see it.
        guard name.utf8.count <= 4 * self.longest, !name.utf8.contains(0), let ascii = self.aLabels(name) else { return nil }
        let lowered = ascii.asciiLowercased
        return self.isName(lowered) ? lowered : nil
    }

    /// The readable form: A-labels shown in their own script where they can be. For people, never for comparing.
    package static func readable(_ domain: String) -> String {
        guard domain.asciiLowercased.utf8.count <= self.longest, !domain.utf8.contains(0), domain.asciiLowercased.contains("xn--") else {
            return domain
        }
        var out: UnsafeMutablePointer<CChar>?
        guard idn2_to_unicode_8z8z(domain, &out, 0) == CInt(IDN2_OK.rawValue), let out else { return domain }
        defer { idn2_free(out) }
        return String(cString: out)
    }

    /// Letters, digits, hyphens and underscores in labels of 1 to 63, no hyphen at a label's edge, 253 in all. [RFC1123-2.1]
    /// The underscore is no host's but occurs in names that exist.
    private static func isName(_ name: String) -> Bool {
        guard name.utf8.count <= self.longest else { return false }
        var (label, previous) = (0, UInt8(ascii: "."))
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "."):
                guard label > 0, previous != UInt8(ascii: "-") else { return false }
                label = 0
            case UInt8(ascii: "-") where label == 0: return false
            case _ where byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_"):
                label += 1
                guard label <= 63 else { return false }
            default: return false
            }
            previous = byte
        }
        return label > 0 && previous != UInt8(ascii: "-")
    }

    private static func literal(_ text: String) -> String? {
        guard text.utf8.last == UInt8(ascii: "]"), text.utf8.count <= 64 else { return nil }
        let inner = String(text.dropFirst().dropLast())
        let isTagged = inner.asciiLowercased.hasPrefix("ipv6:")
        guard let address = IPAddress(isTagged ? String(inner.dropFirst(5)) : inner), isTagged || !address.isIPv6 else { return nil }
        return address.literal.asciiLowercased
    }

    private static func aLabels(_ name: String) -> String? {
        var out: UnsafeMutablePointer<CChar>?
        let flags = CInt(IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue)
        guard idn2_to_ascii_8z(name, &out, flags) == CInt(IDN2_OK.rawValue), let out else { return nil }
        defer { idn2_free(out) }
        return String(cString: out)
    }
}
