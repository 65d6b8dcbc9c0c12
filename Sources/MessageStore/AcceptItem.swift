package import NIOCore
package import Vocabulary

/// One message with everything that is to happen to it; taken as a whole or not at all.
package struct AcceptItem: Sendable {
    package enum Body: Sendable {
        /// The bytes as received, CRLF line ends, dots unstuffed; at most `StoreOptions.inlineLimit`.
        case memory(ByteBuffer)
        /// Streamed into a file of its own; all appends must have been made.
        case large(LargeBody)
    }

    package var body: Body
    package var envelope: Envelope
    /// Unix seconds; the internal date of all copies.
    package var receivedAt: Int64
    package var trace: TraceID
    package var deliveries: [PlannedDelivery]
    package var queue: [QueueDraft]
    /// Queue entries that end in the same moment: those that a report tells of.
    package var finishes: [QueueID] = []

    package init(
        body: Body, envelope: Envelope, receivedAt: Int64, trace: TraceID, deliveries: [PlannedDelivery] = [], queue: [QueueDraft] = []
    ) {
        self.body = body
        self.envelope = envelope
        self.receivedAt = receivedAt
        self.trace = trace
        self.deliveries = deliveries
        self.queue = queue
    }
}

/// A copy for one mailbox. The writer re-validates it: a mailbox that is gone becomes INBOX; an account that is gone or over its quota
/// becomes a queue entry of channel `.mailbox`, because DATA has one reply for all recipients.
package struct PlannedDelivery: Sendable, Hashable {
    package var account: AccountID
    /// nil is INBOX.
    package var mailbox: MailboxID?
    package var flags: Flags
    /// Trace header of this delivery (Return-Path, Delivered-To, Received, …), whole lines with CRLF; it is read before the body. What
    /// the prefixes of one message have in common at their beginnings and ends is stored once.
    package var prefix: ByteBuffer
    /// Most bytes that the account's mailboxes may hold with this message; nil is unlimited.
    package var quota: Int64?
    /// For whom this copy is: told in a notification when it has to wait and fails in the end.
    package var recipient: Envelope.Recipient?
    /// Of a message that a client adds.
    var append: AppendFacts?

    package init(
        account: AccountID, mailbox: MailboxID? = nil, flags: Flags = [], prefix: ByteBuffer = ByteBuffer(), quota: Int64? = nil,
        recipient: Envelope.Recipient? = nil
    ) {
        self.account = account
        self.mailbox = mailbox
        self.flags = flags
        self.prefix = prefix
        self.quota = quota
        self.recipient = recipient
    }
}

/// What is still to be done for one recipient.
package struct QueueDraft: Sendable, Hashable {
    /// Who does it. Numbers are stored.
    package enum Channel: UInt8, Sendable, CaseIterable {
        case remote = 1
        /// A local mailbox that could not take it inside the transaction.
        case mailbox = 2
        case program = 3
        case maildrop = 4
        case forward = 5
        case reply = 6
        case list = 7
        case form = 8
        /// Held until the postmaster decides.
        case held = 9
    }

    package var channel: Channel
    package var recipient: Envelope.Recipient
    /// Entries of one destination are taken together: the next hop's domain as A-label, or empty.
    package var destination: String
    /// Unix seconds before which nobody tries.
    package var due: Int64
    /// The channel's own data, not read by the store.
    package var payload: [UInt8]
    /// Of one that nobody tries: why.
    package var reason = ""

    package init(_ channel: Channel, recipient: Envelope.Recipient, destination: String = "", due: Int64, payload: [UInt8] = []) {
        self.channel = channel
        self.recipient = recipient
        self.destination = destination
        self.due = due
        self.payload = payload
    }
}

/// The message is on stable storage.
package struct Accepted: Sendable, Hashable {
    package let blob: BlobID
    /// Deliveries that became queue entries, as indexes into `AcceptItem.deliveries`, with the reason.
    package var deferred: [Deferred] = []

    package struct Deferred: Sendable, Hashable {
        package enum Reason: UInt8, Sendable { case overQuota = 1, accountGone = 2 }
        package let index: Int
        package let reason: Reason

        package init(index: Int, reason: Reason) {
            self.index = index
            self.reason = reason
        }
    }
}
