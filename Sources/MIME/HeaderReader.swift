internal import Bytes
package import NIOCore

/// One field of a header, as offsets from the start of the message.
package struct HeaderField: Hashable, Sendable {
    /// First octet of the name.
    package let start: Int
    /// Behind the name.
    package let nameEnd: Int
    /// Behind the colon.
    package let bodyStart: Int
    /// Behind the CRLF of the last line.
    package let end: Int
}

/// Goes through the header of a message field by field, without copying and without taking anything apart. It believes nothing: a line
/// that is no field ends the header. [RFC5322-2.2]
package struct HeaderReader {
    package enum End: Hashable, Sendable {
        /// The empty line was met; the body starts here.
        case blankLine(bodyStart: Int)
        /// A line that is no field: the body starts with it, though the empty line is missing.
        case noField(bodyStart: Int)
        /// The bytes end within the header.
        case incomplete
        /// More fields than `maximumFields`.
        case tooManyFields
    }

    /// Real messages have some fifty; a thousand is somebody's experiment.
    package static let maximumFields = 1000

    private let message: ByteBuffer
    private var position = 0
    private var fields = 0
    /// nil until `next` gave nil.
    package private(set) var end: End?

    /// - Parameter message: the message, or a beginning of it.
    package init(_ message: ByteBuffer) { self.message = message }

    /// The next field, or nil at the `end`.
    package mutating func next() -> HeaderField? {
        guard self.end == nil else { return nil }
        let (field, end) = self.message.withUnsafeReadableBytes { Self.read($0, from: self.position) }
        guard let field else {
            self.end = end
            return nil
        }
        self.fields += 1
        guard self.fields <= Self.maximumFields else {
            self.end = .tooManyFields
            return nil
        }
        self.position = field.end
        return field
    }

    // RFC 5322 3.6.8:  optional-field = field-name ":" unstructured CRLF;  field-name = 1*ftext;  2.2.3: a line that begins with WSP goes on
    private static func read(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (HeaderField?, End) {
        guard start < bytes.count else { return (nil, .incomplete) }
        guard bytes[start] != .cr else {
            guard start + 1 < bytes.count else { return (nil, .incomplete) }
            return bytes[start + 1] == .lf ? (nil, .blankLine(bodyStart: start + 2)) : (nil, .noField(bodyStart: start))
        }
        var position = start
        while position < bytes.count, Self.isFieldText(bytes[position]) { position += 1 }
        let nameEnd = position
        // Blanks before the colon are obsolete, but met. [RFC5322-4.5]
        while position < bytes.count, bytes[position] == .space || bytes[position] == .tab { position += 1 }
        guard position < bytes.count else { return (nil, .incomplete) }
        guard nameEnd > start, bytes[position] == UInt8(ascii: ":") else { return (nil, .noField(bodyStart: start)) }
        let bodyStart = position + 1
        repeat {
            guard let newline = bytes.firstOffset(of: .lf, from: position) else { return (nil, .incomplete) }
            position = newline + 1
            // Whether the field goes on is told by the next octet.
            guard position < bytes.count else { return (nil, .incomplete) }
        } while bytes[position] == .space || bytes[position] == .tab
        return (HeaderField(start: start, nameEnd: nameEnd, bodyStart: bodyStart, end: position), .incomplete)
    }

    /// ftext of RFC 5322 3.6.8: printable ASCII without colon.
    private static func isFieldText(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: ":") }
}

extension ByteBuffer {
    /// True when the field has this name, in any case of letters.
    package func isField(_ field: HeaderField, named name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard field.nameEnd - field.start == count else { return false }
        return self.withUnsafeReadableBytes { bytes in
            guard field.nameEnd <= bytes.count else { return false }
            return name.withUTF8Buffer { wanted in
                for index in 0..<count where wanted[index].asciiLowercased != bytes[field.start + index].asciiLowercased { return false }
                return true
            }
        }
    }

    /// The body of a field, unfolded: line ends before blanks taken out, blanks at both ends dropped. [RFC5322-2.2.3]
    package func unfolded(_ field: HeaderField) -> [UInt8] {
        let raw = self.withUnsafeReadableBytes { bytes -> [UInt8] in
            guard field.bodyStart <= field.end, field.end <= bytes.count else { return [] }
            return bytes[field.bodyStart..<field.end].filter { $0 != .cr && $0 != .lf }
        }
        let isBlank = { (byte: UInt8) in byte == .space || byte == .tab }
        guard let first = raw.firstIndex(where: { !isBlank($0) }), let last = raw.lastIndex(where: { !isBlank($0) }) else { return [] }
        return Array(raw[first...last])
    }

    /// How many fields of this name stand in the header, and how the header ends.
    package func countFields(named name: StaticString) -> (count: Int, end: HeaderReader.End) {
        var reader = HeaderReader(self)
        var count = 0
        while let field = reader.next() {
            if self.isField(field, named: name) { count += 1 }
        }
        return (count, reader.end ?? .incomplete)
    }
}
