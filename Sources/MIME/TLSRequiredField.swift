internal import Bytes
package import NIOCore

extension ByteBuffer {
    /// The header asks for delivery whether TLS can be had or not. More than one such field must not be there: then none counts, which is the
    /// safer way. [RFC8689-3]
    package var saysTLSOptional: Bool {
        var reader = HeaderReader(self)
        var values: [[UInt8]] = []
        while let field = reader.next() {
            if self.isField(field, named: "TLS-Required") { values.append(self.unfolded(field)) }
        }
        // RFC 8689 3:  requiretls-field = "TLS-Required:" [FWS] "No" CRLF
        return values.count == 1 && values[0].map(\.asciiLowercased) == Array("no".utf8)
    }
}
