/// Reads what the recorder (Sources/CFaults) wrote. The layout is `struct faults_record` in its header.
package struct LogReader {
    package struct Damage: Error, CustomStringConvertible {
        package let description: String
    }

    private static let magic: UInt32 = 0x4C46_4F50
    private static let headerSize = 56
    private let bytes: [UInt8]
    private let root: String
    private var position = 0

    /// `root` is the directory that was watched; paths in the events are relative to it.
    package init(_ bytes: [UInt8], root: String) {
        self.bytes = bytes
        self.root = root
    }

    package static func events(ofLog path: String, root: String) throws -> [DiskEvent] {
        var reader = LogReader(try DiskFile.read(path), root: root)
        var events: [DiskEvent] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    /// nil at the end. A log that ends within a record is damage: the recorder writes each in one call.
    package mutating func next() throws(Damage) -> DiskEvent? {
        guard self.position < self.bytes.count else { return nil }
        let start = self.position
        guard try self.integer(UInt32.self) == Self.magic, try self.integer(UInt16.self) == 1 else {
            throw Damage(description: "no record at \(start)")
        }
        let kind = try self.integer(UInt16.self)
        let node = try self.integer(UInt64.self)
        let offset = Int(try self.integer(Int64.self))
        let length = Int(try self.integer(Int64.self))
        let error = try self.integer(Int32.self)
        let flags = try self.integer(UInt32.self)
        let pathSize = Int(try self.integer(UInt32.self))
        let targetSize = Int(try self.integer(UInt32.self))
        let dataSize = Int(try self.integer(UInt32.self))
        self.position = start + Self.headerSize
        let path = String(decoding: try self.take(pathSize), as: UTF8.self)
        let target = String(decoding: try self.take(targetSize), as: UTF8.self)
        let data = try self.take(dataSize)
        switch kind {
        case 1: return .opened(node: node, path: self.relative(path), created: flags & 1 != 0, truncated: flags & 2 != 0)
        case 2: return .wrote(node: node, offset: offset, bytes: data)
        case 3: return .resized(node: node, size: length)
        case 4: return try self.allocation(node: node, mode: flags, offset: offset, length: length)
        case 5: return .renamed(path: self.relative(path), target: self.relative(target))
        case 6: return .linked(path: self.relative(path), target: self.relative(target))
        case 7: return .unlinked(path: self.relative(path))
        case 8: return .madeDirectory(node: node, path: self.relative(path))
        case 9: return .removedDirectory(path: self.relative(path))
        case 10: return .synced(node: node, error: error)
        case 11: return .mark(String(decoding: data, as: UTF8.self))
        case 12: return .mapped(path: self.relative(path))
        case 13: return .unknown(call: path)
        case 14: return .syncedAll
        default: throw Damage(description: "record of unknown kind \(kind) at \(start)")
        }
    }

    /// Modes of fallocate(2): 0 grows the file, 1 keeps its size; holes and collapses are not replayed.
    private func allocation(node: UInt64, mode: UInt32, offset: Int, length: Int) throws(Damage) -> DiskEvent {
        guard mode <= 1 else { return .unknown(call: "fallocate mode \(mode)") }
        return .allocated(node: node, offset: offset, length: length, keepsSize: mode == 1)
    }

    private func relative(_ path: String) -> String {
        guard path.hasPrefix(self.root) else { return path }
        return String(path.dropFirst(self.root.count).drop { $0 == "/" })
    }

    private mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(Damage) -> T {
        let size = MemoryLayout<T>.size
        let part = try self.take(size)
        // The recorder writes in the order of the CPU; every CPU we build for is little-endian.
        return part.reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    private mutating func take(_ count: Int) throws(Damage) -> ArraySlice<UInt8> {
        guard count <= self.bytes.count - self.position else { throw Damage(description: "log ends within a record at \(self.position)") }
        defer { self.position += count }
        return self.bytes[self.position..<self.position + count]
    }
}
