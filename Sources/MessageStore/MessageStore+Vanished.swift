internal import Database
package import Vocabulary

/// What was removed from a mailbox since some MODSEQ.
package struct Vanished: Sendable, Hashable {
    /// Ascending.
    package var uids: [UID] = []
    /// False when older removals are forgotten: the client has to be told about every UID that is not there. [RFC7162-3.2.6]
    package var isComplete = true

    package init(uids: [UID] = [], isComplete: Bool = true) {
        self.uids = uids
        self.isComplete = isComplete
    }
}

extension MessageStore {
    private static let forgotten = Statement("SELECT forgotten FROM mailbox WHERE id = ?1")
    private static let vanishedPage = Statement(
        "SELECT modseq, uid FROM tombstone WHERE mailbox = ?1 AND (modseq, uid) > (?2, ?3) ORDER BY modseq, uid LIMIT 4096")

    /// Removals after `modSeq`, remembered for `StoreOptions.tombstoneDays`.
    package func vanished(from mailbox: MailboxID, since modSeq: ModSeq, completion: @escaping Answer<Vanished>) {
        self.reading(completion) { () throws(StoreError) in
            let forgotten = try self.readMail { db throws(DatabaseError) in
                try db.row(Self.forgotten, .int(mailbox.rawValue)) { $0.int(0) }
            }
            guard let forgotten else { throw .noSuchMailbox(mailbox) }
            var result = Vanished(isComplete: forgotten <= modSeq.rawValue)
            var last = (modSeq: modSeq.rawValue, uid: Int64.max)
            var isMore = true
            while isMore {
                isMore = false
                try self.readMail { db throws(DatabaseError) in
                    try db.each(Self.vanishedPage, .int(mailbox.rawValue), .int(last.modSeq), .int(last.uid)) { row throws(DatabaseError) in
                        last = (row.int(0), row.int(1))
                        result.uids.append(UID(rawValue: UInt32(clamping: last.uid)))
                        isMore = true
                        return true
                    }
                }
            }
            result.uids.sort()
            return result
        }
    }
}
