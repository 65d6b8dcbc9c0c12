package import Vocabulary

/// What one event adds to which counters: at most four of them. A function of the event alone, so that the log and the counters say the same.
package struct EventCount: Sendable {
    private var first: (Counter, Int64)?
    private var second: (Counter, Int64)?
    private var third: (Counter, Int64)?
    private var fourth: (Counter, Int64)?

    package init(_ event: TrailEvent) {
        switch event.module {
        case .smtpAccept: self.countAccept(event)
        case .smtpDeliver: self.countRemote(event)
        case .mailboxDeliver: self.countLocal(event)
        case .pop3Server: self.countSession(event, .connectionsPOP3)
        case .imapServer: self.countSession(event, .connectionsIMAP)
        case .passwordServer: self.countSession(event, .connectionsPassword)
        case .fingerServer: if event.event == "asked" { self.add(.connectionsFinger) } else { self.countSession(event, nil) }
        case .webServer: self.countSession(event, .connectionsWeb)
        case .accountManager: self.countSession(event, nil)
        case .mta: if event.event == "refused-at-connect" { self.add(.connectionsRefused) }
        case .dispatcher, .configurationManager, .store: break
        }
    }

    func apply(to tally: inout Tally) {
        guard let first else { return }
        tally.add(first.1, to: first.0)
        guard let second else { return }
        tally.add(second.1, to: second.0)
        guard let third else { return }
        tally.add(third.1, to: third.0)
        guard let fourth else { return }
        tally.add(fourth.1, to: fourth.0)
    }

    var isNothing: Bool { self.first == nil }

    private mutating func add(_ counter: Counter, _ amount: Int64 = 1) {
        if self.first == nil {
            self.first = (counter, amount)
        } else if self.second == nil {
            self.second = (counter, amount)
        } else if self.third == nil {
            self.third = (counter, amount)
        } else if self.fourth == nil {
            self.fourth = (counter, amount)
        }
    }

    // MARK: Modules

    private mutating func countAccept(_ event: TrailEvent) {
        switch event.event {
        case "recipient-accepted": self.add(.recipientsAccepted)
        case "message-accepted":
            self.add(.messagesIn)
            self.add(.bytesIn, event.number("size") ?? 0)
            self.add(.recipientsIn, event.number("recipients") ?? 0)
        case "opened": self.add(Self.smtpService(event.fact("listener")))
        case "auth": self.add(.logins)
        case "recipient-refused": self.add(event.fact("reason") == "no-such-address" ? .refusedUnknown : .refusedRecipient)
        case "relay-refused": self.add(.refusedRelay)
        case "message-refused":
            self.add(.messagesRefused)
            if let part = Self.partOfRefused(event) { self.add(part) }
        case "blocked": self.add(.blocked)
        case "filtered": self.add(.filtered)
        default: self.countSession(event, nil)
        }
    }

    private static func smtpService(_ listener: String?) -> Counter {
        guard let listener else { return .connectionsSMTP }
        // Names of the start file: `smtp-inside` is the same service as `smtp`; `smtps` is submission.
        if listener.hasPrefix("submission") || listener.hasPrefix("smtps") { return .connectionsSubmission }
        return listener.hasPrefix("lmtp") ? .connectionsLMTP : .connectionsSMTP
    }

    private static func partOfRefused(_ event: TrailEvent) -> Counter? {
        if let reply = event.fact("reply") {
            if reply.hasPrefix("552") { return .refusedTooLarge }
            return reply.hasPrefix("4") ? .refusedForNow : nil
        }
        // Of the store: all of it passes, but what is too large.
        return event.fact("reason") == "too-large" ? .refusedTooLarge : .refusedForNow
    }

    private mutating func countRemote(_ event: TrailEvent) {
        switch event.event {
        case "delivered":
            self.add(.deliveredRemote)
            if let age = event.number("age"), let bucket = Latency.counter(age, isLocal: false) { self.add(bucket) }
        case "deferred": self.add(.deferredRemote)
        case "failed": self.add(.failedRemote)
        case "returned": self.add(.returned)
        case "held": self.add(.held)
        default: break
        }
    }

    private mutating func countLocal(_ event: TrailEvent) {
        switch event.event {
        case "delivered":
            self.add(.deliveredLocal)
            // What is put into the mailbox with the acceptance says no age: it is there when the sender has his answer.
            if let bucket = Latency.counter(event.number("age") ?? 0, isLocal: true) { self.add(bucket) }
        case "deferred": self.add(.deferredLocal)
        case "failed": self.add(.failedLocal)
        case "forwarded": self.add(.forwarded)
        default: break
        }
    }

    private mutating func countSession(_ event: TrailEvent, _ opened: Counter?) {
        switch event.event {
        case "opened": if let opened { self.add(opened) }
        case "login", "login-as-postmaster": self.add(.logins)
        case "refused-at-connect": self.add(.connectionsRefused)
        case "login-refused": self.add(Self.partOfFailed(event.fact("reason") ?? ""))
        default: break
        }
    }

    private static func partOfFailed(_ reason: String) -> Counter {
        switch reason {
        case "unknown-name", "wrong-password", "no-password", "wrong-code": .loginsFailed
        case "too-many-failures", "account-guarded": .loginsShutOut
        case "busy", "directory", "operating-system": .loginsNotChecked
        default: .loginsNotAllowed
        }
    }
}

extension TrailEvent {
    fileprivate func fact(_ key: String) -> String? {
        for fact in self.facts where fact.key == key { return fact.value }
        return nil
    }

    fileprivate func number(_ key: String) -> Int64? { self.fact(key).flatMap { Int64($0) }.map { max(0, $0) } }
}
