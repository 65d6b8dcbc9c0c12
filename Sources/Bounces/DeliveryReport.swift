package import NIOCore
package import Policy
package import Vocabulary

// Invariants of this target:
// 1. Pure: facts, time and randomness in, bytes out; no store, no network.
// 2. What a stranger wrote (replies, addresses, names) goes into a report only after it was made safe for the place where it stands.
// 3. A report never has a sender, and never answers a message that had none: no report can bring about another.

/// What became of a message for some of its recipients: everything that a delivery status notification says. [RFC3464-2]
package struct DeliveryReport: Sendable {
    // RFC 3464 2.3.3
    package enum Action: String, Sendable, Hashable, CaseIterable { case failed, delayed, delivered, relayed, expanded }

    package struct Recipient: Sendable {
        /// As it stood in the envelope when the message was accepted, with ORCPT and NOTIFY.
        package var recipient: Envelope.Recipient
        package var action: Action
        package var status: EnhancedStatus
        /// Why, for `failed` and `delayed`.
        package var failure: DeliveryFailure?
        /// The class under which the failure was handled; nil for what is no failure.
        package var failureClass: FailureClass?
        /// Host that answered; nil where no other host was talked to. [RFC3464-2.3.5]
        package var remoteHost: String?
        /// Seconds since 1970.
        package var lastAttempt: Int64?
        /// For `delayed`: when the message will be given up.
        package var willRetryUntil: Int64?

        package init(
            _ recipient: Envelope.Recipient, _ action: Action, status: EnhancedStatus, failure: DeliveryFailure? = nil,
            failureClass: FailureClass? = nil, remoteHost: String? = nil, lastAttempt: Int64? = nil, willRetryUntil: Int64? = nil
        ) {
            self.recipient = recipient
            self.action = action
            self.status = status
            self.failure = failure
            self.failureClass = failureClass
            self.remoteHost = remoteHost
            self.lastAttempt = lastAttempt
            self.willRetryUntil = willRetryUntil
        }
    }

    /// Of the message that is reported on: sender, ENVID, RET, SMTPUTF8.
    package var envelope: Envelope
    /// Seconds since 1970.
    package var arrivedAt: Int64
    package var trace: TraceID?
    /// Name of the host that brought the message, as it gave it. [RFC3464-2.2.4]
    package var receivedFrom: String?
    /// Bytes of the message that is reported on.
    package var size: Int64
    package var recipients: [Recipient]

    package init(envelope: Envelope, arrivedAt: Int64, trace: TraceID?, receivedFrom: String? = nil, size: Int64, recipients: [Recipient]) {
        self.envelope = envelope
        self.arrivedAt = arrivedAt
        self.trace = trace
        self.receivedFrom = receivedFrom
        self.size = size
        self.recipients = recipients
    }

    /// What concerns one and the same event is told in one report; this is the gravest of them.
    package var gravest: Action {
        let order: [Action] = [.failed, .delayed, .expanded, .relayed, .delivered]
        return order.first { action in self.recipients.contains { $0.action == action } } ?? .delivered
    }
}

/// A report, ready to be accepted into the store: head, then the original as `ReturnedContent(original)` gives it, then tail.
package struct ComposedReport: Sendable {
    /// Null sender; one recipient, with NOTIFY=NEVER. [RFC3461-6.1]
    package var envelope: Envelope
    package var messageID: String
    package var head: ByteBuffer
    package var original: ReturnedPart
    package var tail: ByteBuffer
}
