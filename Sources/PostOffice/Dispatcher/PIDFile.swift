import Glibc

/// Number of a running process in a file that is locked while it lives: a left-over number of a dead process fools nobody.
package final class PIDFile: Sendable {
    private let fd: Int32
    private let path: String

    /// nil when another process holds it.
    package static func take(_ path: String) throws(SystemFailure) -> PIDFile? {
        let fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw SystemFailure("open \(path)") }
        guard flock(fd, LOCK_EX | LOCK_NB) == 0 else {
            let failure = SystemFailure("flock \(path)")
            close(fd)
            if failure.code == EWOULDBLOCK { return nil }
            throw failure
        }
        guard ftruncate(fd, 0) == 0 else { throw SystemFailure("truncate \(path)") }
        do {
            try FileAccess.write(Array("\(getpid())\n".utf8), to: fd)
        } catch {
            close(fd)
            throw SystemFailure("write \(path)", error.code)
        }
        return PIDFile(fd: fd, path: path)
    }

    private init(fd: Int32, path: String) {
        self.fd = fd
        self.path = path
    }

    /// Removes the file, then the lock.
    package func release() {
        unlink(self.path)
        close(self.fd)
    }

    /// The process that holds the file now; nil when none does.
    package static func holder(_ path: String) -> Int32? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        // Shared, so that several who look do not take each other for the holder.
        if flock(fd, LOCK_SH | LOCK_NB) == 0 { return nil }
        guard errno == EWOULDBLOCK, let bytes = try? FileAccess.contents(of: fd, limit: 32) else { return nil }
        return Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)).flatMap { $0 > 1 ? $0 : nil }
    }
}
