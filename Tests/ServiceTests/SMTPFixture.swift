import Bytes
import Database
import Delivery
import Directory
import Forms
import Glibc
import IMAPService
import MailTesting
import MessageStore
import NIOCore
import NetKit
import POP3Service
import Policy
import PostOffice
import Queue
import Routing
import SASL
import SMTPService
import SearchIndex
import Synchronization
import Testing
import Vocabulary

/// SMTP with its real directory and store, on ports of loopback that the kernel chose.
final class SMTPFixture: Sendable {
    let folder = TemporaryDirectory("smtp")
    let clock: ManualClock
    let events = EventList()
    let directory: Directory
    let store: MessageStore
    let authenticator: Authenticator
    let service: SMTPService
    /// Mail of programs of this host.
    let submission: LocalSubmission
    /// Of the sessions that begin from now on.
    let limit = SharedLimit()
    /// DNS for names in access lists.
    let names = FakeResolver()
    /// The way to other hosts; nil unless the test asks for it.
    let remote: RemoteDelivery?
    /// Changes of its settings, beyond what the configuration has.
    let remoteChanges = RemoteChanges()
    private let releaser: QueueReleaser?
    let guards: SMTPGuards
    /// Answers that are held back.
    let delays = Delays()
    /// Time that is over for questions to the host behind.
    let questionTime: Delays = {
        let time = Delays()
        time.holds = true
        return time
    }()
    /// Sessions that have logged in.
    let submitting = AccountSessions()
    let fetching = AccountSessions()
    private let loops: EventLoops
    private let searchIndexes: SearchIndexes
    var indexes: SearchIndexes { self.searchIndexes }
    let upkeep: MailboxUpkeep
    private let imapWorkers = WorkerPool("imap", threads: 2, bound: 10_000)
    private let listeners: ListenerSet
    private static let actor = Actor(name: "tester", interface: "test")

    /// The host is mail.example.test, its domain example.test.
    /// `resolver` finds other hosts; nil takes `names`.
    init(
        sends: Bool = false, trustsLoopback: Bool = true, resolver: (any NetKit.Resolver)? = nil, clock: ManualClock = ManualClock(),
        mailboxes: Int = 50_000, conduct: SendingWatch? = nil,
        _ change: (inout StoreOptions) -> Void = { _ in }, remote changeRemote: (inout RemoteEnvironment) -> Void = { _ in },
        isFullForGood: @escaping @Sendable (AccountID) -> Bool = { _ in false }
    ) throws {
        self.clock = clock
        let random = SystemSources.random
        let now: @Sendable () -> Int64 = { clock.now }
        self.directory = try Directory.open(DirectoryLocation(file: self.folder("directory.db"), now: now, random: random))
        try self.directory.setUp(
            mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: Secret("postmaster word"), by: Self.actor)
        var options = StoreOptions(now: now, random: random)
        options.minimumFree = 0
        change(&options)
        self.store = try MessageStore.open(StoreLocation(spool: self.folder("spool"), mailbox: self.folder("mailbox")), options)
        let store = self.store
        self.searchIndexes = SearchIndexes(
            directory: self.folder("search"), owner: store.identity, next: { store.nextBlob }, note: { print("search index: \($0)") })
        self.upkeep = MailboxUpkeep(
            store: self.store, indexes: self.searchIndexes, crashGuard: NoCrashGuard(), now: { [clock] in clock.now })
        self.authenticator = Authenticator(
            self.directory, AuthenticatorOptions(cacheKey: Secret("cache key of a test"), events: self.events))
        let loginNames = LoginNames(self.authenticator, ReverseLookup(self.names))
        var environment = SMTPEnvironment(
            directory: self.directory, authenticator: self.authenticator, store: self.store, events: self.events,
            clock: SMTPClock(now: now),
            random: random, version: "1.2.3")
        environment.lookUpName = { loginNames.lookUp($0, $1, $2) }
        let isTrusted: @Sendable (IPAddress) -> Bool = { trustsLoopback && $0.isLoopback }
        self.guards = SMTPGuards(harvest: HarvestGuard(isTrusted: isTrusted), isTrusted: isTrusted)
        environment.guards = self.guards
        environment.conduct = conduct
        environment.sessions = self.submitting
        environment.isFullForGood = isFullForGood
        environment.later = { [delays] in delays.put($0, $1) }
        self.loops = EventLoops(count: 1)
        if sends {
            let source = RemoteSettingsSource(directory: self.directory)
            let changes = self.remoteChanges
            environment.queueName = { source.value.routes.hop(to: $0)?.queueName }
            var environment = RemoteEnvironment(
                directory: self.directory, store: self.store, queue: OutboundQueue(self.store), connector: Connector(loops: self.loops),
                finder: HostFinder(
                    resolver ?? self.names,
                    own: HostFinder.Own(isName: { source.isOwnName($0) }, isAddress: { address, _ in "\(address)" == "127.0.0.99" }),
                    seed: { 1 }),
                events: self.events, settings: { changes.apply(source.value) }, now: now, random: random)
            changeRemote(&environment)
            self.remote = try RemoteDelivery(environment)
        } else {
            self.remote = nil
        }
        if let remote = self.remote {
            let releaser = QueueReleaser(remote)
            self.releaser = releaser
            environment.releaseQueue = QueueReleasing.closure(releaser)
            var limits = RecipientAsker.Limits()
            limits.perHop = 1
            let asker = RecipientAsker(remote, limits: limits) { [questionTime] in questionTime.put($0, $1) }
            environment.askRecipient = { asker.ask($0, $1) }
        } else {
            self.releaser = nil
        }
        let (directory, authenticator) = (self.directory, self.authenticator)
        var mailing = IMAPService.Environment(
            store: self.store, authenticate: { authenticator.answer($0, $1, $2) }, configuration: { directory.configuration },
            sink: self.events, product: "Post.Office v1.2 release 3", version: "1.2.3", offersTLS: false, now: now, random: random,
            work: { [imapWorkers] in imapWorkers.submit($0) })
        mailing.lookUpName = { loginNames.lookUp($0, .imap, $1) }
        mailing.isActive = { directory.snapshot.mayUse(.imap, $0) }
        mailing.mayStay = { directory.snapshot.mayUse(.imap, $0) }
        directory.onChange { [sessions = mailing.sessions] snapshot in sessions.accountsChanged { snapshot.mayUse(.imap, $0) } }
        mailing.noteLogin = { [guards] in guards.popLogins.note($0, $1, at: clock.now) }
        mailing.mostMailboxes = mailboxes
        mailing.upkeep = self.upkeep
        mailing.account = { directory.find($0) }
        mailing.loginName = { directory.snapshot.loginName($0) }
        mailing.quota = { directory.snapshot.recipient($0)?.quota }
        let imap = IMAPService(mailing)
        environment.openURL = { url, identity, completion in
            imap.open(url, for: identity.account) { completion($0.map { URLContent($0) }.mapError { URLFailure($0) }) }
        }
        self.service = SMTPService(environment, offersStartTLS: false)
        self.submission = LocalSubmission(environment)
        let counter = TraceCounter()
        let world = ListenerWorld(
            sink: self.events,
            makeTrace: {
                counter.number.withLock { count in
                    count += 1
                    return TraceID("T\(count)")
                }
            })
        self.listeners = ListenerSet(loops: self.loops, world: world)
        for role in [
            ListenerRole(name: "smtp", service: .smtp), ListenerRole(name: "submission", service: .submission),
            ListenerRole(name: "lmtp", service: .lmtp),
        ] {
            let socket = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
            let binding = ServiceBinding(self.service, tls: nil, sessionTimeout: { [limit] in limit.value })
            self.listeners.add(socket, role: role, service: binding)
        }
        var reading = POP3Service.Environment(
            store: self.store, authenticate: { authenticator.answer($0, $1, $2) }, configuration: { directory.configuration },
            sink: self.events, product: "Post.Office v1.2 release 3", offersTLS: false, now: now, random: random)
        reading.lookUpName = { loginNames.lookUp($0, .pop3, $1) }
        reading.noteLogin = { [guards] in guards.popLogins.note($0, $1, at: clock.now) }
        reading.sessions = self.fetching
        reading.mayStay = { directory.snapshot.mayUse(.pop3, $0) }
        self.listeners.add(
            try BoundListener.bind(IPAddress("127.0.0.1"), port: 0), role: ListenerRole(name: "pop3", service: .pop3),
            service: ServiceBinding(POP3Service(reading), tls: nil))
        self.listeners.add(
            try BoundListener.bind(IPAddress("127.0.0.1"), port: 0), role: ListenerRole(name: "imap", service: .imap),
            service: ServiceBinding(imap, tls: nil))
        try self.listeners.start()
        self.upkeep.start()
        self.remote?.start()
    }

    deinit {
        let done = Promised<Void>()
        self.listeners.drain(within: .seconds(2)) { _ in done.give(()) }
        boundedEnd("the listeners to drain") { try done.wait(for: "the drain") }
        if let releaser = self.releaser { boundedEnd("the releaser to end") { releaser.stop() } }
        if let remote = self.remote { boundedEnd("the delivery to end") { remote.stop(within: 2000) } }
        boundedEnd("the workers to end") { [imapWorkers, upkeep, searchIndexes] in
            imapWorkers.stop()
            upkeep.stop()
            searchIndexes.close()
        }
        boundedEnd("authenticator, store and directory to close") { [authenticator, store, directory] in
            authenticator.close()
            store.close()
            directory.close()
        }
        boundedEnd("the event loops to end") { [loops] in try loops.shutDown() }
    }

    // MARK: Setting

    @discardableResult
    func account(_ addresses: String..., fields: [(Field, String)] = [], password: String? = nil) throws -> AccountID {
        var input = AccountInput()
        input.values[AccountField.addresses.key] = try AccountField.addresses.parse(addresses)
        for (field, text) in fields { input.values[field.key] = try field.parse([text]) }
        input.verifier = try password.map { try self.directory.verifier(for: Secret($0)) }
        return try self.directory.addAccount(input, by: Self.actor)
    }

    func configure(_ field: Field, list texts: [String]) throws {
        try self.directory.configure([field.key: try field.parse(texts)], by: Self.actor)
    }

    func configure(_ field: Field, _ texts: String...) throws {
        try self.directory.configure([field.key: try field.parse(texts)], by: Self.actor)
    }

    func change(_ account: AccountID, _ field: Field, _ texts: String...) throws { try self.change(account, field, texts) }

    func change(_ account: AccountID, _ field: Field, _ texts: [String]) throws {
        var input = AccountInput()
        input.values[field.key] = try field.parse(texts)
        try self.directory.changeAccount(account, input, by: Self.actor)
    }

    func remove(_ account: AccountID) throws { try self.directory.removeAccount(account, by: Self.actor) }

    // MARK: Talking

    func port(_ name: String) throws -> Int { try #require(self.listeners.ports.first { $0.role.name == name }?.port) }

    func connect(_ name: String = "smtp") throws -> SMTPClient { try SMTPClient(port: self.port(name)) }

    /// Past the greeting.
    func reader() throws -> POP3Client { try POP3Client(port: self.port("pop3")) }

    /// Past EHLO.
    func greeted(_ name: String = "smtp") throws -> SMTPClient {
        let client = try self.connect(name)
        _ = try client.reply()
        _ = try client.say("EHLO client.test")
        return client
    }

    // MARK: Looking

    /// Messages of an account's INBOX, whole, in order.
    func mailbox(of account: AccountID) throws -> [String] {
        let listing = try self.wait { self.store.openInbox(of: account, completion: $0) }
        return try listing.entries.map { entry in
            let reader = try self.wait { self.store.reader(listing.mailbox, entry.uid, completion: $0) }
            var whole = ByteBuffer()
            while var piece = try self.wait({ reader.next($0) }) { whole.writeBuffer(&piece) }
            return String(buffer: whole)
        }
    }

    func wait<Value: Sendable, Failure: Error>(_ start: (@escaping @Sendable (Result<Value, Failure>) -> Void) -> Void) throws -> Value {
        let answer = Promised<Result<Value, Failure>>()
        start { answer.give($0) }
        return try answer.wait(for: "an answer of the store").get()
    }
}

/// Keeps events for looking at.
final class EventList: EventSink {
    private let kept = Mutex<[TrailEvent]>([])
    func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {
        let event = event()
        self.kept.withLock { $0.append(event) }
    }
    var all: [TrailEvent] { self.kept.withLock { $0 } }
    var names: [String] { self.all.map(\.event) }
    /// `module event key=value …` of each with this name.
    func lines(_ name: String) -> [String] {
        self.all.filter { $0.event == name }.map { event in
            ([event.module.rawValue] + event.facts.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
        }
    }
}

/// A client that says lines and reads replies.
final class SMTPClient {
    let connection: LineConnection
    init(port: Int) throws { self.connection = try LineConnection(port: port, timeout: 20) }

    func reply() throws -> String { try self.connection.reply().joined(separator: "|") }

    /// The replies to each line, in order.
    func say(_ lines: String...) throws -> String {
        try self.connection.send(lines.map { "\($0)\r\n" }.joined().utf8.map { $0 })
        return try lines.map { _ in try self.reply() }.joined(separator: "|")
    }

    /// DATA with this text and the dot; the reply to the dot.
    func send(_ text: String) throws -> String {
        let answer = try self.say("DATA")
        guard answer.hasPrefix("354") else { return answer }
        try self.connection.send(Array((text + ".\r\n").utf8))
        return try self.reply()
    }

    /// A whole transaction; the reply that ended it.
    func mail(from sender: String, to recipients: [String], _ text: String) throws -> String {
        let answer = try self.say("MAIL FROM:<\(sender)>")
        guard answer.hasPrefix("250") else { return answer }
        for recipient in recipients {
            let answer = try self.say("RCPT TO:<\(recipient)>")
            guard answer.hasPrefix("250") else { return answer }
        }
        return try self.send(text)
    }

    func login(_ name: String, _ password: String) throws -> String {
        try self.say("AUTH PLAIN \(Base64.encode(Array("\0\(name)\0\(password)".utf8)))")
    }
}

private final class TraceCounter: Sendable {
    let number = Mutex(0)
}

extension SMTPFixture {
    /// The queue's rows come a moment after 250; waits for so many, at most some seconds.
    func waitForQueue(_ count: Int) throws {
        var last: Int?
        // For a while: what was accepted a moment ago stands in the queue a moment later.
        var times = 0
        let isSo = eventually {
            last = try? self.store.queueCount()
            times = last == count ? times + 1 : 0
            return times == 100
        }
        #expect(isSo, "\(last.map { "\($0)" } ?? "no") entries, not \(count)")
    }

    /// What became of the message that was sent when there were `known` events: `delivered`, or the reason of the failure.
    /// - Parameter isNew: of a message that was not there before; others that are tried again meanwhile do not count.
    func fate(after known: Int, isNew: Bool = false) throws -> String {
        var fate: String?
        let before = Set(self.events.all.prefix(known).map(\.trace))
        _ = eventually(within: 60) {
            for event in self.events.all.dropFirst(known) where !isNew || !before.contains(event.trace) {
                switch event.event {
                case "delivered": fate = "delivered"
                case "deferred", "failed": fate = event.facts.first { $0.key == "reason" }?.value
                default: break
                }
            }
            return fate != nil && self.remote?.isIdle == true
        }
        return try #require(fate)
    }
}

/// Answers that the server holds back: given at once unless a test holds them.
final class Delays: Sendable {
    private struct State {
        var holds = false
        var seconds: [Int64] = []
        var waiting: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())
    var seconds: [Int64] { self.state.withLock { $0.seconds } }
    var holds: Bool {
        get { self.state.withLock { $0.holds } }
        set { self.state.withLock { $0.holds = newValue } }
    }
    func put(_ seconds: Int64, _ body: @escaping @Sendable () -> Void) {
        let isHeld = self.state.withLock { state in
            state.seconds.append(seconds)
            if state.holds { state.waiting.append(body) }
            return state.holds
        }
        if !isHeld { body() }
    }
    func release() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }
}

/// A time that a test sets.
final class SharedLimit: Sendable {
    private let held = Mutex<TimeAmount?>(nil)
    var value: TimeAmount? {
        get { self.held.withLock { $0 } }
        set { self.held.withLock { $0 = newValue } }
    }
}

/// What a test changes of the settings of the way out.
final class RemoteChanges: Sendable {
    private let change = Mutex<(@Sendable (inout RemoteSettings) -> Void)?>(nil)
    func set(_ change: @escaping @Sendable (inout RemoteSettings) -> Void) { self.change.withLock { $0 = change } }
    func apply(_ settings: RemoteSettings) -> RemoteSettings {
        var settings = settings
        self.change.withLock { $0 }?(&settings)
        return settings
    }
}
