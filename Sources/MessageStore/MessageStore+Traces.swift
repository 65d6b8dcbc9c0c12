internal import Database
package import NIOCore
package import Vocabulary

/// What a mailbox has of a message's trace lines.
package struct MessageTrace: Sendable, Hashable {
    /// Those of this delivery alone.
    package var lines: ByteBuffer
    /// They are all; else the body's own stand before and behind them (`MessageContent.ends`).
    package var isWhole: Bool
}

extension MessageStore {
    private static let traceRange = Statement(
        "SELECT uid, middle, whole FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid")

    /// Trace lines of messages, without opening them; nil for those that are gone. Blocks.
    /// - Parameter uids: ascending, at most some thousand.
    package func traces(of mailbox: MailboxID, _ uids: [UID]) throws(StoreError) -> [MessageTrace?] {
        var out = [MessageTrace?](repeating: nil, count: uids.count)
        var walk = UIDWalk(UIDSet(ascending: uids.lazy.map(\.rawValue)))
        try self.readMail { db throws(DatabaseError) in
            var at = 0
            while let range = walk.next() {
                try db.each(Self.traceRange, .int(mailbox.rawValue), .int(range.lowerBound), .int(range.upperBound)) {
                    row throws(DatabaseError) in
                    let uid = row.int(0)
                    while at < uids.count, Int64(uids[at].rawValue) < uid { at += 1 }
                    guard at < uids.count, Int64(uids[at].rawValue) == uid else { return true }
                    let lines = row.withBytes(1) { $0.isEmpty ? ByteBuffer() : ByteBuffer(bytes: $0) }
                    out[at] = MessageTrace(lines: lines, isWhole: row.bool(2))
                    return true
                }
            }
        }
        return out
    }
}
