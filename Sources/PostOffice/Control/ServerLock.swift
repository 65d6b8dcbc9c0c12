import Glibc

/// One server, or one command at work, on an instance: an exclusive flock on `server.lock` in the spool directory.
/// The kernel releases it when its holder dies, however it dies.
package struct ServerLock: Sendable {
    private let fd: Int32

    package enum Result: Sendable {
        case taken(ServerLock)
        case held
        case failed(SystemFailure)
    }

    package static func take(_ path: String) -> Result {
        let fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { return .failed(SystemFailure("open \(path)")) }
        while flock(fd, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let failure = SystemFailure("flock \(path)")
            close(fd)
            return failure.code == EWOULDBLOCK ? .held : .failed(failure)
        }
        return .taken(ServerLock(fd: fd))
    }

    /// For a server that comes back while commands are at work: each holds the lock for a moment only, but one may follow the other. Looks
    /// so often that it gets in between.
    package static func take(_ path: String, waiting milliseconds: Int64) -> Result {
        let deadline = MonotonicTime.milliseconds + milliseconds
        while true {
            let result = Self.take(path)
            guard case .held = result, MonotonicTime.milliseconds < deadline else { return result }
            usleep(1000)
        }
    }

    package func release() { close(self.fd) }
}
