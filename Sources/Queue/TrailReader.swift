internal import Bytes
internal import CPlatform
internal import Glibc

/// Finds what happened to a message: by its id, or by an address, over all days.
package struct TrailReader: Sendable {
    /// Ids that one search follows; an address with more is answered with its newest.
    package static let maximumIDs = 10_000
    /// Longer lines are not ours.
    static let maximumLine = 64 << 10

    private let files: TrailFiles

    package init(directory: String) { self.files = TrailFiles(directory: directory) }

    /// One trace: all lines with this id, oldest first, without their line ends.
    package struct Found: Sendable, Equatable {
        package var id: String
        package var lines: [String]
    }

    /// Traces with this id, or with this address in one of their events. `days` nil searches all that are kept.
    package func find(_ term: String, days: Int?) -> [Found] {
        let paths = self.files.days().suffix(days ?? .max).map(self.files.path(day:))
        let ids = self.ids(for: term, paths)
        guard !ids.isEmpty else { return [] }
        var found: [String: [String]] = [:]
        for path in paths {
            TrailScanner.eachLine(of: path) { line in
                guard let id = Self.id(in: line), ids.contains(id) else { return }
                found[id, default: []].append(String(decoding: line, as: UTF8.self))
            }
        }
        return found.map { Found(id: $0.key, lines: $0.value) }.sorted { ($0.lines.first ?? "") < ($1.lines.first ?? "") }
    }

    /// The same for who waits for a page: the newest days first, no more than `limit` traces, and not past `deadline` (nanoseconds of the
    /// monotonic clock). Not all that is there was looked at where `isComplete` is false.
    package func search(
        _ term: String, days: Int, limit: Int, until deadline: Int64
    ) -> (found: [Found], isComplete: Bool) {
        let paths = self.files.days().suffix(max(1, days)).map(self.files.path(day:))
        var ids: [String] = []
        var isComplete = true
        let wanted = Self.wanted(term)
        for path in paths.reversed() where ids.count < limit && isComplete {
            var ofDay: [String] = []
            var known = Set(ids)
            TrailScanner.eachLine(of: path, while: { po_monotonic() < deadline }) { line in
                guard TrailScanner.holdsWord(wanted, in: line), let id = Self.id(in: line), known.insert(id).inserted else { return }
                ofDay.append(id)
            }
            ids += ofDay.suffix(limit - ids.count).reversed()
            isComplete = po_monotonic() < deadline && ofDay.count <= limit
        }
        let chosen = Set(ids)
        guard !chosen.isEmpty else { return ([], isComplete) }
        var lines: [String: [String]] = [:]
        // What was found is told whole, as far as there is time for it.
        for path in paths {
            TrailScanner.eachLine(of: path, while: { po_monotonic() < deadline + 1_000_000_000 }) { line in
                guard let id = Self.id(in: line), chosen.contains(id), lines[id, default: []].count < Self.mostLines else { return }
                lines[id, default: []].append(String(decoding: line, as: UTF8.self))
            }
        }
        let found = ids.compactMap { id in lines[id].map { Found(id: id, lines: $0) } }
        return (found, isComplete && po_monotonic() < deadline + 1_000_000_000)
    }

    /// - Parameter within: nanoseconds from now.
    package func search(_ term: String, days: Int, limit: Int, within patience: Int64) -> (found: [Found], isComplete: Bool) {
        self.search(term, days: days, limit: limit, until: po_monotonic() + patience)
    }

    /// Lines of one trace: a message may have a thousand recipients.
    private static let mostLines = 500

    private static func wanted(_ term: String) -> [UInt8] {
        var spelling: [UInt8] = []
        TrailLine.append(value: term, to: &spelling)
        // Inside a quoted value the term stands without quotes of its own.
        if spelling.first == UInt8(ascii: "\"") { spelling = Array(spelling.dropFirst().dropLast()) }
        return spelling.map(\.asciiLowercased)
    }

    /// The value of the first `id=` field. Values are escaped, so that ` id=` cannot stand inside one.
    static func id(in line: UnsafeRawBufferPointer) -> String? {
        guard let start = TrailScanner.range(of: Array(" id=".utf8), in: line)?.upperBound else { return nil }
        let rest = line[start...]
        return String(decoding: rest.prefix { $0 != .space }, as: UTF8.self)
    }

    private func ids(for term: String, _ paths: [String]) -> Set<String> {
        let wanted = Self.wanted(term)
        var ids: Set<String> = []
        for path in paths.reversed() where ids.count < Self.maximumIDs {
            TrailScanner.eachLine(of: path) { line in
                guard ids.count < Self.maximumIDs, TrailScanner.holdsWord(wanted, in: line), let id = Self.id(in: line) else { return }
                ids.insert(id)
            }
        }
        return ids
    }
}

/// Reads log files piece by piece: they may be larger than memory.
enum TrailScanner {
    /// - Parameter goesOn: asked between portions of a megabyte.
    static func eachLine(of path: String, while goesOn: () -> Bool = { true }, _ body: (UnsafeRawBufferPointer) -> Void) {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return }
        defer { close(fd) }
        var rest: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while goesOn() {
            let count = read(fd, &block, block.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            rest.append(contentsOf: block[..<count])
            let used = rest.withUnsafeBytes { Self.lines(in: $0, body) }
            rest.removeFirst(used)
            if rest.count > TrailReader.maximumLine { rest.removeAll() }
        }
    }

    /// Calls `body` for each whole line; returns the bytes used.
    private static func lines(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        var start = 0
        while start < bytes.count, let base = bytes.baseAddress, let end = memchr(base + start, 0x0A, bytes.count - start) {
            let length = base.distance(to: UnsafeRawPointer(end)) - start
            body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
            start += length + 1
        }
        return start
    }

    static func range(of pattern: [UInt8], in line: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let first = pattern.first, let base = line.baseAddress, line.count >= pattern.count else { return nil }
        var start = 0
        while let hit = memchr(base + start, Int32(first), line.count - pattern.count + 1 - start) {
            start = base.distance(to: UnsafeRawPointer(hit))
            if memcmp(base + start, pattern, pattern.count) == 0 { return start..<(start + pattern.count) }
            start += 1
        }
        return nil
    }

    /// True when the lower-case `word` stands in the line, whatever its case there, with no letter or digit of its own kind around it:
    /// `bo@x.test` does not find `bobo@x.test`.
    static func holdsWord(_ word: [UInt8], in line: UnsafeRawBufferPointer) -> Bool {
        guard let first = word.first, line.count >= word.count else { return false }
        for start in 0...(line.count - word.count) where line[start].asciiLowercased == first {
            let end = start + word.count
            guard zip(line[start..<end], word).allSatisfy({ $0.asciiLowercased == $1 }) else { continue }
            if (start == 0 || Self.isBorder(line[start - 1])) && (end == line.count || Self.isBorder(line[end])) { return true }
        }
        return false
    }

    private static func isBorder(_ byte: UInt8) -> Bool {
        switch byte {
        case .space, UInt8(ascii: "="), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ","), UInt8(ascii: "\\"):
            true
        default: false
        }
    }
}
