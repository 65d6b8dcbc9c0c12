internal import Directory
internal import NetKit
internal import Policy
internal import Queue
internal import Routing
internal import SMTPWire
internal import Vocabulary

// What went wrong, and what is done when no host is left.
extension Courier {
    /// TLS did not come about. For most messages it was only offered: the next best is what there was before TLS. [RFC7435-3]
    func noteGap(_ failure: DeliveryFailure, _ note: String, _ check: PeerCheck?, isEverybodys: Bool) {
        var cause = failure.cause
        // Refused or cut off it may come about later; so it may once the set-up of a route is mended.
        let isPassing = note == SMTPClient.startTLSRefused || note.hasPrefix(Connector.cutHandshake)
        if case .tlsRequired = cause, !isPassing {
            let isCertificate = check?.verdict.map { $0 != .right } ?? false
            cause = .needsEncryption(isCertificate ? .certificate : note.contains("not offered") ? .noTLS : .handshake)
        }
        if isEverybodys { return self.note(failure, withRequireTLS: cause) }
        self.state.withLock { state in
            guard state.pending?.demandsTLS == true else { return }
            state.search.noteTheirs(DeliveryFailure(cause, remoteHost: failure.remoteHost, remoteAddress: failure.remoteAddress))
        }
    }

    /// Of several failures the hopeful one counts: where one host may take the message later, it is not lost.
    /// - Parameter cause: what it is for messages with REQUIRETLS, where that is another.
    func note(_ failure: DeliveryFailure, withRequireTLS cause: DeliveryFailure.Cause? = nil) {
        self.state.withLock { state in
            if let cause, cause != failure.cause {
                state.search.noteTheirs(DeliveryFailure(cause, remoteHost: failure.remoteHost, remoteAddress: failure.remoteAddress))
            } else {
                state.search.note(failure)
            }
            if case .tlsRequired = failure.cause { state.missedTLS = true }
            if let known = state.failure, !known.isPermanent, failure.isPermanent { return }
            state.failure = failure
        }
    }

    /// Policies were followed, without success; the message asks for delivery all the same. [RFC8689-4.2.2]
    private func relax() -> Bool {
        guard !self.delivery.isStopped, self.settings.sendsAnywhere else { return false }
        let isNow = self.state.withLock { state in
            guard state.missedTLS, !state.isRelaxed, state.pending?.entries.first?.envelope.isTLSOptional == true else { return false }
            (state.isRelaxed, state.failure, state.untouched) = (true, nil, 0)
            return true
        }
        guard isNow else { return false }
        self.delivery.recordTLSNotRequired(self.name)
        return true
    }

    /// No host is left to try.
    func giveUp() {
        if self.relax() { return self.findHosts() }
        let (pending, failure, hasServed) = self.state.withLock { state in
            defer { state.pending = nil }
            return (state.pending, state.failure ?? DeliveryFailure(.unreachable("no host")), state.hasServed)
        }
        let name = self.name
        guard let pending else { return self.delivery.ended(name, .broken, wasServing: hasServed) }
        if self.endSearch(with: pending, hasServed: hasServed) { return }
        // It works for others, or did for us: the next hop is not dead, only busy.
        let isAlive = hasServed || self.delivery.environment.queue.book { $0[name]?.serving ?? 0 } > 0
        if isAlive || self.delivery.isStopped {
            self.delivery.environment.queue.giveBack(pending.entries)
            return self.delivery.ended(name, .broken, wasServing: hasServed)
        }
        self.delivery.failAll(name, pending, failure)
    }

    /// The messages with REQUIRETLS for which no host is left. True when that was all that was in hand. [RFC8689-4.2.1]
    private func endSearch(with pending: Transaction, hasServed: Bool) -> Bool {
        let (found, waiting) = self.state.withLock { state in
            var waiting: [Transaction] = []
            while let next = state.search.takeWaiting() { waiting.append(next) }
            return (state.search, waiting)
        }
        let others = waiting.flatMap(\.entries)
        // Hosts that were not asked may do.
        guard found.isTheirsAlone, let failure = found.failure, !self.delivery.isStopped else {
            if !others.isEmpty { self.delivery.environment.queue.giveBack(others) }
            return false
        }
        let isAll = pending.demandsTLS
        let entries = (isAll ? pending.entries : []) + others
        guard !entries.isEmpty else { return false }
        let results = entries.map { _ in SMTPClientReport.Result.failed(failure.cause) }
        self.delivery.settle(entries, results, host: failure.remoteHost, address: failure.remoteAddress) { _ in
            if isAll { self.delivery.ended(self.name, .done, wasServing: hasServed) }
        }
        return isAll
    }
}
