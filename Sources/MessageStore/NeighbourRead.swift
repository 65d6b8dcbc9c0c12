internal import Bytes
internal import NIOCore

/// Messages whose records lie close behind each other in one segment, as those do that came one after the other: read in one go. Every one of
/// them is still proved by its own trailer and checksum.
struct NeighbourRead {
    /// Places among the messages that were asked for.
    let members: Range<Int>
    private let segment: UInt32
    private let bytes: Range<Int64>

    /// Bytes of one read.
    private static let longest: Int64 = 256 << 10
    /// Bytes between two records that are read for nothing: the payload of the first, and what was removed.
    private static let widestGap: Int64 = 4 << 10

    /// The messages from `first` on that can be read together; nil where that is one alone.
    init?(_ located: [LocatedMessage?], from first: Int) {
        guard first < located.count, let place = located[first]?.place else { return nil }
        var end = place.recordEnd
        var next = first + 1
        while next < located.count, let other = located[next]?.place, other.segment == place.segment,
            other.offset >= end, other.offset - end <= Self.widestGap, other.recordEnd - place.offset <= Self.longest
        {
            end = other.recordEnd
            next += 1
        }
        guard next > first + 1 else { return nil }
        self.members = first..<next
        self.segment = place.segment
        self.bytes = place.offset..<end
    }

    /// The messages, as many as there are members; nil for one whose bytes are not the expected ones, and for all where the file cannot be read
    /// that far. Whoever opens these alone learns why.
    func contents(_ located: [LocatedMessage?], _ directory: SegmentDirectory, _ proved: ProvedBodies) -> [MessageContent?] {
        guard let handle = try? directory.handle(self.segment),
            let bytes = try? directory.files.readBytes(handle.descriptor, handle.path, self.bytes.count, at: self.bytes.lowerBound)
        else { return self.members.map { _ in nil } }
        return self.members.map { index in
            guard let message = located[index] else { return nil }
            let start = bytes.readerIndex + Int(message.place.offset - self.bytes.lowerBound)
            guard let record = bytes.getSlice(at: start, length: Int(message.place.contentLength) + Trailer.size) else { return nil }
            let source = BlobSource(blob: message.blob, place: message.place, handle: handle, files: directory.files)
            return try? MessageContent(message, source, proved, record: record)
        }
    }
}

extension BlobPlace {
    /// Behind content and trailer.
    fileprivate var recordEnd: Int64 { self.offset + self.contentLength + Int64(Trailer.size) }
}
