internal import Database
internal import Forms
package import Routing
internal import SASL
internal import Synchronization
package import Vocabulary

// Invariants of this target:
// 1. One database file, one writer. Readers in the mta use the snapshot, which is immutable and replaced whole after a commit.
// 2. Every change of an account or setting is one transaction with its history; nothing is visible before it is on disk.
// 3. An account id is given once. A deleted account's id, addresses, values and cached logins never come back to a new one.
// 4. No password leaves here, in any form, but as a verifier for SASL.
// 5. Values are checked by Forms on the way in; what is stored is canonical, so readers need not check again.
// 6. Calls that change or read the file block: never from an event loop. The snapshot never blocks.

/// Accounts, addresses, domains and configuration.
package final class Directory: Sendable {
    let database: Database
    let location: DirectoryLocation
    /// Makes the verifiers of names that nobody has; kept, so that they stay the same over restarts.
    let decoyKey: Secret
    private let current: Mutex<DirectorySnapshot>
    let listing = AccountListing()
    /// Who logged in, until it is written.
    let logins: LoginBook
    private let system = Mutex(SystemDelivery.unknown)
    /// One change at a time, from its checks to its new snapshot: so snapshots follow in the order of commits.
    private let changing = Monitor(())
    let systemPassword = Mutex<(@Sendable (SystemPassword.Question) -> SystemPassword.Answer)?>(nil)
    private let listeners = Mutex<[@Sendable (DirectorySnapshot) -> Void]>([])

    /// Opens or creates `spool/directory.db` and reads it into memory. One process at a time.
    package static func open(_ location: DirectoryLocation) throws(DirectoryError) -> Directory {
        do throws(DatabaseError) {
            let database = try Database.open(location.file, DirectorySchema.schema)
            let key = try database.write { connection throws(DatabaseError) in
                try connection.run(DirectorySchema.insertSecret, "decoy", .blob(location.random(32)))
                try connection.run(DirectorySchema.insertSecret, "return", .blob(location.random(32)))
                return try connection.row(DirectorySchema.secret, "decoy") { Secret($0.bytes(0)) }
            }
            let snapshot = try database.read { connection throws(DatabaseError) in try SnapshotLoader.load(connection, location.now) }
            return Directory(database, location, snapshot, decoyKey: key ?? Secret(location.random(32)))
        } catch {
            throw DirectoryError(error)
        }
    }

    private init(_ database: Database, _ location: DirectoryLocation, _ snapshot: DirectorySnapshot, decoyKey: Secret) {
        self.decoyKey = decoyKey
        self.database = database
        self.logins = LoginBook(database)
        self.location = location
        self.current = Mutex(snapshot)
    }

    /// All that lookups need, as of the last commit. Cheap enough for every command: a lock held for a reference count.
    package var snapshot: DirectorySnapshot { self.current.withLock { $0 } }
    package var configuration: Configuration { self.snapshot.configuration }

    /// What can be done with users of the operating system; set once it is known.
    package var systemDelivery: SystemDelivery {
        get { self.system.withLock { $0 } }
        set { self.system.withLock { $0 = newValue } }
    }

    /// False until `setUp` has named the host.
    package var isSetUp: Bool { self.snapshot.contents.postmaster != nil }

    package func resolve(_ addresses: [Address], ownAddress: IPAddress? = nil) -> [Resolution] {
        self.snapshot.resolve(addresses, ownAddress: ownAddress)
    }

    /// `body` is called after each commit with the new snapshot, in order, on the thread that made the change: it must be short.
    package func onChange(_ body: @escaping @Sendable (DirectorySnapshot) -> Void) {
        self.listeners.withLock { $0.append(body) }
    }

    /// Later calls fail; snapshots that were taken stay good.
    package func close() {
        self.logins.stop()
        self.database.close()
    }

    // MARK: Changing

    /// What a change touched, so that the snapshot follows without reading everything again.
    struct Touched {
        var accounts: [AccountID] = []
        /// Keys that an account held before.
        var freedAddresses: [String] = []
        var freedLogins: [String] = []
        var configuration = false
    }

    /// Checks and statements of one change, in one transaction. `body` may throw DirectoryError or DatabaseError; then nothing happened.
    func change<T>(_ body: (Connection, DirectorySnapshot, inout Touched) throws -> T) throws(DirectoryError) -> T {
        let outcome: Result<T, DirectoryError> = self.changing.withLock { _ in
            let old = self.snapshot
            var touched = Touched()
            var refusal: DirectoryError?
            do throws(DatabaseError) {
                let (result, new) = try self.database.write { connection throws(DatabaseError) -> (T, DirectorySnapshot) in
                    touched = Touched()
                    let result: T
                    do {
                        result = try body(connection, old, &touched)
                    } catch let error as DatabaseError {
                        throw error
                    } catch {
                        refusal = error as? DirectoryError
                        throw DatabaseError(code: 4, text: "refused", operation: "directory change")
                    }
                    let version: Int64 = old.version + 1
                    try connection.run(DirectorySchema.setMeta, "version", .int(version))
                    return (result, try SnapshotLoader.reload(connection, old, touched, self.location.now))
                }
                self.current.withLock { $0 = new }
                for listener in self.listeners.withLock({ $0 }) { listener(new) }
                return .success(result)
            } catch {
                return .failure(refusal ?? DirectoryError(error))
            }
        }
        return try outcome.get()
    }
}

/// Where the directory lives and what the world gives it.
package struct DirectoryLocation: Sendable {
    package var file: String
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64
    /// So many unguessable bytes.
    package var random: @Sendable (Int) -> [UInt8]

    package init(file: String, now: @escaping @Sendable () -> Int64, random: @escaping @Sendable (Int) -> [UInt8]) {
        self.file = file
        self.now = now
        self.random = random
    }
}
