import CPlatform
import Glibc

/// The UNIX socket `control.sock` in the spool directory: mode 0600, and who connects must be root or the service user.
enum ControlSocket {
    /// Binds and listens. A left-over file of a dead server is removed: the caller holds the server's lock.
    static func listen(at path: String) throws(SystemFailure) -> Int32 {
        let fd = try Self.make()
        unlink(path)
        let old = umask(0o177)  // the file must never exist with a wider mode
        let bound = try? Self.withAddress(path) { bind(fd, $0, $1) }
        umask(old)
        guard bound == 0, Glibc.listen(fd, 16) == 0 else {
            let failure = SystemFailure("bind \(path)")
            close(fd)
            throw failure
        }
        return fd
    }

    /// A connection to the server; ECONNREFUSED or ENOENT when none runs, EAGAIN when it takes none within `patience` seconds.
    static func connect(to path: String, patience: Int) throws(SystemFailure) -> Int32 {
        let fd = try Self.make()
        var time = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let result = try Self.withAddress(path) { Glibc.connect(fd, $0, $1) }
        guard result == 0 else {
            let failure = SystemFailure("connect \(path)")
            close(fd)
            throw failure
        }
        return fd
    }

    /// True when the process at the other end runs as root or as we do.
    static func isTrusted(_ fd: Int32) -> Bool {
        var uid: UInt32 = .max
        guard po_peer_user(fd, &uid) == 0 else { return false }
        return uid == 0 || uid == geteuid()
    }

    private static func make() throws(SystemFailure) -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw SystemFailure("socket") }
        return fd
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemFailure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count, !bytes.contains(0) else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        guard fits else { throw SystemFailure("socket path", ENAMETOOLONG) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
