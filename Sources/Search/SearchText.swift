package import MIME
package import NIOCore

/// What of a message is searched, decoded and folded: its header, field by field, and all its text. Kept beside the index, so that a
/// candidate is verified without reading and decoding the message again.
package struct SearchText: Hashable, Sendable {
    /// `name:value`, folded, a line each.
    package var header: [UInt8]
    /// Parts with line ends between, each one line; headers of messages inside are text of theirs.
    package var body: [UInt8]

    package init(header: [UInt8] = [], body: [UInt8] = []) {
        self.header = header
        self.body = body
    }

    /// Octets of one message's text that are searched; the rest is not found. A bound for memory, far beyond what people write.
    package static let longest = 16 << 20

    /// - Parameters:
    ///   - prefix: trace lines of this delivery.
    ///   - parts: of the message's summary.
    ///   - read: bytes of the blob; may give fewer at the end.
    package static func make<Failure: Error>(
        prefix: ByteBuffer, parts: MessageParts, read: (Range<Int64>) throws(Failure) -> ByteBuffer
    ) throws(Failure) -> SearchText {
        SearchText()
    }

    /// For the store to keep: it compresses well. `decoding` is nil for what is of another version.
    package var encoded: ByteBuffer { ByteBuffer() }
    package init?(decoding buffer: ByteBuffer) { return nil }

    /// The pieces of this text for the index, sorted, each once.
    package var pieces: [SearchPiece] { [] }
}
