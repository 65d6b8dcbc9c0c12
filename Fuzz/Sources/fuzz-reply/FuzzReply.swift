import FuzzKit
import NIOCore
import Policy
import SASL
import SMTPWire
import Vocabulary

/// First byte: circumstances. Second: where the input is cut, and from 200 on LMTP. Rest: what the server says.
///
/// Beside the absence of traps this holds: the cuts do not show in what the client says; every message that was handed out is reported
/// once, with a result for each recipient; nobody counts as delivered before the server said 250 to the end of a message; the password goes
/// over TLS only; after the connection is lost the conversation is over.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzReply(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let second = input.byte()
    let (cut, isLMTP) = (Int(second % 61) + 1, second >= 200)
    let bytes = input.remaining()
    let whole = converse(circumstances, isLMTP, [bytes])
    let pieces = stride(from: 0, to: bytes.count, by: cut).map { Array(bytes[$0..<min($0 + cut, bytes.count)]) }
    let cutUp = converse(circumstances, isLMTP, pieces)
    // The cuts decide what is dropped behind STARTTLS.
    if !whole.hasTLS, !cutUp.hasTLS { expect(whole.output == cutUp.output, "the cuts show") }
    return 0
}

private let password = "c2VjcmV0"

private func converse(_ circumstances: UInt8, _ isLMTP: Bool, _ pieces: [[UInt8]]) -> (output: String, hasTLS: Bool) {
    var settings = SMTPClientSettings(helloName: "client.test")
    settings.usesChunking = circumstances & 1 == 0
    settings.isLMTP = isLMTP
    if circumstances & 2 != 0 { settings.tls = .required("test") }
    if circumstances & 4 != 0 { settings.credentials = SMTPClientSettings.Credentials(login: "a", password: Secret("secret")) }
    let sender = Sender(isStreamed: circumstances & 8 != 0, isInternational: circumstances & 16 != 0)
    var session = PureSession(SMTPClient(settings), answer: sender.answer)
    session.connect()
    // Past the opening, so that the interesting part is near.
    if circumstances & 32 != 0 { session.send("220 x\r\n250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n") }
    var hasTLS = false
    for piece in pieces {
        session.send(piece)
        if session.wantsTLS {
            expect(!String(buffer: session.output).contains(password), "a password in clear")
            hasTLS = true
            session.establishTLS()
        }
        expect(session.input.readableBytes <= SMTPReplyReader.longestLine + piece.count, "unread input grows")
    }
    if circumstances & 64 != 0 { session.timeOut() }
    session.notify(.lost(reason: "end"))
    expect(session.isClosed, "not closed")
    expect(sender.handedOut == sender.reports.count, "\(sender.handedOut) messages, \(sender.reports.count) reports")
    for report in sender.reports {
        expect(report.results.count == 3, "results")
        for case .delivered(let reply) in report.results { expect(reply.code / 100 == 2, "delivered by \(reply.code)") }
    }
    let output = session.takeOutput()
    if !hasTLS { expect(!output.contains(password), "a password in clear") }
    return (output, hasTLS)
}

/// Hands out three messages.
private final class Sender {
    private let isStreamed: Bool
    private let isInternational: Bool
    private var pieces = 0
    private(set) var handedOut = 0
    private(set) var reports: [SMTPClientReport] = []

    init(isStreamed: Bool, isInternational: Bool) {
        self.isStreamed = isStreamed
        self.isInternational = isInternational
    }

    func answer(_ call: SMTPClientCall) -> SMTPClientOutcome {
        switch call {
        case .ready: return self.next()
        case .read:
            self.pieces += 1
            return self.pieces > 3 ? .bodyEnded : .piece(ByteBuffer(string: ".piece\r\n\n"))
        case .finished(let report, let canGoOn):
            self.reports.append(report)
            return canGoOn ? self.next() : .quit
        case .failed: return .quit
        }
    }

    private func next() -> SMTPClientOutcome {
        guard self.handedOut < 3 else { return .quit }
        self.handedOut += 1
        self.pieces = 0
        var envelope = Envelope(sender: Address(localPart: "a", domain: "example.test"))
        envelope.recipients = ["x", "y", self.isInternational ? "\u{3042}" : "z"].map {
            Envelope.Recipient(Address(localPart: $0, domain: "x.test"))
        }
        return .send(
            SMTPClientMessage(
                envelope: envelope, size: 10, body: self.isStreamed ? .streamed : .whole(ByteBuffer(string: "Hello\r\n.\r\n"))))
    }
}
