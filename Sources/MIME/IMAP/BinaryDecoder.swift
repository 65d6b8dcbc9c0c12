package import NIOCore

/// Content of a part without its transfer encoding, in pieces. [RFC3516-4.3]
package struct BinaryDecoder: Sendable {
    /// nil where nobody knows the encoding: the answer is NO [UNKNOWN-CTE]. [RFC9051-7.5.2]
    package init?(_ place: BinaryPlace) { return nil }

    package mutating func decode(_ piece: ByteBuffer) -> ByteBuffer { ByteBuffer() }
    package mutating func finish() -> ByteBuffer { ByteBuffer() }
}
