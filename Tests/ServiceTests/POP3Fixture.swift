import Directory
import Glibc
import MailTesting
import MessageStore
import NIOCore
import NetKit
import POP3Service
import SASL
import Synchronization
import Vocabulary

/// A POP3 server on loopback with a real store, and a directory of three words: everybody's password is `secret`.
final class POP3Fixture: Sendable {
    static let alice = AccountID(rawValue: 7)
    static let bob = AccountID(rawValue: 8)

    let scratch = TemporaryDirectory("pop3")
    let store: MessageStore
    let locks = MaildropLocks()
    let sink = RecordingSink()
    let clock = ManualClock()
    let port: Int
    private let loops = EventLoops(count: 2)
    private let listeners: ListenerSet

    init() throws {
        var options = StoreOptions(now: { 1_800_000_000 })
        options.minimumFree = 0
        self.store = try MessageStore.open(StoreLocation(spool: self.scratch("spool"), mailbox: self.scratch("mailbox")), options)
        let configuration = Configuration([:])
        let environment = POP3Service.Environment(
            store: self.store, authenticate: { request, _, answer in answer(Self.authenticate(request)) },
            configuration: { configuration }, locks: self.locks, sink: self.sink, product: "Post.Office v0.0 release 0", offersTLS: false,
            now: { [clock] in clock.now }, random: SystemSources.random)
        self.listeners = ListenerSet(loops: self.loops, world: ListenerWorld(makeTrace: { TraceID("T") }))
        let listener = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        self.port = listener.port
        self.listeners.add(
            listener, role: ListenerRole(name: "pop3", service: .pop3), service: ServiceBinding(POP3Service(environment), tls: nil))
        try self.listeners.start()
    }

    deinit {
        self.listeners.stopAccepting()
        boundedEnd("the store to close") { [store] in store.close() }
        boundedEnd("the event loops to end") { [loops] in try loops.shutDown() }
    }

    private static func authenticate(_ request: AuthRequest) -> AuthOutcome {
        let accounts = ["alice": self.alice, "bob": self.bob]
        guard case .password(let login, Secret("secret")) = request, let account = accounts[login] else { return .refused(.badCredentials) }
        return .accepted(Identity(account: account, login: login, primaryAddress: Address(localPart: login, domain: "example.test")))
    }

    /// Delivers and waits until it is there.
    func deliver(_ body: String, prefix: String = "", to account: AccountID = alice) async throws {
        let item = AcceptItem(
            body: .memory(ByteBuffer(string: body)), envelope: Envelope(sender: nil), receivedAt: 1_800_000_000, trace: TraceID("T"),
            deliveries: [PlannedDelivery(account: account, prefix: ByteBuffer(string: prefix))], queue: [])
        _ = try await awaited("the answer to a message") { self.store.accept(item, completion: $0) }
    }

    /// A session behind its login.
    func session(_ login: String = "alice") throws -> POP3Client {
        let client = try POP3Client(port: self.port)
        try client.ok("USER \(login)")
        try client.ok("PASS secret")
        return client
    }
}

/// What a client sees, in lines.
final class POP3Client {
    let connection: LineConnection
    struct Unexpected: Error { let line: String }

    init(port: Int) throws {
        self.connection = try LineConnection(port: port)
        _ = try self.connection.line()
    }

    func say(_ command: String) throws -> String {
        try self.connection.send(line: command)
        return try self.connection.line()
    }

    @discardableResult
    func ok(_ command: String) throws -> String {
        let line = try self.say(command)
        guard line.hasPrefix("+OK") else { throw Unexpected(line: line) }
        return line
    }

    /// The lines of a multi-line answer, dots unstuffed.
    func lines(_ command: String) throws -> [String] {
        try self.ok(command)
        var lines: [String] = []
        while lines.count < 1_000_000 {
            let line = try self.connection.line()
            if line == "." { return lines }
            lines.append(line.hasPrefix(".") ? String(line.dropFirst()) : line)
        }
        throw Unexpected(line: "an answer without end")
    }

    /// As a lost connection does.
    func cut() { _ = shutdown(self.connection.descriptor, CInt(SHUT_RDWR)) }

    func message(_ number: Int) throws -> String { try self.lines("RETR \(number)").map { $0 + "\r\n" }.joined() }
}

/// Keeps the names of events.
final class RecordingSink: EventSink {
    private let events = Mutex<[TrailEvent]>([])
    func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {
        let event = event()
        self.events.withLock { $0.append(event) }
    }
    var names: [String] { self.events.withLock { $0.map(\.event) } }
    func facts(of name: String) -> [String: String] {
        let found = self.events.withLock { $0.last { $0.event == name } }
        return Dictionary(uniqueKeysWithValues: found?.facts.map { ($0.key, $0.value) } ?? [])
    }
}
