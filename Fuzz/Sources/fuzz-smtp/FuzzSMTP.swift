import FuzzKit
import NIOCore
import SASL
import SMTPWire
import Vocabulary

/// First byte: circumstances. Second: where the input is cut, and from 200 on LMTP. Rest: what the client sends.
///
/// Beside the absence of traps this holds: the cuts do not show in the replies, every line of them is a reply, no message has a CR or LF
/// that is not part of CRLF, nor a NUL, nor a line that is too long, none has recipients that nobody accepted, memory stays bounded, and
/// no login succeeds without the password.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSMTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let second = input.byte()
    let (cut, isLMTP) = (Int(second % 61) + 1, second >= 200)
    let bytes = input.remaining()
    let whole = converse(circumstances, isLMTP, [bytes])
    let pieces = stride(from: 0, to: bytes.count, by: cut).map { Array(bytes[$0..<min($0 + cut, bytes.count)]) }
    let cutUp = converse(circumstances, isLMTP, pieces)
    // The cuts decide what is dropped behind STARTTLS, and whether the message came before it was asked for.
    let cutsCount = [whole, cutUp].contains { $0.hasTLS || $0.output.contains("554 5.5.1 Message sent before") }
    if !cutsCount { expect(whole.output == cutUp.output, "the cuts show") }
    return 0
}

private func converse(_ circumstances: UInt8, _ isLMTP: Bool, _ pieces: [[UInt8]]) -> (output: String, hasTLS: Bool) {
    var limits = SMTPLimits()
    limits.errors = 1000
    limits.messageSize = 3000
    limits.recipients = 5
    limits.textLine = 100
    let isSubmission = circumstances & 1 != 0 && !isLMTP
    let memory = circumstances & 2 != 0 ? 64 : 4096
    let profile = SMTPProfile(
        hostName: "host", isSubmission: isSubmission, isLMTP: isLMTP, offersStartTLS: circumstances & 4 != 0,
        resolvesURLs: true, limits: limits,
        bodyInMemory: memory,
        makeNonce: { "nonce" })
    let office = Office(goesToDisk: circumstances & 8 != 0)
    var session = PureSession(SMTPSession(profile, allowsClearAuth: circumstances & 16 != 0), answer: office.perform)
    session.connect(tls: circumstances & 32 != 0 ? TLSFacts(version: "TLSv1.3", cipher: "x", serverName: nil) : nil)
    if circumstances & 64 != 0, isLMTP { session.send("LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<aa>\r\n") }
    if circumstances & 64 != 0, !isLMTP { session.send("EHLO a\r\nAUTH PLAIN AGEAcGFzcw==\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\n") }
    var hasTLS = false
    for piece in pieces {
        session.send(piece)
        if session.wantsTLS {
            hasTLS = true
            session.establishTLS()
        }
        expect(session.input.readableBytes <= 12_288 + piece.count, "unread input grows")
    }
    if circumstances & 128 != 0 { session.timeOut() } else { session.shutDown() }
    let output = session.takeOutput()
    for line in output.split(separator: "\r\n") {
        let head = Array(line.utf8.prefix(4))
        expect(head.count == 4 && head[0] >= 0x32 && head[0] <= 0x35 && (head[3] == 0x20 || head[3] == 0x2D), "no reply: \(line)")
    }
    return (output, hasTLS)
}

/// Accepts whom it likes and looks at what it gets.
private final class Office {
    private let goesToDisk: Bool
    private var accepted: [Address] = []
    private var stored: [UInt8] = []
    private var knowsPassword = false
    private var url: ArraySlice<UInt8> = []
    private static let identity = Identity(
        account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "example.test"))

    init(goesToDisk: Bool) { self.goesToDisk = goesToDisk }

    func perform(_ call: SMTPCall) -> SMTPOutcome {
        switch call {
        case .connect: return .reply(Reply(220, nil, "host ready"))
        case .secured, .hello: return .done
        case .reset:
            (self.accepted, self.stored) = ([], [])
            return .done
        case .authenticate(let request, _): return .auth(self.authenticate(request))
        case .mail(let mail):
            expect(mail.identity == nil || self.knowsPassword, "a login without password")
            (self.accepted, self.stored) = ([], [])
            return .done
        case .recipients(let recipients): return .recipients(recipients.map(self.verdict))
        case .memory: return self.goesToDisk ? .toDisk : .done
        case .body(let piece):
            self.stored += piece.readableBytesView
            return .done
        case .finish(let message):
            self.look(at: message)
            return .reply(Reply(250, EnhancedStatus(2, 0, 0), "Ok \(message.size)"))
        case .url(let url):
            expect(self.knowsPassword, "a URL without login")
            expect(!self.accepted.isEmpty, "a URL without recipients")
            expect(url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !url.isEmpty, "no URL")
            self.url = Array(url.utf8)[...]
            return url.utf8.count % 5 == 0 ? .reply(Reply(554, EnhancedStatus(5, 6, 6), "No")) : self.content()
        case .urlOn: return self.content()
        case .special: return .reply(Reply(252, EnhancedStatus(2, 0, 0), "Ok"))
        }
    }

    /// What comes is made of the URL itself: `,` is LF, `;` CR, `!` NUL, `/` the end of a piece.
    private func content() -> SMTPOutcome {
        guard !self.url.isEmpty else { return .content(ByteBuffer(), isLast: true) }
        let piece = self.url.prefix { $0 != UInt8(ascii: "/") }
        self.url = self.url.dropFirst(piece.count + 1)
        let bytes = piece.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: ","): 10
            case UInt8(ascii: ";"): 13
            case UInt8(ascii: "!"): 0
            default: byte
            }
        }
        return .content(ByteBuffer(bytes: bytes), isLast: self.url.isEmpty && piece.count % 2 == 0)
    }

    private func verdict(_ recipient: Envelope.Recipient) -> Reply? {
        guard recipient.address.localPart.utf8.count % 3 != 0 else { return Reply(550, EnhancedStatus(5, 1, 1), "No") }
        self.accepted.append(recipient.address)
        return nil
    }

    private func look(at message: SMTPMessage) {
        switch message.content {
        case .whole(let bytes):
            expect(self.stored.isEmpty, "pieces of another message")
            self.stored = Array(bytes.readableBytesView)
        case .tail(let bytes): self.stored += bytes.readableBytesView
        }
        let text = self.stored
        expect(Int64(text.count) == message.size && text.count <= 3002, "size")
        expect(message.envelope.recipients.map(\.address) == self.accepted, "recipients")
        expect(text.isEmpty || text.suffix(2).elementsEqual([13, 10]), "no line end at the end")
        var column = 0
        for (index, byte) in text.enumerated() {
            column += 1
            switch byte {
            case 0: expect(false, "NUL")
            case 13: expect(index + 1 < text.count && text[index + 1] == 10, "bare CR")
            case 10:
                expect(index > 0 && text[index - 1] == 13, "bare LF")
                expect(column <= 102, "long line")
                column = 0
            default: break
            }
        }
        (self.accepted, self.stored) = ([], [])
    }

    private func authenticate(_ request: AuthRequest) -> AuthOutcome {
        switch request {
        case .password("a", let secret) where secret == Secret("pass"):
            self.knowsPassword = true
            return .accepted(Self.identity)
        case .password, .verifier, .proof: return .refused(.badCredentials)
        }
    }
}
