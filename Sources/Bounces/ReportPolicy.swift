package import Vocabulary

/// Who may get a report at all: asked before one is composed, for each recipient.
package enum ReportPolicy {
    /// What is known of the address to which a report would go.
    package enum ReturnPath: Sendable, Hashable {
        /// An account here sent the message: it had logged in, or its address is local.
        case own
        /// The sender's domain vouches for the host that brought the message.
        case verified
        case unverified
        /// The sender's domain says that this host may not send for it.
        case forged
    }

    package enum Verdict: Sendable, Hashable {
        case send
        /// Nobody is told.
        case silent
        /// The sender cannot or must not be told: the postmaster may be.
        case postmasterOnly
    }

    package static func verdict(
        _ action: DeliveryReport.Action, _ recipient: Envelope.Recipient, sender: Address?, returnPath: ReturnPath
    ) -> Verdict {
        switch action {
        case .failed:
            guard recipient.notify?.contains(.failure) ?? true else { return .postmasterOnly }  // [RFC3461-5.2.6]
            // No report about a report, and none to a victim of forgery. [RFC5321-4.5.5]
            return sender == nil || returnPath == .forged ? .postmasterOnly : .send
        case .delayed:
            // Without NOTIFY a warning is our choice; strangers whose address nobody vouches for are spared it. [RFC3461-5.2.5]
            guard sender != nil, returnPath != .forged else { return .silent }
            guard let notify = recipient.notify else { return returnPath == .unverified ? .silent : .send }
            return notify.contains(.delay) ? .send : .silent
        case .delivered, .relayed, .expanded:
            guard sender != nil, returnPath != .forged else { return .silent }
            return recipient.notify?.contains(.success) == true ? .send : .silent  // [RFC3461-5.2.3]
        }
    }
}
