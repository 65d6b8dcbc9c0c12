import Glibc
import LoadKit

func readFile(_ path: String) -> String? {
    readBytes(path).map { String(decoding: $0, as: UTF8.self) }
}

/// The whole of a small file (or of one in /proc, whose size is not known beforehand).
func readBytes(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { return bytes }
        guard count > 0 else { return nil }
        bytes.append(contentsOf: chunk[..<count])
    }
}

func tailOfFile(_ path: String, lines: Int = 15) -> String {
    (readFile(path) ?? "").split(separator: "\n").suffix(lines).joined(separator: "\n")
}

func writeFile(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw BenchError.system("writing \(path)") }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw BenchError.system("writing \(path)") }
        rest = rest.dropFirst(count)
    }
}

/// Makes a directory and its parents; the last one gets `mode` and, when given, the owner.
func makeDirectory(_ path: String, mode: mode_t = 0o755, owner: uid_t? = nil) throws {
    if access(path, F_OK) != 0 {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw BenchError.system("mkdir \(path)") }
    }
    guard chmod(path, mode) == 0 || owner == nil else { throw BenchError.system("chmod \(path)") }
    if let owner { guard chown(path, owner, owner) == 0 else { throw BenchError.system("chown \(path)") } }
}

func temporaryDirectory() throws -> String {
    var template = Array("/tmp/po-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw BenchError.system("mkdtemp") }
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    chmod(path, 0o755)
    return path
}

/// Names in a directory, without "." and "..".
func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// Bytes that the files below a path occupy on disk (blocks, not lengths; holes do not count). Log files (`*.log`) are left out: what they
/// say is a matter of settings.
func diskUse(_ path: String) -> Int64 {
    var information = stat()
    guard lstat(path, &information) == 0, !path.hasSuffix(".log") else { return 0 }
    var total = Int64(information.st_blocks) * 512
    if information.st_mode & S_IFMT == S_IFDIR {
        for name in entries(path) { total += diskUse("\(path)/\(name)") }
    }
    return total
}

/// A TCP port of 127.0.0.1 that was free a moment ago.
func freePort() throws -> UInt16 {
    let (descriptor, port) = try Socket.listen()
    close(descriptor)
    return port
}

func isDirectory(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
}
