internal import Bytes
internal import NIOCore
internal import Vocabulary

// STORE and UID STORE. [RFC9051-6.4.6] [RFC7162-3.1.3]
extension IMAPRule {
    static let storing: [IMAPRule] = [
        IMAPRule(name: "STORE", states: .selected, needsView: true, usesNumbers: true, tellsExpunges: false, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in try machine.store(&arguments, isUID: false, &out)
        },
        IMAPRule(name: "UID STORE", states: .selected, needsView: true, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in
            try machine.store(&arguments, isUID: true, &out)
        },
    ]
}

/// How the answer to a STORE is written.
struct StorePlan: Sendable {
    var isUID: Bool
    var isSilent: Bool
    /// Modseqs are told even where flags are not.
    var isConditional: Bool
}

extension IMAPMachine {
    fileprivate mutating func store(_ arguments: inout Scanner, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        let (request, plan, limitCode) = try self.parsedStore(&arguments, isUID: isUID)
        if request.unchangedSince != nil { try self.turnOnCondStore(&out) }
        guard self.selected?.mailbox.isReadOnly == false else { return self.finish(.no(.readOnly, code: "READ-ONLY"), &out) }
        guard !request.uids.isEmpty else { return self.finish(.ok(), &out) }
        self.command.limitCode = limitCode
        self.ask(.store(request), .storing(plan), &out)
    }

    // RFC 4466 6:  store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
    /// What is to be asked for, how it is answered, and the code that says that fewer messages are taken than were named.
    func parsedStore(
        _ arguments: inout Scanner, isUID: Bool
    ) throws(GrammarFault) -> (request: StoreRequest, plan: StorePlan, limitCode: String?) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let set = try arguments.sequenceSet()
        try arguments.expectSpace()
        var unchangedSince: ModSeq?
        if arguments.peek("(") {
            unchangedSince = try arguments.storeModifiers()
            try arguments.expectSpace()
        }
        let (change, isSilent) = try arguments.storeAction()
        try arguments.expectSpace()
        let (flags, keywords) = try arguments.storedFlags()
        try arguments.expectEnd()
        let uids =
            isUID
            ? set.uids(in: selected.known, uidNext: selected.uidNext, saved: self.saved)
            : try set.messages(in: selected.known, saved: self.saved)
        let (taken, limitCode) = self.withinLimit(uids)
        var request = StoreRequest(uids: taken, change: change, flags: flags, keywords: keywords, unchangedSince: unchangedSince)
        // What waits to be told of these messages is told in its new state, which must be known then.
        request.isSilent = isSilent && !selected.hasUntoldFlags
        request.known = selected.modSeq
        return (request, StorePlan(isUID: isUID, isSilent: isSilent, isConditional: unchangedSince != nil), limitCode)
    }

    mutating func stored(_ stored: StoredFlags, _ plan: StorePlan, _ out: inout Output) {
        guard var selected = self.selected else { return self.close(&out) }
        // Modseqs are told to a client that knows of them, silent or not. [RFC7162-3.1.3]
        let tellsFlags = !plan.isSilent
        selected.recordOwn(stored, isTold: tellsFlags)
        // Before flags that have these names. [RFC9051-7.3.5]
        if let names = selected.takeNewKeywords() { out.replies.writeFlagsLines(names, rights: selected.mailbox.usableRights) }
        self.selected = selected
        var ending = Ending.ok()
        if !stored.modified.isEmpty {
            let set = plan.isUID ? stored.modified : Self.places(of: stored.modified, in: selected.known)
            ending.code = "MODIFIED \(set)"
        }
        guard tellsFlags || self.mode.isCondStore else { return self.finish(ending, &out) }
        let writer = StoredWriter(
            tellsFlags ? stored.flagged : stored.own.flatMap(\.withoutFlags), selected, mode: self.mode,
            withUID: plan.isUID || self.mode.isCondStore, withFlags: tellsFlags)
        self.write(.stored(writer, ending), &out)
    }

    /// Message numbers of these UIDs.
    static func places(of uids: UIDSet, in view: UIDSet) -> UIDSet {
        var out = UIDSet()
        // Neighbours in UIDs that are all there are neighbours in numbers.
        for run in uids.intersection(view).runs {
            guard let first = view.index(of: UID(rawValue: run.first)), let low = UInt32(exactly: first + 1),
                let high = UInt32(exactly: first + run.count)
            else { continue }
            out.append(low...high)
        }
        return out
    }
}

extension OwnChange {
    /// For who is told of modseqs alone.
    fileprivate var withoutFlags: [MailboxChanges.Flagged] {
        self.uids.map { MailboxChanges.Flagged(uid: $0, flags: [], modSeq: self.modSeq) }
    }
}

/// Writes the FETCH responses of a STORE, a piece at a time.
struct StoredWriter: Sendable {
    private let flagged: [MailboxChanges.Flagged]
    private let view: UIDSet
    private var lines: FlagLines
    private var next = 0

    init(_ flagged: [MailboxChanges.Flagged], _ selected: SelectedView, mode: WireMode, withUID: Bool, withFlags: Bool) {
        self.flagged = flagged
        self.view = selected.known
        self.lines = FlagLines(mode, keywords: selected.keywords, withUID: withUID, withFlags: withFlags)
    }

    mutating func write(to out: inout ByteBuffer, limit: Int) -> Bool {
        while self.next < self.flagged.count {
            guard out.readableBytes < limit else { return false }
            let change = self.flagged[self.next]
            self.next += 1
            guard let place = self.view.index(of: change.uid) else { continue }
            self.lines.write(change, place: place, to: &out)
        }
        return true
    }
}

extension Scanner {
    // RFC 7162 7:  store-modifier =/ "UNCHANGEDSINCE" SP mod-sequence-valzer
    fileprivate mutating func storeModifiers() throws(GrammarFault) -> ModSeq? {
        var unchangedSince: ModSeq?
        _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
            guard unchangedSince == nil, scanner.takeKeyword("UNCHANGEDSINCE") else { throw GrammarFault() }
            try scanner.expectSpace()
            unchangedSince = try scanner.modSeq(lowest: 0)
        }
        return unchangedSince
    }

    // RFC 9051 9:  ["+" / "-"] "FLAGS" [".SILENT"]
    fileprivate mutating func storeAction() throws(GrammarFault) -> (StoreRequest.Change, isSilent: Bool) {
        let change: StoreRequest.Change = self.take("+") ? .add : self.take("-") ? .remove : .replace
        switch self.keyword() {
        case "FLAGS": return (change, false)
        case "FLAGS.SILENT": return (change, true)
        default: throw GrammarFault()
        }
    }

    // RFC 9051 9:  flag-list / (flag *(SP flag))
    fileprivate mutating func storedFlags() throws(GrammarFault) -> (flags: Flags, keywords: [String]) {
        if self.peek("(") { return try self.flagList() }
        var flags: Flags = []
        var keywords: [String] = []
        repeat { try self.flag(&flags, &keywords) } while self.take(" ")
        return (flags, keywords)
    }
}
