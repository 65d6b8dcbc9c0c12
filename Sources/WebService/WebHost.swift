package import Directory
package import MessageStore
package import NetKit
package import Policy
internal import Synchronization
package import Vocabulary

/// What pages work on; filled by the composition root. A part that does not exist in this process (tests of single pages) is nil.
package struct WebHost: Sendable {
    /// Accounts, configuration, history.
    package var directory: Directory
    package var store: MessageStore?
    package var authenticator: Authenticator?
    package var events: any EventSink
    /// Seconds since 1970, UTC.
    package var now: @Sendable () -> Int64
    /// Minutes east of UTC at a moment of this host's clock.
    package var offset: @Sendable (Int64) -> Int
    /// Bytes that nobody can guess.
    package var random: @Sendable (Int) -> [UInt8]
    /// Version of the product: `5.0.0`.
    package var version: String
    /// Where the listeners of the web are; empty before anything listens.
    package var ports: @Sendable () -> [WebPort]
    /// The certificate that browsers are shown first; nil without TLS.
    package var certificate: @Sendable () -> WebCertificate?
    /// Looks up the client's name where some access list could ask for it.
    package var lookUpName: @Sendable (IPAddress, @escaping @Sendable (HostNameFact) -> Void) -> Void = { $1(.notLooked) }
    /// For the set-up checklist; nil where nobody can be asked.
    package var resolver: (any NetKit.Resolver)?
    /// Forgets what name servers said before.
    package var renewNames: @Sendable () -> Void = {}
    /// This computer's.
    package var ownAddresses: @Sendable () -> [IPAddress] = { [] }
    /// Carries out a verb of the command line, in this process; blocks until it is done.
    package var perform: @Sendable (WebCommand) -> WebCommandResult
    /// The same, and says each thing when it is said, in that order and on that thread.
    package var speak: @Sendable (WebCommand, @escaping @Sendable (WebCommandWord) -> Void) -> Int32 = { _, _ in 1 }
    /// Who has logged in; nil where nobody can.
    package var sessions: WebSessions?
    /// What a key of the API must be for, by the verb of a command.
    package var scopeOf: @Sendable (String) -> TokenScope = { _ in .all }
    /// Lets programs in; one for all requests.
    package let apiGate = APIGate()
    /// What the pages about the running of the server look at; nil where none runs.
    package var watch: WebWatch?
    /// Writes to an owner whose second factor a postmaster has switched off; what went wrong with that.
    package var tellSecondFactorOff: @Sendable (AccountID) -> Localized? = { _ in nil }
    /// Takes what a postmaster did.
    package var audit: @Sendable (AuditEntry) -> Void = { _ in }

    package init(
        directory: Directory, store: MessageStore? = nil, authenticator: Authenticator? = nil, events: any EventSink = NullSink(),
        version: String, now: @escaping @Sendable () -> Int64, offset: @escaping @Sendable (Int64) -> Int = { _ in 0 },
        random: @escaping @Sendable (Int) -> [UInt8],
        ports: @escaping @Sendable () -> [WebPort] = { [] }, certificate: @escaping @Sendable () -> WebCertificate? = { nil },
        perform: @escaping @Sendable (WebCommand) -> WebCommandResult = { _ in WebCommandResult(lines: [], problems: [], status: 1) }
    ) {
        self.directory = directory
        self.store = store
        self.authenticator = authenticator
        self.events = events
        self.version = version
        self.now = now
        self.offset = offset
        self.random = random
        self.ports = ports
        self.certificate = certificate
        self.perform = perform
    }
}

/// A port of the web.
package struct WebPort: Sendable, Hashable {
    package var port: Int
    package var isTLS: Bool

    package init(port: Int, isTLS: Bool) {
        self.port = port
        self.isTLS = isTLS
    }
}

/// What of a certificate decides how the web behaves.
package struct WebCertificate: Sendable, Hashable {
    /// Made here: browsers warn of it, so that nothing may force them to it.
    package var isSelfSigned: Bool
    package var names: [String]

    package init(isSelfSigned: Bool, names: [String]) {
        self.isSelfSigned = isSelfSigned
        self.names = names
    }
}

/// A command as a page gives it: verb (`queue retry`), operands, options by name without dashes, and what a file would hold.
package struct WebCommand: Sendable {
    package var verb: String
    package var operands: [String]
    package var options: [String: [String]]
    package var input: String?
    package var language: Language
    package var wantsJSON: Bool
    /// In whose name; goes into the history.
    package var actor: Actor?

    package init(
        _ verb: String, _ operands: [String] = [], options: [String: [String]] = [:], input: String? = nil, language: Language = .english,
        wantsJSON: Bool = false
    ) {
        self.verb = verb
        self.operands = operands
        self.options = options
        self.input = input
        self.language = language
        self.wantsJSON = wantsJSON
    }
}

/// What a command said.
package struct WebCommandResult: Sendable, Equatable {
    /// What it printed, line ends included.
    package var lines: [String]
    /// What went wrong, for the person.
    package var problems: [String]
    /// 0 done, 1 failed, 2 wrong use.
    package var status: Int32

    package init(lines: [String], problems: [String], status: Int32) {
        self.lines = lines
        self.problems = problems
        self.status = status
    }

    package var isDone: Bool { self.status == 0 }
}

/// One thing that a command says.
package enum WebCommandWord: Sendable, Equatable {
    case output(String)
    /// What goes wrong, for the person.
    case problem(String)
    /// Takes the place of what was said of the progress before.
    case progress(String)
}

/// One thing that a postmaster changed.
package struct AuditEntry: Sendable, Equatable {
    /// Seconds since 1970, UTC.
    package var at: Int64
    /// `taro@example.com`, with ` as Postmaster` where that right was used.
    package var who: String
    package var from: IPAddress
    /// `web`, `api`.
    package var interface: String
    /// What was done, in constant words: `account changed`.
    package var action: String
    /// To whom or what: an address, the name of a form, an id.
    package var subject: String
    /// Values before and after by the key of their field; secrets are named, never told.
    package var changes: [Change]

    package struct Change: Sendable, Equatable {
        package var key: String
        package var before: String
        package var after: String

        package init(key: String, before: String, after: String) {
            self.key = key
            self.before = before
            self.after = after
        }
    }

    package init(
        at: Int64, who: String, from: IPAddress, interface: String = "web", action: String, subject: String, changes: [Change] = []
    ) {
        self.at = at
        self.who = who
        self.from = from
        self.interface = interface
        self.action = action
        self.subject = subject
        self.changes = changes
    }
}

/// What an action changed, for the audit log: `WebDesk` adds who, when and from where. An action that says nothing is recorded by its path.
package final class AuditNote: Sendable {
    struct Said: Sendable {
        var action: String
        var subject: String
        var changes: [AuditEntry.Change]
    }

    private let notes = Mutex<[Said]>([])
    private let told = Atomic<Bool>(false)

    package init() {}

    /// The action has written its own entry.
    var isTold: Bool {
        get { self.told.load(ordering: .relaxed) }
        set { self.told.store(newValue, ordering: .relaxed) }
    }

    package func note(_ action: String, _ subject: String, _ changes: [AuditEntry.Change] = []) {
        self.notes.withLock { $0.append(Said(action: action, subject: subject, changes: changes)) }
    }

    var all: [Said] { self.notes.withLock { $0 } }
}
