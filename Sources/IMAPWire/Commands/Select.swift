internal import Bytes
internal import NIOCore
internal import Vocabulary

// SELECT, EXAMINE, CLOSE, UNSELECT, CHECK. [RFC9051-6.3.2] [RFC9051-6.4] [RFC7162-3.2.5]
extension IMAPRule {
    static let selecting: [IMAPRule] = [
        IMAPRule(name: "SELECT", states: .loggedIn, tellsNews: false) { machine, arguments, out throws(GrammarFault) in
            machine.select(&arguments, isReadOnly: false, &out)
        },
        IMAPRule(name: "EXAMINE", states: .loggedIn, tellsNews: false) { machine, arguments, out throws(GrammarFault) in
            machine.select(&arguments, isReadOnly: true, &out)
        },
        IMAPRule(name: "CLOSE", states: .selected) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.leave(expunging: true, &out)
        },
        IMAPRule(name: "UNSELECT", states: .selected) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.leave(expunging: false, &out)
        },
        IMAPRule(name: "CHECK", states: .selected, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()  // [RFC3501-6.4.1]
            machine.finish(.ok(), &out)
        },
    ]
}

extension IMAPMachine {
    /// Whatever becomes of it, what was selected before is not any more: nobody's next command may go to a mailbox that he believes to have
    /// left. [RFC9051-6.3.2]
    fileprivate mutating func select(_ arguments: inout Scanner, isReadOnly: Bool, _ out: inout Output) {
        do {
            let request = try self.selectRequest(&arguments, isReadOnly: isReadOnly)
            if self.selected != nil { return self.ask(.close(expunging: false), .closing(.select(request)), &out) }
            self.ask(.select(request), .selecting(writtenName: request.writtenName), &out)
        } catch {
            guard self.selected != nil else { return self.fail(error, &out) }
            self.ask(.close(expunging: false), .closing(.fail(error)), &out)
        }
    }

    // RFC 4466 2.1:  select = "SELECT" SP mailbox [select-params]
    private mutating func selectRequest(_ arguments: inout Scanner, isReadOnly: Bool) throws(GrammarFault) -> SelectRequest {
        try arguments.expectSpace()
        var request = SelectRequest(mailbox: try arguments.mailbox(), isReadOnly: isReadOnly)
        request.writtenName = arguments.writtenName
        var isCondStore = self.mode.isCondStore
        if arguments.take(" ") {
            request.resync = try Self.parameters(&arguments, self.mode, &isCondStore)
        }
        try arguments.expectEnd()
        self.mode.isCondStore = isCondStore
        request.mode = self.mode
        return request
    }

    private static func parameters(
        _ arguments: inout Scanner, _ mode: WireMode, _ isCondStore: inout Bool
    ) throws(GrammarFault) -> SelectRequest.Resync? {
        var resync: SelectRequest.Resync?
        var asksCondStore = false
        _ = try arguments.list { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "CONDSTORE": asksCondStore = true  // [RFC7162-3.1.8]
            case "QRESYNC":
                guard mode.isQResync, resync == nil else { throw GrammarFault() }  // [RFC7162-3.2.5]
                try scanner.expectSpace()
                resync = try Self.resyncParameter(&scanner, mode)
            default: throw GrammarFault()
            }
        }
        if asksCondStore { isCondStore = true }
        return resync
    }

    // RFC 7162 7:  "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
    private static func resyncParameter(_ scanner: inout Scanner, _ mode: WireMode) throws(GrammarFault) -> SelectRequest.Resync {
        try scanner.expect("(")
        let validity = UIDValidity(rawValue: try scanner.nzNumber())
        try scanner.expectSpace()
        var resync = SelectRequest.Resync(validity: validity, modSeq: try scanner.modSeq(), known: nil)
        if scanner.peek(" "), scanner.peek(after: 1) != UInt8(ascii: "(") {
            try scanner.expectSpace()
            resync.known = try scanner.plainUIDs()
        }
        if scanner.take(" ") {
            // [RFC9586-3]
            guard !mode.isUIDOnly else { throw GrammarFault(.uidRequired, code: "UIDREQUIRED") }
            try scanner.expect("(")
            let places = try scanner.plainNumbers(limit: 10_000)
            try scanner.expectSpace()
            let uids = try scanner.plainNumbers(limit: 10_000)
            try scanner.expect(")")
            guard places.count == uids.count else { throw GrammarFault() }
            resync.match = zip(places, uids).map { ($0, UID(rawValue: $1)) }
        }
        try scanner.expect(")")
        return resync
    }

    fileprivate mutating func leave(expunging: Bool, _ out: inout Output) {
        // A mailbox that is open for reading only loses nothing. [RFC9051-6.4.1]
        let isReadOnly = self.selected?.mailbox.isReadOnly ?? true
        self.ask(.close(expunging: expunging && !isReadOnly), .closing(.finish), &out)
    }

    mutating func leftSelected() {
        self.selected = nil
        self.saved = UIDSet()
        self.contexts = []
    }

    mutating func closed(_ after: Work.AfterClose, _ out: inout Output) {
        self.leftSelected()
        switch after {
        case .finish: self.finish(.ok(), &out)
        case .select(let request):
            self.tellClosed(&out)
            self.ask(.select(request), .selecting(writtenName: request.writtenName), &out)
        case .fail(let fault):
            self.tellClosed(&out)
            self.fail(fault, &out)
        case .unauthenticate: self.ask(.forgetLogin, .forgetting, &out)
        }
    }

    /// [RFC7162-3.2.11] [RFC9051-7.1]
    private func tellClosed(_ out: inout Output) {
        if self.mode.isQResync || self.mode.isRev2 { self.writeUntaggedOK("CLOSED", .completed, &out) }
    }

    // MARK: The answer

    mutating func opened(_ mailbox: SelectedMailbox, writtenName: String?, _ out: inout Output) {
        var view = SelectedView(mailbox)
        view.isStale = self.isStaleBefore
        self.isStaleBefore = false
        self.selected = view
        self.saved = UIDSet()
        out.replies.writeFlagsLines(mailbox.keywords, rights: mailbox.usableRights)
        out.replies.writeStaticString("* ")
        out.replies.writeIMAPNumber(mailbox.messages)
        out.replies.writeStaticString(" EXISTS\r\n")
        if !self.mode.isRev2 { out.replies.writeStaticString("* 0 RECENT\r\n") }  // [RFC3501-7.3.2]
        self.writeUntaggedOK("UIDVALIDITY \(mailbox.validity)", .selected, &out)
        self.writeUntaggedOK("UIDNEXT \(mailbox.uidNext)", .selected, &out)
        if self.settings.features.contains(.condStore) {
            self.writeUntaggedOK("HIGHESTMODSEQ \(mailbox.highestModSeq)", .selected, &out)  // [RFC7162-3.1.2.1]
        }
        if self.settings.features.contains(.objectID) {
            self.writeUntaggedOK("MAILBOXID (\(mailbox.objectID))", .selected, &out)  // [RFC8474-4.2]
        }
        if self.mode.isRev2 {
            var line = ListLine(name: mailbox.name)
            line.oldName = writtenName
            out.replies.writeListLine(line, mode: self.mode)  // [RFC9051-6.3.2]
        }
        let ending: Ending =
            mailbox.isReadOnly ? .ok(.readOnlySelected, code: "READ-ONLY") : .ok(.selected, code: "READ-WRITE")
        guard let resync = mailbox.resync else { return self.finish(ending, &out) }
        if !resync.flagged.isEmpty, !self.mode.isUIDOnly { return self.ask(.readView, .view(.resync(ending)), &out) }
        self.resync(ending, &out)
    }

    /// What went and what changed since the client was here last. [RFC7162-3.2.5.1]
    mutating func resync(_ ending: Ending, _ out: inout Output) {
        guard let selected = self.selected, let changes = selected.mailbox.resync else { return self.finish(ending, &out) }
        let writer = ResyncWriter(changes, selected, mode: self.mode)
        self.selected?.forgetResync()
        self.write(.resync(writer, ending), &out)
    }
}

/// Writes VANISHED (EARLIER) and FETCH of a resync, a piece at a time.
struct ResyncWriter: Sendable {
    private let runs: [UIDRun]
    private let flagged: [MailboxChanges.Flagged]
    private let view: UIDSet
    private let isUIDOnly: Bool
    private var lines: FlagLines
    private var nextRun = 0
    private var nextFlagged = 0

    init(_ changes: MailboxChanges, _ view: SelectedView, mode: WireMode) {
        self.runs = changes.expunged.runs
        self.flagged = changes.flagged
        self.view = view.known
        self.isUIDOnly = mode.isUIDOnly
        self.lines = FlagLines(mode, keywords: view.keywords, withUID: true)
    }

    mutating func write(to out: inout ByteBuffer, limit: Int) -> Bool {
        while self.nextRun < self.runs.count {
            guard out.readableBytes < limit else { return false }
            let end = min(self.runs.count, self.nextRun + 300)
            out.writeVanished(UIDSet(ranges: self.runs[self.nextRun..<end].map { $0.first...$0.last }), isEarlier: true)
            self.nextRun = end
        }
        while self.nextFlagged < self.flagged.count {
            guard out.readableBytes < limit else { return false }
            let change = self.flagged[self.nextFlagged]
            self.nextFlagged += 1
            let place = self.view.index(of: change.uid)
            guard let place = self.isUIDOnly ? 0 : place else { continue }
            self.lines.write(change, place: place, to: &out)
        }
        return true
    }
}
