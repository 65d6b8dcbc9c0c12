internal import Database

// Who reads, and how far their mailboxes have been prepared: lost with the file, and then found out anew.
extension ContentCache {
    private static let preparedOf = Statement("SELECT uid FROM prepared WHERE mailbox = ?1")
    private static let readersSince = Statement("SELECT account FROM reader WHERE day >= ?1")

    func prepared(_ mailbox: Int64) -> Int64? {
        (try? self.reading { db throws(DatabaseError) in try db.row(Self.preparedOf, .int(mailbox)) { $0.int(0) } }) ?? nil
    }

    func readers(since day: Int64) -> [Int64] {
        (try? self.reading { db throws(DatabaseError) in try db.rows(Self.readersSince, .int(day)) { $0.int(0) } }) ?? []
    }
}
