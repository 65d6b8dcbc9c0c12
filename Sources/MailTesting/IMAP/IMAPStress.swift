internal import Glibc
internal import Synchronization

/// Many clients on the same mailboxes at once, each checking that it is told nothing but the truth, and only where it may be told.
///
/// After each round all fall silent and are compared with a fresh session. What was answered must hold, a kill in between or not.
package final class IMAPStress: Sendable {
    package struct Settings: Sendable {
        package var port: Int
        package var login: String
        package var password: String
        package var sessions = 6
        package var seconds = 5.0
        package var seed: UInt64 = 1
        /// Where mail for the account is handed in meanwhile, and under which address.
        package var smtpPort: Int?
        package var address = ""
        /// Where another program reads and deletes mail meanwhile.
        package var pop3Port: Int?
        /// Two clients that move a message at the same time may both get it: so it is with servers for which a move is a copy and a removal.
        package var movesMayDouble = false
        /// Where all that was said is written when something is wrong.
        package var transcripts: String?

        package init(port: Int, login: String, password: String) {
            self.port = port
            self.login = login
            self.password = password
        }
    }

    package let model = IMAPMailboxModel()
    let mailboxes = ["INBOX", "Work", "Play"]
    let settings: Settings
    private let validities = Mutex<[String: UInt32]>([:])
    /// What the server offers to who has logged in; empty before `prepare`.
    private let capabilities = Mutex<Set<String>>([])

    package init(_ settings: Settings) { self.settings = settings }

    func connect() throws -> IMAPTestClient {
        let client = try IMAPTestClient(port: self.settings.port)
        if self.settings.transcripts != nil { client.transcriptLimit = 100_000 }
        try client.ok("LOGIN \(self.settings.login) \(self.settings.password)")
        return client
    }

    func randomMailbox(_ dice: inout SeededGenerator) -> String { self.mailboxes.randomElement(using: &dice) ?? "INBOX" }
    func otherMailbox(_ mailbox: String) -> String { self.mailboxes.first { $0 != mailbox } ?? "INBOX" }
    func validity(_ mailbox: String) -> UInt32? { self.validities.withLock { $0[mailbox] } }
    func offers(_ capability: String) -> Bool { self.capabilities.withLock { $0.contains(capability) } }
    func pause(_ dice: inout SeededGenerator) { usleep(UInt32.random(in: 0..<20_000, using: &dice)) }

    /// Somebody can log in.
    package var isServed: Bool { (try? self.connect()) != nil }

    /// Makes the mailboxes; before the first round.
    package func prepare() throws {
        let client = try self.connect()
        let words = try client.ok("CAPABILITY").data("CAPABILITY").flatMap { $0.map { $0.text.uppercased() } }
        self.capabilities.withLock { $0 = Set(words) }
        var tokens: [String] = []
        for mailbox in self.mailboxes {
            if mailbox != "INBOX" { _ = try client.run("CREATE \(mailbox)") }
            let validity = try client.ok("SELECT \(mailbox)").code("UIDVALIDITY").flatMap { UInt32($0) }
            self.validities.withLock { $0[mailbox] = validity }
            // An account that was used before may have marks of that time.
            let old = try IMAPStressSession.look(client, mailbox)
            for (uid, message) in old { if let token = message.token { self.model.saw(mailbox, uid, token: token) } }
            self.model.doom(mailbox, old.filter { $0.value.flags.contains("\\deleted") }.map(\.key))
            tokens += old.values.compactMap(\.token)
        }
        self.model.found(tokens)
    }

    /// One round. With `interruption` (called on a thread of its own while all are at work) connections are expected to break.
    package func round(_ number: Int, interruption: (@Sendable () -> Void)? = nil) throws {
        let sessions = Mutex<[Held]>([])
        let end = monotonicSeconds() + self.settings.seconds
        let settings = self.settings
        let seed = settings.seed &+ UInt64(number * 1000)
        let mayBreak = interruption != nil
        try inParallel(settings.sessions + 2, "IMAP sessions", seconds: settings.seconds + 120) { index in
            if index == settings.sessions {
                interruption?()
                return
            }
            if index > settings.sessions { return IMAPStressNeighbour(self, seed: seed).work(until: end, mayBreak: mayBreak) }
            var held: Held?
            do {
                let session = try IMAPStressSession(index, self, seed: seed)
                held = Held(session)
                while monotonicSeconds() < end { try session.step() }
                sessions.withLock { $0.append(Held(session)) }
            } catch {
                let isMalformed = (error as? IMAPTestClient.Failure)?.isMalformed == true
                guard !mayBreak || isMalformed else { return }
                let last = held?.session.transcript.suffix(12).joined(separator: "\n") ?? ""
                self.model.violated("session \(index) broke: \(error)\n\(last)")
            }
        }
        if interruption == nil {
            // Nobody changes anything any more: after a NOOP all must see the same.
            for held in sessions.withLock({ $0 }) { try held.session.settle() }
            let fresh = try self.connect()
            for held in sessions.withLock({ $0 }) {
                held.session.view.verify(try IMAPStressSession.look(fresh, held.session.view.mailbox).mapValues(\.flags))
            }
        }
        if interruption == nil { try self.verify() }
        if !self.model.violations.isEmpty, let place = self.settings.transcripts {
            for held in sessions.withLock({ $0 }) { try held.session.write(to: "\(place)/round-\(number)-\(held.session.name).txt") }
        }
    }

    /// What a fresh session sees must agree with all that was answered.
    package func verify() throws {
        let client = try self.connect()
        var there: [String: [UInt32: String]] = [:]
        for mailbox in self.mailboxes {
            let messages = try IMAPStressSession.look(client, mailbox)
            there[mailbox] = messages.compactMapValues(\.token)
            for (uid, message) in messages { if let token = message.token { self.model.saw(mailbox, uid, token: token) } }
            self.model.verify(mailbox, messages.mapValues(\.flags))
        }
        self.model.verify(there)
        // A delivery that was answered before a kill is filed by what comes after it.
        let isThere = eventually(within: 30) { (try? self.missingDeliveries(client).isEmpty) ?? true }
        if !isThere { self.model.violated("delivered and lost: \(try self.missingDeliveries(client).sorted().prefix(5))") }
    }

    private func missingDeliveries(_ client: IMAPTestClient) throws -> Set<String> {
        let present = try self.mailboxes.flatMap { try IMAPStressSession.look(client, $0).values.compactMap(\.token) }
        return self.model.missingDeliveries(present: Set(present))
    }

    // SAFETY: a session is used by its thread until that has ended, then by the one that waited for it.
    private struct Held: @unchecked Sendable {
        let session: IMAPStressSession
        init(_ session: IMAPStressSession) { self.session = session }
    }
}
