internal import CSQLite

/// What SQLite answered instead of doing it: result code, its text, and what was being done.
package struct DatabaseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Extended result code of SQLite.
    package let code: Int32
    package let text: String
    /// The statement or operation, without values.
    package let operation: String

    package init(code: Int32, text: String, operation: String) {
        self.code = code
        self.text = text
        self.operation = operation
    }

    package enum Kind: Sendable, Equatable { case constraint, full, io, corrupt, busy, newerFormat, closed, other }

    package var kind: Kind {
        if self.code == Self.newerFormatCode { return .newerFormat }
        if self.code == Self.closedCode { return .closed }
        switch self.code & 0xFF {
        case SQLITE_CONSTRAINT: return .constraint
        case SQLITE_FULL: return .full
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM: return .io
        case SQLITE_CORRUPT, SQLITE_NOTADB: return .corrupt
        case SQLITE_BUSY, SQLITE_LOCKED: return .busy
        default: return .other
        }
    }

    package var description: String { "\(self.operation): \(self.text) (\(self.code))" }

    // Codes of our own lie far from SQLite's.
    private static let newerFormatCode: Int32 = -1001
    private static let closedCode: Int32 = -1002

    static func newerFormat(_ path: String, found: Int32, known: Int) -> DatabaseError {
        DatabaseError(
            code: self.newerFormatCode,
            text:
                "\(path) has format \(found), this version knows up to \(known): run the newer version, or restore the backup made before the upgrade",
            operation: "open")
    }

    static func closed(_ operation: String) -> DatabaseError {
        DatabaseError(code: self.closedCode, text: "the database is closed", operation: operation)
    }
}
