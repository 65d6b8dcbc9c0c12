package import Policy
package import Vocabulary

/// What the postmaster can do with a message that is held for him.
package enum HeldAnswer: Sendable, Hashable {
    case giveBack
    case redirect(Address)
    case retry
    case delete
}

/// Why a message is held, as the payload of its queue entry.
package struct HeldCase: Sendable, Hashable {
    package var failureClass: FailureClass
    package var status: EnhancedStatus
    /// The other host's reply, or words for the cause; one line.
    package var diagnostic: String
    package var remoteHost: String?
    /// Channel of the entry before it was held; its number is stored.
    package var channel: UInt8
    /// Payload of the entry before it was held.
    package var payload: [UInt8]
    /// Seconds since 1970.
    package var heldAt: Int64

    package init(
        failureClass: FailureClass, status: EnhancedStatus, diagnostic: String, remoteHost: String? = nil, channel: UInt8,
        payload: [UInt8] = [], heldAt: Int64
    ) {
        self.failureClass = failureClass
        self.status = status
        self.diagnostic = diagnostic
        self.remoteHost = remoteHost
        self.channel = channel
        self.payload = payload
        self.heldAt = heldAt
    }
}
