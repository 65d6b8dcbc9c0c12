import FingerWire
import FuzzKit
import NIOCore
import Vocabulary

/// First byte: circumstances. Second: where the input is cut. Rest: the query, and, behind its first NUL, what is known of an account.
///
/// Beside the absence of traps this holds: the cuts do not show, every line ends in CRLF, no control character goes out, the answer is
/// bounded, the session ends with it, and a query that names another host asks nobody.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFinger(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let cut = Int(input.byte() % 61) + 1
    let bytes = input.remaining()
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
    let query = parts.first ?? []
    let text = String(decoding: parts.count > 1 ? parts[1] : [], as: UTF8.self)
    let whole = converse(circumstances, [query], text)
    let cutUp = converse(
        circumstances, stride(from: 0, to: query.count, by: cut).map { Array(query[$0..<min($0 + cut, query.count)]) }, text)
    expect(whole == cutUp, "the cuts show")
    return 0
}

private func converse(_ circumstances: UInt8, _ pieces: [[UInt8]], _ text: String) -> String {
    var limits = FingerLimits()
    limits.answer = 4096
    let entry = FingerEntry(name: text, address: text, facts: [.init(text, text)], information: text)
    var session = PureSession(FingerMachine(hostName: "host", limits: limits)) { (call: FingerCall) -> FingerOutcome in
        guard case .lookUp(let query) = call else { return .unavailable }
        switch query {
        case .elsewhere, .unreadable: expect(false, "somebody was asked")
        case .name(let name, _): expect(!name.isEmpty && !name.unicodeScalars.contains(where: FingerText.isForbidden), "a strange name")
        case .host: break
        }
        switch circumstances & 3 {
        case 0: return .host(text)
        case 1: return .entries([FingerEntry](repeating: entry, count: Int(circumstances >> 2)), isCut: circumstances & 4 != 0)
        case 2: return .elsewhere
        default: return .unavailable
        }
    }
    session.connect()
    for piece in pieces {
        session.send(piece)
        expect(session.input.readableBytes <= limits.line + piece.count, "unread input grows")
    }
    if !session.isClosed { session.timeOut() }
    let output = session.takeOutput()
    let lines = output.unicodeScalars.split(separator: "\r\n".unicodeScalars.first ?? "\r", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
        let content = number > 0 ? line.dropFirst() : line
        expect(number == 0 || line.first == "\n", "a line without its end")
        expect(!content.contains(where: FingerText.isForbidden), "a control character")
    }
    // One entry may be longer than the bound by its own name and address.
    expect(output.utf8.count <= limits.answer + 4 * text.utf8.count * 4 + 500, "the answer grows")
    return output
}
