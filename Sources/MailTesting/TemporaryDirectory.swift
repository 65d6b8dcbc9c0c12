internal import Glibc

/// A directory of its own under the system's place for temporary files, removed with everything in it when the last reference goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init(_ label: String = "test") {
        var template = Array("/tmp/po-\(label)-XXXXXX".utf8CString)
        // SAFETY: test kit, here and below; a test without its directory would prove nothing.
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(String(cString: strerror(errno)))") }
        self.path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Path of an entry.
    package func callAsFunction(_ name: String) -> String { "\(self.path)/\(name)" }

    package func write(_ name: String, _ text: String) { self.write(name, Array(text.utf8)) }

    package func write(_ name: String, _ bytes: [UInt8]) {
        let file = fopen(self(name), "w")
        guard let file else { fatalError("fopen \(name): \(String(cString: strerror(errno)))") }
        if !bytes.isEmpty { fwrite(bytes, 1, bytes.count, file) }
        fclose(file)
    }

    deinit { Self.remove(self.path) }

    /// Depth first, not through links: a test may have linked to something that it does not own.
    private static func remove(_ path: String) {
        guard unlink(path) != 0, let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { self.remove("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
