import Directory
import Forms
import MailTesting
import MessageStore
import NIOCore
import NetKit
import PostOffice
import Synchronization
import Testing
import Vocabulary
import WebService
import WebTesting

/// The pages over a directory and store of their own, with the commands of the command line behind them.
final class PageDesk: Sendable {
    let place = TemporaryDirectory("pages")
    let directory: Directory
    let store: MessageStore
    let audited = Mutex<[AuditEntry]>([])
    private let context: AdminContext

    init() throws {
        let start = StartConfiguration(
            file: self.place("post.office.conf"), directories: .init(program: "/p", spool: self.place.path, mailbox: self.place("mailbox")),
            listeners: [])
        self.directory = try Directory.open(
            DirectoryLocation(file: start.directoryDatabase, now: { 1_800_000_000 }, random: SystemSources.random))
        try self.directory.setUp(
            mainDomain: "example.test", hostName: "mail.example.test", postmasterPassword: nil, by: Actor(name: "test", interface: "test"))
        var options = StoreOptions()
        options.minimumFree = 0
        self.store = try MessageStore.open(StoreLocation(spool: self.place.path, mailbox: self.place("mailbox")), options)
        self.context = AdminContext(start: start, directory: self.directory, store: self.store, reload: { nil })
    }

    deinit {
        self.store.close()
        self.directory.close()
    }

    func visitor(
        _ language: Language = .english, resolver: (any Resolver)? = nil, own: [IPAddress] = [], certificate: WebCertificate? = nil
    )
        -> Visitor
    {
        Visitor(
            self.host {
                $0.resolver = resolver
                $0.ownAddresses = { own }
                $0.certificate = { certificate }
            }, language)
    }

    /// - Parameter change: what a test has of its own.
    func host(_ change: (inout WebHost) -> Void = { _ in }) -> WebHost {
        var host = WebHost(
            directory: self.directory, store: self.store, version: "5.0", now: { 1_800_000_000 }, random: SystemSources.random,
            perform: { [context] in Self.perform($0, context) })
        host.speak = { [context] in Self.speak($0, context, $1) }
        host.tellSecondFactorOff = { [context] in OwnerNotice.send(.secondFactorOff, to: $0, context) }
        host.audit = { [weak self] entry in self?.audited.withLock { $0.append(entry) } }
        change(&host)
        return host
    }

    private static func perform(_ command: WebCommand, _ context: AdminContext) -> WebCommandResult {
        let said = Mutex(WebCommandResult(lines: [], problems: [], status: 0))
        let status = Self.speak(command, context) { word in
            said.withLock { said in
                switch word {
                case .output(let text): said.lines.append(text)
                case .problem(let text): said.problems.append(text)
                case .progress: break
                }
            }
        }
        return said.withLock { said in
            said.status = status
            return said
        }
    }

    private static func speak(
        _ command: WebCommand, _ context: AdminContext, _ say: @escaping @Sendable (WebCommandWord) -> Void
    ) -> Int32 {
        let output = AdminOutput(language: command.language) { frame in
            switch frame {
            case .output(let text): say(.output(text))
            case .problem(let text): say(.problem(text))
            case .progress(let text): say(.progress(text))
            case .begun, .done: break
            }
        }
        var request = AdminRequest(
            command.verb, operands: command.operands, options: command.options, input: command.input, language: command.language,
            wantsJSON: command.wantsJSON)
        request.origin = command.actor
        return Administration.registry.perform(request, context, output).rawValue
    }

    /// An account with postmaster privilege, so that the wrap-up is done.
    func wrapUp() throws {
        let input = try AccountInput(parsing: [
            ("addresses", ["boss@example.test"]), ("real-name", ["Boss"]), ("type", ["administrative"]), ("postmaster-privilege", ["yes"]),
        ])
        _ = try self.directory.addAccount(input, by: Actor(name: "test", interface: "test"))
    }

    /// Messages of an account's INBOX, whole.
    func mail(_ name: String) throws -> [String] {
        let inbox = try self.wait { try self.store.openInbox(of: #require(self.directory.find(name)), completion: $0) }
        return try inbox.entries.map { entry in
            let reader = try self.wait { self.store.reader(inbox.mailbox, entry.uid, completion: $0) }
            var whole = ByteBuffer()
            while var piece = try self.wait({ reader.next($0) }) { whole.writeBuffer(&piece) }
            return String(buffer: whole)
        }
    }

    private func wait<Value: Sendable, Failure: Error>(
        _ start: (@escaping @Sendable (Result<Value, Failure>) -> Void) throws -> Void
    ) throws -> Value {
        let answer = Promised<Result<Value, Failure>>()
        try start { answer.give($0) }
        return try answer.wait(for: "an answer of the store").get()
    }

    func value(_ field: Field) -> FieldValue { self.directory.configuration.value(field) }

    func account(_ name: String) throws -> AccountDetails? { try self.directory.find(name).flatMap { try self.directory.details($0) } }
}
