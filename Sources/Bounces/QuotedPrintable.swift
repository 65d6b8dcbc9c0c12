internal import Bytes
package import NIOCore

/// Text whose octets beyond ASCII are written `=XX`; lines stay within 76 characters. [RFC2045-6.7]
package enum QuotedPrintable {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// - Parameter text: lines that end with CRLF.
    package static func encode(_ text: ByteBuffer, to out: inout ByteBuffer) {
        var column = 0
        let bytes = text.readableBytesView
        for index in bytes.indices {
            let byte = bytes[index]
            let next = bytes.index(after: index) < bytes.endIndex ? bytes[bytes.index(after: index)] : .lf
            if byte == .cr && next == .lf { continue }
            if byte == .lf {
                out.writeStaticString("\r\n")
                column = 0
                continue
            }
            let isBlankAtEnd = (byte == .space || byte == .tab) && (next == .cr || next == .lf)
            let isPlain = (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "=") || byte == .tab
            let width = isPlain && !isBlankAtEnd ? 1 : 3
            if column + width > 75 {
                out.writeStaticString("=\r\n")
                column = 0
            }
            if width == 1 {
                out.writeInteger(byte)
            } else {
                out.writeInteger(UInt8(ascii: "="))
                out.writeInteger(self.digits[Int(byte >> 4)])
                out.writeInteger(self.digits[Int(byte & 15)])
            }
            column += width
        }
    }
}
