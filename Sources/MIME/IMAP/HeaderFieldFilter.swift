internal import Bytes
package import NIOCore

/// BODY[HEADER.FIELDS] and BODY[HEADER.FIELDS.NOT]: those fields of a header, and the empty line behind it. Lines that are no fields belong to
/// neither. [RFC9051-6.4.5.1]
package struct HeaderFieldFilter: Sendable {
    /// In small letters, one behind the other.
    private let names: [UInt8]
    /// Behind each of them.
    private let ends: [Int]
    /// A bit for each length that some name has; 63 stands for all from there on.
    private let lengths: UInt64
    let isExcluding: Bool
    /// One number a name; see `FieldNameHash`.
    let hashes: [UInt32]

    package init(_ names: [String], isExcluding: Bool) {
        var (all, ends, lengths): ([UInt8], [Int], UInt64) = ([], [], 0)
        for name in names {
            all += name.utf8.map(\.asciiLowercased)
            ends.append(all.count)
            lengths |= 1 << UInt64(min(name.utf8.count, 63))
        }
        (self.names, self.ends, self.lengths) = (all, ends, lengths)
        self.hashes = names.map { name in Array(name.utf8).withUnsafeBytes { FieldNameHash.of($0) } }
        self.isExcluding = isExcluding
    }

    /// The subset of a header that is in memory: trace lines if there are any, the message's header and its empty line, as far as it has one.
    package func subset(of header: ByteBuffer) -> ByteBuffer {
        header.withUnsafeReadableBytes { bytes in
            var out = ByteBuffer()
            // Fields that are taken and stand together are copied at once.
            var run = 0..<0
            Self.walk(bytes) { range, name in
                if let name {
                    guard self.has(UnsafeRawBufferPointer(rebasing: bytes[name])) != self.isExcluding else { return }
                } else if !Self.isBlank(bytes, range.lowerBound) {
                    return
                }
                if run.upperBound == range.lowerBound {
                    run = run.lowerBound..<range.upperBound
                } else {
                    if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[run])) }
                    run = range
                }
            }
            if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[run])) }
            return out
        }
    }

    /// Tells of each field, continuation lines included, and where its name is (nil: the line is none), to the empty line, which is the last.
    static func walk(_ bytes: UnsafeRawBufferPointer, _ body: (_ field: Range<Int>, _ name: Range<Int>?) -> Void) {
        var position = 0
        while position < bytes.count {
            let end = self.fieldEnd(bytes, position)
            guard !self.isBlank(bytes, position) else { return body(position..<end, nil) }
            body(position..<end, self.name(bytes, position..<end))
            position = end
        }
    }

    /// Behind the field that begins at `start`, its continuation lines included.
    private static func fieldEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var position = start
        while let newline = bytes.firstOffset(of: .lf, from: position) {
            position = newline + 1
            // A line of a blank alone goes on with the field, but an empty one ends the header.
            guard position < bytes.count, bytes[position] == .space || bytes[position] == .tab, !self.isBlank(bytes, start) else {
                return position
            }
        }
        return bytes.count
    }

    /// An empty line begins here.
    static func isBlank(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        bytes[start] == .lf || (bytes[start] == .cr && start + 1 < bytes.count && bytes[start + 1] == .lf)
    }

    private static func name(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Range<Int>? {
        guard let colon = bytes.firstOffset(of: UInt8(ascii: ":"), from: line.lowerBound, to: line.upperBound) else { return nil }
        var end = colon
        while end > line.lowerBound, bytes[end - 1] == .space || bytes[end - 1] == .tab { end -= 1 }
        return line.lowerBound..<end
    }

    func has(_ name: UnsafeRawBufferPointer) -> Bool {
        guard self.lengths & 1 << UInt64(min(name.count, 63)) != 0 else { return false }
        return self.names.withUnsafeBufferPointer { names in
            var start = 0
            for end in self.ends {
                if end - start == name.count {
                    var index = 0
                    while index < name.count, names[start + index] == name[index].asciiLowercased { index += 1 }
                    if index == name.count { return true }
                }
                start = end
            }
            return false
        }
    }
}

/// Stands for the name of a field, in any case of letters. Two names may have the same.
enum FieldNameHash {
    static func of(_ name: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in name { hash = (hash ^ UInt32(byte.asciiLowercased)) &* 16_777_619 }
        return hash
    }
}
