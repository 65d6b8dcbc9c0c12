internal import CDeliver
internal import DeliverForms
internal import Forms
internal import FuzzKit
internal import NIOCore

/// What stands between the mta and `postoffice-deliver`: the request as the helper reads it, in C; command lines; the form of a message in
/// a maildrop. The first octet chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDeliver(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = Array(input.remaining())
    guard let choice = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    switch choice & 3 {
    case 0: _ = accepts(rest)
    case 1: built(rest)
    case 2: split(String(decoding: rest, as: UTF8.self))
    default: formed(rest)
    }
    return 0
}

/// In memory of exactly its length, so that a read beyond it is seen.
private func accepts(_ bytes: [UInt8]) -> Bool {
    let place = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    defer { place.deallocate() }
    for (index, byte) in bytes.enumerated() { place[index] = CChar(bitPattern: byte) }
    var found = request()
    guard read_request(place.baseAddress, bytes.count, &found) == 0 else { return false }
    expect(found.user != nil && found.time >= 1 && found.time <= 3600 && found.arguments <= 32 && found.facts <= 16, "bounds")
    expect(found.kind >= 1 && found.kind <= 3, "kind \(found.kind)")
    return true
}

/// What we write is what the helper takes, unless it is not to be.
private func built(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 10, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count > 2 else { return }
    let words = Array(parts[1...].prefix(30))
    var bounds = HelperRequest.Bounds()
    bounds.time = 1 + UInt32(bytes.count % 3600)
    let request = HelperRequest(program: words, as: parts[0], [("SENDER", parts[2]), ("EXTENSION", "")], bounds)
    guard let encoded = request.encoded() else { return }
    let isUser = CommandWords.isName(parts[0]) && parts[0].utf8.count <= 32
    expect(accepts(encoded) == (isUser && CommandWords.isName(words[0])), "\(parts)")
    for cut in [1, encoded.count / 2, encoded.count - 1] where cut < encoded.count {
        expect(!accepts(Array(encoded[..<cut])), "cut at \(cut)")
    }
}

private func split(_ line: String) {
    guard let words = try? CommandWords.split(line) else { return }
    expect(!words.isEmpty && words.count <= CommandWords.most && CommandWords.isName(words[0]), "\(words)")
    let again = words.map { word in
        "'" + word.unicodeScalars.reduce(into: "") { $0 += $1 == "'" ? "'\"'\"'" : String($1) } + "'"
    }
    expect((try? CommandWords.split(again.joined(separator: " "))) == words, "\(words)")
}

/// However it is cut; and without the quotes of its lines it is the message.
private func formed(_ bytes: [UInt8]) {
    func form(_ pieces: Int) -> [UInt8] {
        var form = UnixForm(quotesFrom: true)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            out += form.take(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + pieces)]))
        }
        return out + form.finish()
    }
    let whole = form(max(1, bytes.count))
    expect(form(1) == whole && form(3) == whole, "cut")
    let lines = whole.split(separator: 10, omittingEmptySubsequences: false)
    expect(
        !lines.contains { $0.starts(with: "From ".utf8) } || bytes.starts(with: Array(repeating: 62, count: 1001)),
        "a line looks like another message")
}
