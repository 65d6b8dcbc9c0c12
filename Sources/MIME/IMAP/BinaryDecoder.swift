package import NIOCore

/// Content of a part without its transfer encoding, in pieces of any size. [RFC3516-4.3]
package struct BinaryDecoder: Sendable {
    private var decoder: TransferDecoder
    private let isIdentity: Bool

    /// nil where nobody knows the encoding: the answer is NO [UNKNOWN-CTE]. [RFC9051-7.5.2]
    package init?(_ place: BinaryPlace) {
        if case .other = place.encoding { return nil }
        self.decoder = TransferDecoder(place.encoding)
        self.isIdentity = place.encoding.isIdentity
    }

    package mutating func decode(_ piece: ByteBuffer) -> ByteBuffer {
        if self.isIdentity { return piece }
        var out: [UInt8] = []
        out.reserveCapacity(piece.readableBytes)
        piece.withUnsafeReadableBytes { self.decoder.decode($0, into: &out) }
        return ByteBuffer(bytes: out)
    }

    /// What waited for more.
    package mutating func finish() -> ByteBuffer {
        var out: [UInt8] = []
        self.decoder.finish(into: &out)
        return ByteBuffer(bytes: out)
    }
}
