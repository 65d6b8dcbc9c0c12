import Bytes
import MailTesting
import NIOCore
import SASL
import SMTPWire
import Vocabulary

/// A backend of few words: knows `known@…` and `postmaster`, takes messages and says back what it took.
final class ScriptedBackend {
    /// What came, in order.
    private(set) var messages: [(envelope: Envelope, text: String)] = []
    private(set) var pieces = 0
    private(set) var resets = 0
    private(set) var granted = 0
    private var streamed = ByteBuffer()
    var mailReply: Reply?
    var bodyReply: Reply?
    let password = "secret word"

    func answer(_ call: SMTPCall) -> SMTPOutcome {
        switch call {
        case .connect: return .reply(Reply(220, nil, "mail.example.test ESMTP server ready"))
        case .secured, .hello: return .done
        case .reset:
            self.resets += 1
            self.streamed.clear()
            return .done
        case .authenticate(let request, _): return .auth(self.authenticate(request))
        case .mail: return self.mailReply.map { .reply($0) } ?? .done
        case .recipients(let recipients): return .recipients(recipients.map(self.verdict))
        case .memory(let count):
            self.granted += count
            return .done
        case .body(var piece):
            self.pieces += 1
            self.streamed.writeBuffer(&piece)
            return self.bodyReply.map { .reply($0) } ?? .done
        case .url(let url):
            guard let content = Self.contents[url] else { return .reply(Reply(554, EnhancedStatus(5, 6, 6), "IMAP URL resolution failed")) }
            self.opened = content.split(separator: "~").map(String.init)
            return self.nextPiece()
        case .urlOn: return self.nextPiece()
        case .finish(let message): return .reply(self.finish(message))
        case .special: return .reply(Reply(252, EnhancedStatus(2, 0, 0), "Cannot verify, but will take mail and try to deliver it"))
        }
    }

    /// What URLs open, `~` between the pieces.
    private static let contents = [
        "imap://h/whole": "Subject: u\r~\n\r\nfrom a~ URL\r\n", "imap://h/half": "half of", "imap://h/empty": "",
        "imap://h/lf": "Subject: u~\n\nx\r\n", "imap://h/large": String(repeating: "0123456789\r\n~", count: 400),
    ]
    private var opened: [String] = []

    private func nextPiece() -> SMTPOutcome {
        guard !self.opened.isEmpty else { return .content(ByteBuffer(), isLast: true) }
        return .content(ByteBuffer(string: self.opened.removeFirst()), isLast: false)
    }

    private func verdict(_ recipient: Envelope.Recipient) -> Reply? {
        switch recipient.address.localPart.lowercased() {
        case "known", "postmaster", "あ": nil
        case "busy": Reply(421, EnhancedStatus(4, 7, 0), "Closing")
        case "full": Reply(452, EnhancedStatus(4, 2, 2), "Mailbox full")
        default: Reply(550, EnhancedStatus(5, 1, 1), "No such address")
        }
    }

    private func authenticate(_ request: AuthRequest) -> AuthOutcome {
        switch request {
        case .password(let login, let secret):
            let isRight = secret.withBytes { Array($0) == Array(self.password.utf8) }
            guard login == "known", isRight else { return .refused(login == "locked" ? .locked : .badCredentials) }
            return .accepted(
                Identity(account: AccountID(rawValue: 1), login: login, primaryAddress: Address(localPart: "known", domain: "example.test"))
            )
        case .verifier, .proof: return .refused(.unavailable)
        }
    }

    private func finish(_ message: SMTPMessage) -> Reply {
        var whole = self.streamed
        self.streamed = ByteBuffer()
        switch message.content {
        case .whole(var bytes), .tail(var bytes): whole.writeBuffer(&bytes)
        }
        let text = String(buffer: whole)
        self.messages.append((message.envelope, text))
        let shown =
            text.utf8.count <= 60
            ? ": " + String(decoding: text.utf8.filter { $0 != 0x0D }.map { $0 == 0x0A ? 0x7C : $0 }, as: UTF8.self) : ""
        return Reply(250, EnhancedStatus(2, 0, 0), "Taken \(message.size) octets for \(message.envelope.recipients.count)\(shown)")
    }
}

/// A session with its backend, past the greeting.
struct Conversation {
    let backend: ScriptedBackend
    var session: PureSession<SMTPSession>

    init(
        submission: Bool = false, lmtp: Bool = false, urls: Bool = false, clearAuth: Bool = false, startTLS: Bool = true,
        bodyInMemory: Int = 256 << 10,
        early: String = "",
        tls: TLSFacts? = nil, _ change: (inout SMTPLimits) -> Void = { _ in }
    ) {
        var limits = SMTPLimits()
        change(&limits)
        let profile = SMTPProfile(
            hostName: "mail.example.test", isSubmission: submission, isLMTP: lmtp, offersStartTLS: startTLS, resolvesURLs: urls,
            limits: limits,
            bodyInMemory: bodyInMemory,
            makeNonce: { "fixed-nonce-of-a-test" })
        let backend = ScriptedBackend()
        self.backend = backend
        self.session = PureSession(SMTPSession(profile, allowsClearAuth: clearAuth), answer: backend.answer)
        self.session.connect(tls: tls, early: Array(early.utf8))
    }

    /// Past EHLO as well.
    static func greeted(submission: Bool = false, clearAuth: Bool = false, _ change: (inout SMTPLimits) -> Void = { _ in }) -> Conversation
    {
        var conversation = Conversation(submission: submission, clearAuth: clearAuth, change)
        _ = conversation.say("EHLO client.test")
        return conversation
    }

    /// Sends lines, each with CRLF; the replies without their line ends, `|` between them.
    mutating func say(_ lines: String...) -> String {
        self.raw(lines.map { "\($0)\r\n" }.joined())
    }

    mutating func raw(_ text: String) -> String { self.raw(Array(text.utf8)) }

    mutating func raw(_ bytes: [UInt8]) -> String {
        self.session.send(bytes)
        let replies = self.session.takeOutput().split(separator: "\r\n").joined(separator: "|")
        return replies
    }
}
