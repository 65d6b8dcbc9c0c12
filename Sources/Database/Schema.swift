internal import CSQLite

/// The tables of one database file and how they came about.
package struct Schema: Sendable {
    /// Written into the file, so that one file is not taken for another.
    package let applicationID: Int32
    /// Step n brings a file of format n-1 to format n. Released steps never change. They add tables and columns only; indexes and
    /// rewrites of large tables are jobs.
    package let steps: [String]

    package init(applicationID: Int32, steps: [String]) {
        self.applicationID = applicationID
        self.steps = steps
    }

    private static let userVersion = Statement("PRAGMA user_version")
    private static let applicationIDText = Statement("PRAGMA application_id")

    /// Brings the file to the newest format, in one transaction. Refuses files of a newer format and files of another kind.
    func migrate(_ connection: Connection, path: String) throws(DatabaseError) {
        let found = Int32(truncatingIfNeeded: try connection.row(Self.userVersion) { $0.int(0) } ?? 0)
        let owner = Int32(truncatingIfNeeded: try connection.row(Self.applicationIDText) { $0.int(0) } ?? 0)
        guard owner == self.applicationID || (owner == 0 && found == 0) else {
            throw DatabaseError(code: SQLITE_NOTADB, text: "\(path) belongs to another program or part", operation: "open")
        }
        guard found <= self.steps.count else { throw DatabaseError.newerFormat(path, found: found, known: self.steps.count) }
        guard found < self.steps.count else { return }
        let steps = self.steps.dropFirst(Int(found))
        try connection.transaction { () throws(DatabaseError) in
            for step in steps { try connection.execute(step) }
            try connection.execute("PRAGMA user_version = \(self.steps.count); PRAGMA application_id = \(self.applicationID)")
        }
    }
}
