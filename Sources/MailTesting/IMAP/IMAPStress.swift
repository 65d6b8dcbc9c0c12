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

        package init(port: Int, login: String, password: String) {
            self.port = port
            self.login = login
            self.password = password
        }
    }

    package let model = IMAPMailboxModel()
    let mailboxes = ["INBOX", "Work", "Play"]
    private let settings: Settings
    private let validities = Mutex<[String: UInt32]>([:])

    package init(_ settings: Settings) { self.settings = settings }

    func connect() throws -> IMAPTestClient {
        let client = try IMAPTestClient(port: self.settings.port)
        try client.ok("LOGIN \(self.settings.login) \(self.settings.password)")
        return client
    }

    func randomMailbox(_ dice: inout SeededGenerator) -> String { self.mailboxes.randomElement(using: &dice) ?? "INBOX" }
    func otherMailbox(_ mailbox: String) -> String { self.mailboxes.first { $0 != mailbox } ?? "INBOX" }
    func validity(_ mailbox: String) -> UInt32? { self.validities.withLock { $0[mailbox] } }
    func pause(_ dice: inout SeededGenerator) { usleep(UInt32.random(in: 0..<20_000, using: &dice)) }

    /// Makes the mailboxes; before the first round.
    package func prepare() throws {
        let client = try self.connect()
        for mailbox in self.mailboxes {
            if mailbox != "INBOX" { _ = try client.run("CREATE \(mailbox)") }
            let validity = try client.ok("SELECT \(mailbox)").code("UIDVALIDITY").flatMap { UInt32($0) }
            self.validities.withLock { $0[mailbox] = validity }
        }
    }

    /// One round. With `interruption` (called on a thread of its own while all are at work) connections are expected to break.
    /// - Returns: the last lines of sessions that broke though nothing was done to them.
    package func round(_ number: Int, interruption: (@Sendable () -> Void)? = nil) throws {
        let sessions = Mutex<[Held]>([])
        let end = monotonicSeconds() + self.settings.seconds
        let settings = self.settings
        try inParallel(settings.sessions + (interruption == nil ? 0 : 1), "IMAP sessions", seconds: settings.seconds + 120) { index in
            guard index < settings.sessions else {
                interruption?()
                return
            }
            var held: Held?
            do {
                let session = try IMAPStressSession(index, self, seed: settings.seed &+ UInt64(number * 1000))
                held = Held(session)
                while monotonicSeconds() < end { try session.step() }
                sessions.withLock { $0.append(Held(session)) }
            } catch {
                if interruption == nil {
                    let last = held?.session.transcript.suffix(12).joined(separator: "\n") ?? ""
                    self.model.violated("session \(index) broke: \(error)\n\(last)")
                }
            }
        }
        if interruption == nil {
            // Nobody changes anything any more: after a NOOP all must see the same.
            for held in sessions.withLock({ $0 }) { try held.session.settle() }
            let fresh = try self.connect()
            for held in sessions.withLock({ $0 }) { held.session.view.verify(try IMAPStressSession.look(fresh, held.session.view.mailbox)) }
        }
        if interruption == nil { try self.verify() }
    }

    /// What a fresh session sees must agree with all that was answered.
    package func verify() throws {
        let client = try self.connect()
        for mailbox in self.mailboxes { self.model.verify(mailbox, try IMAPStressSession.look(client, mailbox)) }
    }

    // SAFETY: a session is used by its thread until that has ended, then by the one that waited for it.
    private struct Held: @unchecked Sendable {
        let session: IMAPStressSession
        init(_ session: IMAPStressSession) { self.session = session }
    }
}
