import Glibc

/// What lies in the drop directory at one moment, and in which order it is taken: one message of each user in turn, his oldest first, so that
/// nobody waits for a user who left ten thousand.
package struct DropListing: Sendable {
    package struct Entry: Sendable, Hashable {
        package var name: String
        package var user: UInt32
        package var kind: Kind
        /// Octets on the disk.
        package var room: Int64
        /// Seconds since 1970.
        package var changed: Int64

        package init(name: String, user: UInt32, kind: Kind = .file, room: Int64 = 0, changed: Int64 = 0) {
            self.name = name
            self.user = user
            self.kind = kind
            self.room = room
            self.changed = changed
        }

        /// A whole message, as `sendmail` leaves it.
        package var isMessage: Bool { self.name.hasPrefix(DropFile.prefix) }
    }

    package enum Kind: Sendable, Hashable {
        case file
        /// Nobody but its owner can move it to another place.
        case directory
        /// Link, pipe, socket or device.
        case other
    }

    /// What one user may have lying there. The `sendmail` command keeps to it; what is put there past the command is thrown away beyond twice
    /// as much, since nobody was told that it was taken.
    package struct Share: Sendable {
        package var count = 5000
        package var room: Int64 = 1 << 30

        package init() {}

        package func allows(_ count: Int, _ room: Int64) -> Bool { count <= self.count && room <= self.room }
    }

    package private(set) var entries: [Entry]
    /// Names of directories, the first of them.
    package private(set) var directories: [String] = []

    /// Entries that one look reads; the rest comes when these are gone.
    package static let most = 100_000
    /// Directories that are named.
    private static let mostDirectories = 100

    package init(entries: [Entry]) {
        self.entries = entries.filter { $0.kind != .directory }
        self.directories = entries.filter { $0.kind == .directory }.map(\.name)
    }

    /// nil when the directory cannot be read. `own` is passed over.
    package static func read(_ path: String, except own: Set<String> = []) -> DropListing? {
        guard let stream = opendir(path) else { return nil }
        defer { closedir(stream) }
        var listing = DropListing(entries: [])
        while listing.entries.count < Self.most, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name != ".", name != "..", !own.contains(name) else { continue }
            var facts = stat()
            guard fstatat(dirfd(stream), name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            switch facts.st_mode & S_IFMT {
            // However many somebody makes: they fill no memory here.
            case S_IFDIR: if listing.directories.count < Self.mostDirectories { listing.directories.append(name) }
            case S_IFREG: listing.entries.append(Entry(name, facts, .file))
            default: listing.entries.append(Entry(name, facts, .other))
            }
        }
        return listing
    }

    /// Messages in the order in which they are taken.
    package var turns: [Entry] {
        var places: [UInt32: Int] = [:]
        let sorted = self.entries.filter(\.isMessage).sorted { ($0.changed, $0.name) < ($1.changed, $1.name) }
        let numbered = sorted.map { entry in
            defer { places[entry.user, default: 0] += 1 }
            return (entry, place: places[entry.user, default: 0])
        }
        return numbered.sorted { ($0.place, $0.0.changed) < ($1.place, $1.0.changed) }.map(\.0)
    }

    /// What users left beyond twice their share: the newest of it.
    package func excess(_ share: Share) -> [Entry] {
        var double = share
        double.count *= 2
        double.room *= 2
        var used: [UInt32: (count: Int, room: Int64)] = [:]
        return self.entries.sorted { ($0.changed, $0.name) < ($1.changed, $1.name) }.filter { entry in
            let (count, room) = used[entry.user] ?? (0, 0)
            guard double.allows(count + 1, room + entry.room) else { return true }
            used[entry.user] = (count + 1, room + entry.room)
            return false
        }
    }

    /// What one user left.
    package func usage(of user: UInt32) -> (count: Int, room: Int64) {
        let own = self.entries.filter { $0.user == user }
        return (own.count, own.reduce(0) { $0 + $1.room })
    }
}

extension DropListing.Entry {
    fileprivate init(_ name: String, _ facts: stat, _ kind: DropListing.Kind) {
        self.init(
            name: name, user: facts.st_uid, kind: kind, room: Int64(facts.st_blocks) * 512, changed: Int64(facts.st_mtim.tv_sec))
    }
}
