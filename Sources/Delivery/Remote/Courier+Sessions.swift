internal import Directory
internal import NetKit
internal import Policy
internal import Queue
internal import Routing
internal import SMTPWire
internal import Vocabulary

// What sessions say, and what follows.
extension Courier {
    /// The first message for a session that is ready; nil when there is nothing left. Blocks.
    func next(_ fitness: HostFitness) -> Transaction? {
        let environment = self.delivery.environment
        let (pending, isFirst) = self.state.withLock { state in
            defer { (state.pending, state.hasServed) = (nil, true) }
            return (state.pending, !state.hasServed)
        }
        if isFirst { environment.queue.book { $0.beganServing(self.name) } }
        if let pending { return pending }
        if fitness == .fit, let waiting = self.state.withLock({ $0.search.takeWaiting() }) { return waiting }
        guard self.state.withLock({ !$0.isRelaxed && $0.search.mayTakeOther() }) else { return nil }
        guard !self.delivery.isStopped, !environment.queue.book({ $0.shouldYield(self.name) }) else { return nil }
        return self.delivery.nextTransaction(self.name)
    }

    /// A message with REQUIRETLS that cannot go over this connection: the next host is tried when the session is over. [RFC8689-4.2.1]
    func leaveForNextHost(_ transaction: Transaction, _ fitness: HostFitness, host: String, address: IPAddress?) {
        self.state.withLock { state in
            guard state.search.setAside(transaction) else { return }
            switch fitness {
            case .fit: break
            case .unfit(let cause): state.search.noteTheirs(DeliveryFailure(cause, remoteHost: host, remoteAddress: address))
            case .unexamined:
                if let host = state.host { state.hosts.insert(host, at: 0) }
                state.addresses = []
            }
        }
    }

    /// The session ended without looking at this message. False when that happened too often.
    func takeBack(_ transaction: Transaction) -> Bool {
        self.state.withLock { state in
            state.untouched += 1
            guard state.untouched <= Self.mostUntouched else { return false }
            state.pending = transaction
            // The same hosts again, from the one that served.
            if let host = state.host { state.hosts.insert(host, at: 0) }
            state.addresses = []
            return true
        }
    }

    /// The session could not get as far as a message.
    func sessionFailed(_ cause: DeliveryFailure.Cause, note: String, host: String, address: IPAddress?, _ check: PeerCheck?) {
        var failure = DeliveryFailure(cause, remoteHost: host, remoteAddress: address)
        if case .tlsRequired(let why) = cause {
            failure.cause = self.unsafe(check?.verdict?.words ?? why)
            let isTLSFromStart = self.finder.isTLSFromStart
            let mayGoInClear = self.state.withLock { state in
                let mayGoInClear = state.security.mayGoInClear && !isTLSFromStart
                state.mustRetryInClear = mayGoInClear && state.pending?.demandsTLS != true
                return mayGoInClear
            }
            self.noteGap(failure, note, check, isEverybodys: !mayGoInClear)
            self.noteTLSFailure(host, address, note, check)
        } else {
            if case .loginFailed(let reply) = cause { failure.cause = self.judgedLogin(reply) }
            self.note(failure)
        }
        self.delivery.record(
            "session-failed", nil,
            [("host", host), ("address", address.map { "\($0)" } ?? ""), ("reason", failure.words.text(.english)), ("note", note)])
    }

    /// The session is over, whatever it did.
    func sessionEnded() {
        enum Next { case clear(MailHost, IPAddress), address, done }
        let next: Next = self.state.withLock { state in
            let mustRetryInClear = state.mustRetryInClear
            state.mustRetryInClear = false
            state.search.connectionEnded()
            state.pending = state.pending ?? state.search.takeWaiting()
            guard state.pending != nil else { return .done }
            if state.host?.socket != nil { return .address }
            if mustRetryInClear, let host = state.host, let address = state.address { return .clear(host, address) }
            return .address
        }
        switch next {
        case .clear(let host, let address): self.connect(host, address, inClear: true)
        case .address: self.tryNextAddress()
        case .done: self.delivery.ended(self.name, .done, wasServing: self.state.withLock { $0.hasServed })
        }
    }

    // MARK: Logins of routes

    /// A fault of set-up, remembered for `status`.
    func fault(_ route: String, _ user: String, _ reason: RouteLoginFault.Reason) -> DeliveryFailure.Cause {
        let fault = RouteLoginFault(route: route, user: user, reason: reason)
        self.delivery.troubles.note(self.name, fault, now: self.delivery.environment.now())
        return .routeLogin(fault)
    }

    private func judgedLogin(_ reply: Reply?) -> DeliveryFailure.Cause {
        guard let login = self.login else { return .loginFailed(reply) }
        guard let reply else { return self.fault(login.route, login.user, .noMechanism) }
        // For now only: nobody has to do anything. [RFC4954-6]
        return reply.isPermanent ? self.fault(login.route, login.user, .refused(reply)) : .loginFailed(reply)
    }

    /// TLS did not come about as it must.
    private func unsafe(_ why: String) -> DeliveryFailure.Cause {
        guard let login = self.login, login.security != .clear else { return .tlsRequired(why) }
        return self.fault(login.route, login.user, .notSafe(why))
    }

    /// A route that refuses mail for want of a login refuses the set-up, not the message: nothing goes back for that. [RFC4954-6]
    func judged(_ result: SMTPClientReport.Result) -> SMTPClientReport.Result {
        guard case .failed(.reply(let reply, .mail)) = result, reply.code == 530, self.login == nil, self.hop.isRouted,
            let place = self.hop.place
        else { return result }
        return .failed(self.fault("\(place)", "", .wanted(reply)))
    }
}
