import Bytes
import FuzzKit
import Vocabulary

/// First byte: what is allowed. Rest: an address or a path. What is read stays within the limits, and what is written is read back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAddress(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let options = input.byte()
    let bytes = input.remaining()
    let syntax = AddressSyntax(allowsBareLocalPart: options & 1 != 0, allowsStrayDots: options & 2 != 0)
    if let address = try? Address(parsing: String(decoding: bytes, as: UTF8.self), syntax) { check(address, syntax) }
    bytes.withUnsafeBytes { raw in
        var cursor = ByteCursor(raw)
        if let address = try? Address.readForwardPath(&cursor, syntax) { check(address, syntax) }
        expect(cursor.position <= raw.count, "beyond the end")
        var other = ByteCursor(raw)
        if let address = try? Address.readReversePath(&other, syntax) { check(address, syntax) }
    }
    return 0
}

private func check(_ address: Address, _ syntax: AddressSyntax) {
    let text = address.description
    expect(address.localPart.utf8.count <= Address.maximumLocalPart && address.domain.utf8.count <= Address.maximumDomain, "limits")
    expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "control characters")
    var lenient = syntax
    lenient.allowsBareLocalPart = true
    expect((try? Address(parsing: text, lenient)) == address, "not read back: \(text)")
}
