import Glibc

/// A call of the system that failed.
package struct SystemFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let operation: String
    package let code: Int32

    package init(_ operation: String, _ code: Int32 = errno) {
        self.operation = operation
        self.code = code
    }

    /// Text of the system for `code`, for people.
    package var reason: String { String(cString: strerror(self.code)) }
    package var description: String { "\(self.operation): \(self.reason)" }
}

/// Small files, read and written whole: start file, pid files, passwords from files.
package enum FileAccess {
    /// All bytes of a regular file; EFBIG beyond `limit`.
    package static func contents(of path: String, limit: Int) throws(SystemFailure) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw SystemFailure("open \(path)") }
        defer { close(fd) }
        do {
            return try Self.contents(of: fd, limit: limit)
        } catch {
            throw SystemFailure("\(error.operation) \(path)", error.code)
        }
    }

    /// What can be read from a descriptor until its end; EFBIG beyond `limit`.
    package static func contents(of fd: Int32, limit: Int) throws(SystemFailure) -> [UInt8] {
        var out: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(fd, &block, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("read")
            }
            if count == 0 { return out }
            guard out.count + count <= limit else { throw SystemFailure("read", EFBIG) }
            out.append(contentsOf: block[..<count])
        }
    }

    /// Writes beside the target, syncs, renames, syncs the directory: after a power cut it is the old file or the new one.
    package static func replace(_ path: String, with bytes: some Sequence<UInt8>, mode: UInt32) throws(SystemFailure) {
        let draft = path + ".new"
        unlink(draft)
        let fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard fd >= 0 else { throw SystemFailure("create \(draft)") }
        do throws(SystemFailure) {
            defer { close(fd) }
            guard fchmod(fd, mode) == 0 else { throw SystemFailure("fchmod \(draft)") }
            try Self.write(Array(bytes), to: fd)
            guard fsync(fd) == 0 else { throw SystemFailure("fsync \(draft)") }
        } catch {
            unlink(draft)
            throw error
        }
        guard rename(draft, path) == 0 else { throw SystemFailure("rename \(draft)") }
        Self.syncDirectory(of: path)
    }

    package static func write(_ bytes: [UInt8], to fd: Int32) throws(SystemFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("write")
            }
            done += count
        }
    }

    private static func syncDirectory(of path: String) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let directory = end == path.startIndex ? "/" : String(path[..<end])
        let fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { return }
        fsync(fd)
        close(fd)
    }
}
