internal import Bytes
internal import Glibc
internal import Vocabulary

/// A place in the log: a day's file and an offset in it. Its text goes through pages, and comes back as somebody may have changed it.
package struct LogPlace: Sendable, Hashable, Comparable {
    package let day: String
    package let offset: Int64

    package init(day: String, offset: Int64) {
        self.day = day
        self.offset = offset
    }

    package var text: String { "\(self.day).\(self.offset)" }

    /// nil for anything else.
    package init?(text: String) {
        guard text.utf8.count <= 40 else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, TrailFiles.isDay(parts[0]), let offset = Int64(parts[1]), offset >= 0 else { return nil }
        self.init(day: String(parts[0]), offset: offset)
    }

    package static func < (a: Self, b: Self) -> Bool { (a.day, a.offset) < (b.day, b.offset) }
}

/// Which lines of the log somebody wants to see. Everything that is said must hold.
package struct LogQuery: Sendable, Hashable {
    /// The second word: `SMTP-Accept`.
    package var module: String?
    /// Somewhere in the line, whatever its case in ASCII.
    package var text: String?

    package init(module: String? = nil, text: String? = nil) {
        self.module = module
        self.text = text
    }
}

/// Lines of the log, oldest first.
package struct LogPage: Sendable {
    package var lines: [String] = []
    /// Where older ones end; nil at the beginning of the log. With fewer lines than were asked for there may be more: what one call reads
    /// is bounded.
    package var before: LogPlace?
    /// Where newer ones begin.
    package var after: LogPlace?

    package init() {}
}

/// Reads the log as people look at it: from its end backwards, and what came since. Bounded in bytes, so that a page of a log of gigabytes
/// costs no more than one of kilobytes. Calls block.
package struct LogReader: Sendable {
    private let files: TrailFiles
    /// Bytes that one call reads.
    private static let most: Int64 = 8 << 20
    private static let block: Int64 = 256 << 10
    /// A longer line is cut: none of ours is.
    private static let longestLine = 64 << 10

    package init(directory: String) { self.files = TrailFiles(directory: directory) }

    /// The newest lines that fit, or those before a place.
    package func newest(_ query: LogQuery, before place: LogPlace? = nil, limit: Int) -> LogPage {
        let limit = min(max(limit, 1), 5000)
        var page = LogPage()
        var found: [String] = []
        var budget = Self.most
        let days = self.files.days().filter { $0 <= place?.day ?? "9999" }
        var rest: LogPlace?
        for day in days.reversed() {
            let size = Self.size(self.files.path(day: day))
            var end = day == place?.day ? min(place?.offset ?? 0, size) : size
            if place == nil, page.after == nil { end = Self.wholeLines(self.files.path(day: day), size) }
            if page.after == nil { page.after = LogPlace(day: day, offset: end) }
            while end > 0, found.count < limit, budget > 0 {
                let start = max(0, end - Self.block)
                let (lines, first) = Self.lines(self.files.path(day: day), start, end)
                budget -= end - start
                var kept = first
                for (line, offset) in lines.reversed() where query.matches(line) {
                    found.append(line)
                    kept = offset
                    if found.count == limit { break }
                }
                end = found.count == limit ? kept : first
            }
            rest = LogPlace(day: day, offset: end)
            if found.count >= limit || budget <= 0 { break }
        }
        page.lines = found.reversed()
        if let rest, rest.offset > 0 || rest.day != days.first { page.before = rest }
        return page
    }

    /// Lines that came behind a place, the first of them.
    package func following(_ query: LogQuery, after place: LogPlace, limit: Int) -> LogPage {
        var page = LogPage()
        page.after = place
        var budget = Self.most
        for day in self.files.days() where day >= place.day {
            var start = day == place.day ? place.offset : 0
            let path = self.files.path(day: day)
            let size = Self.wholeLines(path, Self.size(path))
            while start < size, page.lines.count < limit, budget > 0 {
                let end = min(size, start + Self.block)
                let bytes = Self.bytes(path, start, end)
                guard let last = bytes.lastIndex(of: .lf) else {
                    start = end  // longer than a block: not ours
                    continue
                }
                budget -= end - start
                var used = 0
                for line in bytes[...last].split(separator: .lf, omittingEmptySubsequences: false).dropLast() {
                    let text = String(decoding: line.prefix(Self.longestLine), as: UTF8.self)
                    used += line.count + 1
                    if query.matches(text) { page.lines.append(text) }
                    if page.lines.count == limit { break }
                }
                start += Int64(used)
            }
            page.after = LogPlace(day: day, offset: start)
            if page.lines.count >= limit || budget <= 0 { break }
        }
        return page
    }

    // MARK: Bytes

    private static func size(_ path: String) -> Int64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    private static func bytes(_ path: String, _ start: Int64, _ end: Int64) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0, end > start else { return [] }
        defer { close(fd) }
        var out = [UInt8](repeating: 0, count: Int(end - start))
        let count = pread(fd, &out, out.count, off_t(start))
        return count > 0 ? Array(out[..<count]) : []
    }

    /// The size without half a line at its end, which is being written.
    private static func wholeLines(_ path: String, _ size: Int64) -> Int64 {
        let start = max(0, size - Int64(self.longestLine))
        let bytes = self.bytes(path, start, size)
        guard let last = bytes.lastIndex(of: .lf) else { return start == 0 ? 0 : size }
        return start + Int64(last) + 1
    }

    /// Whole lines between two offsets with where each begins; and where the first of them begins. What stands before the first line end
    /// belongs to the portion before, but at the beginning of the file.
    private static func lines(_ path: String, _ start: Int64, _ end: Int64) -> (lines: [(String, Int64)], first: Int64) {
        let bytes = self.bytes(path, start, end)
        var place = 0
        if start > 0 {
            guard let border = bytes.firstIndex(of: .lf), border + 1 < bytes.count else { return ([], start) }
            place = border + 1
        }
        let first = start + Int64(place)
        var out: [(String, Int64)] = []
        while place < bytes.count {
            let border = bytes[place...].firstIndex(of: .lf) ?? bytes.count
            out.append((String(decoding: bytes[place..<border].prefix(Self.longestLine), as: UTF8.self), start + Int64(place)))
            place = border + 1
        }
        return (out, first)
    }
}

extension LogQuery {
    func matches(_ line: String) -> Bool {
        if let module {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count > 1, words[1] == module else { return false }
        }
        guard let text, !text.isEmpty else { return true }
        var spelling: [UInt8] = []
        TrailLine.append(value: text, to: &spelling)
        if spelling.first == UInt8(ascii: "\"") { spelling = Array(spelling.dropFirst().dropLast()) }
        // As typed, or as a value is spelt in the log.
        return Self.holds(line, Array(text.utf8)) || Self.holds(line, spelling)
    }

    private static func holds(_ line: String, _ wanted: [UInt8]) -> Bool {
        var line = line
        let folded = wanted.map(\.asciiLowercased)
        return line.withUTF8 { bytes in
            guard let first = folded.first, bytes.count >= folded.count else { return false }
            for start in 0...(bytes.count - folded.count) where bytes[start].asciiLowercased == first {
                if zip(bytes[start...], folded).allSatisfy({ $0.asciiLowercased == $1 }) { return true }
            }
            return false
        }
    }
}
