internal import FuzzKit
internal import Policy
internal import Routing
internal import Vocabulary

/// What strangers say about TLS on the way to them: policy, TXT records, TLSA records; and the hosts file. The first octet chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTransport(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = Array(input.remaining())
    guard let choice = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    switch choice & 3 {
    case 0:
        guard let policy = STSPolicy(rest) else { return 0 }
        let again = STSPolicy(Array(policy.lines.joined(separator: "\n").utf8))
        expect(again == policy, "\(policy) was read back as \(String(describing: again))")
        for pattern in policy.patterns where !pattern.hasPrefix("*.") { expect(policy.allows(pattern), "\(pattern)") }
        _ = policy.allows(String(decoding: rest.prefix(100), as: UTF8.self))
    case 1:
        let records = rest.split(separator: 0).map { Array($0) }
        if let id = TransportRecord.policyID(records) { expect((1...32).contains(id.utf8.count), id) }
        expect(TransportRecord.reportURIs(records).count <= TransportRecord.mostURIs, "too many places")
    case 2:
        let records = rest.split(separator: 0xFF, omittingEmptySubsequences: false).compactMap { RecordData.association(Array($0)) }
        if case .records(let usable, _) = DANE.finding(records, base: "mx") {
            expect(!usable.isEmpty && usable.allSatisfy { $0.usage == 2 || $0.usage == 3 }, "\(usable)")
        }
    default:
        let file = HostsFile(String(decoding: rest, as: UTF8.self))
        for address in file.allAddresses {
            for name in file.names(of: address) {
                expect(file.addresses(of: name, isIPv6: address.isIPv6).contains(address), "\(name) \(address)")
            }
        }
    }
    return 0
}
