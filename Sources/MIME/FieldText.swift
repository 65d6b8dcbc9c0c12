internal import Bytes
package import NIOCore

/// The text of a header field as search sees it.
package enum FieldText {
    /// Name in lower case and decoded text of each field of a header, in order. Parameters that are percent-encoded or in pieces stand decoded
    /// behind the field, so that a file is found by its name. [RFC2231-3]
    ///
    /// - Parameter header: fields, with or without the empty line behind them.
    package static func fields(of header: ByteBuffer, _ limits: MIMELimits = MIMELimits()) -> [(name: String, text: String)] {
        var header = header
        // The last field is over only when it is known that no continuation follows.
        if header.readableBytesView.last != .lf { header.writeStaticString("\r\n") }
        header.writeStaticString("\r\n")
        var reader = HeaderReader(header.slice())
        var out: [(String, String)] = []
        while let field = reader.next() {
            let start = header.readerIndex + field.start
            guard let bytes = header.getBytes(at: start, length: field.nameEnd - field.start) else { break }
            let name = String(decoding: bytes.map(\.asciiLowercased), as: UTF8.self)
            // As the summary does: what is found in the one must be found in the other.
            let body = header.slice().unfolded(field).withoutNUL
            var text = HeaderText.decode(body)
            if name == "content-type" || name == "content-disposition", body.contains(UInt8(ascii: "*")) {
                let isType = name == "content-type"
                for shown in ContentFields.shownParameters(body, isType: isType, limits) where shown.isExtended { text += " " + shown.text }
            }
            out.append((name, text))
        }
        return out
    }
}
