internal import Bytes
package import NIOCore

/// A report of ours that has an 8-bit original in it, for a host that takes no 8-bit text: the original's header stands in its place. A
/// message within a message may not be encoded, and a report that does not arrive helps nobody. [RFC2046-5.2.1] [RFC6152-3]
package enum SevenBitReport {
    static let marker =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\nContent-Description: Undelivered message\r\n\r\n"

    /// - Parameter beginning: of the report, up to the end of the original's header at least; what lies behind is not needed.
    /// - Returns: the whole of the other report; nil for what is no such report, or would still have 8-bit text.
    package static func made(from beginning: ByteBuffer) -> ByteBuffer? {
        let bytes = Array(beginning.readableBytesView)
        guard let start = self.find(Array(Self.marker.utf8), in: bytes) else { return nil }
        let head = bytes[..<start]
        guard !head.contains(where: { $0 >= 0x80 }), let boundary = self.lastLine(head), boundary.starts(with: Array("--".utf8)) else {
            return nil
        }
        let original = OriginalBeginning(ByteBuffer(bytes: bytes[(start + Self.marker.utf8.count)...]))
        let encoding = original.hasEightBitHeader ? "quoted-printable" : "7bit"
        var out = ByteBuffer(bytes: head)
        out.writeString("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: \(encoding)\r\n")
        out.writeString("Content-Description: Message header\r\n\r\n")
        if original.hasEightBitHeader {
            QuotedPrintable.encode(original.header, to: &out)
        } else {
            out.writeImmutableBuffer(original.header)
        }
        out.writeString("\r\n")
        out.writeBytes(boundary)
        out.writeString("--\r\n")
        return out
    }

    /// The line in front of the part: its boundary.
    private static func lastLine(_ head: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard head.suffix(2).elementsEqual([13, 10]) else { return nil }
        let line = head.dropLast(2)
        guard let end = line.lastIndex(of: 10) else { return nil }
        return line[line.index(after: end)...]
    }

    private static func find(_ wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        guard let first = wanted.first, bytes.count >= wanted.count else { return nil }
        var index = 0
        while let found = bytes[index...].firstIndex(of: first), found + wanted.count <= bytes.count {
            if bytes[found..<(found + wanted.count)].elementsEqual(wanted) { return found }
            index = found + 1
        }
        return nil
    }
}
