import IMAPWire
import MailTesting
import Vocabulary

/// A session of a test, with its backend.
struct Client {
    var session: PureSession<IMAPMachine>
    let backend: FakeBackend
    private var tags = 0

    init(_ office: FakeOffice, _ change: (inout IMAPSettings) -> Void = { _ in }) {
        var settings = IMAPSettings(greeting: "host IMAP4 server ready", hostName: "host", makeNonce: { "nonce" })
        settings.allowsPlaintextLogin = true
        settings.offersTLS = true
        change(&settings)
        let backend = FakeBackend(office)
        self.backend = backend
        self.session = PureSession(IMAPMachine(settings: settings), answer: backend.perform)
        self.session.connect()
        _ = self.session.takeOutput()
    }

    /// Logged in as alice, with INBOX selected.
    static func inInbox(_ office: FakeOffice, _ change: (inout IMAPSettings) -> Void = { _ in }) -> Client {
        var client = Client(office, change)
        _ = client.command("LOGIN alice wonderland")
        _ = client.command("SELECT INBOX")
        return client
    }

    /// Sends one command and gives the untagged lines and the rest of the tagged line.
    mutating func command(_ text: String) -> (lines: [String], result: String) {
        self.tags += 1
        let tag = "t\(self.tags)"
        var lines = self.session.exchange("\(tag) \(text)\r\n").split(separator: "\r\n").map(String.init)
        guard let last = lines.last, last.hasPrefix(tag + " ") else { return (lines, "no tagged answer") }
        lines.removeLast()
        return (lines, String(last.dropFirst(tag.count + 1)))
    }
}
