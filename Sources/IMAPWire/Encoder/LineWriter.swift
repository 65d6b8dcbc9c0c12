/// Puts text into memory that has room for it, for answers of which there are very many; more than its end is left out.
package struct LineWriter {
    @usableFromInline let target: UnsafeMutableRawBufferPointer
    package var count = 0

    @inlinable package init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    @inlinable package mutating func put(_ text: StaticString) { text.withUTF8Buffer { self.put(UnsafeRawBufferPointer($0)) } }

    @inlinable package mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let base = self.target.baseAddress, let source = bytes.baseAddress, bytes.count <= self.target.count - self.count else {
            return
        }
        (base + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count += bytes.count
    }

    @inlinable package mutating func put(_ number: UInt64) {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        guard digits <= self.target.count - self.count else { return }
        rest = number
        var at = self.count + digits
        self.count = at
        repeat {
            at -= 1
            self.target[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }
}
