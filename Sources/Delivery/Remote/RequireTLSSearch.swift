internal import NetKit
internal import Policy
internal import SMTPWire
internal import Vocabulary

/// Whether messages with REQUIRETLS may go over a connection.
enum HostFitness: Sendable, Hashable {
    case fit
    /// Not to this host.
    case unfit(DeliveryFailure.Cause)
    /// The host was not asked for proof when the connection began: one more to the same host tells.
    case unexamined
}

extension HostFitness {
    /// What a session found that can take messages. [RFC8689-2]
    /// - Parameters:
    ///   - hasTrustedName: DNSSEC, MTA-STS or the operator vouches for the name that the certificate is for.
    ///   - wantedProof: the connection was made for such a message.
    init(_ peer: SMTPPeer, _ check: PeerCheck?, hasTrustedName: Bool, wantedProof: Bool, usesTLS: Bool) {
        guard peer.isEncrypted else {
            self =
                if !usesTLS || !peer.hasStartTLS {
                    .unfit(.needsEncryption(.noTLS))
                } else if wantedProof {
                    .unfit(.tlsRequired("REQUIRETLS: \(SMTPClient.startTLSRefused)"))
                } else {
                    .unexamined
                }
            return
        }
        self =
            if !hasTrustedName {
                .unfit(.needsEncryption(.name))
            } else if check == nil, !wantedProof, peer.hasRequireTLS {
                .unexamined
            } else if let verdict = check?.verdict, verdict != .right {
                .unfit(.needsEncryption(.certificate))
            } else if !peer.hasRequireTLS {
                .unfit(.needsRequireTLS)
            } else {
                check?.verdict == .right ? .fit : .unfit(.needsEncryption(.certificate))
            }
    }
}

/// The way of messages with REQUIRETLS from host to host of one next hop, until one will do: those that wait for the next host, and what is
/// to be said when there is none. [RFC8689-4.2.1]
struct RequireTLSSearch: Sendable {
    private var waiting: [Transaction] = []
    /// Of all hosts so far: why such a message cannot go.
    private(set) var failure: DeliveryFailure?
    /// A host that would do for other messages will not for these: the failure is theirs alone.
    private(set) var isTheirsAlone = false
    /// What the connection at hand lacks is noted.
    private var isHostNoted = false
    private var others = 0

    /// Messages that go from host to host together.
    static let mostWaiting = 50
    /// Other messages that the host at hand gets before the search goes on.
    static let mostOthers = 100

    /// True once for each connection.
    mutating func setAside(_ transaction: Transaction) -> Bool {
        self.waiting.append(transaction)
        defer { self.isHostNoted = true }
        return !self.isHostNoted
    }

    /// Whether one more of the other messages may go before those that wait.
    mutating func mayTakeOther() -> Bool {
        guard !self.waiting.isEmpty else { return true }
        self.others += 1
        return self.others <= Self.mostOthers && self.waiting.count < Self.mostWaiting
    }

    mutating func takeWaiting() -> Transaction? { self.waiting.isEmpty ? nil : self.waiting.removeFirst() }

    /// The connection is gone.
    mutating func connectionEnded() { (self.isHostNoted, self.others) = (false, 0) }

    /// A failure that is everybody's.
    mutating func note(_ failure: DeliveryFailure) {
        if let known = self.failure, Self.weight(failure.cause) < Self.weight(known.cause) { return }
        self.failure = failure
    }

    /// A failure of these messages; others may get on with the host.
    mutating func noteTheirs(_ failure: DeliveryFailure) {
        self.isTheirsAlone = true
        self.note(failure)
    }

    /// Where one host may take the message later it is not lost; else what counts is how far a host came.
    private static func weight(_ cause: DeliveryFailure.Cause) -> Int {
        switch cause {
        case .needsRequireTLS: 2
        case .needsEncryption: 1
        default: DeliveryFailure(cause).isPermanent ? 0 : 3
        }
    }
}

extension Envelope {
    /// It must not go but over a connection that REQUIRETLS allows. A report is rather sent without than lost. [RFC8689-5]
    var demandsTLS: Bool { self.requiresTLS && self.sender != nil }
}

extension Transaction {
    var demandsTLS: Bool { self.entries.first?.envelope.demandsTLS ?? false }
}
