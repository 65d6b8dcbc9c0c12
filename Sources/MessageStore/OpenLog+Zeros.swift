internal import CPlatform
internal import Glibc

/// Room ahead of the log's end that is written already, with zeros (decision 35): a sync of bytes there changes neither the size of the file nor
/// its blocks, and so needs no commit of the file system's journal. Whoever reads a segment takes zeros at its end for the end.
extension OpenLog {
    /// Batches up to this size are written into zeros; larger ones would only be written twice. Bytes.
    private static let smallBatch = 64 << 10

    /// Once the room is used up, the next step of it goes out with the sync of a batch. A disk that has none to spare gets no zeros: then the
    /// file grows with each batch.
    func writeZeros(_ current: inout Current, behind used: Int) {
        let end = current.end + Int64(used)
        let length = min(Int64(self.parts.options.zerosAhead), self.parts.options.segmentSize - end)
        guard used <= Self.smallBatch, end > current.zeroed, length > 0, self.parts.disk.isRoomy, let zeros = self.zeros.bytes else {
            return
        }
        let files = self.parts.directory.files
        do throws(IOFailure) {
            try files.write(current.descriptor, current.path, UnsafeRawBufferPointer(rebasing: zeros[..<Int(length)]), at: end)
            current.zeroed = end + length
        } catch {
            // No reason to refuse the batch. What was written of them is harmless, but may be the last of the disk or of a quota, which `DiskWatch`
            // does not know: this segment gets no more of them.
            try? files.truncate(current.descriptor, current.path, to: end)
            self.parts.disk.look(force: true)
            current.reserved = 0
            current.zeroed = .max
        }
    }
}

/// The zeros that are written, in memory that is never written to and so takes none.
package final class ZerosAhead {
    /// nil where none are to be written.
    let bytes: UnsafeRawBufferPointer?

    /// - Parameter path: of the segments.
    init(_ length: Int, at path: String) {
        guard length > 0, !Self.writesElsewhere(fileSystem: po_filesystem_type(path)), let start = calloc(1, length) else {
            self.bytes = nil
            return
        }
        self.bytes = UnsafeRawBufferPointer(start: start, count: length)
    }

    deinit { free(UnsafeMutableRawPointer(mutating: self.bytes?.baseAddress)) }

    /// Whether bytes that are written over others come to lie in other blocks: there zeros would save nothing. Numbers of statfs(2).
    package static func writesElsewhere(fileSystem type: UInt64) -> Bool {
        let (btrfs, zfs, bcachefs, nilfs, f2fs): (UInt64, UInt64, UInt64, UInt64, UInt64) = (
            0x9123_683E, 0x2FC1_2FC1, 0xCA45_1A4E, 0x3434, 0xF2F5_2010
        )
        return [btrfs, zfs, bcachefs, nilfs, f2fs].contains(type)
    }
}
