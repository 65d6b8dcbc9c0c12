internal import Bytes
internal import MIME
package import NIOCore
internal import Policy
package import Vocabulary

/// What filters ask about a message: header fields decoded, parts taken apart, text decoded, each when it is first asked for. Everything is
/// bounded: the bytes that are looked at, the text that comes out, and the time.
package struct MessageFacts: FilterFacts {
    /// Octets of a message that filters look at, from its beginning.
    package static let head = 1 << 20
    /// Octets of one part that are decoded.
    private static let part = 256 << 10
    /// Bytes of decoded text over all parts.
    private static let text = 1 << 20
    /// For all rules and one message.
    package static let time = TimeAmount.seconds(2)

    package let sender: Address?
    package let recipients: [Address]
    package let client: IPAddress
    package let hasLogin: Bool
    package let size: Int64
    /// The message, or its beginning.
    private let message: ByteBuffer
    private let deadline: NIODeadline
    private let now: @Sendable () -> NIODeadline
    private var fields: [(name: String, text: String)]?
    private var structure: MIMEStructure?
    private var texts: [String]?

    package init(
        sender: Address?, recipients: [Address], client: IPAddress, hasLogin: Bool, size: Int64, message: ByteBuffer,
        now: @escaping @Sendable () -> NIODeadline = { NIODeadline.now() }
    ) {
        self.sender = sender
        self.recipients = recipients
        self.client = client
        self.hasLogin = hasLogin
        self.size = size
        self.message = message.getSlice(at: message.readerIndex, length: min(message.readableBytes, Self.head)) ?? message
        self.now = now
        self.deadline = now() + Self.time
    }

    package func mayGoOn() -> Bool { self.now() < self.deadline }

    package mutating func header(_ name: String) -> [String] {
        self.decodedFields().filter { $0.name == name }.map(\.text)
    }

    package mutating func allHeaders() -> [String] { self.decodedFields().map { "\($0.name): \($0.text)" } }

    package mutating func attachments() -> [String] { self.parts().compactMap { $0.fileName.map(Self.shownName) } }

    /// What Windows makes of a file name: it drops blanks and dots at the end, so that `evil.exe .` is saved, and started, as `evil.exe`.
    private static func shownName(_ name: String) -> String {
        var scalars = name.unicodeScalars[...]
        while let last = scalars.last, last == "." || last.properties.isWhitespace || last.value < 0x20 || last.value == 0x7F {
            scalars.removeLast()
        }
        return String(scalars)
    }

    package mutating func types() -> [String] { self.parts().map(\.type.name) }

    /// Parts that are text, and those that do not say what they are: HTML as readers see it and as it is written, for its links. Then what
    /// stands before the first and behind the last part of a multipart, where old programs, and those who hide, put text.
    package mutating func bodies() -> [String] {
        if let texts { return texts }
        var room = Self.text
        var texts: [String] = []
        func add(_ text: String) {
            room -= text.utf8.count
            if !text.isEmpty { texts.append(text) }
        }
        let all = self.parts()
        for entity in all where entity.content == .leaf && entity.type.type == "text" && room > 0 {
            let text = PartText.text(of: entity, in: self.message, limit: min(room, Self.part))
            if entity.type.subtype == "html" { add(HTMLText.visible(text)) }
            add(text)
        }
        for entity in all where room > 0 {
            guard case .parts(let places) = entity.content, let first = places.first, let last = places.last, all.indices.contains(first),
                all.indices.contains(last)
            else { continue }
            for gap in [(entity.body.lowerBound, all[first].header.lowerBound), (all[last].body.upperBound, entity.body.upperBound)] {
                add(self.plain(gap.0, gap.1, limit: min(max(room, 0), Self.part)))
            }
        }
        self.texts = texts
        return texts
    }

    /// Bytes that no part has, with the boundary beside them; empty where there is nothing else.
    private func plain(_ start: Int64, _ end: Int64, limit: Int) -> String {
        let count = min(Int(clamping: end - start), limit, self.message.readableBytes - Int(clamping: start))
        guard start >= 0, count > 0, let bytes = self.message.getBytes(at: self.message.readerIndex + Int(clamping: start), length: count)
        else { return "" }
        let text = HeaderText.unlabelled(bytes)
        let isBoundary = text.split(whereSeparator: \.isNewline).allSatisfy { $0.hasPrefix("--") || $0.allSatisfy(\.isWhitespace) }
        return isBoundary ? "" : text
    }

    private mutating func parts() -> [MIMEEntity] {
        if let structure { return structure.entities }
        var parser = MIMEParser()
        parser.read(self.message)
        let structure = parser.finish()
        self.structure = structure
        return structure.entities
    }

    /// Names in lower case.
    private mutating func decodedFields() -> [(name: String, text: String)] {
        if let fields { return fields }
        var reader = HeaderReader(self.message)
        var fields: [(name: String, text: String)] = []
        while let field = reader.next() {
            let name = self.message.getString(at: self.message.readerIndex + field.start, length: field.nameEnd - field.start) ?? ""
            fields.append((name.asciiLowercased, HeaderText.decode(self.message.unfolded(field))))
        }
        self.fields = fields
        return fields
    }
}
