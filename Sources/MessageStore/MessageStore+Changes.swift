internal import Database
package import Vocabulary

// Changes of messages that are there.
extension MessageStore {
    /// Changes flags of messages; UIDs that are not there are passed over, messages whose flags stay keep their MODSEQ.
    /// - Parameters:
    ///   - keywords: names that count beside the flags in `change`; made when the mailbox does not have them (`.tooManyKeywords`).
    ///   - unchangedSince: messages changed after it stay as they are and are told in `modified`. [RFC7162-3.1.3]
    package func changeFlags(
        _ mailbox: MailboxID, _ uids: UIDSet, _ change: FlagChange, keywords: [String] = [], unchangedSince: ModSeq? = nil,
        completion: @escaping Answer<FlagsChanged>
    ) {
        completion(.failure(.failed("not built yet")))
    }

    /// Removes messages for good.
    /// - Parameter onlyDeleted: those without `\Deleted` stay.
    package func expunge(_ mailbox: MailboxID, uids: UIDSet, onlyDeleted: Bool, completion: @escaping Answer<Expunged>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Copies messages with flags, keywords and internal date, all or none. A move takes the originals away in the same transaction;
    /// a move of very many does so slice by slice, each message being in one of the mailboxes at any time. [RFC9051-6.4.7]
    /// - Parameter quota: most bytes that the account of the destination may hold with the copies.
    package func copy(
        _ uids: UIDSet, from: MailboxID, to: MailboxID, quota: Int64?, isMove: Bool, completion: @escaping Answer<CopyResult>
    ) {
        completion(.failure(.failed("not built yet")))
    }

    /// Adds messages, all or none; they are on stable storage and filed before the answer. Fails with `.noSuchMailbox` when the mailbox
    /// went meanwhile. [RFC9051-6.3.12]
    package func append(_ items: [AppendItem], to mailbox: MailboxID, quota: Int64?, completion: @escaping Answer<AppendResult>) {
        completion(.failure(.failed("not built yet")))
    }
}
