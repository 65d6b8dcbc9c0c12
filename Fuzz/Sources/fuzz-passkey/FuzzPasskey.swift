internal import FuzzKit

/// What browsers and devices send of passkeys: nothing traps, what is read is within its limits, no cut of it is taken, and nothing that was not
/// signed is taken for signed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPasskey(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let bytes = input.remaining()
    switch choice % 5 {
    case 0: cbor(bytes)
    case 1: device(bytes)
    case 2: attestation(bytes)
    case 3: client(bytes)
    default: proof(bytes)
    }
    return 0
}

private func cbor(_ bytes: [UInt8]) {
    var reader = CBORReader(bytes)
    guard let value = try? reader.value() else { return }
    expect(reader.offset >= 1 && reader.offset <= bytes.count, "read to \(reader.offset) of \(bytes.count)")
    expect(depth(value) <= PasskeyLimits.depth, "deeper than is taken")
    // One way to write a thing: what was read is written as it stood.
    let whole = Array(bytes[..<reader.offset])
    expect(written(value) == whole, "\(whole) was read as \(value)")
    expect((try? CBORReader.whole(whole)) == value, "not the same without what follows")
    expect((try? CBORReader.whole(Array(whole.dropLast()))) == nil, "taken without its end")
    expect((try? CBORReader.whole(whole + [0])) == nil, "taken with more")
    _ = try? COSEKey(value)
}

private func device(_ bytes: [UInt8]) {
    guard let data = try? AuthenticatorData(bytes) else { return }
    expect(data.hostHash.count == 32 && (data.isBackupEligible || !data.isBackedUp), "flags that cannot be")
    if let made = data.made {
        expect((1...PasskeyLimits.credentialID).contains(made.id.count), "an id of \(made.id.count)")
        expect((try? CBORReader.whole(made.key)) != nil, "a key that cannot be read again")
    }
    expect((try? AuthenticatorData(Array(bytes.dropLast()))) == nil, "taken without its end")
    expect((try? AuthenticatorData(bytes + [0])) == nil, "taken with more")
}

private func attestation(_ bytes: [UInt8]) {
    let check = PasskeyCheck(host: "mail.example.test", origin: "https://mail.example.test") { _ in true }
    let client = Array("{\"type\":\"webauthn.create\",\"challenge\":\"AQ\",\"origin\":\"https://mail.example.test\"}".utf8)
    guard let made = try? check.made(clientData: client, attestation: bytes) else { return }
    expect((1...PasskeyLimits.credentialID).contains(made.id.count), "an id of \(made.id.count)")
    expect((try? COSEKey(made.key)) != nil, "a key that checks nothing")
    expect((try? check.made(clientData: client, attestation: Array(bytes.dropLast()))) == nil, "taken without its end")
}

private func client(_ bytes: [UInt8]) {
    guard let client = try? ClientData(bytes) else { return }
    expect(bytes.count <= PasskeyLimits.clientData, "larger than is read")
    expect(Base64URL.decode(Base64URL.encode(client.challenge)) == client.challenge, "a challenge that cannot be written")
    expect((try? ClientData(Array(bytes.dropLast()))) == nil || bytes.last.map { $0 <= 0x20 } ?? false, "taken without its end")
}

/// Key, data and signature of the fuzzer's own choice, for a challenge that it cannot know.
private func proof(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0xFE, maxSplits: 3, omittingEmptySubsequences: false).map(Array.init)
    guard parts.count == 4 else { return }
    let known = KnownPasskey(key: parts[0], host: "mail.example.test", signCount: 0, isBackupEligible: false)
    let check = PasskeyCheck(host: "mail.example.test", origin: "https://mail.example.test") { $0.count > 8192 }
    let proof = try? check.proved(clientData: parts[3], data: parts[1], signature: parts[2], by: known, needsVerification: true)
    expect(proof == nil, "taken without the challenge")
    if let key = try? COSEKey(parts[0]) { _ = key.isSignature(parts[2], of: parts[1]) }
}

private func depth(_ value: CBORValue) -> Int {
    switch value {
    case .list(let items): 1 + (items.map(depth).max() ?? 0)
    case .map(let pairs): 1 + (pairs.map { depth($0.value) }.max() ?? 0)
    default: 1
    }
}

private func written(_ value: CBORValue) -> [UInt8] {
    func head(_ major: UInt8, _ number: UInt64) -> [UInt8] {
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        switch number {
        case 0..<24: return [major << 5 | UInt8(number)]
        case 24..<(1 << 8): return [major << 5 | 24] + bytes[7...]
        case (1 << 8)..<(1 << 16): return [major << 5 | 25] + bytes[6...]
        case (1 << 16)..<(1 << 32): return [major << 5 | 26] + bytes[4...]
        default: return [major << 5 | 27] + bytes
        }
    }
    switch value {
    case .unsigned(let number): return head(0, number)
    case .negative(let number): return head(1, number)
    case .bytes(let bytes): return head(2, UInt64(bytes.count)) + bytes
    case .text(let text): return head(3, UInt64(text.utf8.count)) + Array(text.utf8)
    case .list(let items): return head(4, UInt64(items.count)) + items.flatMap(written)
    case .map(let pairs): return head(5, UInt64(pairs.count)) + pairs.flatMap { written($0.key) + written($0.value) }
    case .bool(let isTrue): return [isTrue ? 0xF5 : 0xF4]
    case .null: return [0xF6]
    }
}
