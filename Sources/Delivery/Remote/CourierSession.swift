internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import SMTPWire
internal import Vocabulary

/// One conversation of a courier: gives the machine messages and takes what became of them. Used on its event loop; what blocks runs on
/// workers, with values.
final class CourierSession: SessionBackend {
    typealias Machine = SMTPClient

    private let courier: Courier
    private let host: String
    /// nil for a socket on this computer.
    private let address: IPAddress?
    private let check: PeerCheck?
    /// The name of the host was validated, so that a certificate for it proves something.
    private let hasTrustedName: Bool
    /// The connection was made for a message with REQUIRETLS.
    private let wantedProof: Bool
    /// It was told how far the session came, or why it came to nothing.
    private var hasSpoken = false
    /// The message under way.
    private let current = CurrentMessage()

    init(_ courier: Courier, host: String, address: IPAddress?, _ check: PeerCheck?, hasTrustedName: Bool, wantedProof: Bool) {
        (self.hasTrustedName, self.wantedProof) = (hasTrustedName, wantedProof)
        self.check = check
        self.courier = courier
        self.host = host
        self.address = address
    }

    func perform(_ call: SMTPClientCall, _ answer: SessionAnswer<SMTPClientOutcome>) {
        let (courier, current) = (self.courier, self.current)
        self.hasSpoken = true
        switch call {
        case .ready(let peer):
            courier.sessionReady(peer, host: self.host, address: self.address, self.check)
            current.set(
                HostFitness(
                    peer, self.check, hasTrustedName: self.hasTrustedName, wantedProof: self.wantedProof,
                    usesTLS: courier.settings.usesTLS))
            current.set(takesEightBit: peer.hasEightBit)
            let (host, address) = (self.host, self.address)
            self.work(answer) { Self.sendNext(courier, current, host, address, answer) }
        case .read:
            guard let body = current.body else { return answer(.bodyFailed) }
            body.next { result in
                switch result {
                case .success(let piece?): answer(.piece(piece))
                case .success(nil): answer(.bodyEnded)
                case .failure: answer(.bodyFailed)
                }
            }
        case .finished(let report, let canGoOn): self.finished(report, canGoOn: canGoOn, answer)
        case .failed(let cause, let note):
            courier.sessionFailed(cause, note: note, host: self.host, address: self.address, self.check)
            answer(.quit)
        }
    }

    func ended() {
        // A host of which nothing is known must not count as one that will not do.
        if !self.hasSpoken {
            self.courier.note(DeliveryFailure(.connectionLost(.connect), remoteHost: self.host, remoteAddress: self.address))
        }
        self.courier.sessionEnded()
    }

    private func work(_ answer: SessionAnswer<SMTPClientOutcome>, _ body: @escaping @Sendable () -> Void) {
        if !self.courier.delivery.workers.submit(body) { answer(.quit) }
    }

    /// Blocks.
    private static func sendNext(
        _ courier: Courier, _ current: CurrentMessage, _ host: String, _ address: IPAddress?, _ answer: SessionAnswer<SMTPClientOutcome>
    ) {
        let fitness = current.fitness
        while let transaction = courier.next(fitness) {
            do throws(StoreError) {
                guard let first = transaction.entries.first else { continue }
                // Another host may do; this one gets what else there is. [RFC8689-4.2.1]
                if transaction.demandsTLS, fitness != .fit {
                    courier.leaveForNextHost(transaction, fitness, host: host, address: address)
                    continue
                }
                if courier.delivery.isBlamed(first) {
                    courier.delivery.holdBlamed(transaction.entries)
                    continue
                }
                var envelope = transaction.envelope
                let mustBeSevenBit = envelope.sender == nil && envelope.isEightBit && !current.takesEightBit
                let body = try OutgoingBody(first, courier.delivery.environment.store, isSevenBit: mustBeSevenBit)
                if body.isSevenBit { envelope.isEightBit = false }
                current.set(transaction, body)
                var message = SMTPClientMessage(envelope: envelope, size: body.size, body: body.body)
                message.name = ContentHash(first.blob)
                return answer(.send(message))
            } catch {
                courier.delivery.setAside(transaction, error)
            }
        }
        answer(.quit)
    }

    private func finished(_ report: SMTPClientReport, canGoOn: Bool, _ answer: SessionAnswer<SMTPClientOutcome>) {
        let (courier, current, host, address) = (self.courier, self.current, self.host, self.address)
        guard let transaction = current.take() else { return answer(.quit) }
        if report.isUntouched {
            if courier.delivery.isStopped {
                courier.delivery.environment.queue.giveBack(transaction.entries)
                return answer(.quit)
            }
            if courier.takeBack(transaction) { return answer(.quit) }
        }
        courier.delivery.settle(
            transaction.entries, report.results.map(courier.judged), host: host, address: address, passedDSN: report.passedDSN,
            note: report.note
        ) { isKept in
            guard canGoOn, isKept else { return answer(.quit) }
            if !courier.delivery.workers.submit({ Self.sendNext(courier, current, host, address, answer) }) { answer(.quit) }
        }
    }
}
