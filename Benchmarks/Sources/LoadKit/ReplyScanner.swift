import Glibc

/// Cuts the server's side of an SMTP session into replies [RFC5321-4.2.1]: the last line of each has a blank (or nothing) after its code.
package struct ReplyScanner {
    /// An incomplete line from the previous read.
    private var partial: [UInt8] = []
    package init() {}

    /// Hands each complete reply's code to `body` until it says false; from 400 on with the text of its last line.
    package mutating func scan(_ bytes: UnsafeRawBufferPointer, _ body: (Int, String) -> Bool) {
        guard self.partial.isEmpty else {
            let joined = self.partial + bytes
            self.partial = []
            return joined.withUnsafeBytes { self.scanWhole($0, body) }
        }
        self.scanWhole(bytes, body)
    }

    private mutating func scanWhole(_ bytes: UnsafeRawBufferPointer, _ body: (Int, String) -> Bool) {
        var start = 0
        while start < bytes.count, let base = bytes.baseAddress {
            guard let found = memchr(base + start, 10, bytes.count - start) else { break }
            let end = UnsafeRawPointer(found) - base
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end + 1
            guard line.count >= 3, line.count < 4 || line[3] != UInt8(ascii: "-") else { continue }
            let code = line.prefix(3).reduce(0) { $0 * 10 + Int($1 &- 48) }
            let text = code >= 400 ? String(decoding: line.dropFirst(3), as: UTF8.self) : ""
            guard body(code, text) else { return }
        }
        if start < bytes.count { self.partial.append(contentsOf: bytes[start...]) }
    }
}
