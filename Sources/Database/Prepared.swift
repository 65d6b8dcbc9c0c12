internal import CSQLite

/// A prepared statement between binding and reset. Valid as long as its connection.
package struct Prepared {
    private let pointer: OpaquePointer
    private let connection: Connection
    private let statement: Statement

    init(_ pointer: OpaquePointer, _ connection: Connection, _ statement: Statement) {
        self.pointer = pointer
        self.connection = connection
        self.statement = statement
    }

    /// Parameters are numbered from 1, as in the text.
    package func bind(_ index: Int32, _ value: Int64) throws(DatabaseError) {
        try self.check(sqlite3_bind_int64(self.pointer, index, value))
    }

    package func bindNull(_ index: Int32) throws(DatabaseError) {
        try self.check(sqlite3_bind_null(self.pointer, index))
    }

    /// The bytes are copied.
    package func bind(_ index: Int32, _ bytes: UnsafeRawBufferPointer) throws(DatabaseError) {
        // An empty buffer has no address, which SQLite would take for NULL.
        guard let base = bytes.baseAddress, bytes.count > 0 else { return try self.check(sqlite3_bind_zeroblob(self.pointer, index, 0)) }
        try self.check(sqlite3_bind_blob64(self.pointer, index, base, UInt64(bytes.count), Self.transient))
    }

    package func bind(_ index: Int32, _ text: String) throws(DatabaseError) {
        var copy = text
        let code = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                guard let base = characters.baseAddress else { return sqlite3_bind_text(self.pointer, index, "", 0, Self.transient) }
                return sqlite3_bind_text64(self.pointer, index, base, UInt64(characters.count), Self.transient, UInt8(SQLITE_UTF8))
            }
        }
        try self.check(code)
    }

    package func bind(_ index: Int32, _ value: Value) throws(DatabaseError) {
        switch value {
        case .null: try self.bindNull(index)
        case .int(let number): try self.bind(index, number)
        case .real(let number): try self.check(sqlite3_bind_double(self.pointer, index, number))
        case .text(let text): try self.bind(index, text)
        case .blob(let bytes):
            let code = bytes.withUnsafeBytes { raw in
                guard let base = raw.baseAddress, raw.count > 0 else { return sqlite3_bind_zeroblob(self.pointer, index, 0) }
                return sqlite3_bind_blob64(self.pointer, index, base, UInt64(raw.count), Self.transient)
            }
            try self.check(code)
        }
    }

    func bind(_ values: [Value]) throws(DatabaseError) {
        var index: Int32 = 1
        for value in values {
            try self.bind(index, value)
            index += 1
        }
    }

    /// True when there is a row, false at the end.
    package func step() throws(DatabaseError) -> Bool {
        let code = sqlite3_step(self.pointer)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        throw self.connection.failure(code, self.statement.text)
    }

    /// Steps to the end and hands over the first `columns` columns of the rows as numbers, some rows at a time: where there are thousands
    /// of them, a call for each number costs more than the rows.
    package func numbers(_ columns: Int, body: (UnsafeBufferPointer<Int64>) -> Void) throws(DatabaseError) {
        let room = UnsafeMutableBufferPointer<Int64>.allocate(capacity: columns * Self.rowsAtOnce)
        defer { room.deallocate() }
        var code: Int32 = SQLITE_ROW
        while code == SQLITE_ROW {
            let rows = po_sqlite_take(self.pointer, Int32(columns), room.baseAddress, Int32(Self.rowsAtOnce), &code)
            if rows > 0 { body(UnsafeBufferPointer(rebasing: room[..<(Int(rows) * columns)])) }
        }
        if code != SQLITE_DONE { throw self.connection.failure(code, self.statement.text) }
    }

    private static let rowsAtOnce = 512

    /// Steps to the end and resets: for statements that give no rows.
    package func finish() throws(DatabaseError) {
        let code = sqlite3_step(self.pointer)
        if code != SQLITE_DONE && code != SQLITE_ROW {
            let failure = self.connection.failure(code, self.statement.text)
            sqlite3_reset(self.pointer)
            throw failure
        }
        sqlite3_reset(self.pointer)
    }

    /// Must follow each use: an unfinished statement keeps its read transaction open.
    package func reset() {
        sqlite3_reset(self.pointer)
        sqlite3_clear_bindings(self.pointer)
    }

    package var row: Row { Row(self.pointer) }

    private func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK else { throw self.connection.failure(code, self.statement.text) }
    }

    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

/// The current row; valid only inside the closure that receives it. Columns are numbered from 0.
package struct Row {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(self.pointer, column) }
    package func bool(_ column: Int32) -> Bool { sqlite3_column_int64(self.pointer, column) != 0 }
    package func real(_ column: Int32) -> Double { sqlite3_column_double(self.pointer, column) }
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(self.pointer, column) == SQLITE_NULL }
    package func optionalInt(_ column: Int32) -> Int64? { self.isNull(column) ? nil : self.int(column) }
    package func optionalText(_ column: Int32) -> String? { self.isNull(column) ? nil : self.text(column) }

    package func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(self.pointer, column) else { return "" }
        let count = Int(sqlite3_column_bytes(self.pointer, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    package func bytes(_ column: Int32) -> [UInt8] { self.withBytes(column) { Array($0) } }

    /// The bytes of a blob without a copy.
    package func withBytes<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> T) -> T {
        let start = sqlite3_column_blob(self.pointer, column)
        return body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(self.pointer, column))))
    }
}

extension Prepared {
    /// Binds whole numbers to ?1, ?2, … and runs to the end.
    package func run(_ numbers: [Int64]) throws(DatabaseError) {
        var index: Int32 = 1
        for number in numbers {
            try self.bind(index, number)
            index += 1
        }
        try self.finish()
    }
}
