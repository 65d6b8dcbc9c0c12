/// What this session asks to be told of beside its selected mailbox, whose hints (`IMAPEvent.mailboxChanged`) come always.
package enum WatchRequest: Sendable {
    /// IDLE begins or ends: while it lasts nothing else will be asked.
    case idle(Bool)
    /// NOTIFY SET; with an empty list NOTIFY NONE. [RFC5465-3]
    case notify([NotifyGroup], wantsStatus: Bool, mode: WireMode)
}

/// Mailboxes that NOTIFY and ESEARCH speak of. [RFC5465-6] [RFC7377-2.2]
package enum MailboxFilter: Hashable, Sendable {
    case selected
    case selectedDelayed
    case inboxes
    case personal
    case subscribed
    case subtree([String])
    /// A mailbox and its children, not theirs. [RFC7377-2.2]
    case subtreeOne([String])
    case mailboxes([String])
}

package struct NotifyEvents: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let messageNew = NotifyEvents(rawValue: 1 << 0)
    package static let messageExpunge = NotifyEvents(rawValue: 1 << 1)
    package static let flagChange = NotifyEvents(rawValue: 1 << 2)
    package static let annotationChange = NotifyEvents(rawValue: 1 << 3)
    package static let mailboxName = NotifyEvents(rawValue: 1 << 4)
    package static let subscriptionChange = NotifyEvents(rawValue: 1 << 5)
    package static let mailboxMetadataChange = NotifyEvents(rawValue: 1 << 6)
    package static let serverMetadataChange = NotifyEvents(rawValue: 1 << 7)
}

package struct NotifyGroup: Hashable, Sendable {
    package var filter: MailboxFilter
    /// Empty for NONE.
    package var events: NotifyEvents

    package init(filter: MailboxFilter, events: NotifyEvents) {
        self.filter = filter
        self.events = events
    }
}
