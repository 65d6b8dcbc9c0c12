internal import Database
package import Vocabulary

// Changes of messages that are there.
extension MessageStore {
    /// Messages whose flags change in one transaction.
    private static let flagSlice = 10_000
    /// Messages that are copied in one transaction, all or none by themselves: docs/decisions, 0019.
    package static let copySlice = 5000

    /// Those of many that are there, so that slices of them are slices of work.
    func resolved<T: Sendable>(
        _ uids: UIDSet, in mailbox: MailboxID, above size: Int, _ completion: @escaping Answer<T>,
        _ go: @escaping @Sendable (UIDSet) -> Void
    ) {
        if uids.count <= size { return go(uids) }
        self.reading({ (found: Result<UIDSet, StoreError>) in
            switch found {
            case .failure(let error): completion(.failure(error))
            case .success(let there): go(there)
            }
        }) { () throws(StoreError) in
            let facts = try self.mailbox(mailbox)
            return try self.uids(of: mailbox, asOf: facts.highestModSeq, uidNext: facts.uidNext).intersection(uids)
        }
    }

    /// Changes flags of messages; UIDs that are not there are passed over, messages whose flags stay keep their MODSEQ.
    /// - Parameters:
    ///   - keywords: names that count beside the flags in `change`; made when the mailbox does not have them (`.tooManyKeywords`).
    ///   - unchangedSince: messages changed after it stay as they are and are told in `modified`. [RFC7162-3.1.3]
    package func changeFlags(
        _ mailbox: MailboxID, _ uids: UIDSet, _ change: FlagChange, keywords: [String] = [], unchangedSince: ModSeq? = nil,
        telling: FlagsTold = .changed, completion: @escaping Answer<FlagsChanged>
    ) {
        // A keyword that the mailbox does not have cannot be taken away.
        let making: MailWriter.KeywordMaking = if case .remove = change { .no } else { .must }
        self.resolved(uids, in: mailbox, above: Self.flagSlice, completion) { uids in
            self.inSlices(
                uids, Self.flagSlice, nil as FlagsChanged?, { completion($0.map { $0 ?? FlagsChanged(modSeq: ModSeq(rawValue: 0)) }) }
            ) {
                writer, slice, soFar throws(StoreError) in
                _ = try writer.known(mailbox.rawValue)
                let bits = try writer.keywordsOrFail(keywords, of: mailbox.rawValue, mayMake: making)
                let done = try writer.setFlags(
                    mailbox.rawValue, slice, change.with(bits), unchangedSince: unchangedSince?.rawValue, telling: telling)
                return soFar?.followed(by: done) ?? done
            }
        }
    }

    /// Removes messages for good.
    /// - Parameter onlyDeleted: those without `\Deleted` stay.
    package func expunge(_ mailbox: MailboxID, uids: UIDSet, onlyDeleted: Bool, completion: @escaping Answer<Expunged>) {
        if onlyDeleted, uids.count > MailWriter.removalSlice { return self.expungeDeleted(mailbox, uids, completion) }
        self.resolved(uids, in: mailbox, above: MailWriter.removalSlice, completion) { uids in
            self.expungeInSlices(mailbox, uids, onlyDeleted, completion)
        }
    }

    /// Looks for the flag on a reading thread: of very many messages few have it, and often the counter says that none has.
    private func expungeDeleted(_ mailbox: MailboxID, _ uids: UIDSet, _ completion: @escaping Answer<Expunged>) {
        self.reading({ (found: Result<(uids: UIDSet, modSeq: ModSeq), StoreError>) in
            switch found {
            case .failure(let error): completion(.failure(error))
            case .success(let found) where found.uids.isEmpty: completion(.success(Expunged(modSeq: found.modSeq)))
            case .success(let found): self.expungeInSlices(mailbox, found.uids, true, completion)
            }
        }) { () throws(StoreError) in
            let facts = try self.mailbox(mailbox)
            guard facts.deleted > 0 else { return (UIDSet(), facts.highestModSeq) }
            return (try self.deleted(in: mailbox, below: facts.uidNext).intersection(uids), facts.highestModSeq)
        }
    }

    private static let deletedRange = Statement(
        "SELECT uid FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND flags & 8 <> 0 ORDER BY uid")

    private func deleted(in mailbox: MailboxID, below uidNext: UID) throws(StoreError) -> UIDSet {
        var found = UIDSet()
        for from in stride(from: 1, to: Int64(uidNext.rawValue), by: Int(Self.uidPage)) {
            let to = from + Self.uidPage - 1
            try self.readRows(of: mailbox) { db throws(DatabaseError) in
                try db.each(Self.deletedRange, .int(mailbox.rawValue), .int(from), .int(to)) {
                    row throws(DatabaseError) in
                    found.append(UInt32(clamping: row.int(0)))
                    return true
                }
            }
        }
        return found
    }

    private func expungeInSlices(_ mailbox: MailboxID, _ uids: UIDSet, _ onlyDeleted: Bool, _ completion: @escaping Answer<Expunged>) {
        self.inSlices(uids, MailWriter.removalSlice, Expunged(modSeq: ModSeq(rawValue: 0)), completion) {
            writer, slice, soFar throws(StoreError) in
            let gone = try writer.expunge(mailbox.rawValue, slice, onlyDeleted: onlyDeleted)
            return Expunged(uids: soFar.uids.union(gone.uids), modSeq: gone.modSeq)
        }
    }
}
