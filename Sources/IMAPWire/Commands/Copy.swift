internal import NIOCore
internal import Vocabulary

// COPY and MOVE. [RFC9051-6.4.7] [RFC9051-6.4.8] [RFC4315-3] [RFC6851-3]
extension IMAPRule {
    static let copying: [IMAPRule] = [
        IMAPRule(name: "COPY", states: .selected, needsView: true, usesNumbers: true, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in try machine.copy(&arguments, isMove: false, isUID: false, &out)
        },
        IMAPRule(name: "UID COPY", states: .selected, needsView: true, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try machine.copy(&arguments, isMove: false, isUID: true, &out)
        },
        IMAPRule(name: "MOVE", states: .selected, feature: .move, needsView: true, usesNumbers: true, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in try machine.copy(&arguments, isMove: true, isUID: false, &out)
        },
        IMAPRule(name: "UID MOVE", states: .selected, feature: .move, needsView: true, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in try machine.copy(&arguments, isMove: true, isUID: true, &out)
        },
    ]
}

extension IMAPMachine {
    fileprivate mutating func copy(_ arguments: inout Scanner, isMove: Bool, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        let (request, limitCode) = try self.parsedCopy(&arguments, isMove: isMove, isUID: isUID)
        guard !isMove || self.selected?.mailbox.isReadOnly == false else { return self.finish(.no(.readOnly, code: "READ-ONLY"), &out) }
        guard !request.uids.isEmpty else { return self.finish(.ok(), &out) }
        self.command.limitCode = limitCode
        self.ask(.copy(request), .copying(isMove: isMove), &out)
    }

    // RFC 9051 9:  copy = "COPY" SP sequence-set SP mailbox
    /// What is to be asked for, and the code that says that fewer messages are taken than were named.
    func parsedCopy(
        _ arguments: inout Scanner, isMove: Bool, isUID: Bool
    ) throws(GrammarFault) -> (request: CopyRequest, limitCode: String?) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let set = try arguments.sequenceSet()
        try arguments.expectSpace()
        let mailbox = try arguments.mailbox()
        try arguments.expectEnd()
        let uids =
            isUID
            ? set.uids(in: selected.known, uidNext: selected.uidNext, saved: self.saved)
            : try set.messages(in: selected.known, saved: self.saved)
        // A move may be of a part, a copy is of all or nothing. [RFC9738-3]
        if !isMove { try self.checkLimit(uids.count) }
        let (taken, limitCode) = self.withinLimit(uids)
        return (CopyRequest(uids: taken, mailbox: mailbox, isMove: isMove), limitCode)
    }

    mutating func copied(_ copied: CopiedMessages, isMove: Bool, _ out: inout Output) {
        let code = copied.sources.isEmpty ? nil : "COPYUID \(copied.validity) \(copied.sources) \(copied.destinations)"
        guard isMove else { return self.finish(.ok(code: code), &out) }
        // Before the messages are told as gone, so that the client still knows which they were. [RFC6851-4.3]
        if let code { self.writeUntaggedOK(code, .completed, &out) }
        self.selected?.expungeOwn(copied.sources)
        self.finish(.ok(code: self.mode.isCondStore && !copied.sources.isEmpty ? Self.highestModSeqCode : nil), &out)
    }
}
