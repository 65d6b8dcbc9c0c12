internal import Glibc
internal import Synchronization

/// Room that is held back for deletions. To remove a message SQLite must first write pages to its log; on a disk without one free block
/// that fails, and nobody could make room by deleting mail. So a file of reserved blocks lies beside mail.db, and beside accept.db where
/// that is on another file system. When a database says that the disk is full, a piece of it is given back and the transaction is made
/// again; once the disk has room the file grows back. Its content means nothing.
///
/// File systems that cannot reserve blocks, or that store blocks of zeros as none, have no ballast; there a deletion on a full disk fails
/// as it would without.
final class Ballast: Sendable {
    /// Given back at a time: more than one slice of a large deletion writes to the log. Bytes.
    static let step: Int64 = 4 << 20
    static let name = "ballast"

    private struct Place {
        let path: String
        let directory: String
        var size: Int64
    }

    private let files: Files
    private let wanted: Int64
    private let minimumFree: FreeSpaceLimit
    private let places: Mutex<[Place]>

    init(_ location: StoreLocation, _ options: StoreOptions, _ files: Files, minimumFree: FreeSpaceLimit? = nil) {
        self.files = files
        self.wanted = options.ballast
        self.minimumFree = minimumFree ?? FreeSpaceLimit(options.minimumFree)
        let directories = Self.isSameFileSystem(location.mailbox, location.spool) ? [location.mailbox] : [location.mailbox, location.spool]
        self.places = Mutex(directories.map { Place(path: "\($0)/\(Self.name)", directory: $0, size: Self.size(of: "\($0)/\(Self.name)")) })
    }

    /// Bytes that are held back now.
    var size: Int64 { self.places.withLock { $0.reduce(0) { $0 + $1.size } } }

    /// After a database said that the disk is full. True when there is more room than before: it is worth to try again.
    func giveUp() -> Bool {
        self.places.withLock { places in
            var hasGiven = false
            for index in places.indices where places[index].size > 0 {
                let left = max(0, places[index].size - Self.step)
                guard (try? self.resize(places[index].path, to: left)) != nil else { continue }
                places[index].size = left
                hasGiven = true
            }
            return hasGiven
        }
    }

    /// Makes it whole again where the disk has so much room that mail is taken anyway.
    func restore() {
        self.places.withLock { places in
            for index in places.indices where places[index].size < self.wanted {
                let missing = self.wanted - places[index].size
                guard let free = self.files.freeBytes(places[index].directory),
                    free - missing >= max(self.minimumFree.value, 2 * self.wanted),
                    (try? self.resize(places[index].path, to: self.wanted)) != nil
                else { continue }
                places[index].size = self.wanted
            }
        }
    }

    private func resize(_ path: String, to size: Int64) throws(IOFailure) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw IOFailure("open", path, errno) }
        defer { self.files.close(descriptor) }
        if size > 0 { try self.files.allocate(descriptor, path, from: 0, size) }
        try self.files.truncate(descriptor, path, to: size)
    }

    private static func size(of path: String) -> Int64 {
        var facts = stat()
        return lstat(path, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    private static func isSameFileSystem(_ first: String, _ second: String) -> Bool {
        var facts = (stat(), stat())
        return stat(first, &facts.0) == 0 && stat(second, &facts.1) == 0 && facts.0.st_dev == facts.1.st_dev
    }
}

extension MessageStore {
    /// Before anything of the instance is opened on a disk without a free block: opening a database needs some itself.
    package static func makeRoom(_ location: StoreLocation) {
        let files = Files(faults: nil)
        let isFull = [location.mailbox, location.spool].contains { (files.freeBytes($0) ?? .max) < Ballast.step / 4 }
        if isFull { _ = Ballast(location, StoreOptions(), files).giveUp() }
    }
}
