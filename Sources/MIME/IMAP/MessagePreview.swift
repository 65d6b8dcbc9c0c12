internal import Bytes
package import NIOCore
internal import Text

/// The first words of a message, for lists of messages. [RFC8970-3.3]
enum MessagePreview {
    /// Characters, as the RFC recommends; it forbids more than 256.
    private static let longest = 200
    /// Octets of a part that are decoded: styles and headings may stand before the first word of HTML.
    private static let plainOctets = 8 << 10
    private static let htmlOctets = 128 << 10
    /// Parts that are tried.
    private static let most = 5

    /// - Parameter beginning: of the message.
    static func text(_ parts: MessageParts, _ beginning: ByteBuffer) -> String {
        let texts = parts.parts.filter { ($0.kind == .plainText || $0.kind == .html) && !$0.isAttachment }
        for part in texts.prefix(self.most) {
            let text = parts.decodedText(of: part, in: beginning, limit: part.kind == .html ? self.htmlOctets : self.plainOctets)
            let line = part.kind == .html ? self.line(HTMLText.visible(text)) : self.plain(text)
            if !line.isEmpty { return line }
        }
        return ""
    }

    /// Without what is quoted of another message, if anything is left then.
    private static func plain(_ text: String) -> String {
        let line = self.line(text, skipsQuotes: true)
        return line.isEmpty ? self.line(text) : line
    }

    /// One line: runs of blanks and control characters are a space.
    /// - Parameter skipsQuotes: lines that begin with `>` are left out.
    private static func line(_ text: String, skipsQuotes: Bool = false) -> String {
        var out = String.UnicodeScalarView()
        var count = 0
        var isBlank = true
        var isLineStart = true
        var isSkipped = false
        for scalar in text.unicodeScalars {
            if isLineStart { isSkipped = skipsQuotes && scalar == ">" }
            isLineStart = scalar == "\n"
            if isSkipped { continue }
            if self.isBlank(scalar) {
                if !isBlank {
                    out.append(" ")
                    count += 1
                }
                isBlank = true
            } else {
                out.append(scalar)
                count += 1
                isBlank = false
            }
            if count >= self.longest { break }
        }
        if isBlank, !out.isEmpty { out.removeLast() }
        return String(out)
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x20, 0x7F...0xA0, 0x1680, 0x2000...0x200B, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: true
        default: false
        }
    }
}

extension MessageParts {
    /// The text of a part, decoded. Of one that goes beyond the bytes, what is there.
    func decodedText(of part: Part, in message: ByteBuffer, limit: Int) -> String {
        let start = Int(clamping: part.body.lowerBound)
        let end = min(Int(clamping: part.body.upperBound), message.readableBytes)
        guard start < end, let slice = message.getSlice(at: message.readerIndex + start, length: min(end - start, limit)) else { return "" }
        return Self.text(slice, part)
    }

    /// - Parameter content: of a text part, with its transfer encoding.
    package static func text(_ content: ByteBuffer, _ part: Part) -> String {
        var bytes: [UInt8] = []
        if part.encoding.isIdentity {
            bytes = Array(content.readableBytesView)
        } else {
            var decoder = TransferDecoder(part.encoding)
            content.withUnsafeReadableBytes { decoder.decode($0, into: &bytes) }
            decoder.finish(into: &bytes)
        }
        guard let charset = Charset(named: part.charset), charset != .ascii else { return HeaderText.unlabelled(bytes) }
        return charset.decode(bytes)
    }
}
