/// Which bytes of a message a client asks for: `BODY[1.2.HEADER.FIELDS (From)]`. [RFC9051-6.4.5.1]
package struct SectionPath: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// The part as it stands, without its MIME header; of the message itself all of it.
        case whole
        case header
        /// Fields with these names, in any case of letters; with `isExcluding` all the others.
        case fields([String], isExcluding: Bool)
        case text
        /// The MIME header of a part.
        case mime
    }

    /// Part numbers from outside in, each from 1; empty for the message itself.
    package var part: [UInt32]
    package var content: Content

    package init(_ part: [UInt32] = [], _ content: Content = .whole) {
        self.part = part
        self.content = content
    }
}

/// Where the bytes of a section are. The stored message is a prefix (trace lines, of one delivery) and a blob: ranges count in the blob.
package enum SectionPlace: Hashable, Sendable {
    /// The prefix if `hasPrefix`, then these bytes.
    case bytes(Range<Int64>, hasPrefix: Bool)
    /// Of the prefix if `hasPrefix` and of this header what `HeaderFieldFilter` leaves.
    case fields(in: Range<Int64>, hasPrefix: Bool, [String], isExcluding: Bool)
}

/// Where and how a part's content stands, for BINARY. [RFC9051-6.4.5]
package struct BinaryPlace: Hashable, Sendable {
    package var range: Range<Int64>
    package var hasPrefix: Bool
    package var encoding: TransferEncoding

    package init(range: Range<Int64>, hasPrefix: Bool, encoding: TransferEncoding) {
        self.range = range
        self.hasPrefix = hasPrefix
        self.encoding = encoding
    }
}
