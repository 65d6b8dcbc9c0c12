package import SASL
package import Vocabulary

// Logins without a password: whoever asks has checked a signature. What else holds for a login holds here too.
extension Authenticator {
    /// A peer that fails too often may not try; nil lets it.
    package func refusalOfTry(_ context: LoginContext) -> AuthRefusal? {
        guard !self.isExempt(context) else { return nil }
        let count = self.failures.count(PeerBlock(context.facts.peer), at: self.directory.location.now())
        return count >= self.loginFailureBudget ? .tooManyFailures : nil
    }

    /// Counts a proof that was none, as a wrong password.
    package func failedTry(of account: AccountID?, _ context: LoginContext) {
        guard !self.isExempt(context) else { return }
        let subject = account.map { LoginSubject.account($0) } ?? .name("")
        self.failures.add(PeerBlock(context.facts.peer), for: subject, at: self.directory.location.now())
    }

    /// May this account come in here, once it has proved who it is? nil when it may.
    package func refusalOfProved(_ account: AccountID, _ context: LoginContext) -> AuthRefusal? {
        let snapshot = self.directory.snapshot
        let service = context.facts.listener.service
        guard let record = snapshot.contents.accounts[account] else { return .badCredentials }
        guard snapshot.configuration.connections.access(service).match(context.facts.peer, context.hostName) == .yes,
            record.extras?.admits(context) ?? true
        else { return .notFromHere }
        switch snapshot.state(record) {
        case .active where !record.services.contains(ServiceSet(service)): return .serviceOff
        case .active: break
        case .locked, .reserved: return .locked
        case .expired: return .expired
        }
        self.failures.succeeded(account, PeerBlock(context.facts.peer), at: self.directory.location.now())
        return nil
    }
}
