internal import CPlatform
internal import Glibc
internal import NIOCore

/// The file operations of the store, each with the place where a test can fail it. Every one goes straight to the C library, so that
/// a preloaded recorder sees it.
struct Files: Sendable {
    let faults: FileFaults?

    private func mayFail(_ operation: FileFaults.Operation, _ name: String, _ path: String) throws(IOFailure) {
        if let code = self.faults?.decide(operation, path) { throw IOFailure(name, path, code) }
    }

    /// A new file of mode 0600; fails when the name is taken.
    func create(_ path: String) throws(IOFailure) -> Int32 {
        try self.mayFail(.create, "create", path)
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw IOFailure("create", path, errno) }
        return descriptor
    }

    func open(_ path: String, writing: Bool) throws(IOFailure) -> Int32 {
        try self.mayFail(.read, "open", path)
        let descriptor = Glibc.open(path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw IOFailure("open", path, errno) }
        return descriptor
    }

    func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// Writes all bytes at `offset`. What a failure leaves behind is the caller's to cut off.
    func write(_ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(IOFailure) {
        try self.mayFail(.write, "write", path)
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = Glibc.pwrite(descriptor, rest.baseAddress, rest.count, Int(offset) + done)
            if count < 0 {
                if errno == EINTR { continue }
                throw IOFailure("write", path, errno)
            }
            // A regular file that takes nothing is as good as full.
            if count == 0 { throw IOFailure("write", path, ENOSPC) }
            done += count
        }
    }

    /// A failure is final for these bytes: the kernel may have dropped them, and a second call may lie.
    func sync(_ descriptor: Int32, _ path: String) throws(IOFailure) {
        try self.mayFail(.sync, "fdatasync", path)
        guard Glibc.fdatasync(descriptor) == 0 else { throw IOFailure("fdatasync", path, errno) }
    }

    func syncDirectory(_ path: String) throws(IOFailure) {
        try self.mayFail(.syncDirectory, "fsync", path)
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IOFailure("open", path, errno) }
        defer { self.close(descriptor) }
        guard Glibc.fsync(descriptor) == 0 else { throw IOFailure("fsync", path, errno) }
    }

    func truncate(_ descriptor: Int32, _ path: String, to size: Int64) throws(IOFailure) {
        try self.mayFail(.truncate, "ftruncate", path)
        guard Glibc.ftruncate(descriptor, Int(size)) == 0 else { throw IOFailure("ftruncate", path, errno) }
    }

    /// A file that is gone already is as wanted.
    func unlink(_ path: String) throws(IOFailure) {
        try self.mayFail(.unlink, "unlink", path)
        guard Glibc.unlink(path) == 0 || errno == ENOENT else { throw IOFailure("unlink", path, errno) }
    }

    /// Reserves space; file systems that cannot are no reason to fail.
    func allocate(_ descriptor: Int32, _ path: String, from offset: Int64, _ length: Int64) throws(IOFailure) {
        try self.mayFail(.allocate, "fallocate", path)
        guard po_fallocate_keep_size(descriptor, offset, length) != 0, errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO
        else { return }
        throw IOFailure("fallocate", path, errno)
    }

    /// Reads exactly the bytes of all parts, which follow each other in the file; false when the file ends before.
    func read(_ descriptor: Int32, _ path: String, _ parts: [iovec], at offset: Int64) throws(IOFailure) -> Bool {
        try self.mayFail(.read, "read", path)
        var parts = parts[...]
        var offset = offset
        while let first = parts.first {
            if first.iov_len == 0 {
                parts.removeFirst()
                continue
            }
            let got = parts.withUnsafeBufferPointer { Glibc.preadv(descriptor, $0.baseAddress, Int32($0.count), Int(offset)) }
            if got < 0 {
                if errno == EINTR { continue }
                throw IOFailure("read", path, errno)
            }
            if got == 0 { return false }
            offset += Int64(got)
            var left = got
            while left > 0, var part = parts.first {
                let used = min(left, part.iov_len)
                left -= used
                if used == part.iov_len {
                    parts.removeFirst()
                } else {
                    part.iov_base = part.iov_base?.advanced(by: used)
                    part.iov_len -= used
                    parts[parts.startIndex] = part
                }
            }
        }
        return true
    }

    func read(_ descriptor: Int32, _ path: String, into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(IOFailure) -> Bool {
        try self.read(descriptor, path, [iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)], at: offset)
    }

    /// nil when the file ends before.
    func readBytes(_ descriptor: Int32, _ path: String, _ count: Int, at offset: Int64) throws(IOFailure) -> ByteBuffer? {
        var out = ByteBuffer()
        var failure: IOFailure?
        var isWhole = false
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { raw in
            do throws(IOFailure) {
                isWhole = try self.read(descriptor, path, into: UnsafeMutableRawBufferPointer(rebasing: raw[..<count]), at: offset)
            } catch { failure = error }
            return isWhole ? count : 0
        }
        if let failure { throw failure }
        return isWhole ? out : nil
    }

    func write(_ descriptor: Int32, _ path: String, _ bytes: ByteBuffer, at offset: Int64) throws(IOFailure) {
        var failure: IOFailure?
        bytes.withUnsafeReadableBytes { raw in
            do throws(IOFailure) { try self.write(descriptor, path, raw, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func size(_ descriptor: Int32, _ path: String) throws(IOFailure) -> Int64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw IOFailure("fstat", path, errno) }
        return Int64(facts.st_size)
    }

    /// Bytes that an ordinary user may still fill on the file system of `path`; nil when it does not say.
    func freeBytes(_ path: String) -> Int64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        return Int64(clamping: UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue)
    }

    /// Makes the directory with mode 0700 and what is missing above it, all of it on stable storage: a database that is synced in a
    /// directory that is not may be gone with it.
    func makeDirectory(_ path: String) throws(IOFailure) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if Glibc.mkdir(path, 0o700) != 0 {
            if errno == EEXIST { return }
            guard errno == ENOENT, parent != "/", parent != "." else { throw IOFailure("mkdir", path, errno) }
            try self.makeDirectory(parent)
            guard Glibc.mkdir(path, 0o700) == 0 || errno == EEXIST else { throw IOFailure("mkdir", path, errno) }
        }
        try self.syncDirectory(parent)
    }

    /// Names in a directory, without `.` and `..`.
    func names(_ path: String) throws(IOFailure) -> [String] {
        guard let directory = opendir(path) else { throw IOFailure("opendir", path, errno) }
        defer { closedir(directory) }
        var out: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { raw in
                raw.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { out.append(name) }
        }
        return out
    }
}
