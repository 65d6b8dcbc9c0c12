internal import CSQLite
internal import Synchronization

/// A SQLite connection for test data: any statement, any thread, one after the other.
final class SQLiteTable: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    // SAFETY: used only while the mutex around it is held.
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private let database: Mutex<Handle>

    init(_ path: String, readOnly: Bool) throws {
        var pointer: OpaquePointer?
        let mode = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        guard sqlite3_open_v2(path, &pointer, mode | SQLITE_OPEN_FULLMUTEX, nil) == SQLITE_OK, let pointer else {
            throw Failure(description: "cannot open \(path)")
        }
        sqlite3_busy_timeout(pointer, 10_000)
        self.database = Mutex(Handle(pointer: pointer))
    }

    func close() { self.database.withLock { _ = sqlite3_close_v2($0.pointer) } }

    /// All that `body` runs is kept or nothing.
    func transaction(_ body: (_ rows: (String, [Value]) throws -> Void) throws -> Void) throws {
        try self.database.withLock { handle in
            try Self.rows(handle, "BEGIN IMMEDIATE")
            do {
                try body { try Self.rows(handle, $0, $1) }
                try Self.rows(handle, "COMMIT")
            } catch {
                _ = try? Self.rows(handle, "ROLLBACK")
                throw error
            }
        }
    }

    enum Value {
        case number(Int)
        case text(String)
        case bytes([UInt8])

        var integer: Int {
            if case .number(let value) = self { return value }
            return 0
        }
    }

    @discardableResult
    func rows(_ text: String, _ values: [Value] = []) throws -> [[Value]] {
        try self.database.withLock { try Self.rows($0, text, values) }
    }

    @discardableResult
    private static func rows(_ handle: Handle, _ text: String, _ values: [Value] = []) throws -> [[Value]] {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle.pointer, text, -1, &statement, nil) == SQLITE_OK else {
            throw Failure(description: String(cString: sqlite3_errmsg(handle.pointer)))
        }
        defer { sqlite3_finalize(statement) }
        for (index, value) in values.enumerated() { self.bind(statement, CInt(index + 1), value) }
        var rows: [[Value]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map { self.column(statement, $0) })
            case SQLITE_DONE: return rows
            default: throw Failure(description: String(cString: sqlite3_errmsg(handle.pointer)))
            }
        }
    }

    private static func bind(_ statement: OpaquePointer?, _ index: CInt, _ value: Value) {
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .number(let number): sqlite3_bind_int64(statement, index, Int64(number))
        case .text(let text): sqlite3_bind_text(statement, index, text, -1, copies)
        case .bytes(let bytes): _ = bytes.withUnsafeBytes { sqlite3_bind_blob(statement, index, $0.baseAddress, CInt($0.count), copies) }
        }
    }

    private static func column(_ statement: OpaquePointer?, _ index: CInt) -> Value {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, index))
            let base = sqlite3_column_blob(statement, index)
            return .bytes(Array(UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count)))
        case SQLITE_TEXT: return .text(sqlite3_column_text(statement, index).map { String(cString: $0) } ?? "")
        default: return .number(Int(sqlite3_column_int64(statement, index)))
        }
    }
}
