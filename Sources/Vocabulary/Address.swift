/// A mailbox address of RFC 5321/6531: what the person typed, taken apart. Equality here is that of the spelling;
/// two spellings of one address have the same `AddressKey` (target Text).
package struct Address: Hashable, Sendable, CustomStringConvertible {
    /// Content of the local part without quoting: `"a b"@x` has `a b`.
    package let localPart: String
    /// Domain as typed, without a trailing dot, or an address literal in brackets; empty only for a bare `<postmaster>` or a bare
    /// local part on submission.
    package let domain: String

    package init(localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }

    /// True when any octet is outside ASCII, so that the peer must offer SMTPUTF8. [RFC6531-3.2]
    package var isInternationalized: Bool { !(self.localPart.utf8.allSatisfy { $0 < 0x80 } && self.domain.utf8.allSatisfy { $0 < 0x80 }) }

    /// The address as it goes on the wire, local part quoted where RFC 5321 asks for it.
    package var description: String {
        let local = self.needsQuotes ? Self.quoted(self.localPart) : self.localPart
        return self.domain.isEmpty ? local : local + "@" + self.domain
    }

    private var needsQuotes: Bool {
        var previous = UInt8(ascii: ".")
        for byte in self.localPart.utf8 {
            if byte == UInt8(ascii: ".") {
                if previous == byte { return true }
            } else if !Self.isAtomText(byte) {
                return true
            }
            previous = byte
        }
        return previous == UInt8(ascii: ".")
    }

    private static func quoted(_ text: String) -> String {
        var out: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
        return String(decoding: out, as: UTF8.self)
    }

    /// atext of RFC 5322 3.2.3, with the octets of UTF-8 as RFC 6531 3.3 adds them.
    package static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            0x80...0xFF:
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "?"),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
