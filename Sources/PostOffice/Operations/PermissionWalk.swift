import CPlatform
import Glibc
import Vocabulary

/// Owner and mode of everything in spool and mailbox: directories 0700, files 0600, of the service user; start file root:group 0640.
/// The spool directory itself can be passed through (0711), to the drop directory that takes everybody's mail (3777).
/// Walks by descriptors and never through links: the trees belong to the service user, who must not lead root elsewhere.
package struct PermissionWalk {
    package struct Finding: Sendable, Equatable {
        package var path: String
        package var what: String
        /// False where nothing was done, or it could not be.
        package var isRepaired: Bool
    }

    private static let directoryMode: UInt32 = 0o700
    package static let spoolMode: UInt32 = 0o711
    private static let fileMode: UInt32 = 0o600
    private static let startFileMode: UInt32 = 0o640
    /// Deeper than this is nothing of ours.
    private static let maximumDepth = 16

    private let start: StartConfiguration
    private let repairs: Bool
    private let uid: UInt32
    private let gid: UInt32
    private var findings: [Finding] = []
    package private(set) var count = 0

    /// `repairs` false only reports.
    package init(_ start: StartConfiguration, repairs: Bool) throws(AdminFailure) {
        self.start = start
        self.repairs = repairs
        guard let user = start.user else {
            self.uid = geteuid()
            self.gid = getegid()
            return
        }
        guard let identity = ServiceIdentity.look(user: user, group: start.group) else {
            throw AdminFailure(
                Localized(
                    en: "user `\(user)` does not exist; run `postoffice setup`",
                    ja: "ユーザ「\(user)」がありません。postoffice setup を実行してください"))
        }
        self.uid = identity.uid
        self.gid = identity.gid
    }

    package mutating func run() throws(AdminFailure) -> [Finding] {
        for root in [self.start.directories.spool, self.start.directories.mailbox] {
            let fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard fd >= 0 else {
                let failure = SystemFailure("open \(root)")
                throw AdminFailure(failure.text)
            }
            self.examine(fd, ".", root)
            self.walk(fd, root, Self.maximumDepth)
        }
        self.examineStartFile()
        return self.findings
    }

    /// Takes the descriptor over.
    private mutating func walk(_ fd: Int32, _ path: String, _ depth: Int) {
        guard depth > 0, let stream = fdopendir(fd) else {
            close(fd)
            return
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name != ".", name != "..", name != "lost+found" else { continue }
            guard self.examine(fd, name, "\(path)/\(name)") else { continue }
            // What lies there belongs to those who put it there.
            let inside = "\(path)/\(name)"
            if inside == self.start.dropDirectory || inside == self.start.refusedDropDirectory { continue }
            let inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if inner >= 0 { self.walk(inner, "\(path)/\(name)", depth - 1) }
        }
    }

    /// True for a directory to go into.
    @discardableResult
    private mutating func examine(_ directory: Int32, _ name: String, _ path: String) -> Bool {
        var facts = po_entry_facts()
        guard po_entry(directory, name, &facts) == 0 else { return false }
        self.count += 1
        let kind = mode_t(facts.mode) & S_IFMT
        let isDrop = path == self.start.dropDirectory
        let wanted =
            isDrop
            ? DropBox.mode : path == self.start.directories.spool ? Self.spoolMode : kind == S_IFDIR ? Self.directoryMode : Self.fileMode
        let isOwned = facts.uid == self.uid && facts.gid == self.gid
        if isOwned && facts.mode & 0o7777 == wanted && (kind == S_IFDIR || kind == S_IFREG || kind == S_IFSOCK) { return kind == S_IFDIR }
        let what = Self.describe(kind, facts, isOwned: isOwned)
        // A link, a pipe or a file with a second name is nothing of ours: reported, left alone.
        guard self.repairs, kind == S_IFDIR || (kind == S_IFREG && facts.links == 1) else {
            self.findings.append(Finding(path: path, what: what, isRepaired: false))
            return kind == S_IFDIR
        }
        let result = po_set_entry(directory, name, self.uid, self.gid, wanted, isOwned ? 0 : 1)
        self.findings.append(Finding(path: path, what: what, isRepaired: result == 0))
        return kind == S_IFDIR
    }

    private static func describe(_ kind: mode_t, _ facts: po_entry_facts, isOwned: Bool) -> String {
        switch kind {
        case S_IFDIR, S_IFREG, S_IFSOCK:
            let mode = String(facts.mode & 0o7777, radix: 8)
            let links = kind == S_IFREG && facts.links > 1 ? " links=\(facts.links)" : ""
            return "mode=\(mode) owner=\(facts.uid):\(facts.gid)\(links)"
        case S_IFLNK: return "symbolic link"
        default: return "special file"
        }
    }

    /// root:group 0640, so that the service can read and not change it; without root, the mode alone.
    private mutating func examineStartFile() {
        var status = stat()
        guard stat(self.start.file, &status) == 0 else { return }
        self.count += 1
        let isRootOwned = self.start.user != nil && self.uid != 0
        let isOwned = !isRootOwned || (status.st_uid == 0 && status.st_gid == self.gid)
        guard !isOwned || status.st_mode & 0o7777 != Self.startFileMode else { return }
        var isRepaired = false
        if self.repairs {
            let owned = isOwned || chown(self.start.file, 0, self.gid) == 0
            isRepaired = owned && chmod(self.start.file, Self.startFileMode) == 0
        }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        self.findings.append(
            Finding(path: self.start.file, what: "mode=\(mode) owner=\(status.st_uid):\(status.st_gid)", isRepaired: isRepaired))
    }
}
