import CLinux
import Glibc

package struct POP3Reply {
    package var ok: Bool
    package var firstLine: String
}

/// Finds the ends of POP3 replies [RFC1939-3]; of multi-line ones only the first line is kept.
package struct POP3ReplyScanner {
    /// Whether the command under way has a multi-line answer (unless it fails).
    package var expectMultiline = false

    package init() {}

    private var first: [UInt8] = []
    private var inBody: POP3Reply?
    /// How much of CRLF "." CRLF has been seen; the first line's own CRLF counts.
    private var matched = 0
    private static let pattern: [UInt8] = [13, 10, 46, 13, 10]

    /// Takes bytes from the front of `rest` up to the end of the next reply; nil when all are used and the reply is still incomplete.
    package mutating func next(_ rest: inout UnsafeRawBufferPointer) -> POP3Reply? {
        if self.inBody == nil {
            guard self.firstLine(&rest) else { return nil }
            let reply = POP3Reply(
                ok: self.first.first == UInt8(ascii: "+"), firstLine: String(decoding: self.first.dropLast(2), as: UTF8.self))
            self.first.removeAll(keepingCapacity: true)
            guard reply.ok && self.expectMultiline else { return reply }
            self.inBody = reply
            self.matched = 2
        }
        guard self.body(&rest) else { return nil }
        defer { self.inBody = nil }
        return self.inBody
    }

    private mutating func firstLine(_ rest: inout UnsafeRawBufferPointer) -> Bool {
        guard let base = rest.baseAddress, rest.count > 0 else { return false }
        guard let found = memchr(base, 10, rest.count) else {
            self.first.append(contentsOf: rest)
            rest = UnsafeRawBufferPointer(rebasing: rest[rest.count...])
            return false
        }
        let end = UnsafeRawPointer(found) - base + 1
        self.first.append(contentsOf: rest[..<end])
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        return true
    }

    private mutating func body(_ rest: inout UnsafeRawBufferPointer) -> Bool {
        guard let base = rest.baseAddress else { return false }
        var index = 0
        while index < rest.count {
            if self.matched == 0 {
                // The end can only follow a line feed; whole lines are skipped by memmem over what is at hand.
                guard let found = Self.pattern.withUnsafeBytes({ find_bytes(base + index, rest.count - index, $0.baseAddress, 5) }) else {
                    self.matched = Self.overlap(rest, from: index)
                    index = rest.count
                    break
                }
                index = found - base
            }
            let byte = rest[index]
            index += 1
            self.matched = byte == Self.pattern[self.matched] ? self.matched + 1 : (byte == 13 ? 1 : 0)
            guard self.matched == Self.pattern.count else { continue }
            self.matched = 0
            rest = UnsafeRawBufferPointer(rebasing: rest[index...])
            return true
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[rest.count...])
        return false
    }

    /// How much of the pattern the bytes end with (they do not contain it whole).
    private static func overlap(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        for length in stride(from: min(4, bytes.count - start), to: 0, by: -1)
        where bytes.suffix(length).elementsEqual(self.pattern.prefix(length)) { return length }
        return 0
    }
}
