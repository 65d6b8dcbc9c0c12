internal import Database
internal import Synchronization

/// How much each account holds, exactly: what is filed (from mail.db, cached here) and what was accepted but is not filed yet.
/// Needed before every delivery with a quota, so it must not cost a database read each time.
final class UsageTable: Sendable {
    struct Amount: Sendable, Hashable {
        var bytes: Int64 = 0
        var messages: Int64 = 0

        static func += (a: inout Amount, b: Amount) {
            a.bytes += b.bytes
            a.messages += b.messages
        }
        static prefix func - (a: Amount) -> Amount { Amount(bytes: -a.bytes, messages: -a.messages) }
        var isZero: Bool { self.bytes == 0 && self.messages == 0 }
    }

    private struct State: Sendable {
        var filed: [Int64: Amount] = [:]
        var pending: [Int64: Amount] = [:]
    }

    private let state = Mutex(State())
    /// Held by the folder from before its commit until `filed` shows it, and by whoever loads an account: a load sees a commit
    /// wholly or not at all.
    private let commitGate = Mutex(())
    private static let cached = 200_000

    private static let sum = Statement(
        "SELECT total(c.bytes), total(c.messages) FROM mailbox m JOIN counter c ON c.mailbox = m.id WHERE m.account = ?1")

    /// What the account holds, pending included.
    func amount(of account: Int64, _ database: Database) throws(DatabaseError) -> Amount {
        if let known = self.state.withLock({ Self.total($0, account) }) { return known }
        return try self.load(account, database)
    }

    private static func total(_ state: State, _ account: Int64) -> Amount? {
        guard var amount = state.filed[account] else { return nil }
        if let pending = state.pending[account] { amount += pending }
        return amount
    }

    private func load(_ account: Int64, _ database: Database) throws(DatabaseError) -> Amount {
        let result: Result<Amount, DatabaseError> = self.commitGate.withLock { _ in
            do throws(DatabaseError) {
                let filed = try database.read { db throws(DatabaseError) in
                    try db.row(Self.sum, .int(account)) { Amount(bytes: Int64($0.real(0)), messages: Int64($0.real(1))) } ?? Amount()
                }
                return .success(
                    self.state.withLock { state in
                        if state.filed.count >= Self.cached { state.filed.removeAll(keepingCapacity: true) }
                        state.filed[account] = filed
                        return Self.total(state, account) ?? filed
                    })
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// By the writer, before the sync; undone with the negative amount when the batch fails.
    func addPending(_ changes: [(account: Int64, amount: Amount)]) {
        self.state.withLock { state in
            for change in changes {
                state.pending[change.account, default: Amount()] += change.amount
                if state.pending[change.account]?.isZero == true { state.pending[change.account] = nil }
            }
        }
    }

    /// By the folder: `commit` makes the changes durable; then what was filed is no longer pending.
    func committing<T>(
        filed: [Int64: Amount], noLongerPending: [Int64: Amount], _ commit: () throws(DatabaseError) -> T
    ) throws(DatabaseError) -> T {
        let result: Result<T, DatabaseError> = self.commitGate.withLock { _ in
            do throws(DatabaseError) {
                let value = try commit()
                self.state.withLock { state in
                    for (account, amount) in filed where state.filed[account] != nil { state.filed[account]? += amount }
                    for (account, amount) in noLongerPending {
                        state.pending[account, default: Amount()] += -amount
                        if state.pending[account]?.isZero == true { state.pending[account] = nil }
                    }
                }
                return .success(value)
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}
