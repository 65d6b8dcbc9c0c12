/// The bytes of one run, taken from the front: first choices, then the rest as data.
package struct FuzzInput {
    private var rest: ArraySlice<UInt8>

    package init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        self.rest = Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))[...]
    }

    /// 0 when nothing is left.
    package mutating func byte() -> UInt8 { self.rest.popFirst() ?? 0 }

    package mutating func remaining() -> [UInt8] {
        defer { self.rest = [] }
        return Array(self.rest)
    }
}

/// A finding: libFuzzer keeps the input that led here.
package func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fatalError(what()) }
}
