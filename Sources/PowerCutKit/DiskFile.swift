internal import Glibc

/// Whole files and directories, read and written by plain calls. For test data: sizes of some megabytes.
package enum DiskFile {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        init(_ what: String, _ path: String) { self.description = "\(what) \(path): errno \(errno)" }
    }

    package static func read(_ path: String) throws(Failure) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw Failure("open", path) }
        defer { close(fd) }
        var facts = stat()
        guard fstat(fd, &facts) == 0 else { throw Failure("stat", path) }
        let size = Int(facts.st_size)
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { room, count in
            while count < size, let base = room.baseAddress {
                let step = Glibc.read(fd, base + count, size - count)
                if step < 0 { failed = true }
                if step <= 0 { break }
                count += step
            }
        }
        guard !failed else { throw Failure("read", path) }
        return bytes
    }

    package static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw Failure("create", path) }
        defer { close(fd) }
        var done = 0
        while done < bytes.count {
            let step = bytes.withUnsafeBytes { room in
                room.baseAddress.map { Glibc.write(fd, $0 + done, room.count - done) } ?? -1
            }
            guard step > 0 else { throw Failure("write", path) }
            done += step
        }
    }

    package static func makeDirectory(_ path: String) throws(Failure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Failure("mkdir", path) }
    }

    /// Names in `path`, without `.` and `..`, sorted.
    package static func names(in path: String) throws(Failure) -> [String] {
        guard let stream = opendir(path) else { throw Failure("opendir", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package static func isDirectory(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes `path` and all below it; what is not there is no error.
    package static func removeTree(_ path: String) {
        guard self.isDirectory(path) else {
            unlink(path)
            return
        }
        for name in (try? self.names(in: path)) ?? [] { self.removeTree("\(path)/\(name)") }
        rmdir(path)
    }

    /// A new empty directory for one test, below /dev/shm when `inMemory` and there is one. Its path has no symbolic links.
    package static func temporaryDirectory(_ label: String, inMemory: Bool = false) throws(Failure) -> String {
        let parent = inMemory && self.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/po-\(label)-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { room in room.baseAddress.flatMap { mkdtemp($0) } != nil }
        guard made else { throw Failure("mkdtemp", parent) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
