/// One part of a message, or the message itself, by its place in the bytes. Offsets count from the start of the message.
package struct MIMEEntity: Hashable, Sendable {
    /// What stands in a part.
    package enum Content: Hashable, Sendable {
        case leaf
        /// Its parts, as places in `MIMEStructure.entities`.
        case parts([Int])
        /// The message inside.
        case message(Int)
    }

    /// The fields and the empty line behind them.
    package internal(set) var header: Range<Int64>
    /// Without the line end that belongs to the boundary behind it. [RFC2046-5.1.1]
    package internal(set) var body: Range<Int64>
    /// Line ends in the body.
    package internal(set) var lines: Int64 = 0
    /// Which entity this is a part of; nil for the message itself.
    package let parent: Int?
    /// 0 for the message itself.
    package let depth: Int
    package internal(set) var type: MediaType
    package internal(set) var encoding = TransferEncoding.sevenBit
    package internal(set) var disposition: ContentDisposition?
    /// Content-ID and Content-Description, unfolded, as they are written; nil without them.
    package internal(set) var contentID: [UInt8]?
    package internal(set) var description: [UInt8]?
    package internal(set) var content = Content.leaf
    /// Content-Type and Content-Disposition as they stand, where the type is one; Content-Language, Content-Location, Content-MD5. Unfolded.
    var typeField: [UInt8]?
    var dispositionField: [UInt8]?
    var language: [UInt8]?
    var location: [UInt8]?
    var md5: [UInt8]?

    init(at offset: Int64, parent: Int?, depth: Int, type: MediaType) {
        self.header = offset..<offset
        self.body = offset..<offset
        self.parent = parent
        self.depth = depth
        self.type = type
    }

    /// The name that a mail program would give the file; nil where none is said.
    package var fileName: String? { self.disposition?["filename"] ?? self.type["name"] }
}

/// The structure of a message: entities in the order in which they begin, the message itself first. A list, not a tree of references, so that
/// nothing that walks it recurses.
package struct MIMEStructure: Hashable, Sendable {
    package internal(set) var entities: [MIMEEntity]
    /// Octets of the whole message.
    package internal(set) var size: Int64 = 0
    /// A limit was met: some part is shown as one though it has parts of its own.
    package internal(set) var isTruncated = false
    /// Where they were asked for: the headers of the message and of messages inside it as they stand, by entity, up to a bound.
    var headers: [Int: [UInt8]] = [:]

    /// Those that hold content themselves.
    package var leaves: [MIMEEntity] { self.entities.filter { $0.content == .leaf } }
}
