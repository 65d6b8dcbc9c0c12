import FuzzKit
import NIOCore
import PasswordWire
import SASL
import Vocabulary

/// First byte: circumstances. Second: where the input is cut. Rest: what the client sends.
///
/// Beside the absence of traps this holds: the cuts do not show, every reply is one line that begins with 200 or 500, no password is changed
/// without the old one, and nothing that was typed comes back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPassword(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let cut = Int(input.byte() % 61) + 1
    let bytes = input.remaining()
    let whole = converse(circumstances, [bytes])
    let cutUp = converse(circumstances, stride(from: 0, to: bytes.count, by: cut).map { Array(bytes[$0..<min($0 + cut, bytes.count)]) })
    expect(whole == cutUp, "the cuts show")
    return 0
}

private func converse(_ circumstances: UInt8, _ pieces: [[UInt8]]) -> String {
    var settings = PasswordSettings(greeting: "Post.Office password server ready")
    settings.isLoopback = circumstances & 1 != 0
    settings.language = circumstances & 2 != 0 ? .japanese : .english
    settings.limits.errors = 1000
    var isIn = false
    var session = PureSession(PasswordMachine(settings: settings)) { (call: PasswordCall) -> PasswordOutcome in
        switch call {
        case .authenticate(.password("a", let secret), _) where secret == Secret("pass"):
            isIn = true
            return .auth(
                .accepted(Identity(account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "b"))))
        case .authenticate: return .auth(.refused(AuthRefusal.allCases[Int(circumstances >> 2) % AuthRefusal.allCases.count]))
        case .change(_, let old, _):
            expect(isIn && old == Secret("pass"), "a change without the old password")
            return circumstances & 4 != 0 ? .changed : .notChanged(Localized(en: "a\r\nb\u{7F}", ja: "短い"))
        }
    }
    session.connect(tls: circumstances & 8 != 0 ? TLSFacts(version: "TLSv1.3", cipher: "x", serverName: nil) : nil)
    for piece in pieces {
        session.send(piece)
        expect(session.input.readableBytes <= settings.limits.line + piece.count, "unread input grows")
    }
    if circumstances & 16 != 0 { session.timeOut() } else { session.shutDown() }
    let output = session.takeOutput()
    for line in output.split(separator: "\r\n") {
        expect(line.hasPrefix("200 ") || line.hasPrefix("500 "), "no code")
        expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }, "a control character")
    }
    return output
}
