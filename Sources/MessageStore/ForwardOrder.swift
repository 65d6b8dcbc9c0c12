package import NIOCore

/// The payload of a queue entry of channel `.forward`: the message is to be sent on for its recipient.
package struct ForwardOrder: Sendable, Hashable {
    /// The recipient's mailbox has its copy already; otherwise nothing of the recipient's has been done.
    package var hasCopy: Bool
    /// Trace fields that stand before the message so far, whole lines with CRLF.
    package var fields: ByteBuffer

    package init(hasCopy: Bool, fields: ByteBuffer) {
        self.hasCopy = hasCopy
        self.fields = fields
    }

    package func encoded() -> [UInt8] { [self.hasCopy ? 1 : 0] + Array(self.fields.readableBytesView) }

    package init?(decoding bytes: [UInt8]) {
        guard let first = bytes.first, first <= 1 else { return nil }
        self.init(hasCopy: first == 1, fields: ByteBuffer(bytes: bytes.dropFirst()))
    }
}
