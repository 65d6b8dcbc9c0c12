/// Bytes that are never printed: a password or what is as good as one. Compared in constant time.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { self.bytes = Array(text.utf8) }

    package var isEmpty: Bool { self.bytes.isEmpty }

    /// The only way in; the closure must not let the bytes out into text.
    package func withBytes<R>(_ body: ([UInt8]) throws -> R) rethrows -> R { try body(self.bytes) }

    package static func == (a: Secret, b: Secret) -> Bool { constantTimeEqual(a.bytes, b.bytes) }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// True when both have the same bytes. Time depends on the lengths only.
package func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for (x, y) in zip(a, b) { difference |= x ^ y }
    return difference == 0
}
