import Bytes
import Forms
import Glibc
import IMAPWire
import MailFiles
import NIOCore
import Vocabulary

/// Messages of files that another program wrote, for one mailbox after the other.
protocol MailSource {
    /// What comes next; nil at the end.
    mutating func next() throws -> SourcePiece?
    /// Octets, or files, of all, and of those that are read.
    var total: Int64 { get }
    var done: Int64 { get }
}

struct SourcePiece {
    enum Content {
        case message(FiledMessage)
        /// Something that is left out, and why.
        case passedOver(Localized)
    }

    /// Below the mailbox that the command names; empty for that one itself.
    var folder = ""
    var content: Content
}

/// An mbox file, locked as mail programs lock it while it is read.
struct MboxSource: MailSource {
    let total: Int64
    var done: Int64 { self.reader.offset }
    private let descriptor: Int32
    private let path: String
    private let lock: String?
    private var reader = MboxReader(limit: TransferRecord.longest)
    private var waiting: ArraySlice<MboxReader.Event> = []
    private var isAtEnd = false
    private var block = [UInt8](repeating: 0, count: 1 << 20)

    init(_ path: String) throws(AdminFailure) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AdminFailure(SystemFailure("open \(path)").text) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(path)) is no file; a directory of mail is imported with `import maildir`",
                    ja: "\(Shown.text(path)) はファイルではありません。ディレクトリ形式のメールは import maildir で取り込みます"), .misuse)
        }
        self.descriptor = descriptor
        self.total = Int64(facts.st_size)
        self.lock = try Self.locked(descriptor, path)
    }

    /// Both locks that are in use; where the directory cannot be written the first must do.
    private static func locked(_ descriptor: Int32, _ path: String) throws(AdminFailure) -> String? {
        let dot = path + ".lock"
        for _ in 0..<60 {
            var lock = flock()
            lock.l_type = Int16(F_RDLCK)
            lock.l_whence = Int16(SEEK_SET)
            if fcntl(descriptor, F_SETLK, &lock) == 0 {
                let file = open(dot, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
                if file >= 0 {
                    // Whoever finds it learns whether we still run.
                    try? FileAccess.write(Array("\(getpid())\n".utf8), to: file)
                    close(file)
                    return dot
                }
                if errno != EEXIST { return nil }
                if Self.isLeftBehind(dot) { unlink(dot) }
            }
            sleep(1)
        }
        throw AdminFailure(
            Localized(
                en: "\(Shown.text(path)) stays locked by another program; end it, or remove \(Shown.text(dot)) where none runs",
                ja: "\(Shown.text(path)) は別のプログラムがロックしています。そのプログラムを終了するか、使われていなければ \(Shown.text(dot)) を削除してください"))
    }

    /// The process that made the lock says who it is, and is gone.
    private static func isLeftBehind(_ lock: String) -> Bool {
        guard let text = try? FileAccess.contents(of: lock, limit: 32),
            let id = pid_t(String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace }), id > 1
        else { return false }
        return kill(id, 0) != 0 && errno == ESRCH
    }

    func finish() {
        if let lock = self.lock { unlink(lock) }
        close(self.descriptor)
    }

    mutating func next() throws -> SourcePiece? {
        while self.waiting.isEmpty {
            if self.isAtEnd { return nil }
            let count = Glibc.read(self.descriptor, &self.block, self.block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("read \(self.path)")
            }
            self.isAtEnd = count == 0
            let events =
                count == 0
                ? self.reader.finish()
                : self.block.withUnsafeBytes { self.reader.read(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            self.waiting = events[...]
        }
        return self.waiting.popFirst().map { SourcePiece(content: Self.content($0)) }
    }

    private static func content(_ event: MboxReader.Event) -> SourcePiece.Content {
        switch event {
        case .message(let message, _, _): .message(message)
        case .tooLong(let offset, let octets):
            .passedOver(
                Localized(
                    en: "the message at octet \(offset) is longer (\(octets)) than 64 MiB and is left out",
                    ja: "\(offset) バイト目のメッセージは 64 MiB を超えるため（\(octets) バイト）取り込みません"))
        case .foreign(let octets):
            .passedOver(
                Localized(
                    en: "\(octets) octets stand before the first line `From SENDER DATE` and are left out: is this an mbox file?",
                    ja: "最初の From 行の前に \(octets) バイトあり、取り込みません。mbox 形式のファイルか確認してください"))
        }
    }
}

/// A Maildir with the folders below it (`.Name.Name` in the same directory, names in modified UTF-7).
struct MaildirSource: MailSource {
    private struct File {
        var path: String
        var folder: String
        var name: MaildirName
    }

    private var files: [File] = []
    private var keywords: [String: [UInt8: String]] = [:]
    private var at = 0
    var total: Int64 { Int64(self.files.count) }
    var done: Int64 { Int64(self.at) }

    init(_ path: String) throws(AdminFailure) {
        guard let names = Self.names(path), names.contains("cur") || names.contains("new") else {
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(path)) is no Maildir: it has no directory `cur`",
                    ja: "\(Shown.text(path)) は Maildir ではありません（cur ディレクトリがありません）"),
                .misuse)
        }
        self.add(path, folder: "")
        for name in names.sorted() where name.hasPrefix(".") && name != "." && name != ".." {
            guard let folder = MaildirFolder.name(of: name) else { continue }
            self.add("\(path)/\(name)", folder: folder)
        }
    }

    private mutating func add(_ path: String, folder: String) {
        for part in ["cur", "new"] {
            for name in (Self.names("\(path)/\(part)") ?? []).sorted() {
                guard let parsed = MaildirName(name) else { continue }
                self.files.append(File(path: "\(path)/\(part)/\(name)", folder: folder, name: parsed))
            }
        }
        if let text = try? FileAccess.contents(of: "\(path)/dovecot-keywords", limit: 1 << 16) {
            self.keywords[folder] = MaildirName.keywords(of: String(decoding: text, as: UTF8.self))
        }
    }

    private static func names(_ path: String) -> [String]? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var out: [String] = []
        while let entry = readdir(directory) {
            out.append(
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            )
        }
        return out
    }

    mutating func next() throws -> SourcePiece? {
        guard self.at < self.files.count else { return nil }
        let file = self.files[self.at]
        self.at += 1
        return SourcePiece(folder: file.folder, content: self.content(of: file))
    }

    private func content(of file: File) -> SourcePiece.Content {
        var facts = stat()
        // Another program may have read or moved it meanwhile. A link leads out of the directory.
        guard lstat(file.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            return .passedOver(Localized(en: "\(Shown.text(file.path)) is no file any more", ja: "\(Shown.text(file.path)) はファイルではなくなりました"))
        }
        do {
            let raw = try FileAccess.contents(of: file.path, limit: TransferRecord.longest)
            var fixer = LineEndFixer()
            var lines = fixer.fix(ByteBuffer(bytes: raw))
            lines.writeImmutableBuffer(fixer.finish())
            let content = Array(lines.readableBytesView)
            let letters = self.keywords[file.folder] ?? [:]
            return .message(
                FiledMessage(
                    content: content, flags: file.name.flags, keywords: file.name.keywordLetters.compactMap { letters[$0] },
                    date: Int64(facts.st_mtim.tv_sec)))
        } catch { return .passedOver(error.text) }
    }
}

/// Names of folders in a Maildir: a dot before each level, modified UTF-7. A dot in a name is written as `&AC4-`, which no other name needs.
enum MaildirFolder {
    private static let dot = "&AC4-"

    /// nil for a name that is no folder's.
    static func name(of directory: String) -> String? {
        guard directory.hasPrefix("."), directory.utf8.count > 1 else { return nil }
        var levels: [String] = []
        for level in directory.dropFirst().split(separator: ".", omittingEmptySubsequences: false) {
            var parts: [String] = []
            for part in String(level).split(separator: Self.dot, omittingEmptySubsequences: false) {
                guard let decoded = MailboxName.decoded(part.utf8, isUTF8: false) else { return nil }
                parts.append(decoded)
            }
            levels.append(parts.joined(separator: "."))
        }
        return levels.contains("") ? nil : levels.joined(separator: "/")
    }

    static func directory(of name: String) -> String {
        let levels = name.split(separator: "/", omittingEmptySubsequences: false).map { level in
            level.split(separator: ".", omittingEmptySubsequences: false).map { MailboxName.encoded(String($0), isUTF8: false) }
                .joined(separator: Self.dot)
        }
        return "." + levels.joined(separator: ".")
    }
}
