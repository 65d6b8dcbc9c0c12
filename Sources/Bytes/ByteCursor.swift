/// A place in bytes that somebody else owns, moving forward only. Every look checks the end, so that no input of a peer can make it
/// read beyond; `nil` means that nothing is left. It must not outlive the bytes: make it inside `withUnsafeReadableBytes`.
package struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    /// Offset of the next byte.
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var remaining: Int { self.bytes.count - self.position }
    package var isAtEnd: Bool { self.position >= self.bytes.count }

    /// The next byte, not consumed.
    package func peek() -> UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    /// The byte `distance` behind the next one, not consumed.
    package func peek(after distance: Int) -> UInt8? {
        guard distance >= 0, distance < self.remaining else { return nil }
        return self.bytes[self.position + distance]
    }

    /// Consumes the next byte.
    package mutating func next() -> UInt8? {
        guard let byte = self.peek() else { return nil }
        self.position += 1
        return byte
    }

    /// Consumes the next byte if it is this one.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard self.peek() == byte else { return false }
        self.position += 1
        return true
    }

    /// Consumes `word` if it comes next, whatever the case of its ASCII letters.
    package mutating func takeIgnoringCase(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard count <= self.remaining else { return false }
        let same = word.withUTF8Buffer { wanted in
            for index in 0..<count where wanted[index].asciiLowercased != self.bytes[self.position + index].asciiLowercased { return false }
            return true
        }
        if same { self.position += count }
        return same
    }

    /// Consumes bytes as long as they satisfy, and gives them.
    package mutating func takeWhile(_ satisfies: (UInt8) -> Bool) -> UnsafeRawBufferPointer {
        let start = self.position
        while self.position < self.bytes.count, satisfies(self.bytes[self.position]) { self.position += 1 }
        return UnsafeRawBufferPointer(rebasing: self.bytes[start..<self.position])
    }

    /// Consumes `count` bytes, or what is left.
    package mutating func skip(_ count: Int) { self.position += min(max(count, 0), self.remaining) }

    /// Consumes spaces and tabs; the number of them.
    @discardableResult
    package mutating func skipBlanks() -> Int { self.takeWhile { $0 == .space || $0 == .tab }.count }

    /// Consumes all that is left.
    package mutating func takeRest() -> UnsafeRawBufferPointer { self.takeWhile { _ in true } }

    /// What was consumed since `start`, an earlier `position`.
    package func consumed(since start: Int) -> UnsafeRawBufferPointer {
        guard start >= 0, start <= self.position else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: self.bytes[start..<self.position])
    }
}
