import MailTesting
import NIOCore
import POP3Wire
import SASL
import Vocabulary

/// Mailboxes in memory behind a machine: what a backend does, without disk and threads.
final class FakeOffice {
    struct Message {
        var uid: UInt32
        var bytes: [UInt8]
    }

    var passwords = ["alice": "wonderland", "bob": "builder"]
    var refusal: AuthRefusal?
    var noMaildrop: MaildropRefusal?
    var messages: [Message] = []
    var validity: UInt32 = 77
    /// Pieces in which messages are read.
    var pieceSize = 64 << 10
    /// The place of the message that cannot be read, and after how many pieces.
    var unreadable: (index: Int, afterPieces: Int, failure: ReadFailure)?
    var updateFails = false

    private var reading: (index: Int, offset: Int, pieces: Int)?

    func perform(_ call: POP3Call) -> POP3Outcome {
        switch call {
        case .authenticate(let request, _, _): return .auth(self.authenticate(request))
        case .openMaildrop: return self.open()
        case .read(let index):
            self.reading = (index, 0, 0)
            return self.nextPiece()
        case .readOn: return self.nextPiece()
        case .pause: return .resumed
        case .finish(let deleted):
            if self.updateFails { return .finished(removedAll: false) }
            self.messages.removeAll { message in deleted.contains { $0.rawValue == message.uid } }
            return .finished(removedAll: true)
        }
    }

    private func authenticate(_ request: AuthRequest) -> AuthOutcome {
        if let refusal = self.refusal { return .refused(refusal) }
        switch request {
        case .password(let login, let secret):
            return self.passwords[login].map { Secret($0) } == secret ? .accepted(Self.identity(login)) : .refused(.badCredentials)
        case .verifier(let login):
            guard let password = self.passwords[login] else { return .verifier(.decoy(login: login, key: Secret("k"), iterations: 4096)) }
            return .verifier(SCRAMVerifier(password: Secret(password), salt: Array(0..<16), iterations: 4096))
        case .proof(let login, _, let isValid): return isValid ? .accepted(Self.identity(login)) : .refused(.badCredentials)
        }
    }

    private func open() -> POP3Outcome {
        if let refusal = self.noMaildrop { return .noMaildrop(refusal) }
        let entries = self.messages.map { Maildrop.Entry(uid: UID(rawValue: $0.uid), size: UInt32($0.bytes.count)) }
        return .maildrop(Maildrop(validity: UIDValidity(rawValue: self.validity), messages: entries))
    }

    private func nextPiece() -> POP3Outcome {
        guard let (index, offset, pieces) = self.reading, self.messages.indices.contains(index) else { return .unreadable(.gone) }
        if let unreadable = self.unreadable, unreadable.index == index, unreadable.afterPieces <= pieces {
            return .unreadable(unreadable.failure)
        }
        let bytes = self.messages[index].bytes
        let end = min(bytes.count, offset + self.pieceSize)
        self.reading = (index, end, pieces + 1)
        let name = ContentHash(BlobID(rawValue: Int64(self.messages[index].uid)))
        return .piece(ByteBuffer(bytes: bytes[offset..<end]), isLast: end == bytes.count, of: name)
    }

    static func identity(_ login: String) -> Identity {
        Identity(account: AccountID(rawValue: 1), login: login, primaryAddress: Address(localPart: login, domain: "example.test"))
    }

}

extension POP3Call {
    /// For comparison.
    var name: String {
        switch self {
        case .authenticate(let request, let mechanism, _): "authenticate \(request.login) \(mechanism?.rawValue ?? "USER")"
        case .openMaildrop(let identity): "open \(identity.login)"
        case .read(let index): "read \(index)"
        case .readOn: "read on"
        case .pause: "pause"
        case .finish(let deleted): "finish \(deleted.map(\.description).joined(separator: ","))"
        }
    }
}

typealias POP3Session = PureSession<POP3Machine>

extension PureSession<POP3Machine> {
    /// A session behind its greeting.
    init(_ office: FakeOffice, tls: TLSFacts? = nil, _ change: (inout POP3Settings) -> Void = { _ in }) {
        var settings = POP3Settings(
            greeting: "mail.example.test POP3 server (Post.Office v1 release 0) ready", hostName: "mail.example.test",
            makeNonce: { "server-nonce" })
        settings.implementation = "Post.Office-v1"
        settings.offersTLS = true
        settings.allowsPlaintextLogin = true
        change(&settings)
        self.init(POP3Machine(settings: settings), answer: office.perform)
        self.connect(tls: tls)
    }

    /// A command and its whole answer.
    mutating func say(_ command: String) -> String { self.exchange(command + "\r\n") }

    mutating func logIn() {
        _ = self.takeOutput()
        _ = self.say("USER alice")
        _ = self.say("PASS wonderland")
    }
}
