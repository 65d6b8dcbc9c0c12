internal import Directory
package import NetKit
package import PasswordWire
internal import Policy
internal import SASL
internal import Synchronization
internal import Vocabulary

/// What the calls of one session of the password server mean.
package final class PasswordBackend: SessionBackend, Sendable {
    package typealias Machine = PasswordMachine

    private let facts: ConnectionFacts
    private let environment: PasswordService.Environment
    private let hostName = Mutex(HostNameFact.notLooked)

    init(_ facts: ConnectionFacts, _ environment: PasswordService.Environment) {
        self.facts = facts
        self.environment = environment
        self.record("opened", [("peer", "\(facts.peer)"), ("listener", facts.listener.name)])
    }

    package func perform(_ call: PasswordCall, _ answer: SessionAnswer<PasswordOutcome>) {
        switch call {
        case .authenticate(let request, let hasTLS): self.authenticate(request, hasTLS: hasTLS, answer)
        case .change(let identity, let old, let new):
            let taken = self.environment.queue.submit(from: PeerBlock(self.facts.peer)) { answer(self.change(identity, old, new)) }
            if !taken { answer(.notChanged(Localized(en: "Not possible now; try again later", ja: "現在変更できません。しばらくしてからやり直してください"))) }
        }
    }

    package func ended() { self.record("closed", []) }

    private func authenticate(_ request: AuthRequest, hasTLS: Bool, _ answer: SessionAnswer<PasswordOutcome>) {
        self.withHostName { hostName in
            let context = LoginContext(facts: self.facts, hasTLS: hasTLS, hostName: hostName, mechanism: "USER")
            self.environment.authenticate(request, context) { outcome in
                if case .accepted(let identity) = outcome {
                    self.record("login", [("login", identity.login), ("tls", hasTLS ? "yes" : "no")])
                }
                answer(.auth(outcome))
            }
        }
    }

    private func withHostName(_ body: @escaping @Sendable (HostNameFact) -> Void) {
        let known = self.hostName.withLock { $0 }
        guard known == .notLooked else { return body(known) }
        self.environment.lookUpName(self.facts.peer) { found in
            self.hostName.withLock { $0 = found }
            body(found)
        }
    }

    private func change(_ identity: Identity, _ old: Secret, _ new: Secret) -> PasswordOutcome {
        // Locked, expired or shut off since the login: A6.
        guard self.environment.directory.snapshot.mayUse(.password, identity) else {
            self.record("login-ended", [("login", identity.login)])
            return .notChanged(Localized(en: "This account may not change its password now", ja: "このアカウントのパスワードは現在変更できません"))
        }
        let actor = Actor(name: identity.primaryAddress.description, interface: "password")
        do {
            try self.environment.directory.changeOwnPassword(identity.account, from: old, to: new, by: actor)
        } catch {
            self.record("password-refused", [("login", identity.login)])
            return .notChanged(error.message)
        }
        self.environment.sink.record(
            TrailEvent(
                .accountManager, "password-changed", trace: self.facts.trace,
                [("account", identity.primaryAddress.description), ("by", identity.login)]),
            switchedBy: nil)
        return .changed
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.environment.sink.record(TrailEvent(.passwordServer, event, trace: self.facts.trace, facts), switchedBy: nil)
    }
}
