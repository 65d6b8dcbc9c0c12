import Glibc
import MessageStore

/// Messages of programs of this host that the server refused: set aside in a directory beside the drop directory, with the reason, until somebody
/// looks. Bounded: the oldest go when there are too many.
package struct RefusedDrops: Sendable {
    package struct Item: Sendable, Equatable {
        package var name: String
        package var reason: String
        /// Who left it.
        package var user: UInt32
        /// When it was refused; seconds since 1970.
        package var since: Int64
        package var size: Int64
        /// False for a link, a pipe and the like.
        package var isFile: Bool
    }

    package let path: String
    /// Files at most.
    private let count: Int
    /// Octets at most.
    private let room: Int64

    /// Behind the name of a file: why it is here.
    private static let noteSuffix = ".why"
    private static let longestNote = 4096

    package init(_ path: String, count: Int = 500, room: Int64 = 512 << 20) {
        self.path = path
        self.count = count
        self.room = room
    }

    package func prepare() throws(SystemFailure) {
        if mkdir(self.path, 0o700) != 0, errno != EEXIST { throw SystemFailure("mkdir \(self.path)") }
        var facts = stat()
        guard lstat(self.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { throw SystemFailure("stat \(self.path)", ENOTDIR) }
    }

    /// Puts a file of the drop directory here. Gives what had to go for it; the file itself when it alone is too much.
    package func keep(_ name: String, of drop: DropBox, user: UInt32, why: String, now: Int64) throws(SystemFailure) -> [Item] {
        let kept = self.freeName(name)
        let note = "reason \(Self.line(why))\nuser \(user)\nsince \(now)\n"
        try FileAccess.replace("\(self.path)/\(kept)\(Self.noteSuffix)", with: Array(note.utf8), mode: 0o600)
        guard rename("\(drop.path)/\(name)", "\(self.path)/\(kept)") == 0 else {
            let failure = SystemFailure("rename \(name)")
            unlink("\(self.path)/\(kept)\(Self.noteSuffix)")
            throw failure
        }
        return self.makeRoom()
    }

    /// In the order in which they came.
    package func items() -> [Item] {
        guard let stream = opendir(self.path) else { return [] }
        defer { closedir(stream) }
        var found: [Item] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != "..", !name.hasSuffix(Self.noteSuffix), !name.hasSuffix(".new"), let item = self.item(name) {
                found.append(item)
            }
        }
        return found.sorted { ($0.since, $0.name) < ($1.since, $1.name) }
    }

    package func item(_ name: String) -> Item? {
        var facts = stat()
        guard Self.isName(name), lstat("\(self.path)/\(name)", &facts) == 0, facts.st_mode & S_IFMT != S_IFDIR else { return nil }
        var item = Item(
            name: name, reason: "", user: facts.st_uid, since: Int64(facts.st_mtim.tv_sec), size: Int64(facts.st_size),
            isFile: facts.st_mode & S_IFMT == S_IFREG)
        let note = (try? FileAccess.contents(of: "\(self.path)/\(name)\(Self.noteSuffix)", limit: Self.longestNote)) ?? []
        for line in String(decoding: note, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "reason": item.reason = String(parts[1])
            case "user": item.user = UInt32(parts[1]) ?? item.user
            case "since": item.since = Int64(parts[1]) ?? item.since
            default: break
            }
        }
        return item
    }

    /// The beginning of a file: its envelope, and as much of the message.
    package func beginning(of name: String, limit: Int) -> (file: DropFile?, message: [UInt8])? {
        guard let item = self.item(name), item.isFile else { return nil }
        let fd = open("\(self.path)/\(name)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: DropFile.longestHead)
        let count = pread(fd, &bytes, bytes.count, 0)
        guard count >= 0 else { return nil }
        guard let (file, length) = DropFile.read(Array(bytes.prefix(count))) else { return (nil, Array(bytes.prefix(min(count, limit)))) }
        var message = [UInt8](repeating: 0, count: limit)
        let read = pread(fd, &message, limit, off_t(length))
        return (file, Array(message.prefix(max(0, read))))
    }

    /// Back into the drop directory, to be tried once more.
    package func release(_ name: String, to drop: DropBox) throws(SystemFailure) {
        guard let item = self.item(name), item.isFile else { throw SystemFailure(name, ENOENT) }
        let target = "\(drop.path)/\(name.hasPrefix(DropFile.prefix) ? "" : DropFile.prefix)\(name)"
        var facts = stat()
        guard lstat(target, &facts) != 0 else { throw SystemFailure("rename \(name)", EEXIST) }
        guard rename("\(self.path)/\(name)", target) == 0 else { throw SystemFailure("rename \(name)") }
        unlink("\(self.path)/\(name)\(Self.noteSuffix)")
    }

    package func delete(_ name: String) throws(SystemFailure) {
        guard self.item(name) != nil else { throw SystemFailure(name, ENOENT) }
        guard unlink("\(self.path)/\(name)") == 0 else { throw SystemFailure("unlink \(name)") }
        unlink("\(self.path)/\(name)\(Self.noteSuffix)")
    }

    private func makeRoom() -> [Item] {
        var items = self.items()[...]
        var total = items.reduce(Int64(0)) { $0 + $1.size }
        var gone: [Item] = []
        while items.count > self.count || total > self.room, let oldest = items.popFirst() {
            total -= oldest.size
            if (try? self.delete(oldest.name)) != nil { gone.append(oldest) }
        }
        return gone
    }

    /// Names are shown and typed: letters, digits, `-` and `.` only.
    private func freeName(_ name: String) -> String {
        var facts = stat()
        let isGood = Self.isName(name) && !name.hasSuffix(Self.noteSuffix) && !name.hasSuffix(".new")
        if isGood, lstat("\(self.path)/\(name)", &facts) != 0 { return name }
        return DropFile.prefix + SystemSources.random(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline || $0.asciiValue.map { $0 < 0x20 } == true ? " " : $0 }.prefix(500))
    }
}
