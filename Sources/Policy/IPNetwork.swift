package import Vocabulary

/// An address block in CIDR form.
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    package let base: IPAddress
    /// 0...32 or 0...128.
    package let prefixLength: Int

    /// nil when the length does not fit the family or bits behind the prefix are set.
    package init?(_ base: IPAddress, prefixLength: Int) {
        guard (0...base.bytes.count * 8).contains(prefixLength) else { return nil }
        self.base = base
        self.prefixLength = prefixLength
        guard Self.masked(base.bytes, prefixLength) == base.bytes else { return nil }
    }

    /// The block of this length that an address lies in.
    package init(around address: IPAddress, prefixLength: Int) {
        let length = min(max(0, prefixLength), address.bytes.count * 8)
        // Masked bytes have the same number of bytes, so the address stands.
        self.base = IPAddress(bytes: Self.masked(address.bytes, length)) ?? address
        self.prefixLength = length
    }

    package func contains(_ address: IPAddress) -> Bool {
        let bytes = address.bytes
        guard bytes.count == self.base.bytes.count else { return false }
        let whole = self.prefixLength / 8
        for index in 0..<whole where bytes[index] != self.base.bytes[index] { return false }
        let rest = self.prefixLength % 8
        return rest == 0 || (bytes[whole] ^ self.base.bytes[whole]) >> UInt8(8 - rest) == 0
    }

    package var description: String { "\(self.base)/\(self.prefixLength)" }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(0, length - index * 8), 8)
            return kept == 8 ? byte : byte & ~(0xFF >> UInt8(kept))
        }
    }
}
