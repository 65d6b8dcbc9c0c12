internal import Bytes
internal import NIOCore
internal import Vocabulary

// NOTIFY. [RFC5465-3]
extension IMAPRule {
    static let watching: [IMAPRule] = [
        IMAPRule(name: "NOTIFY", states: .loggedIn, feature: .notify, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try machine.setNotify(&arguments, &out)
        }
    ]
}

/// What NOTIFY has set, and what waits to be told.
struct NotifyState: Sendable {
    /// NOTIFY SET holds: things are told between commands too.
    var isOn = false
    /// Changes of the selected mailbox are told at once.
    var tellsSelected = false
    /// What is told of the selected mailbox at all.
    var selectedEvents: NotifyEvents = NotifyState.ordinary
    /// What is told of each new message of the selected mailbox.
    var newItems: [FetchItem] = []
    /// Lines about other mailboxes wait at the backend.
    var noticesWait = false
    /// The session must end.
    var farewell: IMAPPhrase?

    /// Without NOTIFY. [RFC5465-3.1]
    static let ordinary: NotifyEvents = [.messageNew, .messageExpunge, .flagChange]
}

extension IMAPMachine {
    // RFC 5465 8:  notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")
    fileprivate mutating func setNotify(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        var state = self.notify
        var groups: [NotifyGroup] = []
        var wantsStatus = false
        if arguments.takeKeyword("NONE") {
            // No event at all. Answers to the client's own commands remain. [RFC5465-3.1]
            state.isOn = false
            state.tellsSelected = false
            state.selectedEvents = []
            state.newItems = []
        } else {
            guard arguments.takeKeyword("SET") else { throw GrammarFault() }
            try arguments.expectSpace()
            wantsStatus = arguments.takeKeyword("STATUS")
            if wantsStatus { try arguments.expectSpace() }
            state.newItems = []
            repeat {
                groups.append(try arguments.notifyGroup(&state.newItems))
                // One of them at most. [RFC5465-8]
                guard !groups.contains(where: { $0.filter == .selected }) || !groups.contains(where: { $0.filter == .selectedDelayed })
                else { throw GrammarFault() }
                guard groups.count <= 100 else { throw GrammarFault(.limitExceeded, code: "NOTIFICATIONOVERFLOW", isNO: true) }
            } while arguments.take(" ")
            state.isOn = true
            state.tellsSelected = groups.contains { $0.filter == .selected && !$0.events.isEmpty }
            state.selectedEvents = groups.filter { $0.filter == .selected || $0.filter == .selectedDelayed }.reduce([]) {
                $0.union($1.events)
            }
        }
        try arguments.expectEnd()
        self.ask(.watch(.notify(groups, wantsStatus: wantsStatus, mode: self.mode)), .watching(.notify(state)), &out)
    }

    mutating func notifyIsSet(_ state: NotifyState, _ out: inout Output) {
        let (waits, farewell) = (self.notify.noticesWait, self.notify.farewell)
        self.notify = state
        (self.notify.noticesWait, self.notify.farewell) = (waits, farewell)
        self.finish(.ok(), &out)
    }
}

extension Scanner {
    // RFC 5465 8:  event-group = "(" filter-mailboxes SP events ")"
    /// - Parameter newItems: of the selected mailbox, what is told of new messages.
    fileprivate mutating func notifyGroup(_ newItems: inout [FetchItem]) throws(GrammarFault) -> NotifyGroup {
        try self.expect("(")
        let filter = try self.mailboxFilter()
        try self.expectSpace()
        var events: NotifyEvents = []
        var items: [FetchItem] = []
        if !self.takeKeyword("NONE") {
            for event in try self.list({ (scanner: inout Scanner) throws(GrammarFault) in try scanner.notifyEvent(&items) }) {
                events.formUnion(event)
            }
            // Only the selected mailbox has messages that can be told of. [RFC5465-5.2]
            guard items.isEmpty || filter == .selected || filter == .selectedDelayed else { throw GrammarFault() }
            if !items.isEmpty { newItems = items }
            // New messages without those that go would leave the client with wrong numbers. [RFC5465-5]
            guard events.contains(.messageNew) == events.contains(.messageExpunge) else { throw GrammarFault() }
            guard !events.contains(.flagChange) || events.contains(.messageNew) else { throw GrammarFault() }
        }
        try self.expect(")")
        return NotifyGroup(filter: filter, events: events)
    }

    private mutating func notifyEvent(_ items: inout [FetchItem]) throws(GrammarFault) -> NotifyEvents {
        switch self.keyword() {
        case "MESSAGENEW":
            if self.peek(" "), self.peek(after: 1) == UInt8(ascii: "(") {
                try self.expectSpace()
                items = try self.fetchItems()
            }
            return .messageNew
        case "MESSAGEEXPUNGE": return .messageExpunge
        case "FLAGCHANGE": return .flagChange
        case "MAILBOXNAME": return .mailboxName
        case "SUBSCRIPTIONCHANGE": return .subscriptionChange
        case "MAILBOXMETADATACHANGE": return .mailboxMetadataChange
        case "SERVERMETADATACHANGE": return .serverMetadataChange
        // Whatever it is, a client must learn what it can have instead. [RFC5465-5]
        default: throw GrammarFault(.unknownEvent, code: Self.badEvent, isNO: true)
        }
    }

    private static let badEvent =
        "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)"

    // RFC 5465 8:  filter-mailboxes ; RFC 7377 3 adds subtree-one
    mutating func mailboxFilter() throws(GrammarFault) -> MailboxFilter {
        switch self.keyword() {
        case "SELECTED": return .selected
        case "SELECTED-DELAYED": return .selectedDelayed
        case "INBOXES": return .inboxes
        case "PERSONAL": return .personal
        case "SUBSCRIBED": return .subscribed
        case "SUBTREE": return .subtree(try self.filterNames())
        case "SUBTREE-ONE": return .subtreeOne(try self.filterNames())
        case "MAILBOXES": return .mailboxes(try self.filterNames())
        default: throw GrammarFault()
        }
    }

    // RFC 5465 8:  one-or-more-mailbox = mailbox / many-mailboxes
    private mutating func filterNames() throws(GrammarFault) -> [String] {
        try self.expectSpace()
        guard self.peek("(") else { return [try self.mailbox()] }
        let names = try self.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.mailbox() }
        guard names.count <= 1000 else { throw GrammarFault(.limitExceeded, code: "NOTIFICATIONOVERFLOW", isNO: true) }
        return names
    }
}
