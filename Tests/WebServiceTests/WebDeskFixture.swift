import Database
import Directory
import Forms
import MailTesting
import NetKit
import SASL
import Synchronization
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

/// The whole web but for sockets: a directory of its own, and people with browsers.
final class WebOfficeInTest: Sendable {
    let folder = TemporaryDirectory("web")
    let clock = ManualClock()
    let directory: Directory
    let service: WebService
    let authenticator: Authenticator
    let events = RecordingSink()
    private let queue: FairQueue
    static let actor = Actor(name: "tester", interface: "test")
    static let postmasterPassword = "postmaster-1"

    /// - Parameter osPassword: stands for the operating system.
    init(
        certificate: WebCertificate? = WebCertificate(isSelfSigned: true, names: []), ports: [WebPort] = [WebPort(port: 443, isTLS: true)],
        osPassword: (@Sendable (SystemPassword.Question) -> SystemPassword.Answer)? = nil
    ) throws {
        let clock = self.clock
        let random: @Sendable (Int) -> [UInt8] = { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }
        let directory = try Directory.open(DirectoryLocation(file: self.folder("directory.db"), now: { clock.now }, random: random))
        self.directory = directory
        try directory.setUp(
            mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: Secret(Self.postmasterPassword), by: Self.actor)
        var options = AuthenticatorOptions(cacheKey: Secret(random(32)), events: self.events)
        options.osPassword = osPassword
        if let osPassword { directory.compareSystemPasswords(osPassword) }
        self.authenticator = Authenticator(directory, options)
        self.queue = FairQueue("web-test", threads: 1, perPeer: 10, total: 10)
        var host = WebHost(
            directory: directory, authenticator: self.authenticator, events: self.events, version: "5.0.0", now: { clock.now },
            random: random, ports: { ports }, certificate: { certificate })
        host.sessions = try WebSessions(directory, now: { clock.now })
        let box = AuditBox()
        self.box = box
        host.audit = { entry in box.entries.withLock { $0.append(entry) } }
        self.service = WebService(host, queue: self.queue)
    }

    private let box: AuditBox
    var audit: [AuditEntry] { self.box.entries.withLock { $0 } }

    deinit {
        self.queue.stop()
        self.authenticator.close()
        self.directory.close()
    }

    @discardableResult
    func add(_ address: String, password: String = "secret-1", fields: [String: [String]] = [:]) throws -> AccountID {
        var texts = [(name: "addresses", texts: [address]), (name: "real-name", texts: ["Taro <b>Yamada</b>"])]
        texts += fields.map { (name: $0.key, texts: $0.value) }
        var input = try AccountInput(parsing: texts)
        // A verifier that costs a test next to nothing.
        input.verifier = SCRAMVerifier(password: Secret(password), salt: [UInt8](repeating: 7, count: 16), iterations: 4096)
        return try self.directory.addAccount(input, by: Self.actor)
    }

    func configure(_ name: String, _ texts: String...) throws {
        let field = try #require(FieldTable.configuration(named: name))
        try self.directory.configure([field.key: try field.parse(texts)], by: Self.actor)
    }

    func set(_ account: AccountID, _ name: String, _ texts: String...) throws {
        try self.directory.changeAccount(account, try AccountInput(parsing: [(name: name, texts: texts)]), by: Self.actor)
    }
}

final class AuditBox: Sendable { let entries = Mutex<[AuditEntry]>([]) }

final class RecordingSink: EventSink, Sendable {
    private let events = Mutex<[TrailEvent]>([])
    func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {
        let event = event()
        self.events.withLock { $0.append(event) }
    }
    var names: [String] { self.events.withLock { $0.map(\.event) } }
    var text: String { self.events.withLock { "\($0)" } }
}

/// A browser: keeps cookies, remembers the last page.
final class TestBrowser {
    let office: WebOfficeInTest
    var client = "192.0.2.7"
    var isTLS = true
    var host = "mail.example.test"
    var headers: [(name: String, value: String)] = []
    private(set) var cookies: [String: String] = [:]
    private(set) var page = Answer()

    struct Answer {
        var status = 0
        var headers: [(name: String, value: String)] = []
        var text = ""
        var read: String { Browser.decoded(Substring(self.text)) }
        var location: String? { self.headers.first { $0.name == "Location" }?.value }
        func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }
    }

    init(_ office: WebOfficeInTest) { self.office = office }

    /// Another browser that has stolen these cookies.
    func copy() -> TestBrowser {
        let other = TestBrowser(self.office)
        other.cookies = self.cookies
        return other
    }

    @discardableResult
    func get(_ target: String) throws -> Answer { try self.send("GET", target, "") }

    /// Submits the form of the page in hand whose action it is.
    @discardableResult
    func submit(_ target: String, _ typing: [String: String?] = [:]) throws -> Answer {
        let form = Browser.submit(self.page.text, typing: typing)
        return try self.send("POST", target, WebFields(form.pairs.map { WebFields.Pair($0.name, $0.value) }).encoded)
    }

    @discardableResult
    func post(_ target: String, _ fields: [(String, String)]) throws -> Answer {
        try self.send("POST", target, WebFields(fields.map { WebFields.Pair($0.0, $0.1) }).encoded)
    }

    func logIn(_ login: String, _ password: String = "secret-1") throws {
        try self.get("/")
        try self.submit("/login", ["login": login, "password": password])
    }

    func send(_ method: String, _ target: String, _ body: String) throws -> Answer {
        let peer = try #require(IPAddress(self.client))
        let facts = ConnectionFacts(
            peer: peer, peerPort: 1, local: peer, localPort: self.isTLS ? 443 : 80,
            listener: ListenerRole(name: "web", service: .http, implicitTLS: self.isTLS), trace: TraceID("t1"))
        var headers = self.headers
        if !self.cookies.isEmpty {
            headers.append(("cookie", self.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")))
        }
        if method == "POST" { headers.append(("content-type", "application/x-www-form-urlencoded")) }
        let input = HTTPInput(
            method: method, target: target, authority: self.host, headers: headers, body: Array(body.utf8), facts: facts)
        let answer = Monitor<WebReply?>(nil)
        self.office.service.answer(input) { reply in
            answer.withLock { $0 = reply }
            answer.signal()
        }
        let reply = try #require(answer.wait(until: { $0 != nil }, then: { $0 }))
        for (name, value) in reply.headers where name == "Set-Cookie" {
            let pair = value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if value.contains("Max-Age=0") { self.cookies[pair[0]] = nil } else { self.cookies[pair[0]] = pair.count > 1 ? pair[1] : "" }
        }
        self.page = Answer(status: reply.status, headers: reply.headers, text: String(decoding: reply.body, as: UTF8.self))
        return self.page
    }
}
