internal import Bytes
package import NIOCore
internal import Text

/// The text of a part as a reader sees it: transfer encoding undone, charset decoded.
package enum PartText {
    /// - Parameters:
    ///   - message: at least the beginning of the message; of a part that goes beyond it, what is there is decoded.
    ///   - limit: octets of the part that are decoded at most.
    package static func text(of entity: MIMEEntity, in message: ByteBuffer, limit: Int) -> String {
        let bytes = self.content(of: entity, in: message, limit: limit)
        guard let name = entity.type["charset"], let charset = Charset(named: name), charset != .ascii else {
            return HeaderText.unlabelled(bytes)
        }
        return charset.decode(bytes)
    }

    /// The bytes of a part with the transfer encoding undone.
    package static func content(of entity: MIMEEntity, in message: ByteBuffer, limit: Int) -> [UInt8] {
        let start = Int(clamping: entity.body.lowerBound)
        let end = min(Int(clamping: entity.body.upperBound), message.readableBytes)
        guard start >= 0, start < end else { return [] }
        var decoder = TransferDecoder(entity.encoding)
        var out: [UInt8] = []
        message.withUnsafeReadableBytes { bytes in
            decoder.decode(bytes[start..<min(end, start + max(0, limit))], into: &out)
        }
        decoder.finish(into: &out)
        return out
    }
}
