internal import Database
package import Vocabulary

// Which messages' flags changed since some MODSEQ.
extension MessageStore {
    private static let editsFrom = Statement(
        "SELECT m.edits_from, c.uidnext FROM mailbox m JOIN counter c ON c.mailbox = m.id WHERE m.id = ?1")
    private static let editPage = Statement(
        "SELECT modseq, first, last FROM edit WHERE mailbox = ?1 AND (modseq, first) > (?2, ?3) ORDER BY modseq, first LIMIT ?4")
    private static let olderEdits = Statement(
        """
        SELECT uid, flags, modseq FROM message INDEXED BY message_edited WHERE mailbox = ?1 AND edited = 1 AND modseq > ?2 AND modseq <= ?3
        """)
    private static let editedRows = Statement(
        """
        SELECT uid, flags, modseq FROM message
        WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND edited = 2 AND modseq > ?4 AND modseq <= ?5 ORDER BY uid
        """)

    /// Messages whose newest change lies after one MODSEQ and not after another, in order of MODSEQ and UID. With many more than `limit`
    /// those up to a smaller MODSEQ, which is told: whole groups of one.
    func edits(
        of mailbox: MailboxID, after since: ModSeq, upTo end: ModSeq, limit: Int
    ) throws(StoreError) -> (changed: [ChangedFlags], upTo: ModSeq) {
        let (ranges, cut) = try self.editRanges(of: mailbox, after: since, upTo: end, limit: limit)
        // Of older versions; nobody adds to these.
        var changed = try self.readRows(of: mailbox) { db throws(DatabaseError) in
            try db.rows(Self.olderEdits, .int(mailbox.rawValue), .int(since.rawValue), .int(cut.rawValue), read: ChangedFlags.init)
        }
        for run in ranges.runs { try self.readEdits(mailbox, run.first...run.last, after: since, upTo: cut, &changed) }
        changed.sort { ($0.modSeq, $0.uid) < ($1.modSeq, $1.uid) }
        return (changed, cut)
    }

    /// Where to look for them.
    private func editRanges(
        of mailbox: MailboxID, after since: ModSeq, upTo end: ModSeq, limit: Int
    ) throws(StoreError) -> (ranges: UIDSet, upTo: ModSeq) {
        var ranges: [ClosedRange<UInt32>] = []
        var last = (modSeq: since.rawValue, first: Int64.max)
        var (count, isMore, isCut) = (0, true, false)
        while isMore {
            var rows: Int64 = 0
            try self.readMail { db throws(DatabaseError) in
                try db.each(Self.editPage, .int(mailbox.rawValue), .int(last.modSeq), .int(last.first), .int(Self.uidPage)) {
                    row throws(DatabaseError) in
                    if row.int(0) > end.rawValue { return false }
                    isCut = count >= limit && row.int(0) > last.modSeq
                    if isCut { return false }
                    last = (row.int(0), row.int(1))
                    let first = UInt32(clamping: row.int(1))
                    let range = first...max(first, UInt32(clamping: row.int(2)))
                    ranges.append(range)
                    count = count.addingReportingOverflow(range.count).partialValue
                    rows += 1
                    return true
                }
            }
            isMore = rows == Self.uidPage && !isCut
        }
        // Asked last: what is trimmed while pages are read is missing among them. Then every row is looked at.
        let known = try self.readMail { db throws(DatabaseError) in
            try db.row(Self.editsFrom, .int(mailbox.rawValue)) { (from: $0.int(0), uidNext: UInt32(clamping: $0.int(1))) }
        }
        guard let known else { throw .noSuchMailbox(mailbox) }
        if known.from > since.rawValue { return (known.uidNext > 1 ? UIDSet(1...(known.uidNext - 1)) : UIDSet(), end) }
        return (UIDSet(ranges: ranges), isCut ? ModSeq(rawValue: last.modSeq) : end)
    }

    private func readEdits(
        _ mailbox: MailboxID, _ range: ClosedRange<UInt32>, after since: ModSeq, upTo end: ModSeq, _ changed: inout [ChangedFlags]
    ) throws(StoreError) {
        for from in stride(from: Int64(range.lowerBound), through: Int64(range.upperBound), by: Int(Self.uidPage)) {
            let to = min(from + Self.uidPage - 1, Int64(range.upperBound))
            changed += try self.readRows(of: mailbox) { db throws(DatabaseError) in
                try db.rows(
                    Self.editedRows, .int(mailbox.rawValue), .int(from), .int(to), .int(since.rawValue), .int(end.rawValue),
                    read: ChangedFlags.init)
            }
        }
    }

    private static let newest = Statement(
        """
        SELECT uid, flags, modseq, edited FROM message WHERE mailbox = ?1 AND uid < ?2 ORDER BY uid DESC LIMIT ?3
        """)

    /// Every message whose MODSEQ is greater, whether it came or changed since; ascending by UID. For who does not know what UIDNEXT was.
    /// Costs as much as there is to tell where messages are not all edited, else as much as there are messages. [RFC7162-3.1.4.1]
    package func changed(in mailbox: MailboxID, since: ModSeq) throws(StoreError) -> [ChangedFlags] {
        let facts = try self.mailbox(mailbox)
        guard facts.highestModSeq > since else { return [] }
        let edits = try self.edits(of: mailbox, after: since, upTo: facts.highestModSeq, limit: .max)
        var found = Dictionary(edits.changed.map { ($0.uid, $0) }) { first, _ in first }
        // Those that nobody edited have a MODSEQ that grows with the UID: the first old one ends the search.
        var before = Int64(facts.uidNext.rawValue)
        var isMore = true
        while isMore {
            var count: Int64 = 0
            try self.readRows(of: mailbox) { db throws(DatabaseError) in
                try db.each(Self.newest, .int(mailbox.rawValue), .int(before), .int(Self.uidPage)) { row throws(DatabaseError) in
                    before = row.int(0)
                    count += 1
                    if row.int(2) > since.rawValue {
                        let uid = UID(rawValue: UInt32(clamping: before))
                        found[uid] = ChangedFlags(uid: uid, flags: Flags(row.int(1)), modSeq: ModSeq(rawValue: row.int(2)))
                    } else if !row.bool(3) {
                        isMore = false
                    }
                    return isMore
                }
            }
            if count < Self.uidPage { isMore = false }
        }
        return found.values.sorted { $0.uid < $1.uid }
    }
}

extension ChangedFlags {
    init(_ row: Row) {
        self.init(uid: UID(rawValue: UInt32(clamping: row.int(0))), flags: Flags(row.int(1)), modSeq: ModSeq(rawValue: row.int(2)))
    }
}
