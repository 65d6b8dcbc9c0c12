package import NIOCore

/// BODY[HEADER.FIELDS] and BODY[HEADER.FIELDS.NOT]: those fields of a header, and the empty line behind it. [RFC9051-6.4.5.1]
package struct HeaderFieldFilter: Sendable {
    package init(_ names: [String], isExcluding: Bool) {}

    /// The subset of a header that is in memory: trace lines if there are any, the message's header and its empty line.
    package static func subset(of header: ByteBuffer, _ names: [String], isExcluding: Bool) -> ByteBuffer { ByteBuffer() }
}
