internal import FuzzKit
internal import Policy
internal import Vocabulary

/// Entries of an access list, one a line: what can be read is written so that it can be read again, and matching never traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAccess(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let peer = IPAddress(bytes: (0..<(input.byte() & 1 == 0 ? 4 : 16)).map { _ in input.byte() })
    let lines = input.remaining().split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    let (list, errors) = AccessList.parse(lines)
    expect(list.entries.count + errors.count == lines.count, "an entry was lost")
    for entry in list.entries {
        guard case .success(let again) = AccessList.parse(entry.description) else { fatalError("not read again: \(entry)") }
        expect(again == entry, "\(entry) was read again as \(again)")
    }
    guard let peer else { return 0 }
    let name = lines.first ?? ""
    for fact in [HostNameFact.notLooked, .unknown, .confirmed([]), .confirmed([name])] {
        let covered = list.covers(peer, fact)
        expect(covered != .needsName || fact == .notLooked, "a name was asked for twice")
        _ = AccessVerdict.decide(peer, fact, allow: list, deny: AccessList())
    }
    return 0
}
