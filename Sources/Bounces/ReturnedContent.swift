internal import Bytes
internal import MIME
package import NIOCore

/// How much of the original the caller puts between head and tail of a report. A header alone stands in the head already.
package enum ReturnedPart: Sendable, Hashable {
    case nothing
    case whole
    /// In base64: an international message on its way to somebody whose host may not take such. [RFC6533-4.5]
    case wholeInBase64
}

/// What is known of the message that goes back, from its beginning.
package struct OriginalBeginning: Sendable {
    /// So much of the beginning is asked for; of a longer header the fields that fit are returned.
    package static let wanted = 64 << 10

    /// Whole fields, without the empty line.
    package let header: ByteBuffer
    package let hasEightBitHeader: Bool
    /// True when an octet beyond ASCII was met in what was given.
    package let hasEightBit: Bool
    /// With its angle brackets; nil where it is missing or looks odd.
    package let messageID: String?

    package init(_ beginning: ByteBuffer) {
        var reader = HeaderReader(beginning)
        var end = 0
        var messageID: String?
        while let field = reader.next(), field.end <= Self.wanted {
            end = field.end
            if messageID == nil, beginning.isField(field, named: "Message-ID") { messageID = Self.identifier(beginning.unfolded(field)) }
        }
        self.header = beginning.getSlice(at: beginning.readerIndex, length: min(end, beginning.readableBytes)) ?? ByteBuffer()
        self.hasEightBitHeader = self.header.readableBytesView.contains { $0 >= 0x80 }
        self.hasEightBit = beginning.readableBytesView.contains { $0 >= 0x80 }
        self.messageID = messageID
    }

    /// Only what can stand in a References field again.
    private static func identifier(_ body: [UInt8]) -> String? {
        guard (3...250).contains(body.count), body.first == UInt8(ascii: "<"), body.last == UInt8(ascii: ">"),
            body.dropFirst().dropLast().allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
        else { return nil }
        return String(decoding: body, as: UTF8.self)
    }
}

/// Passes the original on, chunk by chunk, so that memory stays flat however long the message is.
package struct ReturnedContent: Sendable {
    private let part: ReturnedPart
    /// Less than a line of base64.
    private var held: [UInt8] = []
    /// 76 characters. [RFC2045-6.8]
    private static let octetsInALine = 57

    package init(_ part: ReturnedPart) { self.part = part }

    /// What of this piece of the original goes into the report now.
    package mutating func take(_ piece: ByteBuffer) -> ByteBuffer {
        switch self.part {
        case .nothing: return ByteBuffer()
        case .whole: return piece
        case .wholeInBase64:
            self.held.append(contentsOf: piece.readableBytesView)
            let count = self.held.count / Self.octetsInALine * Self.octetsInALine
            let lines = Self.base64(self.held[..<count])
            self.held.removeFirst(count)
            return lines
        }
    }

    /// What is left when the original is at its end.
    package mutating func finish() -> ByteBuffer {
        defer { self.held = [] }
        return Self.base64(self.held[...])
    }

    static func base64(_ bytes: ArraySlice<UInt8>) -> ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(bytes.count / 57 * 78 + 80)
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = min(start + self.octetsInALine, bytes.endIndex)
            out.writeString(Base64.encode(bytes[start..<end]))
            out.writeStaticString("\r\n")
            start = end
        }
        return out
    }
}
