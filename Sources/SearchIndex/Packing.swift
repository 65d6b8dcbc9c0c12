internal import CZlib
internal import NIOCore

/// Texts as they are kept: their length, then as zlib packs them quickly. Its own checksum tells damage.
enum Packing {
    /// Longest text that is unpacked.
    private static let longest = 1 << 20

    static func packed(_ plain: ByteBuffer) -> [UInt8]? {
        var length = compressBound(uLong(plain.readableBytes))
        var out = [UInt8](repeating: 0, count: 4 + Int(length))
        let isDone = out.withUnsafeMutableBytes { target in
            target.storeBytes(of: UInt32(clamping: plain.readableBytes).littleEndian, as: UInt32.self)
            return plain.withUnsafeReadableBytes { source in
                compress2(
                    target.baseAddress?.advanced(by: 4).assumingMemoryBound(to: UInt8.self), &length,
                    source.baseAddress?.assumingMemoryBound(to: UInt8.self), uLong(source.count), Z_BEST_SPEED) == Z_OK
            }
        }
        return isDone ? Array(out.prefix(4 + Int(length))) : nil
    }

    static func unpacked(_ packed: [UInt8]) -> [UInt8]? {
        guard packed.count > 4 else { return nil }
        let count = Int(packed[0]) | Int(packed[1]) << 8 | Int(packed[2]) << 16 | Int(packed[3]) << 24
        guard count <= self.longest else { return nil }
        var length = uLong(count)
        var out = [UInt8](repeating: 0, count: max(1, count))
        let isDone = packed.withUnsafeBytes { source in
            out.withUnsafeMutableBytes { target in
                uncompress(
                    target.baseAddress?.assumingMemoryBound(to: UInt8.self), &length,
                    source.baseAddress?.advanced(by: 4).assumingMemoryBound(to: UInt8.self), uLong(source.count - 4)) == Z_OK
            }
        }
        return isDone && Int(length) == count ? Array(out.prefix(count)) : nil
    }
}
