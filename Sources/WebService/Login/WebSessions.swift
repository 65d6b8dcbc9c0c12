internal import Bytes
package import Directory
internal import Forms
internal import SASL
internal import Synchronization
package import Vocabulary
internal import WebPages

/// Who has logged in on the web. A token in a cookie says which session, whose, when it was used last and whether it has the postmaster's rights,
/// under a MAC over that and the client's address (IPv6: its /64); the session itself is a row that can be listed and ended.
package final class WebSessions: Sendable {
    private struct Entry {
        var account: AccountID
        var isPostmaster: Bool
        var passwordVersion: Int64
        var lastUsed: Int64
        var lastNoted: Int64
    }

    /// What a request's cookie says.
    enum Found {
        case nobody
        case live(WebSession)
        /// It was one, for this client, and has run out.
        case expired(WebSession)
    }

    /// Of one account; the oldest ends when one more begins.
    private static let mostOfAccount = 50
    private static let most = 100_000
    /// Seconds between two notes in the file that a session is used.
    private static let notePrecision: Int64 = 60

    let keys: WebKeys
    let guesses = SecondFactors.Guesses()
    let challenges = PasskeyChallenges()
    private let directory: Directory
    private let now: @Sendable () -> Int64
    private let entries: Mutex<[Int64: Entry]>

    /// Reads the sessions of an earlier run: blocks.
    package init(_ directory: Directory, now: @escaping @Sendable () -> Int64) throws(DirectoryError) {
        self.directory = directory
        self.now = now
        self.keys = WebKeys(try directory.webKey())
        var entries: [Int64: Entry] = [:]
        let snapshot = directory.snapshot
        for row in try directory.liveWebSessions(since: now() - 86_400) {
            guard let version = snapshot.passwordVersion(row.account) else { continue }
            entries[row.id] = Entry(
                account: row.account, isPostmaster: row.isPostmaster, passwordVersion: version, lastUsed: row.lastUsed,
                lastNoted: row.lastUsed)
        }
        self.entries = Mutex(entries)
    }

    /// Seconds that a login lives without a request.
    package var life: Int64 { self.directory.configuration.value(SecurityField.webTokenLife).integer ?? 300 }

    // MARK: Beginning and ending

    func begin(_ account: AccountID, isPostmaster: Bool, _ request: WebRequest) throws(DirectoryError) -> WebSession {
        let now = self.now()
        let row = WebSessionRow(
            id: 0, account: account, isPostmaster: isPostmaster, started: now, lastUsed: now, client: "\(request.client)",
            agent: request.header("user-agent") ?? "")
        let id = try self.directory.addWebSession(row)
        let entry = Entry(
            account: account, isPostmaster: isPostmaster, passwordVersion: self.directory.snapshot.passwordVersion(account) ?? 0,
            lastUsed: now, lastNoted: now)
        let surplus = self.entries.withLock { entries in
            if entries.count >= Self.most { entries = entries.filter { now - $0.value.lastUsed < 3600 } }
            let own = entries.filter { $0.value.account == account }.keys.sorted()
            entries[id] = entry
            return own.prefix(max(0, own.count - Self.mostOfAccount + 1))
        }
        for old in surplus { try self.end(old) }
        return self.session(id, account, isPostmaster)
    }

    package func end(_ id: Int64) throws(DirectoryError) {
        self.entries.withLock { $0[id] = nil }
        try self.directory.endWebSession(id, at: self.now())
    }

    /// All of an account but one.
    package func endOthers(of account: AccountID, but kept: Int64?) throws(DirectoryError) {
        let ids = self.entries.withLock { $0.filter { $0.value.account == account && $0.key != kept }.map(\.key) }
        for id in ids { try self.end(id) }
    }

    /// The person has changed his password in this session, which lives on.
    package func passwordChanged(in id: Int64) {
        self.entries.withLock { entries in
            guard let account = entries[id]?.account else { return }
            entries[id]?.passwordVersion = self.directory.snapshot.passwordVersion(account) ?? 0
        }
    }

    /// Those of the rows that can still be used.
    package func isLive(_ row: WebSessionRow) -> Bool {
        let last = self.entries.withLock { $0[row.id]?.lastUsed }
        return last.map { self.now() - $0 <= self.life } ?? false
    }

    // MARK: Tokens

    func find(_ request: WebRequest) -> Found {
        guard let token = request.cookie(Self.cookieName(request)), let parts = self.read(token, from: request.client) else {
            return .nobody
        }
        let session = self.session(parts.id, parts.account, parts.isPostmaster)
        let now = self.now()
        guard now - parts.time <= self.life, now >= parts.time - 60 else { return .expired(session) }
        let snapshot = self.directory.snapshot
        let isKnown = self.entries.withLock { entries in
            guard let entry = entries[parts.id], entry.account == parts.account, entry.isPostmaster == parts.isPostmaster else {
                return false
            }
            guard entry.passwordVersion == snapshot.passwordVersion(parts.account) else { return false }
            entries[parts.id]?.lastUsed = now
            return true
        }
        // Locked, expired or shut off since the login.
        guard isKnown, snapshot.mayUse(.http, parts.account) else { return .nobody }
        self.note(parts.id, now)
        return .live(session)
    }

    private func note(_ id: Int64, _ now: Int64) {
        let isDue = self.entries.withLock { entries in
            guard let last = entries[id]?.lastNoted, now - last >= Self.notePrecision else { return false }
            entries[id]?.lastNoted = now
            return true
        }
        // Not worth an error: the request stands.
        if isDue { try? self.directory.noteWebSession(id, usedAt: now) }
    }

    /// A fresh token, as Set-Cookie has it. Without an end: the browser forgets it when it closes. [RFC6265-4.1.2]
    func cookie(_ session: WebSession, _ request: WebRequest) -> String {
        let text = "1.\(session.id).\(session.account.rawValue).\(self.now()).\(session.isPostmaster ? 1 : 0)"
        let token = "\(text).\(self.keys.mac(.session, Self.bound(text, request.client)))"
        return "\(Self.cookieName(request))=\(token); Path=/; HttpOnly; SameSite=Strict\(request.isTLS ? "; Secure" : "")"
    }

    func noCookie(_ request: WebRequest) -> String {
        "\(Self.cookieName(request))=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict\(request.isTLS ? "; Secure" : "")"
    }

    private func read(_ token: String, from client: IPAddress) -> (id: Int64, account: AccountID, time: Int64, isPostmaster: Bool)? {
        guard token.utf8.count < 300 else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "1", let id = Int64(parts[1]), let account = Int64(parts[2]), let time = Int64(parts[3]) else {
            return nil
        }
        let text = parts.dropLast().joined(separator: ".")
        guard self.keys.isMAC(String(parts[5]), .session, Self.bound(text, client)) else { return nil }
        return (id, AccountID(rawValue: account), time, parts[4] == "1")
    }

    private static func bound(_ text: String, _ client: IPAddress) -> String { "\(text)\0\(Self.network(client))" }

    /// An IPv4 address, or the /64 of an IPv6 address, which is what one customer has.
    static func network(_ client: IPAddress) -> String {
        client.isIPv6 ? client.bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") : "\(client)"
    }

    /// With TLS the prefix keeps other hosts of the domain from setting it.
    private static func cookieName(_ request: WebRequest) -> String { request.isTLS ? "__Host-session" : "session" }

    private func session(_ id: Int64, _ account: AccountID, _ isPostmaster: Bool) -> WebSession {
        let author = self.directory.snapshot.author(account)
        let address = author.map { "\($0.address)" } ?? ""
        let name = author?.name ?? ""
        return WebSession(
            id: id, account: account, address: address, name: name.isEmpty ? address : name, isPostmaster: isPostmaster,
            formToken: self.keys.mac(.form, "\(id)"))
    }
}

extension WebSession {
    /// For the audit log: who it is, and in whose place.
    func who(_ host: WebHost) -> String {
        let isItself = self.account == host.directory.snapshot.postmaster?.account
        return self.isPostmaster && !isItself ? self.address + " as Postmaster" : self.address
    }

    /// Where somebody begins who has just logged in.
    var home: Link { self.isPostmaster ? "/menu" : "/own" }
}
