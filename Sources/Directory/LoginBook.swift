internal import Database
package import SASL
internal import Vocabulary

// Invariants:
// 1. A login waits for nothing here but a short lock: what is noted is in memory until it is written with what others noted.
// 2. Bounded: what waits by `mostWaiting`, what an account keeps by `mostAccepted` and `mostRefused`, each kind for itself, so that who
//    guesses passwords cannot drive out where the owner was.
// 3. What many logins of one program from one place say is one line: time of the first and the last, and their number.
// 4. A crash costs what was noted in the last `interval`. An account's lines go with the account, in the same transaction.

/// With what somebody logged in, or tried to.
package enum LoginMethod: Hashable, Sendable {
    case password
    case appPassword(AppPasswordID)
    /// On the web, beside the password.
    case code, recoveryCode, passkey

    var word: String {
        switch self {
        case .password: "password"
        case .appPassword: "app-password"
        case .code: "code"
        case .recoveryCode: "recovery-code"
        case .passkey: "passkey"
        }
    }
}

/// Gathers who logged in where, and writes it a few seconds later.
final class LoginBook: Sendable {
    /// Lines of an account that are kept; beyond them the oldest go.
    static let mostAccepted = 50
    static let mostRefused = 30
    /// Lines that wait to be written. More than this are lost, which only a disk that takes nothing can bring about.
    static let mostWaiting = 8192
    /// Of so many the writer is told before its time.
    private static let many = 1024
    /// Milliseconds between two writings.
    private static let interval = 5000
    /// Accounts of one transaction: others who change the directory wait no longer than that.
    private static let accountsAtOnce = 100

    struct Line: Hashable, Sendable {
        var account: AccountID
        var service: ListenerRole.Service
        /// An IPv4 address, or a /64.
        var peer: PeerBlock
        var method: LoginMethod
        /// nil for a login that was let in.
        var refusal: String?
    }

    struct Times: Sendable {
        var first: Int64
        var last: Int64
        var count: Int64
        /// As it was the last time.
        var client: IPAddress
        var hasTLS: Bool
    }

    private struct State {
        var waiting: [Line: Times] = [:]
        var isStopped = false
    }

    private let state = Monitor(State())
    private let database: Database
    /// One writing at a time, so that who reads after `write` misses nothing.
    private let writing = Monitor<Thread?>(nil)

    init(_ database: Database) { self.database = database }

    func note(_ line: Line, from client: IPAddress, hasTLS: Bool, at now: Int64) {
        let isMuch = self.state.withLock { state in
            if let place = state.waiting.index(forKey: line) {
                let before = state.waiting.values[place]
                state.waiting.values[place] = Times(
                    first: before.first, last: now, count: before.count &+ 1, client: client, hasTLS: hasTLS)
                return false
            }
            guard state.waiting.count < Self.mostWaiting, !state.isStopped else { return false }
            state.waiting[line] = Times(first: now, last: now, count: 1, client: client, hasTLS: hasTLS)
            return state.waiting.count == Self.many
        }
        if isMuch { self.state.signal() }
    }

    /// Writes from time to time, until `stop`.
    func start() {
        self.writing.withLock { thread in
            guard thread == nil else { return }
            thread = Thread("logins") {
                while true {
                    let isStopped = self.state.wait(
                        milliseconds: Self.interval, until: { $0.isStopped || $0.waiting.count >= Self.many }, then: { $0.isStopped })
                    self.write()
                    if isStopped { return }
                }
            }
        }
    }

    /// Writes what is there; nothing is noted any more.
    func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        self.writing.withLock { $0 }?.join()
        self.write()
    }

    /// Writes everything that waits. Blocks. What the disk does not take is gone: no login waits for it, and none fails.
    func write() {
        self.writing.withLock { _ in
            let batch = self.state.withLock { state in
                let batch = state.waiting
                state.waiting.removeAll(keepingCapacity: true)
                return batch
            }
            let byAccount = Array(Dictionary(grouping: batch, by: \.key.account))
            for start in stride(from: 0, to: byAccount.count, by: Self.accountsAtOnce) {
                try? self.database.write { connection throws(DatabaseError) in
                    for (account, lines) in byAccount[start..<min(start + Self.accountsAtOnce, byAccount.count)] {
                        for (line, times) in lines { try LoginRows.add(line, times, connection) }
                        try LoginRows.trim(account, connection)
                    }
                }
            }
        }
    }
}

/// The table of logins.
enum LoginRows {
    static func add(_ line: LoginBook.Line, _ times: LoginBook.Times, _ connection: Connection) throws(DatabaseError) {
        var password: Int64 = 0
        if case .appPassword(let id) = line.method { password = id.rawValue }
        try connection.run(
            DirectorySchema.addLogin, .int(line.account.rawValue), .text(line.service.rawValue),
            .text(line.peer.network.map { "\($0)" } ?? ""), .text(line.method.word), .int(password), .text(line.refusal ?? ""),
            .text("\(times.client)"), .bool(times.hasTLS), .int(times.first), .int(times.last), .int(times.count))
    }

    static func trim(_ account: AccountID, _ connection: Connection) throws(DatabaseError) {
        let number = Value.int(account.rawValue)
        let count = try connection.row(DirectorySchema.loginCount, number) { Int($0.int(0)) } ?? 0
        guard count > min(LoginBook.mostAccepted, LoginBook.mostRefused) else { return }
        try connection.run(DirectorySchema.trimAcceptedLogins, number, .int(LoginBook.mostAccepted))
        try connection.run(DirectorySchema.trimRefusedLogins, number, .int(LoginBook.mostRefused))
    }
}
