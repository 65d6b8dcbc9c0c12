internal import Bytes
package import NIOCore

/// BODY[HEADER.FIELDS] and BODY[HEADER.FIELDS.NOT]: those fields of a header, and the empty line behind it. Lines that are no fields belong to
/// neither. [RFC9051-6.4.5.1]
package struct HeaderFieldFilter: Sendable {
    private let names: [[UInt8]]
    private let isExcluding: Bool

    package init(_ names: [String], isExcluding: Bool) {
        self.names = names.map { Array($0.utf8.map(\.asciiLowercased)) }
        self.isExcluding = isExcluding
    }

    /// The subset of a header that is in memory: trace lines if there are any, the message's header and its empty line, as far as it has one.
    package func subset(of header: ByteBuffer) -> ByteBuffer {
        header.withUnsafeReadableBytes { bytes in
            var out = ByteBuffer()
            var position = 0
            while position < bytes.count {
                let end = Self.fieldEnd(bytes, position)
                let line = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
                if Self.isBlank(line) {
                    out.writeBytes(line)
                    break
                }
                if let isNamed = self.isNamed(line), isNamed != self.isExcluding { out.writeBytes(line) }
                position = end
            }
            return out
        }
    }

    /// Behind the field that begins at `start`, its continuation lines included.
    private static func fieldEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var position = start
        while let newline = bytes.firstOffset(of: .lf, from: position) {
            position = newline + 1
            // A line of a blank alone goes on with the field, but an empty one ends the header.
            guard position < bytes.count, bytes[position] == .space || bytes[position] == .tab,
                !Self.isBlank(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
            else { return position }
        }
        return bytes.count
    }

    private static func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
        line.first == .lf || (line.count >= 2 && line[0] == .cr && line[1] == .lf)
    }

    /// nil where the line is no field.
    private func isNamed(_ line: UnsafeRawBufferPointer) -> Bool? {
        guard let colon = line.firstOffset(of: UInt8(ascii: ":")) else { return nil }
        var end = colon
        while end > 0, line[end - 1] == .space || line[end - 1] == .tab { end -= 1 }
        let name = line[..<end]
        return self.names.contains { wanted in
            wanted.count == name.count && zip(wanted, name).allSatisfy { $0 == $1.asciiLowercased }
        }
    }
}
