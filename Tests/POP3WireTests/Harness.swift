import Bytes
import NIOCore
import POP3Wire
import SASL
import Vocabulary

/// Mailboxes in memory behind a machine: what a backend does, without disk and threads.
struct FakeOffice {
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

    /// What was asked, in order, for tests of the calls themselves.
    var calls: [String] = []
    private var reading: (index: Int, offset: Int, pieces: Int)?

    mutating func perform(_ call: POP3Call) -> POP3Outcome {
        self.calls.append(Self.name(call))
        switch call {
        case .authenticate(let request, _): return .auth(self.authenticate(request))
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
        let entries = self.messages.map { Maildrop.Entry(uid: UID(rawValue: $0.uid), size: Int64($0.bytes.count)) }
        return .maildrop(Maildrop(validity: UIDValidity(rawValue: self.validity), messages: entries))
    }

    private mutating func nextPiece() -> POP3Outcome {
        guard let (index, offset, pieces) = self.reading, self.messages.indices.contains(index) else { return .unreadable(.gone) }
        if let unreadable = self.unreadable, unreadable.index == index, unreadable.afterPieces <= pieces {
            return .unreadable(unreadable.failure)
        }
        let bytes = self.messages[index].bytes
        let end = min(bytes.count, offset + self.pieceSize)
        self.reading = (index, end, pieces + 1)
        return .piece(ByteBuffer(bytes: bytes[offset..<end]), isLast: end == bytes.count)
    }

    static func identity(_ login: String) -> Identity {
        Identity(account: AccountID(rawValue: 1), login: login, primaryAddress: Address(localPart: login, domain: "example.test"))
    }

    private static func name(_ call: POP3Call) -> String {
        switch call {
        case .authenticate(let request, let mechanism): "authenticate \(request.login) \(mechanism?.rawValue ?? "USER")"
        case .openMaildrop(let identity): "open \(identity.login)"
        case .read(let index): "read \(index)"
        case .readOn: "read on"
        case .pause: "pause"
        case .finish(let deleted): "finish \(deleted.map(\.description).joined(separator: ","))"
        }
    }
}

/// A machine with its driver and backend, all on the spot: feed bytes, look at what came back.
struct Harness {
    var machine: POP3Machine
    var office: FakeOffice
    var input = ByteBuffer()
    private(set) var sent: [UInt8] = []
    private(set) var isClosed = false
    private(set) var deadlines: [TimeAmount] = []
    /// The largest answer that was ever handed over in one go.
    private(set) var largestWrite = 0
    /// Plaintext that came behind STLS and was dropped.
    private(set) var dropped = 0
    /// False leaves calls open until `answer`.
    var answersAtOnce = true
    private(set) var openCall: POP3Call?

    init(_ office: FakeOffice = FakeOffice(), tls: TLSFacts? = nil, _ change: (inout POP3Settings) -> Void = { _ in }) {
        self.office = office
        var settings = POP3Settings(
            greeting: "mail.example.test POP3 server (Post.Office v1 release 0) ready", hostName: "mail.example.test",
            makeNonce: { "server-nonce" })
        settings.implementation = "Post.Office-v1"
        settings.offersTLS = true
        settings.allowsPlaintextLogin = true
        change(&settings)
        self.machine = POP3Machine(settings: settings)
        self.act { $0.connected(tls: tls, &$1) }
    }

    static let tlsFacts = TLSFacts(version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", serverName: nil)

    /// Everything sent since the last time, as text.
    mutating func takeText() -> String {
        defer { self.sent = [] }
        return String(decoding: self.sent, as: UTF8.self)
    }

    mutating func takeBytes() -> [UInt8] {
        defer { self.sent = [] }
        return self.sent
    }

    mutating func feed(_ text: String) { self.feed(Array(text.utf8)) }

    mutating func feed(_ bytes: [UInt8]) {
        guard !self.isClosed else { return }
        self.input.writeBytes(bytes)
        self.run()
    }

    /// A command and its whole answer.
    mutating func say(_ command: String) -> String {
        self.feed(command + "\r\n")
        return self.takeText()
    }

    mutating func logIn() {
        self.feed("USER alice\r\nPASS wonderland\r\n")
        self.sent = []
    }

    mutating func answer(_ outcome: POP3Outcome) {
        self.openCall = nil
        self.act { $0.completed(outcome, &$1) }
        self.run()
    }

    mutating func timeOut() { self.act { $0.timedOut(&$1) } }
    mutating func shutDown() { self.act { $0.shuttingDown(&$1) } }

    private mutating func run() {
        while !self.isClosed, self.openCall == nil {
            let before = self.input.readableBytes
            var input = self.input
            self.act { $0.received(&input, &$1) }
            self.input = input
            if before == self.input.readableBytes { return }
        }
    }

    private mutating func act(_ step: (inout POP3Machine, inout SessionOutput<POP3Call>) -> Void) {
        var out = SessionOutput<POP3Call>()
        step(&self.machine, &out)
        while true {
            self.sent += Array(out.replies.readableBytesView)
            self.largestWrite = max(self.largestWrite, out.replies.readableBytes)
            out.replies.clear()
            if let deadline = out.takeDeadline() { self.deadlines.append(deadline) }
            if out.wantsClose { self.isClosed = true }
            if out.takeTLS() {
                self.startTLSPending = true
                return
            }
            guard let call = out.takeCall() else { return }
            guard self.answersAtOnce else {
                self.openCall = call
                return
            }
            self.machine.completed(self.office.perform(call), &out)
        }
    }

    /// STLS was answered and the handshake is to come. As the driver does, plaintext that came behind it is dropped.
    private(set) var startTLSPending = false

    mutating func shakeHands() {
        self.dropped += self.input.readableBytes
        self.input.clear()
        self.startTLSPending = false
        self.act { $0.tlsEstablished(Self.tlsFacts, &$1) }
    }
}
