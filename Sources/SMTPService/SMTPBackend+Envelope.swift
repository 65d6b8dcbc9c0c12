internal import Directory
internal import MessageStore
internal import NetKit
internal import Policy
internal import Routing
internal import SASL
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

// MAIL and RCPT.
extension SMTPBackend {
    func mail(_ mail: SMTPMail) -> SMTPOutcome {
        self.beginTransaction(mail.identity)
        let sender = mail.envelope.sender.map(self.completed)
        let refusal = self.storageRefusal() ?? self.senderRefusal(sender)
        self.sender = sender
        self.declaredSize = mail.declaredSize ?? 0
        self.record(
            "mail", .mail,
            [
                ("from", sender.map { "\($0)" } ?? "<>"), ("size", mail.declaredSize.map { "\($0)" } ?? ""),
                ("login", mail.identity?.login ?? ""),
            ])
        guard let refusal else { return .done }
        self.recordRefused(refusal)
        self.forgetTransaction()
        return .reply(refusal)
    }

    /// 4xx before the body is sent, so that it is not sent for nothing.
    private func storageRefusal() -> Reply? {
        switch self.environment.store.health {
        case .writable: nil
        case .diskLow: StoreRefusal.diskLow.reply
        case .failed(let reason): StoreRefusal.failed(reason).reply
        }
    }

    /// Who has logged in may use the addresses of the account, and the null sender of a notification. [RFC6409-6.1]
    private func senderRefusal(_ sender: Address?) -> Reply? {
        guard let identity = self.identity, let sender else { return nil }
        guard !self.snapshot.mayUse(sender, identity.account) else { return nil }
        return Reply(553, EnhancedStatus(5, 7, 1), "You may not send as this address; use one of your account's")
    }

    /// Where the domain is missing: `<postmaster>` is ours, and what a user of ours abbreviates gets the completion domain.
    func completed(_ address: Address) -> Address {
        guard address.domain.isEmpty else { return address }
        if address.localPart.lowercased() == "postmaster" { return Address(localPart: address.localPart, domain: self.rules.hostName) }
        return Address(localPart: address.localPart, domain: self.rules.completionDomain ?? self.rules.mainDomain)
    }

    // MARK: RCPT

    func recipients(_ recipients: [Envelope.Recipient], _ answer: SessionAnswer<SMTPOutcome>) {
        let addresses = recipients.map { self.completed($0.address) }
        let resolutions = self.snapshot.resolve(addresses, ownAddress: self.facts.local)
        var verdicts: [Reply?] = []
        var quotas: [QuotaQuestion] = []
        for (index, (recipient, resolution)) in zip(recipients, resolutions).enumerated() {
            let isBarePostmaster = recipient.address.domain.isEmpty && recipient.address.localPart.lowercased() == "postmaster"
            let refusal = isBarePostmaster ? nil : self.refusal(addresses[index], resolution)
            verdicts.append(refusal)
            self.asked.append(Planned(address: addresses[index], resolution: resolution))
            if refusal == nil, case .account(let local) = resolution, let quota = local.quota {
                quotas.append(QuotaQuestion(index: index, account: local.account, quota: quota, size: self.declaredSize))
            }
        }
        let report = self.recipientReport(addresses)
        guard !quotas.isEmpty else {
            report(verdicts)
            answer(.recipients(verdicts))
            return
        }
        let decided = verdicts
        QuotaQuestion.ask(quotas, self.environment.store) { refused in
            var verdicts = decided
            for index in refused { verdicts[index] = Reply(452, EnhancedStatus(4, 2, 2), "Mailbox is full") }
            report(verdicts)
            answer(.recipients(verdicts))
        }
    }

    /// nil accepts. Whatever the address looks like, it is accepted only where it leads to something here.
    private func refusal(_ address: Address, _ resolution: Resolution) -> Reply? {
        switch resolution {
        case .account(let recipient) where recipient.delivery.contains(.mailbox): nil
        case .account: Reply(550, EnhancedStatus(5, 2, 1), "Account has no mailbox here, and other ways of delivery are not available")
        case .postmaster: nil
        case .handler: Reply(550, EnhancedStatus(5, 2, 1), "Administration by mail is not available here")
        case .refused: Reply(550, EnhancedStatus(5, 7, 1), "Local part has a character that is not taken here")
        case .remote: self.relayRefusal(address)
        case .bangPath(let target, _): self.relayRefusal(target)
        // The postmaster's own word: his alias leads there for everybody.
        case .redirected(let target, _): self.sendingRefusal(target)
        case .unknown(let reason): self.unknownRefusal(reason)
        }
    }

    /// Another host's address is taken from who has logged in, and from nobody else.
    private func relayRefusal(_ address: Address) -> Reply? {
        switch RelayPolicy.verdict(RelayFacts(isLocalRecipient: false, isAuthenticated: self.identity != nil)) {
        case .relayDenied:
            return Reply(
                550, EnhancedStatus(5, 7, 1), "Relaying is not allowed: the address is not of this server, and you have not logged in")
        case .accept: return self.sendingRefusal(address)
        }
    }

    private func sendingRefusal(_ address: Address) -> Reply? {
        guard let queueName = self.environment.queueName else {
            return Reply(550, EnhancedStatus(5, 7, 1), "Sending to other hosts is not available on this server")
        }
        return queueName(address) == nil ? Reply(553, EnhancedStatus(5, 1, 3), "Address has no usable domain") : nil
    }

    private func unknownRefusal(_ reason: UnknownReason) -> Reply? {
        switch reason {
        case .noSuchAddress:
            guard self.rules.checksRecipients || self.identity != nil else { return nil }
            if self.identity == nil, self.harvests() {
                return Reply(421, EnhancedStatus(4, 7, 1), "Too many unknown recipients, closing")
            }
            return Reply(550, EnhancedStatus(5, 1, 1), "No such address here")
        case .aliasLoop: return Reply(550, EnhancedStatus(5, 4, 6), "Address leads in a circle here")
        case .badDomain, .noDomain: return Reply(553, EnhancedStatus(5, 1, 3), "Address has no usable domain")
        case .expired: return Reply(550, EnhancedStatus(5, 2, 1), "Account takes no mail")
        }
    }

    /// One more unknown recipient; true when it is one too many.
    private func harvests() -> Bool {
        let settings = self.snapshot.configuration.connections
        let now = self.environment.clock.now()
        return self.harvest.spend(self.facts.peer, limit: settings.unknownRecipients, closure: settings.blockTime, at: now)
    }

    /// Writes what became of each recipient; may be called on any thread.
    private func recipientReport(_ addresses: [Address]) -> @Sendable ([Reply?]) -> Void {
        let (events, trace) = (self.environment.events, self.trace)
        return { verdicts in
            for (address, verdict) in zip(addresses, verdicts) {
                guard let verdict else {
                    events.record(
                        TrailEvent(.smtpAccept, "recipient-accepted", trace: trace, [("to", "\(address)")]), switchedBy: .recipientAccepted)
                    continue
                }
                let isRelay = verdict.status == EnhancedStatus(5, 7, 1)
                let facts = [("to", "\(address)"), ("reply", "\(verdict.code) \(verdict.text)")]
                events.record(
                    TrailEvent(.smtpAccept, isRelay ? "relay-refused" : "recipient-refused", trace: trace, facts),
                    switchedBy: isRelay ? .relayRefused : .recipientRefused)
            }
        }
    }
}

/// Whether an account has room for what is announced, or for anything at all.
struct QuotaQuestion: Sendable {
    /// Place in the run of recipients.
    var index: Int
    var account: AccountID
    var quota: Int64
    /// Octets announced.
    var size: Int64

    private struct Tally: Sendable {
        var open: Int
        var full: [Int] = []
    }

    /// Asks the store about all of them; the completion gets the places of those that are full. A store that cannot say stops nobody:
    /// it will say so again when the message comes.
    static func ask(_ questions: [QuotaQuestion], _ store: MessageStore, _ completion: @escaping @Sendable ([Int]) -> Void) {
        let tally = Mutex(Tally(open: questions.count))
        let shared = Shared(tally)
        for question in questions {
            store.usage(of: question.account) { result in
                let isFull = if case .success(let usage) = result { usage.bytes >= max(question.quota - question.size, 0) } else { false }
                let done = shared.tally.withLock { tally -> [Int]? in
                    tally.open -= 1
                    if isFull { tally.full.append(question.index) }
                    return tally.open == 0 ? tally.full : nil
                }
                if let done { completion(done) }
            }
        }
    }

    private final class Shared: Sendable {
        let tally: Mutex<Tally>
        init(_ tally: consuming Mutex<Tally>) { self.tally = tally }
    }
}
