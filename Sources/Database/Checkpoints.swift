internal import CSQLite

/// Moves pages from the write-ahead log into the database after a commit that made the log long.
///
/// SQLite's own `wal_autocheckpoint` does the same but passes over failures. One of them must not be passed over: commits without a
/// sync (`Connection.Durability.repeatable`) reach stable storage with the next sync of the log, and a failed sync leaves the kernel
/// believing that their pages are clean. The next sync then succeeds, and after a power cut the log ends where they are missing,
/// whatever was promised behind them.
final class Checkpoints {
    private let pages: Int32
    var failure: DatabaseError?

    init(pages: Int32) { self.pages = pages }

    /// The connection must not outlive this object.
    func attach(to handle: OpaquePointer) {
        sqlite3_wal_hook(
            handle,
            { context, handle, name, pages in
                guard let context, let handle else { return SQLITE_OK }
                Unmanaged<Checkpoints>.fromOpaque(context).takeUnretainedValue().committed(handle, name, pages)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The commit stands, whatever becomes of the checkpoint: a full disk only means that the log grows.
    private func committed(_ handle: OpaquePointer, _ name: UnsafePointer<CChar>?, _ pages: Int32) {
        guard pages >= self.pages else { return }
        let code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        let problem = DatabaseError(code: code, text: String(cString: sqlite3_errmsg(handle)), operation: "checkpoint")
        if code != SQLITE_OK, problem.kind == .io || problem.kind == .corrupt { self.failure = problem }
    }
}
