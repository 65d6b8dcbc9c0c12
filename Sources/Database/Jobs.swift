/// Work that is too large for one transaction, kept as a row until it is done and so resumed after a restart. The table lives in the
/// database that the work changes: each slice and its new state are one transaction.
package enum Jobs {
    package struct Job: Sendable, Hashable {
        package let id: Int64
        package let kind: String
        /// The kind's own: where it is.
        package var state: Int64
        /// What it is about, for example an account.
        package let subject: Int64
    }

    /// To be part of a schema's step.
    package static let schema = """
        CREATE TABLE job(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0);
        """

    private static let insert = Statement("INSERT INTO job(kind, subject) VALUES(?1, ?2)")
    private static let first = Statement("SELECT id, kind, state, subject FROM job WHERE id > ?1 ORDER BY id LIMIT 1")
    private static let update = Statement("UPDATE job SET state = ?2 WHERE id = ?1")
    private static let delete = Statement("DELETE FROM job WHERE id = ?1")

    /// Inside the transaction that makes the work necessary.
    package static func enqueue(_ kind: String, subject: Int64, on connection: Connection) throws(DatabaseError) {
        try connection.run(self.insert, .text(kind), .int(subject))
    }

    /// The oldest job after `id`; begin with 0.
    package static func next(after id: Int64 = 0, on connection: Connection) throws(DatabaseError) -> Job? {
        try connection.row(self.first, .int(id)) { Job(id: $0.int(0), kind: $0.text(1), state: $0.int(2), subject: $0.int(3)) }
    }

    package static func save(_ job: Job, on connection: Connection) throws(DatabaseError) {
        try connection.run(self.update, .int(job.id), .int(job.state))
    }

    package static func finish(_ job: Job, on connection: Connection) throws(DatabaseError) {
        try connection.run(self.delete, .int(job.id))
    }
}
