package import Vocabulary

extension IPAddress {
    /// An address of the open internet. What strangers make us connect to must be one, or they would reach into our own network through us.
    package var isPublic: Bool { self.isIPv6 ? self.isPublicIPv6 : Self.isPublicIPv4(self.bytes) }

    // Networks that are not reachable from everywhere: the registries of RFC 6890 with its later entries.
    private static func isPublicIPv4(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else { return false }
        switch (bytes[0], bytes[1], bytes[2]) {
        case (0, _, _), (10, _, _), (127, _, _), (169, 254, _), (172, 16...31, _), (192, 0, 0), (192, 0, 2), (192, 88, 99), (192, 168, _),
            (198, 18...19, _), (198, 51, 100), (203, 0, 113), (100, 64...127, _), (224..., _, _):
            return false
        default: return true
        }
    }

    private var isPublicIPv6: Bool {
        let bytes = self.bytes
        guard bytes.count == 16 else { return false }
        let tail = Array(bytes[12...])
        // An IPv4 address inside: mapped, translated (RFC 6052), or 6to4.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == bytes[11], bytes[10] == 0xFF { return Self.isPublicIPv4(tail) }
        if bytes[..<12].elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) { return Self.isPublicIPv4(tail) }
        if bytes[0] == 0x20, bytes[1] == 0x02 { return Self.isPublicIPv4(Array(bytes[2..<6])) }
        // Documentation and Teredo.
        if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] == 0x0D, bytes[3] == 0xB8 { return false }
        if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] == 0, bytes[3] == 0 { return false }
        // Everything that was given out is in 2000::/3.
        return bytes[0] & 0xE0 == 0x20
    }
}
