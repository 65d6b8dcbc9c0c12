/// Whether a transaction may name a recipient. There is no setting that lets a stranger relay: `yes` for a foreign recipient needs a login.
package enum RelayVerdict: Sendable, Equatable {
    case accept
    /// 550 5.7.1: not ours, and the sender is a stranger.
    case relayDenied
}

/// What is known when a recipient is named.
package struct RelayFacts: Sendable, Equatable {
    /// The recipient is in a local mail domain, or is the bare postmaster.
    package var isLocalRecipient: Bool
    /// The session has logged in.
    package var isAuthenticated: Bool
    package init(isLocalRecipient: Bool, isAuthenticated: Bool) {
        self.isLocalRecipient = isLocalRecipient
        self.isAuthenticated = isAuthenticated
    }
}

package enum RelayPolicy {
    package static func verdict(_ facts: RelayFacts) -> RelayVerdict {
        facts.isLocalRecipient || facts.isAuthenticated ? .accept : .relayDenied
    }
}
