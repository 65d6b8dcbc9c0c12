/// The parts of a message by place alone: what sections and search need of its structure, small enough to be kept for every message.
package struct MessageParts: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case leaf, multipart
        /// Holds a message: the next entity is it.
        case message
        /// A leaf with text that is looked at by search and preview.
        case plainText, html
    }

    package struct Part: Hashable, Sendable {
        package var header: Range<Int64>
        package var body: Range<Int64>
        package var lines: Int64
        /// Place of what it is a part of; nil for the message itself.
        package var parent: Int?
        package var kind: Kind
        package var encoding: TransferEncoding
        /// Of text: the charset's name as written, empty without one.
        package var charset: String
        package var isAttachment: Bool
    }

    /// In the order in which they begin, the message itself first; never empty.
    package let parts: [Part]
    /// Octets of the blob.
    package let size: Int64

    package init(_ structure: MIMEStructure) {
        self.size = structure.size
        self.parts = structure.entities.map { entity in
            let kind: Kind =
                switch entity.content {
                case .parts: .multipart
                case .message: .message
                case .leaf where entity.type.type == "text": entity.type.subtype == "html" ? .html : .plainText
                case .leaf: .leaf
                }
            let isText = kind == .plainText || kind == .html
            return Part(
                header: entity.header, body: entity.body, lines: entity.lines, parent: entity.parent, kind: kind, encoding: entity.encoding,
                charset: isText ? entity.type["charset"] ?? "" : "", isAttachment: entity.disposition?.kind == "attachment")
        }
    }

    init(parts: [Part], size: Int64) {
        self.parts = parts
        self.size = size
    }
}
