internal import Bytes

/// One MX record. [RFC1035-3.3.9]
package struct MXRecord: Sendable, Hashable {
    /// Lower is tried first.
    package let preference: UInt16
    /// Lower-case without the final dot; nil is the root, which alone means that the domain takes no mail. [RFC7505-3]
    package let host: String?

    package init(preference: UInt16, host: String?) {
        self.preference = preference
        self.host = host
    }
}

/// One TLSA record. [RFC6698-2.1]
package struct TLSARecord: Sendable, Hashable {
    package let usage: UInt8
    package let selector: UInt8
    package let matchingType: UInt8
    package let data: [UInt8]

    package init(usage: UInt8, selector: UInt8, matchingType: UInt8, data: [UInt8]) {
        self.usage = usage
        self.selector = selector
        self.matchingType = matchingType
        self.data = data
    }
}

/// Reads the data of DNS records, which strangers chose. nil for what is cut off, too long, or no name that a host can have: such a
/// name would only be an attack on whoever shows or compares it.
package enum RecordData {
    /// Lower-case text without the final dot; nil also for the root.
    package static func hostName(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let name = self.name(bytes), !name.isEmpty else { return nil }
        return name
    }

    // RFC 1035 3.3.9:  PREFERENCE (16 bits), EXCHANGE (a name)
    package static func exchange(_ bytes: [UInt8]) -> MXRecord? {
        guard bytes.count >= 3, let name = self.name(bytes[2...]) else { return nil }
        return MXRecord(preference: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), host: name.isEmpty ? nil : name)
    }

    // RFC 1035 3.3.14:  one or more strings of up to 255 octets, each behind its length
    package static func text(_ bytes: [UInt8]) -> [UInt8]? {
        var text: [UInt8] = []
        var rest = bytes[...]
        while let length = rest.popFirst() {
            guard rest.count >= length else { return nil }
            text += rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
        }
        return text
    }

    // RFC 6698 2.1:  usage, selector and matching type (an octet each), association data
    package static func association(_ bytes: [UInt8]) -> TLSARecord? {
        guard bytes.count > 3 else { return nil }
        return TLSARecord(usage: bytes[0], selector: bytes[1], matchingType: bytes[2], data: Array(bytes[3...]))
    }

    /// Lower-case text without the final dot, empty for the root.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        var labels: [String] = []
        var rest = bytes
        var isComplete = false
        while let length = rest.popFirst() {
            if length == 0 {
                isComplete = true
                break
            }
            // Two high bits set would be a pointer. [RFC1035-4.1.4]
            guard length <= 63, rest.count > length, labels.count < 128 else { return nil }
            let label = rest.prefix(Int(length))
            guard label.allSatisfy(self.isHostByte) else { return nil }
            labels.append(String(decoding: label.map(\.asciiLowercased), as: UTF8.self))
            rest = rest.dropFirst(Int(length))
        }
        let text = labels.joined(separator: ".")
        return isComplete && text.utf8.count <= 253 ? text : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
