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
    /// Lines about other mailboxes wait at the backend.
    var noticesWait = false
    /// The session must end.
    var farewell: IMAPPhrase?
}

extension IMAPMachine {
    // RFC 5465 8:  notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")
    fileprivate mutating func setNotify(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        var state = self.notify
        var groups: [NotifyGroup] = []
        var wantsStatus = false
        if arguments.takeKeyword("NONE") {
            state.isOn = false
            state.tellsSelected = false
        } else {
            guard arguments.takeKeyword("SET") else { throw GrammarFault() }
            try arguments.expectSpace()
            wantsStatus = arguments.takeKeyword("STATUS")
            if wantsStatus { try arguments.expectSpace() }
            repeat {
                groups.append(try arguments.notifyGroup())
                guard groups.count <= 100 else { throw GrammarFault(.limitExceeded, code: "NOTIFICATIONOVERFLOW", isNO: true) }
            } while arguments.take(" ")
            state.isOn = true
            state.tellsSelected = groups.contains { $0.filter == .selected && !$0.events.isEmpty }
        }
        try arguments.expectEnd()
        self.ask(.watch(.notify(groups, wantsStatus: wantsStatus, mode: self.mode)), .watching(.notify(state)), &out)
    }

    mutating func notifyIsSet(_ state: NotifyState, _ out: inout Output) {
        self.notify.isOn = state.isOn
        self.notify.tellsSelected = state.tellsSelected
        self.finish(.ok(), &out)
    }
}

extension Scanner {
    // RFC 5465 8:  event-group = "(" filter-mailboxes SP events ")"
    fileprivate mutating func notifyGroup() throws(GrammarFault) -> NotifyGroup {
        try self.expect("(")
        let filter = try self.mailboxFilter()
        try self.expectSpace()
        var events: NotifyEvents = []
        if !self.takeKeyword("NONE") {
            for event in try self.list({ (scanner: inout Scanner) throws(GrammarFault) in try scanner.notifyEvent() }) {
                events.formUnion(event)
            }
            // New messages without those that go would leave the client with wrong numbers. [RFC5465-5]
            guard events.contains(.messageNew) == events.contains(.messageExpunge) else { throw GrammarFault() }
        }
        try self.expect(")")
        return NotifyGroup(filter: filter, events: events)
    }

    private mutating func notifyEvent() throws(GrammarFault) -> NotifyEvents {
        switch self.keyword() {
        case "MESSAGENEW":
            if self.peek(" "), self.peek(after: 1) == UInt8(ascii: "(") {
                try self.expectSpace()
                _ = try self.fetchItems()
            }
            return .messageNew
        case "MESSAGEEXPUNGE": return .messageExpunge
        case "FLAGCHANGE": return .flagChange
        case "ANNOTATIONCHANGE":
            throw GrammarFault(
                .limitExceeded, code: "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)", isNO: true)
        case "MAILBOXNAME": return .mailboxName
        case "SUBSCRIPTIONCHANGE": return .subscriptionChange
        case "MAILBOXMETADATACHANGE": return .mailboxMetadataChange
        case "SERVERMETADATACHANGE": return .serverMetadataChange
        default: throw GrammarFault()
        }
    }

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
