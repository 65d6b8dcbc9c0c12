import FuzzKit
import Routing

/// Record data of DNS as strangers write it. A name that comes out is one that a host can have; the order of mail exchangers names nobody
/// twice, never this host, and no more than is tried.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecord(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let size = Int(input.byte() % 40) + 1
    let bytes = input.remaining()
    if let name = RecordData.hostName(bytes[...]) { check(name) }
    if let text = RecordData.text(bytes) { expect(text.count <= bytes.count, "text grows") }
    if let record = RecordData.association(bytes) { expect(record.data.count == bytes.count - 3, "association") }
    let records = stride(from: 0, to: bytes.count, by: size).compactMap {
        RecordData.exchange(Array(bytes[$0..<min($0 + size, bytes.count)]))
    }
    for record in records { if let host = record.host { check(host) } }
    var generator = Counter()
    guard !records.isEmpty,
        case .hosts(let hosts) = MailExchangers.ordered(records, isOurs: { $0.hasPrefix("us") }, using: &generator)
    else { return 0 }
    expect(hosts.count <= MailExchangers.maximumHosts && Set(hosts).count == hosts.count, "hosts")
    expect(!hosts.isEmpty && hosts.allSatisfy { !$0.hasPrefix("us") }, "ourselves")
    return 0
}

private func check(_ name: String) {
    expect((1...253).contains(name.utf8.count), "length")
    expect(
        name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F },
        "no host: \(name)")
}

private struct Counter: RandomNumberGenerator {
    private var state: UInt64 = 1
    mutating func next() -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1
        return self.state
    }
}
