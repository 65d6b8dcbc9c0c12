import Bytes
import Counters
import Directory
import Forms
import Glibc
import MailTesting
import MessageStore
import NIOCore
import PostOffice
import Queue
import Testing
import Vocabulary
import WebService
import WebTesting

/// A desk with a queue, a log and counters in which strangers wrote whatever they like.
final class RunningDesk: Sendable {
    /// What would run, end an attribute, open a tag or turn the text around if it were not encoded.
    static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</pre></td><svg/onload=alert(1)>",
        "{{7*7}}${7*7}", "\u{202E}txt.exe", "&lt;b&gt;", "javascript:alert(1)", "]]><!--", "日本語 & <b>",
    ]

    let desk: PageDesk
    let counters: Counters
    let log: String
    private let keeper: CensusKeeper

    init() async throws {
        let desk = try PageDesk()
        self.desk = desk
        try desk.wrapUp()
        self.log = desk.place("log")
        mkdir(self.log, 0o700)
        self.counters = try Counters.open(desk.place("counters.db"), now: { 1_800_000_000_000 })
        self.keeper = CensusKeeper(desk.store, now: { 1_800_000_000 })
        self.keeper.start()
        try await self.fillQueue()
        self.fillLog()
        try self.fillHistory()
    }

    deinit {
        self.keeper.stop()
        self.counters.close()
    }

    private func fillQueue() async throws {
        for (number, text) in Self.hostile.enumerated() {
            var draft = QueueDraft(
                .remote, recipient: .init(Address(localPart: text, domain: "far.test")), destination: "far.test", due: MessageStore.never)
            draft.reason = "held because of \(text)"
            var later = QueueDraft(
                .remote, recipient: .init(Address(localPart: "r\(number)", domain: "x\(number).test")), destination: text,
                due: 1_800_009_999)
            later.reason = text
            let header = "From: \(text)\r\nSubject: \(text)\r\nX-\(number): \(text)\r\n\r\nbody of \(text)\r\n"
            var item = AcceptItem(
                body: .memory(ByteBuffer(string: header)), envelope: Envelope(sender: Address(localPart: text, domain: "near.test")),
                receivedAt: 1_799_999_000, trace: TraceID("T\(number)"), deliveries: [], queue: [draft, later])
            item.envelope.recipients = [draft.recipient, later.recipient]
            _ = try await awaited("accept") { self.desk.store.accept(item, completion: $0) }
        }
        let store = self.desk.store
        #expect(eventually { (try? store.queueCount()) == Self.hostile.count * 2 })
        #expect(self.keeper.counted()?.all.all == Self.hostile.count * 2)
    }

    private func fillLog() {
        for (number, text) in Self.hostile.enumerated() {
            for event in [
                TrailEvent(.smtpAccept, "helo", trace: TraceID("T\(number)"), [("name", text), ("verb", "EHLO")]),
                TrailEvent(
                    .smtpAccept, "message-accepted", trace: TraceID("T\(number)"), [("from", text), ("size", "100"), ("recipients", "1")]),
                TrailEvent(.smtpAccept, "recipient-refused", trace: TraceID("T\(number)"), [("to", text), ("reason", "no-such-address")]),
            ] {
                TrailWriter.append(event, directory: self.log, now: 1_800_000_000_000)
                self.counters.note(event, milliseconds: 1_800_000_000_000)
            }
        }
        self.counters.set([.queueEntries: 20, .spoolFree: 1 << 40, .connections: 3], at: Minute(unixSeconds: 1_800_000_000))
    }

    private func fillHistory() throws {
        for text in Self.hostile {
            try self.desk.directory.noteAction(
                text, [(text, text, text)], by: Actor(name: text, interface: "web", origin: text))
            _ = try self.desk.directory.addToken(label: text, scopes: [.read], lastDay: nil, by: Actor(name: text, interface: "web"))
        }
    }

    var host: WebHost {
        self.desk.host { host in
            host.watch = WebWatch(
                counters: self.counters, census: { [keeper] in keeper.census() }, holdings: { [keeper] in keeper.holdings() },
                underWay: { [] }, resting: { [("far.test", 1_800_000_500)] }, log: self.log, reason: { reason, _ in reason })
            host.scopeOf = { AdminVerbs.scope($0) }
        }
    }

    func visitor(_ language: Language = .english) -> Visitor { Visitor(self.host, language) }

    // MARK: Programs

    struct Answer {
        var status: Int
        var text: String
        var headers: [(name: String, value: String)]
        var json: JSONValue { (try? JSONValue(reading: Array(self.text.utf8))) ?? .null }
        var message: String { self.json["error"]?["message"]?.text ?? "" }
    }

    /// A request of a program.
    func ask(
        _ method: WebMethod, _ path: String, key: String?, query: [(String, String)] = [], body: String = "", language: Language = .english,
        isTLS: Bool = true, from address: String = "192.0.2.7", host: WebHost? = nil
    ) throws -> Answer {
        let client = try #require(IPAddress(address))
        let facts = ConnectionFacts(
            peer: client, peerPort: 1, local: client, localPort: 443,
            listener: ListenerRole(name: "https", service: .http, implicitTLS: isTLS), trace: TraceID("t1"))
        var request = WebRequest(
            method, path, query: WebFields(query.map { WebFields.Pair($0.0, $0.1) }),
            headers: key.map { [("authorization", "Bearer \($0)")] } ?? [], body: Array(body.utf8), host: "mail.example.test", isTLS: isTLS,
            language: language, facts: facts)
        request.language = language
        let reply = Routes.answer(request, host ?? self.host)
        let body = reply.stream?.whole() ?? reply.body
        return Answer(status: reply.status, text: String(decoding: body, as: UTF8.self), headers: reply.headers)
    }

    func key(_ scopes: TokenScope..., name: String = "k\(UInt32.random(in: 0...UInt32.max))", until: String? = nil) throws -> String {
        try self.desk.directory.addToken(
            label: name, scopes: Set(scopes), lastDay: until, by: Actor(name: "test", interface: "test")
        ).text
    }
}
