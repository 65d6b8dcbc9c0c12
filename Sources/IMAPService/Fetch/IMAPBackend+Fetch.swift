internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

extension IMAPBackend {
    func fetch(_ request: FetchRequest, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let selection = try self.selection()
            let account = try self.identity().account
            let marksSeen = try self.rights(in: selection).contains(.seen)
            self.begin(FetchWork(request, selection, self, account: account, mayMarkSeen: marksSeen), answer)
        }
    }

    /// Which of these went after a MODSEQ; where that is forgotten, all that are not there. [RFC7162-3.2.6]
    func vanished(_ among: UIDSet, since: ModSeq, in selection: Selection) throws(StoreError) -> UIDSet {
        let facts = try self.reads.openView(selection.id)
        let given = facts.uidNext.rawValue > 1 ? UIDSet(1...(facts.uidNext.rawValue - 1)) : UIDSet()
        return try self.vanished(among.intersection(given), since: since, facts)
    }

    func vanished(_ among: UIDSet, since: ModSeq, _ facts: MailboxFacts) throws(StoreError) -> UIDSet {
        let read = try self.reads.changes(of: facts.id, since: since, uidNext: facts.uidNext, limit: 0)
        if read.isWhole { return among.intersection(read.expunged) }
        return among.subtracting(try self.reads.uids(of: facts.id, asOf: facts.highestModSeq, uidNext: facts.uidNext))
    }

    func noteFetched(_ count: Int = 1) { self.state.withLock { $0.fetched += count } }
}
