internal import CSQLite

// Transactions of one connection. Plain functions rather than objects: the store's writers interleave them with their own work.

extension Connection {
    private static let begin = Statement("BEGIN")
    private static let beginImmediate = Statement("BEGIN IMMEDIATE")
    private static let commitText = Statement("COMMIT")
    private static let rollbackText = Statement("ROLLBACK")
    private static let savepointText = Statement("SAVEPOINT item")
    private static let releaseText = Statement("RELEASE item")
    private static let rollbackToText = Statement("ROLLBACK TO item")

    /// Throws for good after an I/O error of a commit or checkpoint: see `Checkpoints`.
    package func beginWriting() throws(DatabaseError) {
        if let broken = self.broken { throw broken }
        try self.prepare(Self.beginImmediate).finish()
    }

    package func beginReading() throws(DatabaseError) { try self.prepare(Self.begin).finish() }

    package func commit() throws(DatabaseError) {
        do throws(DatabaseError) { try self.prepare(Self.commitText).finish() } catch {
            if error.kind == .io { self.broken = error }
            throw error
        }
    }

    /// Never fails in a way that matters: SQLite has rolled back by itself when it cannot.
    package func rollback() {
        guard self.isInTransaction else { return }
        try? self.prepare(Self.rollbackText).finish()
    }

    /// `BEGIN IMMEDIATE`, the body, `COMMIT`; everything is undone when the body or the commit throws.
    package func transaction<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        try self.beginWriting()
        do throws(DatabaseError) {
            let result = try body()
            try self.commit()
            return result
        } catch {
            self.rollback()
            throw error
        }
    }

    /// The body inside a savepoint of the running transaction: when it throws only its own work is undone. Not nested.
    package func savepoint<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        try self.prepare(Self.savepointText).finish()
        do throws(DatabaseError) {
            let result = try body()
            try self.prepare(Self.releaseText).finish()
            return result
        } catch {
            if self.isInTransaction {
                try? self.prepare(Self.rollbackToText).finish()
                try? self.prepare(Self.releaseText).finish()
            }
            throw error
        }
    }
}
