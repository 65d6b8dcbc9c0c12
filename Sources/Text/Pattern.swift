internal import CPattern

/// Why a pattern cannot be used; `text` is the engine's own sentence, in English.
package struct PatternError: Error, Hashable, Sendable {
    package let text: String
}

/// A regular expression of people's, on an engine that takes time linear in the text whatever the two are (RE2): no pattern and no
/// message can make it hang. No back references and no look-around, which is what that costs. Matches anywhere unless anchored.
package final class Pattern: Sendable {
    /// Longest expression, in bytes.
    package static let longest = 500
    /// Instructions of the compiled program: bounds the time a byte.
    package static let largestProgram: Int32 = 2000
    /// Bytes for compiling and matching.
    private static let memory: Int64 = 4 << 20

    /// As written, without slashes.
    package let text: String
    package let ignoresCase: Bool
    // SAFETY: set once, freed in deinit; the functions behind it that are called in between are const and made for many threads.
    nonisolated(unsafe) private let handle: OpaquePointer

    package init(_ text: String, ignoresCase: Bool = false) throws(PatternError) {
        guard !text.isEmpty else { throw PatternError(text: "empty pattern") }
        guard text.utf8.count <= Self.longest else { throw PatternError(text: "longer than \(Self.longest) bytes") }
        self.text = text
        self.ignoresCase = ignoresCase
        var complaint = [CChar](repeating: 0, count: 256)
        var copy = text
        let handle = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars in
                po_pattern_new(
                    chars.baseAddress, chars.count, ignoresCase ? 1 : 0, Self.largestProgram, Self.memory, &complaint, complaint.count)
            }
        }
        guard let handle else {
            throw PatternError(text: String(decoding: complaint.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        self.handle = handle
    }

    deinit { po_pattern_free(self.handle) }

    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { po_pattern_matches(self.handle, $0.baseAddress, $0.count) } == 1
        }
    }
}

extension Pattern: Hashable, CustomStringConvertible {
    package static func == (a: Pattern, b: Pattern) -> Bool { a.text == b.text && a.ignoresCase == b.ignoresCase }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.text) }
    /// `/text/i`.
    package var description: String { "/\(self.text.replacing("/", with: "\\/"))/\(self.ignoresCase ? "i" : "")" }
}
