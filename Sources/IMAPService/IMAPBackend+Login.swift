internal import Directory
internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import SASL
internal import Vocabulary

extension IMAPBackend {
    func authenticate(_ request: AuthRequest, _ mechanism: SASLMechanism?, hasTLS: Bool, _ answer: Answer) {
        let way = mechanism?.rawValue ?? "LOGIN-COMMAND"
        self.withHostName { hostName in
            let context = LoginContext(facts: self.facts, hasTLS: hasTLS, hostName: hostName, mechanism: way)
            self.environment.authenticate(request, context) { outcome in
                // Who is refused, and why in truth, is recorded by the authenticator.
                guard case .accepted(let identity) = outcome else { return answer(.auth(outcome)) }
                guard self.count(identity) else { return answer(.refused(IMAPRefusal(.tooManySessions, code: "LIMIT"))) }
                self.record("login", [("login", identity.login), ("mechanism", way), ("tls", hasTLS ? "yes" : "no")])
                self.environment.noteLogin(identity.account, self.facts.peer)
                self.environment.upkeep?.noteReader(identity.account)
                self.prepare(identity.account) { answer(.auth(outcome)) }
            }
        }
    }

    /// Before the first command sees the account's mailboxes. What cannot be made now is made at the next login.
    private func prepare(_ account: AccountID, _ done: @escaping @Sendable () -> Void) {
        guard !self.mailboxes.standardFolders.isKnown(account) else { return done() }
        let isTaken = self.environment.work {
            do throws(StoreError) {
                try self.mailboxes.standardFolders.make(for: account, self.reads)
            } catch {
                self.record("folders-not-made", [("error", "\(error)")])
            }
            done()
        }
        if !isTaken { done() }
    }

    /// False when the account has as many sessions as it may.
    private func count(_ identity: Identity) -> Bool {
        let limit = self.limits.sessionsPerAccount
        guard let seat = self.environment.sessions.enter(identity, limit: limit, { [link = self.link] in link(.accountChanged) })
        else {
            self.record("too-many-sessions", [("login", identity.login), ("limit", "\(limit)")])
            return false
        }
        let mustLeave = self.state.withLock { state -> AccountSessions.Seat? in
            if state.hasEnded { return seat }
            defer {
                state.identity = identity
                state.counted = seat
            }
            return state.counted
        }
        if let mustLeave { self.environment.sessions.leave(mustLeave) }
        return true
    }

    /// UNAUTHENTICATE. The machine has closed the mailbox. [RFC8437-2]
    func forgetLogin(_ answer: Answer) {
        let last = self.state.withLock { state in
            defer {
                state.identity = nil
                state.counted = nil
                state.selection = nil
                state.part = nil
                state.append = nil
                state.lastTarget = nil
                state.watch = nil
            }
            return state
        }
        self.letGo(last.selection)
        last.append?.abandon()
        if let seat = last.counted { self.environment.sessions.leave(seat) }
        if let login = last.identity?.login { self.record("logout", [("login", login)]) }
        answer(.done)
    }

    /// The peer's name is looked up once a session, and only when it could matter.
    private func withHostName(_ body: @escaping @Sendable (HostNameFact) -> Void) {
        let known = self.state.withLock { $0.hostName }
        guard known == .notLooked else { return body(known) }
        self.environment.lookUpName(self.facts.peer) { found in
            self.state.withLock { $0.hostName = found }
            body(found)
        }
    }
}
