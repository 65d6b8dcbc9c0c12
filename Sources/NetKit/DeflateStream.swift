internal import CZlib
package import NIOCore

struct DeflateFailure: Error, CustomStringConvertible {
    let code: CInt
    var description: String { "deflate: code \(self.code)" }
}

// Compression of a connection, one way each. Sizes are small: a thousand sessions that compress have a thousand of these. [RFC1951-3]

/// What goes out.
package final class Deflater {
    /// A window of 8 KiB and little memory: about 64 KiB in all, for a tenth less of compression.
    private static let windowBits: CInt = -13
    private static let memoryLevel: CInt = 6
    /// Most of the gain for a third of the time of the usual level.
    private static let level: CInt = 3

    /// zlib remembers where this lies.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    package init() throws {
        self.stream.initialize(to: z_stream())
        let code = deflateInit2_(
            self.stream, Self.level, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw DeflateFailure(code: code) }
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// All of `bytes`, so that the peer can read it at once. [RFC4978-4]
    package func deflate(_ bytes: ByteBuffer) throws -> ByteBuffer {
        var bytes = bytes
        var out = ByteBuffer()
        out.reserveCapacity(Int(deflateBound(self.stream, uLong(bytes.readableBytes))) + 16)
        var code = Z_OK
        try bytes.readWithUnsafeMutableReadableBytes { input in
            self.stream.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
            self.stream.pointee.avail_in = uInt(input.count)
            defer { self.stream.pointee.next_in = nil }
            var isFull = true
            while isFull {
                out.writeWithUnsafeMutableBytes(minimumWritableBytes: 1024) { room in
                    self.stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                    self.stream.pointee.avail_out = uInt(clamping: room.count)
                    let before = Int(self.stream.pointee.avail_out)
                    code = CZlib.deflate(self.stream, Z_SYNC_FLUSH)
                    isFull = self.stream.pointee.avail_out == 0
                    return before - Int(self.stream.pointee.avail_out)
                }
                guard code == Z_OK || code == Z_BUF_ERROR else { throw DeflateFailure(code: code) }
            }
            return input.count
        }
        return out
    }
}

/// What comes in.
package final class Inflater {
    /// Octets that are made of the input at a time: a peer's few bytes can stand for a thousand times as many.
    private static let pieceSize = 32 << 10

    /// zlib remembers where this lies.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    package init() throws {
        self.stream.initialize(to: z_stream())
        let code = inflateInit2_(self.stream, -15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw DeflateFailure(code: code) }
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// The next piece of what `input` stands for; what was used of it is taken off. Empty when more input is needed.
    package func inflate(_ input: inout ByteBuffer) throws -> ByteBuffer {
        var out = ByteBuffer()
        var code = Z_OK
        input.readWithUnsafeMutableReadableBytes { bytes in
            self.stream.pointee.next_in = bytes.bindMemory(to: UInt8.self).baseAddress
            self.stream.pointee.avail_in = uInt(clamping: bytes.count)
            defer { self.stream.pointee.next_in = nil }
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceSize) { room in
                self.stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                self.stream.pointee.avail_out = uInt(min(room.count, Self.pieceSize))
                let before = Int(self.stream.pointee.avail_out)
                code = CZlib.inflate(self.stream, Z_SYNC_FLUSH)
                return before - Int(self.stream.pointee.avail_out)
            }
            return bytes.count - Int(self.stream.pointee.avail_in)
        }
        // A finished stream is a connection's end that the peer has not told otherwise; nothing may come behind it.
        guard code == Z_OK || code == Z_BUF_ERROR else { throw DeflateFailure(code: code) }
        return out
    }
}
