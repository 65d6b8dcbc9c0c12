internal import Directory
internal import MIME
internal import MessageStore
internal import NetKit
internal import Policy
internal import Routing
internal import SASL
internal import SMTPWire
internal import Synchronization
internal import Text
internal import Vocabulary

// MAIL and RCPT.
extension SMTPBackend {
    func mail(_ mail: SMTPMail) -> SMTPOutcome {
        self.beginTransaction(mail.identity)
        let sender = mail.envelope.sender.map(self.completed)
        let refusal =
            self.storageRefusal() ?? self.senderRefusal(sender) ?? self.blockedRefusal(sender) ?? self.suspensionRefusal()
            ?? self.rateRefusal()
        self.author = self.author(isInternationalized: mail.envelope.isInternationalized)
        self.sender = sender == nil || self.author?.style == nil ? sender : self.author?.address
        self.declaredSize = mail.declaredSize ?? 0
        var facts = [
            ("from", sender.map { "\($0)" } ?? "<>"), ("size", mail.declaredSize.map { "\($0)" } ?? ""),
            ("login", mail.identity?.login ?? ""),
        ]
        if let now = self.sender, now != sender { facts.append(("as", "\(now)")) }
        self.record("mail", .mail, facts)
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

    /// What the account's fields say of From. An address beyond ASCII is put only where the client said SMTPUTF8: elsewhere the message
    /// could not go on. [RFC6531-3.4]
    private func author(isInternationalized: Bool) -> SubmissionAuthor? {
        guard let identity = self.identity, let author = self.snapshot.author(identity.account) else { return nil }
        let style: FromField.Style? =
            switch author.rewrite {
            case .none: nil
            case _ where author.address.isInternationalized && !isInternationalized: nil
            case .quoted: .quoted
            case .comment: .comment
            }
        let (snapshot, account) = (self.snapshot, identity.account)
        return SubmissionAuthor(
            style: style, address: author.address, name: author.name, mayUse: { snapshot.mayUse($0, account) },
            isOfThisSite: { address in DomainName.normalized(address.domain).map { snapshot.isLocal(Substring($0)) } ?? true })
    }

    /// Where the domain is missing: `<postmaster>` is ours, and what a user of ours abbreviates gets the completion domain.
    func completed(_ address: Address) -> Address {
        guard address.domain.isEmpty else { return address }
        if address.localPart.lowercased() == "postmaster" { return Address(localPart: address.localPart, domain: self.rules.hostName) }
        return Address(localPart: address.localPart, domain: self.rules.completionDomain ?? self.rules.mainDomain)
    }

    // MARK: RCPT

    /// What becomes of one recipient.
    private enum Fate {
        case accept(RelayGrant?)
        case refuse(Reply, reason: String)

        static func refuse(_ code: UInt16, _ status: EnhancedStatus, _ text: String, _ reason: String) -> Fate {
            .refuse(Reply(code, status, text), reason: reason)
        }
    }

    func recipients(_ recipients: [Envelope.Recipient], _ answer: SessionAnswer<SMTPOutcome>) {
        let addresses = recipients.map { self.completed($0.address) }
        let resolutions = self.snapshot.resolve(addresses, ownAddress: self.facts.local)
        var verdicts: [RecipientVerdict] = []
        var quotas: [QuotaQuestion] = []
        var unchecked: [RelayRecipientCheck.Question] = []
        // A harvester waits for the answers to a run of recipients as long as for its last unknown one.
        var delay: Int64 = 0
        for (index, (recipient, resolution)) in zip(recipients, resolutions).enumerated() {
            let isBarePostmaster = recipient.address.domain.isEmpty && recipient.address.localPart.lowercased() == "postmaster"
            let fate = isBarePostmaster ? .accept(nil) : self.fate(of: addresses[index], resolution, &delay)
            switch fate {
            case .accept(let grant):
                verdicts.append(RecipientVerdict(address: addresses[index], refusal: nil, reason: grant?.rawValue))
                self.asked.append(Planned(address: addresses[index], resolution: resolution, grant: grant))
                if grant == .recipientDomain { unchecked.append(.init(index: index, address: addresses[index])) }
                // Who gets the message in another way too loses nothing when the mailbox is full: the copy for the mailbox waits.
                if case .account(let local) = resolution, local.delivery.subtracting(.reply) == .mailbox, let quota = local.quota {
                    quotas.append(QuotaQuestion(index: index, account: local.account, quota: quota, size: self.declaredSize))
                }
            case .refuse(let reply, let reason):
                if let account = self.identity?.account, reply.code == 550, reply.status == EnhancedStatus(5, 1, 1) {
                    self.environment.conduct?.refused(account, isNew: true)
                }
                verdicts.append(RecipientVerdict(address: addresses[index], refusal: reply, reason: reason))
                self.asked.append(Planned(address: addresses[index], resolution: resolution))
            }
        }
        let report = self.recipientReport()
        let (later, seconds) = (self.environment.later, delay)
        let tell: @Sendable ([RecipientVerdict], Int64) -> Void = { verdicts, more in
            report(verdicts)
            let outcome = SMTPOutcome.recipients(verdicts.map(\.refusal))
            let wait = max(seconds, more)
            if wait > 0 { later(wait) { answer(outcome) } } else { answer(outcome) }
        }
        let (open, check) = (unchecked, self.recipientCheck)
        let finish: @Sendable ([RecipientVerdict]) -> Void = { verdicts in
            if open.isEmpty || check.rules.check == .none { tell(verdicts, 0) } else { check.run(open, verdicts, tell) }
        }
        guard !quotas.isEmpty else { return finish(verdicts) }
        let (decided, isForGood) = (verdicts, self.environment.isFullForGood)
        QuotaQuestion.ask(quotas, self.environment.store) { refused in
            var verdicts = decided
            for question in refused {
                verdicts[question.index].refusal =
                    isForGood(question.account)
                    ? Reply(552, EnhancedStatus(5, 2, 2), "Mailbox is full") : Reply(452, EnhancedStatus(4, 2, 2), "Mailbox is full")
                verdicts[question.index].reason = "over-quota"
            }
            finish(verdicts)
        }
    }

    private var recipientCheck: RelayRecipientCheck {
        RelayRecipientCheck(
            rules: self.snapshot.configuration.relayRecipients, ask: self.environment.askRecipient, spend: self.harvestSpending)
    }

    /// Whatever the address looks like, it is accepted only where it leads to something here or the relay restrictions let it pass.
    private func fate(of address: Address, _ resolution: Resolution, _ delay: inout Int64) -> Fate {
        switch resolution {
        case .account(let recipient) where !recipient.delivery.isEmpty: .accept(nil)
        case .account:
            .refuse(550, EnhancedStatus(5, 2, 1), "Account has no mailbox here, and other ways of delivery are not available", "no-mailbox")
        case .postmaster: .accept(nil)
        // Forms about held mail come back to it; whether one may be answered is seen by its secret.
        case .handler(.configuration) where self.environment.queueName != nil: .accept(nil)
        case .handler: .refuse(550, EnhancedStatus(5, 2, 1), "Administration by mail is not available here", "handler")
        case .refused(let character):
            .refuse(
                550, EnhancedStatus(5, 7, 1), "Local part has a character that is not taken here", "refused-character \(character.rawValue)"
            )
        case .remote: self.relayFate(address)
        case .bangPath(let target, _): self.relayFate(target)
        // The postmaster's own word: his alias leads there for everybody.
        case .redirected(let target, _): self.sendingFate(target, nil)
        case .unknown(let reason): self.unknownFate(reason, &delay)
        }
    }

    /// Another host's address.
    private func relayFate(_ address: Address) -> Fate {
        // LMTP is for mailboxes here: nothing goes on from it, whatever the networks may. [RFC2033-3]
        if self.isLMTP {
            return .refuse(550, EnhancedStatus(5, 1, 2), "LMTP takes mail for addresses of this server only", "lmtp-not-local")
        }
        let rules = self.snapshot.configuration.relay
        // As in the session itself: who is locked, or lost the services that read mail, is logged in no longer.
        let hasPOPLogin = self.environment.guards.popLogins.has(
            self.facts.peer, within: rules.popWindow, at: self.environment.clock.now(),
            isActive: { [snapshot = self.environment.directory.snapshot] in snapshot.mayUse(.pop3, $0) || snapshot.mayUse(.imap, $0) })
        let facts = RelayFacts(
            client: self.facts.peer, login: self.identity?.primaryAddress, hasPOPLogin: hasPOPLogin, sender: self.sender,
            recipient: address)
        switch rules.verdict(facts) {
        case .accept(let grant): return self.sendingFate(address, grant)
        case .refuse(let refusal): return .refuse(refusal.reply, reason: refusal.rawValue)
        }
    }

    private func sendingFate(_ address: Address, _ grant: RelayGrant?) -> Fate {
        guard let queueName = self.environment.queueName else {
            return .refuse(550, EnhancedStatus(5, 7, 1), "Sending to other hosts is not available on this server", "no-sending")
        }
        guard queueName(address) != nil else {
            return .refuse(553, EnhancedStatus(5, 1, 3), "Address has no usable domain", UnknownReason.badDomain.rawValue)
        }
        guard grant == nil || self.mayStillSend() else {
            return .refuse(
                450, EnhancedStatus(4, 7, 1), "You have sent to many recipients lately; try again later", "user-recipient-rate")
        }
        if grant != nil, let account = self.identity?.account, let conduct = self.environment.conduct, !conduct.named(account) {
            return .refuse(Self.suspended, reason: "sending-suspended")
        }
        return .accept(grant)
    }

    private func unknownFate(_ reason: UnknownReason, _ delay: inout Int64) -> Fate {
        switch reason {
        case .noSuchAddress:
            guard self.rules.checksRecipients || self.identity != nil || self.isLMTP else { return .accept(nil) }
            switch self.harvestVerdict() {
            case .pass: break
            case .delay(let seconds): delay = seconds
            case .closed:
                return .refuse(421, EnhancedStatus(4, 7, 1), "Too many unknown recipients, closing", "unknown-recipient-budget")
            }
            return .refuse(550, EnhancedStatus(5, 1, 1), "No such address here", reason.rawValue)
        case .aliasLoop:
            return .refuse(550, EnhancedStatus(5, 4, 6), "Channel aliases lead in a circle", reason.rawValue)
        case .badDomain, .noDomain: return .refuse(553, EnhancedStatus(5, 1, 3), "Address has no usable domain", reason.rawValue)
        case .expired: return .refuse(550, EnhancedStatus(5, 2, 1), "Account takes no mail", reason.rawValue)
        }
    }

    /// Writes what became of each recipient; may be called on any thread.
    private func recipientReport() -> @Sendable ([RecipientVerdict]) -> Void {
        let (events, trace) = (self.environment.events, self.trace)
        return { verdicts in for verdict in verdicts { verdict.record(trace, events) } }
    }
}

/// What was decided of a recipient, for the client and for the log.
struct RecipientVerdict: Sendable {
    var address: Address
    /// nil accepts.
    var refusal: Reply?
    /// Why it is refused; by which rule it may leave this host.
    var reason: String?

    func record(_ trace: TraceID, _ events: any EventSink) {
        var facts = [("to", "\(self.address)")]
        guard let refusal else {
            if let reason { facts.append(("relayed-by", reason)) }
            events.record(TrailEvent(.smtpAccept, "recipient-accepted", trace: trace, facts), switchedBy: .recipientAccepted)
            return
        }
        facts += [("reply", "\(refusal.code) \(refusal.text)"), ("reason", self.reason ?? "")]
        let isRelay = self.reason.flatMap(RelayRefusal.init(rawValue:)) != nil || refusal.status == EnhancedStatus(5, 7, 1)
        events.record(
            TrailEvent(.smtpAccept, isRelay ? "relay-refused" : "recipient-refused", trace: trace, facts),
            switchedBy: isRelay ? .relayRefused : .recipientRefused)
    }
}

extension RelayRefusal {
    /// What the client is told.
    var reply: Reply {
        let text =
            switch self {
            case .stranger: "Relaying is not allowed: the address is not of this server, and you have not logged in"
            case .loginNotListed: "Your account may not send to other hosts"
            case .clientDenied: "Relaying is not allowed from your address; log in first"
            case .senderDomain: "Relaying is not allowed for this sender's domain"
            case .detour: "Relaying is not allowed: the address asks for a detour over another host"
            }
        return Reply(550, EnhancedStatus(5, 7, 1), text)
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
        var full: [QuotaQuestion] = []
    }

    /// Asks the store about all of them; the completion gets those that are full. A store that cannot say stops nobody:
    /// it will say so again when the message comes.
    static func ask(_ questions: [QuotaQuestion], _ store: MessageStore, _ completion: @escaping @Sendable ([QuotaQuestion]) -> Void) {
        let tally = Mutex(Tally(open: questions.count))
        let shared = Shared(tally)
        for question in questions {
            store.usage(of: question.account) { result in
                let isFull = if case .success(let usage) = result { usage.bytes >= max(question.quota - question.size, 0) } else { false }
                let done = shared.tally.withLock { tally -> [QuotaQuestion]? in
                    tally.open -= 1
                    if isFull { tally.full.append(question) }
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
