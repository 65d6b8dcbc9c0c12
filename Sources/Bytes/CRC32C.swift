internal import CPlatform

/// CRC-32C (Castagnoli): detects damage on disk; says nothing about intent, for which there is SHA-256.
package enum CRC32C {
    /// `seed` 0 begins; pass the last value to go on.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return seed }
        return po_crc32c(seed, base, bytes.count)
    }

    package static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { self.checksum($0, seed: seed) }
    }
}
