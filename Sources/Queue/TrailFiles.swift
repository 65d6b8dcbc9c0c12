internal import Glibc

/// The files of the trail: `LOG/2026-11-21.log`, one a day in UTC, dropped whole by unlink.
package struct TrailFiles: Sendable {
    package let directory: String

    package init(directory: String) { self.directory = directory }

    package func path(day: String) -> String { "\(self.directory)/\(day).log" }

    /// Days that have a file, oldest first. Names that are not ours are not listed and never removed.
    package func days() -> [String] {
        guard let stream = opendir(self.directory) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".log"), Self.isDay(name.dropLast(4)) { found.append(String(name.dropLast(4))) }
        }
        return found.sorted()
    }

    /// Keeps the newest `count` days. Counted in files, not by the calendar: a clock that jumps ahead must not empty the log.
    package func keep(newest count: Int) {
        for day in self.days().dropLast(max(1, count)) { unlink(self.path(day: day)) }
    }

    static func isDay(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            index == 4 || index == 7 ? byte == UInt8(ascii: "-") : (byte >= 0x30 && byte <= 0x39)
        }
    }
}
