import Glibc

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
