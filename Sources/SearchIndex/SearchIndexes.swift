internal import Database
internal import Glibc
package import Vocabulary

/// The indexes of all accounts: opened when they are asked for, some of them kept open. An index is made on an account's first search.
package final class SearchIndexes: Sendable {
    private struct State {
        /// With the turn in which it was last asked for.
        var open: [AccountID: (index: SearchIndex, turn: UInt64)] = [:]
        var turn: UInt64 = 0
        var isClosed = false
    }

    /// Files that are kept open: each has some descriptors and a few MiB of cache.
    private static let mostOpen = 32

    private let directory: String
    private let owner: [UInt8]
    private let next: @Sendable () -> BlobID
    private let note: @Sendable (String) -> Void
    private let limit: Int64
    private let state = Monitor(State())

    /// - Parameters:
    ///   - directory: made if it is not there.
    ///   - owner: says which store the files belong to; files of another one are thrown away.
    ///   - next: the store gives bodies this number and greater ones from now on.
    ///   - limit: octets of one account's file from which on nothing more is taken into it.
    ///   - note: told of a file that cannot be used, with the reason.
    package init(
        directory: String, owner: [UInt8], next: @escaping @Sendable () -> BlobID, limit: Int64 = 4 << 30,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.directory = directory
        self.owner = owner
        self.next = next
        self.limit = limit
        self.note = note
    }

    /// Accounts that have an index: those that were searched once.
    package func accounts() -> [AccountID] {
        var out: [AccountID] = []
        for folder in 0..<100 {
            guard let open = opendir("\(self.directory)/\(folder < 10 ? "0" : "")\(folder)") else { continue }
            defer { closedir(open) }
            while let entry = readdir(open) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name.hasSuffix(".db"), let number = Int64(name.dropLast(3)) { out.append(AccountID(rawValue: number)) }
            }
        }
        return out
    }

    /// The account's index; nil when there cannot be one now: search without it.
    package func index(of account: AccountID) -> SearchIndex? {
        self.state.withLock { state in
            guard !state.isClosed else { return nil }
            state.turn += 1
            if let known = state.open[account] {
                state.open[account] = (known.index, state.turn)
                return known.index
            }
            guard let index = self.open(account) else { return nil }
            if state.open.count >= Self.mostOpen, let oldest = state.open.min(by: { $0.value.turn < $1.value.turn }) {
                // Whoever still asks it gets an error and goes without.
                state.open[oldest.key] = nil
                oldest.value.index.close()
            }
            state.open[account] = (index, state.turn)
            return index
        }
    }

    /// Something was wrong with an account's index: it is begun anew.
    package func beginAnew(_ account: AccountID) {
        self.note("search index of account \(account) begun anew")
        self.remove(account)
    }

    /// The account is gone, or its index is to be.
    package func remove(_ account: AccountID) {
        self.state.withLock { state in
            state.open.removeValue(forKey: account)?.index.close()
            Self.unlinkFiles(self.path(account))
        }
    }

    /// The same where no server runs, or beside one that does: what it has open it forgets by and by.
    package static func removeFiles(of account: AccountID, in directory: String) { self.unlinkFiles(self.path(account, in: directory)) }

    package func close() {
        self.state.withLock { state in
            state.isClosed = true
            for (_, entry) in state.open { entry.index.close() }
            state.open = [:]
        }
    }

    // MARK: Files

    /// `NN/ACCOUNT.db`: a folder of some hundred thousand files would be slow in some file systems.
    private func path(_ account: AccountID) -> String { Self.path(account, in: self.directory) }

    private static func path(_ account: AccountID, in directory: String) -> String {
        let folder = account.rawValue.magnitude % 100
        return "\(directory)/\(folder < 10 ? "0" : "")\(folder)/\(account.rawValue).db"
    }

    private func open(_ account: AccountID) -> SearchIndex? {
        let path = self.path(account)
        guard let end = path.lastIndex(of: "/") else { return nil }
        mkdir(self.directory, 0o700)
        mkdir(String(path[..<end]), 0o700)
        if let found = try? SearchIndex(path: path, owner: self.owner, next: self.next(), limit: self.limit) { return found }
        Self.unlinkFiles(path)
        do throws(DatabaseError) { return try SearchIndex(path: path, owner: self.owner, next: self.next(), limit: self.limit) } catch {
            self.note(error.description)
            return nil
        }
    }

    private static func unlinkFiles(_ path: String) { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
}
