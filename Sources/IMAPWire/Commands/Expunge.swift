internal import NIOCore
internal import Vocabulary

// EXPUNGE and UID EXPUNGE. [RFC9051-6.4.3] [RFC4315-2.1]
extension IMAPRule {
    static let expunging: [IMAPRule] = [
        IMAPRule(name: "EXPUNGE", states: .selected, needsView: true, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.expunge(nil, &out)
        },
        IMAPRule(name: "UID EXPUNGE", states: .selected, needsView: true, readsChanges: true) {
            machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let set = try arguments.sequenceSet()
            try arguments.expectEnd()
            guard let selected = machine.selected else { throw GrammarFault(.selectFirst) }
            let uids = set.uids(in: selected.known, uidNext: selected.uidNext, saved: machine.saved)
            let (taken, limitCode) = machine.withinLimit(uids)
            machine.command.limitCode = limitCode
            machine.expunge(taken, &out)
        },
    ]
}

extension IMAPMachine {
    /// Only messages of which the client knows: it cannot have meant others.
    fileprivate mutating func expunge(_ uids: UIDSet?, _ out: inout Output) {
        guard let selected = self.selected, !selected.mailbox.isReadOnly else {
            return self.finish(.no(.readOnly, code: "READ-ONLY"), &out)
        }
        if let uids, uids.isEmpty { return self.finish(.ok(), &out) }
        self.ask(.expunge(uids ?? nil), .expunging, &out)
    }
}
