import FuzzKit
import NIOCore
import POP3Wire
import SASL
import Vocabulary

/// First byte: circumstances. Second: where the input is cut. Rest: what the client sends.
///
/// Beside the absence of traps this holds: the cuts do not show in the answers, every answer begins with a status, nothing is removed
/// that was not marked, and no login succeeds without the password.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPOP3(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let cut = Int(input.byte() % 61) + 1
    let bytes = input.remaining()
    let whole = converse(circumstances, [bytes])
    let pieces = stride(from: 0, to: bytes.count, by: cut).map { Array(bytes[$0..<min($0 + cut, bytes.count)]) }
    let cutUp = converse(circumstances, pieces)
    // Behind STLS the driver drops what has come: there the cuts decide what that is.
    if !whole.hasTLS && !cutUp.hasTLS { expect(whole.output == cutUp.output, "the cuts show") }
    return 0
}

private func converse(_ circumstances: UInt8, _ pieces: [[UInt8]]) -> (output: String, hasTLS: Bool) {
    var settings = POP3Settings(greeting: "host POP3 server ready", hostName: "host", makeNonce: { "nonce" })
    settings.offersTLS = circumstances & 1 != 0
    settings.allowsPlaintextLogin = circumstances & 2 != 0
    settings.limits.errors = 1000
    let office = Office(pieceSize: circumstances & 4 != 0 ? 3 : 4096, updateFails: circumstances & 8 != 0)
    var session = PureSession(POP3Machine(settings: settings), answer: office.perform)
    session.connect(tls: circumstances & 16 != 0 ? TLSFacts(version: "TLSv1.3", cipher: "x", serverName: nil) : nil)
    if circumstances & 32 != 0 {
        session.send("AUTH PLAIN AGEAcGFzcw==\r\n")
    }
    var hasTLS = false
    for piece in pieces {
        session.send(piece)
        if session.wantsTLS {
            hasTLS = true
            session.establishTLS()
        }
        expect(session.input.readableBytes <= 12_288 + piece.count, "unread input grows")
    }
    if circumstances & 64 != 0 { session.timeOut() } else { session.shutDown() }
    let output = session.takeOutput()
    expect(output.hasPrefix("+OK "), "no greeting")
    return (output, hasTLS)
}

/// One account, `a` with password `pass`, and three messages.
private final class Office {
    private let messages: [[UInt8]] = [
        Array("Subject: a\r\n\r\n.\r\n..x\r\n".utf8), [], Array("Subject: \u{65E5}\r\n\r\nno end".utf8),
    ]
    private let pieceSize: Int
    private let updateFails: Bool
    private var rest: ArraySlice<UInt8> = []
    private var knowsPassword = false
    private static let verifier = SCRAMVerifier(password: Secret("pass"), salt: [1, 2, 3], iterations: 4096)
    private static let identity = Identity(
        account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "example.test"))

    init(pieceSize: Int, updateFails: Bool) {
        self.pieceSize = pieceSize
        self.updateFails = updateFails
    }

    func perform(_ call: POP3Call) -> POP3Outcome {
        switch call {
        case .authenticate(let request, _, _): return .auth(self.authenticate(request))
        case .openMaildrop:
            expect(self.knowsPassword, "a login without password")
            let entries = self.messages.enumerated().map {
                Maildrop.Entry(uid: UID(rawValue: UInt32($0.offset + 1)), size: UInt32($0.element.count))
            }
            return .maildrop(Maildrop(validity: UIDValidity(rawValue: 9), messages: entries))
        case .read(let index):
            expect(self.messages.indices.contains(index), "a message that is not there")
            self.rest = self.messages[index][...]
            return self.next()
        case .readOn: return self.next()
        case .pause: return .resumed
        case .finish(let deleted):
            expect(Set(deleted).count == deleted.count && deleted.allSatisfy { (1...3).contains($0.rawValue) }, "strange deletions")
            return .finished(removedAll: !self.updateFails)
        }
    }

    private func next() -> POP3Outcome {
        let piece = self.rest.prefix(self.pieceSize)
        self.rest = self.rest.dropFirst(self.pieceSize)
        return .piece(ByteBuffer(bytes: piece), isLast: self.rest.isEmpty)
    }

    private func authenticate(_ request: AuthRequest) -> AuthOutcome {
        switch request {
        case .password("a", let secret) where secret == Secret("pass"):
            self.knowsPassword = true
            return .accepted(Self.identity)
        case .password: return .refused(.badCredentials)
        case .verifier: return .verifier(Self.verifier)
        case .proof(_, _, let isValid):
            self.knowsPassword = isValid
            return isValid ? .accepted(Self.identity) : .refused(.badCredentials)
        }
    }
}
