internal import Database
package import Vocabulary

// What a session sees of a mailbox. All wait until what had arrived is filed; none holds a read transaction over a page.
extension MessageStore {
    /// What SELECT and STATUS need, from counters alone.
    package func openView(_ mailbox: MailboxID, completion: @escaping Answer<MailboxFacts>) {
        completion(.failure(.failed("not built yet")))
    }

    /// The UIDs exactly as they were when the mailbox had this MODSEQ and UIDNEXT: what is there now and what was removed since.
    /// Fails with `.forgotten` when removals since then are not known any more.
    package func uids(of mailbox: MailboxID, asOf modSeq: ModSeq, uidNext: UID, completion: @escaping Answer<UIDSet>) {
        completion(.failure(.failed("not built yet")))
    }

    /// What happened after `since`, to a caller that knew the mailbox up to `uidNext` then. Costs as much as there is to tell.
    /// - Parameter limit: of changed flags; with more, `isMore` is set.
    package func changes(
        of mailbox: MailboxID, since: ModSeq, uidNext: UID, limit: Int, completion: @escaping Answer<MailboxChanges>
    ) {
        completion(.failure(.failed("not built yet")))
    }

    /// Rows of those of `uids` that are there, ascending, from `first` on, at most `limit`.
    package func rows(
        of mailbox: MailboxID, uids: UIDSet, from first: UID = UID(rawValue: 1), limit: Int, completion: @escaping Answer<[MessageRow]>
    ) {
        completion(.failure(.failed("not built yet")))
    }
}
