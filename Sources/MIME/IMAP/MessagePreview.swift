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

    /// - Parameters:
    ///   - beginning: octets of the message.
    ///   - offset: where in the message they begin.
    static func text(_ parts: MessageParts, _ beginning: ByteBuffer, at offset: Int64) -> String {
        let texts = parts.parts.filter { ($0.kind == .plainText || $0.kind == .html) && !$0.isAttachment }
        for part in texts.prefix(self.most) {
            let limit = part.kind == .html ? self.htmlOctets : self.plainOctets
            let text = parts.decodedText(of: part, in: beginning, at: offset, limit: limit)
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
        var text = text
        return text.withUTF8 { bytes in
            var out: [UInt8] = []
            out.reserveCapacity(4 * self.longest)
            var (count, index) = (0, 0)
            var (isBlank, isLineStart) = (true, true)
            while index < bytes.count, count < self.longest {
                if isLineStart, skipsQuotes, bytes[index] == UInt8(ascii: ">") {
                    index = bytes[index...].firstIndex(of: 0x0A) ?? bytes.count
                    continue
                }
                let length = self.length(bytes[index])
                let end = min(index + length, bytes.count)
                isLineStart = bytes[index] == 0x0A
                if self.isBlank(bytes[index..<end]) {
                    if !isBlank { out.append(0x20) }
                    if !isBlank { count += 1 }
                    isBlank = true
                } else {
                    out += bytes[index..<end]
                    count += 1
                    isBlank = false
                }
                index = end
            }
            if isBlank, !out.isEmpty { out.removeLast() }
            return String(decoding: out, as: UTF8.self)
        }
    }

    /// Octets of the character that begins with this one. The text is well formed.
    private static func length(_ first: UInt8) -> Int { first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4 }

    /// ASCII blanks and controls, C1, and the blanks of U+00A0, U+2000...U+200B, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF.
    private static func isBlank(_ character: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let start = character.startIndex
        switch character.count {
        case 1: return character[start] <= 0x20 || character[start] == 0x7F
        case 2: return character[start] == 0xC2 && character[start + 1] <= 0xA0
        case 3:
            let value =
                UInt32(character[start] & 0x0F) << 12 | UInt32(character[start + 1] & 0x3F) << 6 | UInt32(character[start + 2] & 0x3F)
            switch value {
            case 0x1680, 0x2000...0x200B, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: return true
            default: return false
            }
        default: return false
        }
    }
}

extension MessageParts {
    /// The text of a part, decoded. Of one that goes beyond the bytes, what is there.
    func decodedText(of part: Part, in bytes: ByteBuffer, at offset: Int64, limit: Int) -> String {
        let start = Int(clamping: part.body.lowerBound - offset)
        let end = min(Int(clamping: part.body.upperBound - offset), bytes.readableBytes)
        guard start >= 0, start < end, let slice = bytes.getSlice(at: bytes.readerIndex + start, length: min(end - start, limit)) else {
            return ""
        }
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
