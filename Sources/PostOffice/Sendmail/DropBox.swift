import Glibc
package import Vocabulary

/// The directory in which `sendmail` leaves messages for the server: every user may put a file there, and nobody but its owner and the
/// server may read or remove it (mode 3777: sticky, and files belong to the server's group).
package struct DropBox: Sendable {
    package static let mode: UInt32 = 0o3777
    /// The owner writes; the server reads by its group.
    private static let fileMode: UInt32 = 0o640

    package let path: String

    package init(_ path: String) { self.path = path }

    /// Made by setup and by the server as it starts; its mode is put right.
    package func prepare() throws(SystemFailure) {
        if mkdir(self.path, Self.mode) != 0, errno != EEXIST { throw SystemFailure("mkdir \(self.path)") }
        var facts = stat()
        guard lstat(self.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { throw SystemFailure("stat \(self.path)", ENOTDIR) }
        if facts.st_mode & 0o7777 != Self.mode, chmod(self.path, Self.mode) != 0 { throw SystemFailure("chmod \(self.path)") }
    }

    // MARK: What the server says to programs

    /// What the server tells the command here: the size that a message may have. Read by everybody, changed by the server alone.
    static let noticeName = "limits"
    private static let sizeKey = "message-size-limit "

    /// Called by the server, at its start and when the limit changes.
    package func announce(sizeLimit: Int64) throws(SystemFailure) {
        try FileAccess.replace("\(self.path)/\(Self.noticeName)", with: Array("\(Self.sizeKey)\(sizeLimit)\n".utf8), mode: 0o644)
    }

    /// Octets of a message at most, as the server said; nil when it said nothing. A word of anybody else does not count.
    package var sizeLimit: Int64? {
        var (file, directory) = (stat(), stat())
        guard lstat("\(self.path)/\(Self.noticeName)", &file) == 0, stat(self.path, &directory) == 0, file.st_uid == directory.st_uid,
            file.st_mode & S_IFMT == S_IFREG, let bytes = try? FileAccess.contents(of: "\(self.path)/\(Self.noticeName)", limit: 200)
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasPrefix(Self.sizeKey) ? Int64(text.dropFirst(Self.sizeKey.count).prefix { $0.isNumber }) : nil
    }

    /// Why no message of this user can be left here now; nil when it can.
    package func obstacle(_ user: UInt32 = getuid(), share: DropListing.Share = DropListing.Share()) -> Localized? {
        guard let listing = DropListing.read(self.path) else { return nil }
        let used = listing.usage(of: user)
        if listing.entries.count >= DropListing.most || !share.allows(used.count + 1, used.room) {
            return Localized(
                en: "too many messages wait in \(self.path); does the server run?",
                ja: "\(self.path) に待っているメッセージが多すぎます。サーバが動いているか確かめてください")
        }
        return nil
    }

    // MARK: A message

    /// On stable storage when this returns: the file, and its name. `random` are unpredictable bytes, so that nobody can take the name first.
    package func put(_ file: DropFile, _ message: [UInt8], random: [UInt8]) throws(SystemFailure) {
        let name = random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let draft = "\(self.path)/\(DropFile.draftPrefix)\(name)"
        let fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, Self.fileMode)
        guard fd >= 0 else { throw SystemFailure("create a file in \(self.path)") }
        do throws(SystemFailure) {
            defer { close(fd) }
            guard fchmod(fd, Self.fileMode) == 0 else { throw SystemFailure("fchmod") }
            try FileAccess.write(file.head, to: fd)
            try FileAccess.write(message, to: fd)
            guard fsync(fd) == 0 else { throw SystemFailure("fsync") }
            guard rename(draft, "\(self.path)/\(DropFile.prefix)\(name)") == 0 else { throw SystemFailure("rename") }
        } catch {
            unlink(draft)
            throw error
        }
        let directory = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw SystemFailure("open \(self.path)") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw SystemFailure("fsync \(self.path)") }
    }
}
