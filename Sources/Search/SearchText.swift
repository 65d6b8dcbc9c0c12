internal import Bytes
package import MIME
package import NIOCore

/// What of a message is searched, decoded and folded. Kept beside the index, so that a candidate is verified without reading and decoding the
/// message again.
package struct SearchText: Hashable, Sendable {
    /// Header of the message, trace lines included: `name:value`, folded, each behind a separator.
    package private(set) var header: [UInt8] = []
    /// MIME headers of its parts: TEXT looks here as well. [RFC9051-6.4.4]
    package private(set) var partHeaders: [UInt8] = []
    /// Texts of all parts with text, and headers of messages inside.
    package private(set) var body: [UInt8] = []

    package init() {}

    /// Octets of one message's text that are searched; the rest is not found. A bound for memory, far beyond what people write.
    package static let longest = 16 << 20
    /// Octets of one header.
    private static let longestHeader: Int64 = 1 << 20

    /// - Parameters:
    ///   - prefix: trace lines of this delivery.
    ///   - parts: of the message's summary.
    ///   - read: bytes of the blob; fewer at its end.
    package static func make<Failure: Error>(
        prefix: ByteBuffer, parts: MessageParts, read: (Range<Int64>) throws(Failure) -> ByteBuffer
    ) throws(Failure) -> SearchText {
        var text = SearchText()
        text.addHeader(prefix, to: \.header)
        for (index, part) in parts.parts.enumerated() {
            let header = try read(Self.bounded(part.header, Self.longestHeader))
            let isInner = part.parent.map { parts.parts[$0].kind == .message } ?? false
            text.addHeader(header, to: index == 0 ? \.header : isInner ? \.body : \.partHeaders)
            guard part.kind == .plainText || part.kind == .html else { continue }
            let room = Self.longest - text.body.count
            guard room > 0 else { break }
            // Encoded text is longer than what it stands for.
            let content = try read(Self.bounded(part.body, Int64(room) * 2))
            text.add(MessageParts.text(content, part), isHTML: part.kind == .html)
        }
        return text
    }

    /// The same with the trace lines of one delivery before it: what is kept of a blob is without.
    package func adding(prefix: ByteBuffer) -> SearchText {
        guard prefix.readableBytes > 0 else { return self }
        var text = self
        text.header = []
        text.addHeader(prefix, to: \.header)
        text.header += self.header
        return text
    }

    /// Octets of it.
    package var size: Int { self.header.count + self.partHeaders.count + self.body.count }

    private static func bounded(_ range: Range<Int64>, _ most: Int64) -> Range<Int64> {
        range.lowerBound..<(range.upperBound - range.lowerBound > most ? range.lowerBound + most : range.upperBound)
    }

    private mutating func addHeader(_ header: ByteBuffer, to place: WritableKeyPath<SearchText, [UInt8]>) {
        guard header.readableBytes > 0 else { return }
        for (name, value) in FieldText.fields(of: header) {
            var text = "\(name):\(value)"
            self[keyPath: place].append(SearchFold.separator)
            text.withUTF8 { SearchFold.fold($0, into: &self[keyPath: place]) }
        }
    }

    private mutating func add(_ text: String, isHTML: Bool) {
        var text = isHTML ? HTMLText.visible(text) : text
        self.body.append(SearchFold.separator)
        text.withUTF8 { bytes in
            let room = max(0, Self.longest - self.body.count)
            SearchFold.fold(UnsafeBufferPointer(rebasing: bytes.prefix(room)), into: &self.body)
        }
    }

    // MARK: Index

    /// The pieces of this text for the index, sorted, each once.
    package var pieces: [SearchPiece] { PieceCutter.pieces([self.header, self.partHeaders, self.body]) }

    // MARK: Keeping

    /// Raised when what is kept, or how it is folded, changes: index and texts are made anew.
    package static let version: UInt8 = 1

    /// For the store to keep: it compresses well.
    package var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(16 + self.header.count + self.partHeaders.count + self.body.count)
        out.writeInteger(Self.version)
        for text in [self.header, self.partHeaders, self.body] {
            out.writeInteger(UInt32(clamping: text.count))
            out.writeBytes(text)
        }
        return out
    }

    /// nil for what is of another version, or cut short.
    package init?(decoding buffer: ByteBuffer) {
        var buffer = buffer
        guard buffer.readInteger(as: UInt8.self) == Self.version, let header = Self.read(&buffer), let parts = Self.read(&buffer),
            let body = Self.read(&buffer), buffer.readableBytes == 0
        else { return nil }
        (self.header, self.partHeaders, self.body) = (header, parts, body)
    }

    private static func read(_ buffer: inout ByteBuffer) -> [UInt8]? {
        guard let count = buffer.readInteger(as: UInt32.self), Int(count) <= buffer.readableBytes else { return nil }
        return buffer.readBytes(length: Int(count))
    }

    // MARK: Asking

    func hasInBody(_ needle: ByteFinder) -> Bool { needle.isIn(self.body) }

    func hasAnywhere(_ needle: ByteFinder) -> Bool { needle.isIn(self.header) || needle.isIn(self.body) || needle.isIn(self.partHeaders) }

    /// - Parameters:
    ///   - name: the separator, the folded name, a colon.
    ///   - needle: empty: is there such a field?
    func hasField(_ name: ByteFinder, _ needle: ByteFinder) -> Bool {
        self.header.withUnsafeBytes { bytes in
            var position = 0
            while let start = name.find(in: bytes, from: position) {
                let value = start + name.needle.count
                let end = bytes.firstOffset(of: SearchFold.separator, from: value) ?? bytes.count
                if needle.find(in: UnsafeRawBufferPointer(rebasing: bytes[value..<end])) != nil { return true }
                position = end
            }
            return false
        }
    }
}
