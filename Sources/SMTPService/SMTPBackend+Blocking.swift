internal import Directory
internal import Policy
internal import Routing
internal import SASL
internal import SMTPWire
internal import Vocabulary

// Mail blocking, and limits of what may be sent.
extension SMTPBackend {
    /// The postmaster listed the peer among those that nothing blocks.
    var isExcepted: Bool { self.environment.directory.configuration.blocking.excepts(self.facts.peer) }

    /// A client that calls itself by a blocked name. Who submits calls himself anything.
    func helloRefusal(_ hello: SMTPHello) -> Reply? {
        let blocking = self.environment.directory.configuration.blocking
        guard self.facts.listener.service == .smtp, let entry = blocking.entry(hello: hello.name), !blocking.excepts(self.facts.peer) else {
            return nil
        }
        let reply = Reply(550, EnhancedStatus(5, 7, 1), "Mail from hosts of this name is not taken here")
        self.recordBlocked(reply, [("helo", hello.name), ("entry", entry)])
        return reply
    }

    /// A sender whose mail is not taken; not asked of users of ours, whose senders are known.
    func blockedRefusal(_ sender: Address?) -> Reply? {
        let blocking = self.snapshot.configuration.blocking
        guard self.identity == nil, !self.isLMTP, let sender, let entry = blocking.senders.entry(for: sender),
            !blocking.excepts(self.facts.peer)
        else {
            return nil
        }
        let reply = Reply(550, EnhancedStatus(5, 7, 1), "Mail from this sender is not taken here")
        self.recordBlocked(reply, [("from", "\(sender)"), ("entry", entry)])
        return reply
    }

    /// An account that was locked, or has gone, since it logged in.
    func accountRefusal() -> Reply? {
        guard let identity = self.identity,
            !self.environment.directory.snapshot.mayUse(self.facts.listener.service, identity)
        else { return nil }
        return Reply(421, EnhancedStatus(4, 7, 0), "Your account is not active any more, closing")
    }

    /// An account that must not send, though it may log in.
    func suspensionRefusal() -> Reply? {
        guard let identity = self.identity, self.isSuspended(identity.account) else { return nil }
        return Self.suspended
    }

    func isSuspended(_ account: AccountID) -> Bool {
        self.environment.directory.snapshot.isSuspended(account) || self.environment.conduct?.isStopped(account) == true
    }

    static let suspended = Reply(550, EnhancedStatus(5, 7, 1), "Sending is suspended for your account; ask the postmaster")

    /// Messages an hour of an address and its network; of who has logged in, his own.
    func rateRefusal() -> Reply? {
        if let identity = self.identity { return self.userRateRefusal(identity) }
        let limits = self.snapshot.configuration.rates
        guard self.identity == nil, !self.isLMTP, limits.client != nil || limits.network != nil,
            !self.environment.guards.isTrusted(self.facts.peer),
            !self.isExcepted
        else { return nil }
        let now = self.environment.clock.now()
        let rates = self.environment.guards.rates
        let client = PeerNetwork.customer(self.facts.peer)
        if rates.take(.client(client), 1, limit: limits.client, at: now),
            rates.take(.network(PeerNetwork.network(client)), 1, limit: limits.network, at: now)
        {
            return nil
        }
        let reply = Reply(450, EnhancedStatus(4, 7, 1), "Too many messages from your address lately; try again later")
        self.recordBlocked(reply, [("peer", "\(self.facts.peer)"), ("entry", "message-rate")])
        return reply
    }

    private func userRateRefusal(_ identity: Identity) -> Reply? {
        guard let limit = self.snapshot.sendingLimits(identity.account).messages else { return nil }
        let isWithin = self.environment.guards.rates.take(
            .userMessages(identity.account, "\(identity.primaryAddress)"), 1, limit: limit, at: self.environment.clock.now())
        guard !isWithin else { return nil }
        let reply = Reply(
            450, EnhancedStatus(4, 7, 1), "You have sent many messages lately (\(limit) an hour are allowed); try again later")
        self.recordBlocked(reply, [("login", identity.login), ("entry", "user-message-rate")])
        return reply
    }

    /// Counts one recipient at another host for the user; false when it is one too many.
    func mayStillSend() -> Bool {
        guard let identity = self.identity, let limit = self.snapshot.sendingLimits(identity.account).recipients else { return true }
        return self.environment.guards.rates.take(
            .user(identity.account, "\(identity.primaryAddress)"), 1, limit: limit, at: self.environment.clock.now())
    }

    /// One more unknown recipient of a stranger.
    func harvestVerdict() -> HarvestGuard.Verdict {
        guard self.identity == nil, !self.isExcepted, !self.isLMTP else { return .pass }
        return self.harvestSpending()
    }

    /// The same as a value for other threads.
    var harvestSpending: @Sendable () -> HarvestGuard.Verdict {
        guard self.identity == nil, !self.isExcepted, !self.isLMTP else { return { .pass } }
        let settings = self.snapshot.configuration.connections
        let (guards, peer, clock) = (self.environment.guards, self.facts.peer, self.environment.clock)
        return { guards.harvest.spend(peer, limit: settings.unknownRecipients, closure: settings.blockTime, at: clock.now()) }
    }

    private func recordBlocked(_ reply: Reply, _ facts: [(key: String, value: String)]) {
        self.record("blocked", .messageRefused, facts + [("reply", "\(reply.code) \(reply.text)")])
    }
}
