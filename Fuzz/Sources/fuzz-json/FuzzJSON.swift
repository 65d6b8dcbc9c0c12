internal import Forms
internal import FuzzKit

/// What a program sends to the API: nothing traps, depth and number of values are bounded, and what was read is the same when it is written
/// and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = input.remaining()
    do throws(JSONProblem) {
        let value = try JSONValue(reading: bytes)
        expect(depth(value) <= JSONValue.maximumDepth, "deeper than is taken")
        let written = Array(value.description.utf8)
        guard let again = try? JSONValue(reading: written) else { fatalError("not read again: \(value)") }
        expect(again == value, "\(value) became \(again)")
        // A byte less of a document that ends in a bracket is none.
        if case .object = value { expect((try? JSONValue(reading: Array(written.dropLast()))) == nil, "taken without its end") }
    } catch {
        expect(error.offset >= 0 && error.offset <= bytes.count, "a problem at \(error.offset) of \(bytes.count)")
    }
    return 0
}

private func depth(_ value: JSONValue) -> Int {
    switch value {
    case .list(let items): 1 + (items.map(depth).max() ?? 0)
    case .object(let members): 1 + (members.map { depth($0.value) }.max() ?? 0)
    default: 1
    }
}
