internal import Directory
internal import Forms
internal import SASL
internal import Synchronization
internal import Vocabulary

/// directory.db under the same tester as the store: a message is an account, its recipients are the account's addresses, flags are a
/// field, removing is removing. So "done" after `account add` is held to what 250 is held to, and half an account is half a message.
package struct DirectorySubject: CrashSubject {
    package init() {}
    package var name: String { "directory" }

    package func open(_ directory: String) throws -> any LiveStore {
        let file = "\(directory)/directory.db"
        let now: @Sendable () -> Int64 = { 1_790_000_000 }
        let opened = try Directory.open(DirectoryLocation(file: file, now: now) { [UInt8](repeating: 7, count: $0) })
        if !opened.isSetUp {
            try opened.setUp(mainDomain: "example.test", hostName: "host.example.test", postmasterPassword: nil, by: DirectoryStore.actor)
        }
        return DirectoryStore(opened, file: file)
    }
}

/// Sample 12 for mailboxes 0 and 3 is the account with the addresses `n12.b0@example.test` and `n12.b3@example.test`.
final class DirectoryStore: LiveStore {
    static let actor = Actor(name: "tester", interface: "test")
    /// Any will do, but each account has one. The iterations are few: nobody logs in here.
    private static let verifier = SCRAMVerifier(password: Secret("tester"), salt: [UInt8](repeating: 7, count: 16), iterations: 4096)
    private let directory: Directory
    private let file: String
    /// What reads an account and writes it back must not run twice at once; nor may an address of a removed mailbox come in behind the look
    /// for those that are there. Removed mailboxes.
    private let changing = Mutex<Set<Int>>([])

    init(_ directory: Directory, file: String) {
        self.directory = directory
        self.file = file
    }

    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void) {
        completion(self.changing.withLock { removed in self.add(sample, except: removed) })
    }

    /// True when it stands, as far as there is still somebody who wants it.
    private func add(_ sample: Sample, except removed: Set<Int>) -> Bool {
        var addresses = sample.recipients.filter { !removed.contains($0) }.map { Self.address(sample.number, $0) }
        if sample.isQueued { addresses.append("q\(sample.number)@example.test") }
        guard !addresses.isEmpty else { return true }
        // All that makes the sample again, so that every byte of it can be asked for.
        let about = "\(sample.number) \(sample.seed) \(sample.size)"
        do {
            var input = try AccountInput(parsing: [("addresses", addresses), ("description", [about])])
            input.verifier = Self.verifier
            _ = try self.directory.addAccount(input, by: Self.actor)
            return true
        } catch {
            return false
        }
    }

    func list(_ account: Int) throws -> ListedMailbox? {
        let messages = try self.all(in: account).map { ListedMessage(uid: UInt32($0.id.rawValue), flags: Self.flags($0, account)) }
        return messages.isEmpty ? nil : ListedMailbox(validity: 1, messages: messages)
    }

    /// An account that lacks anything is no message that was ever sent.
    func read(_ account: Int, uid: UInt32) throws -> [UInt8] {
        guard let details = try self.directory.details(AccountID(rawValue: Int64(uid))), details.hasPassword, !details.login.isEmpty,
            let sample = Self.sample(details)
        else { return [] }
        return sample.message(for: account)
    }

    func expunge(_ account: Int, uids: [UInt32]) throws {
        try self.changing.withLock { _ in
            for uid in uids { try self.remove(account, from: AccountID(rawValue: Int64(uid))) }
        }
    }

    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws {
        try self.changing.withLock { _ in
            let id = AccountID(rawValue: Int64(uid))
            guard let details = try self.directory.details(id) else { return }
            var all = Self.flags(details)
            all[account] = flags
            let text = all.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
            try self.directory.changeAccount(id, AccountInput(parsing: [("title", [text])]), by: Self.actor)
        }
    }

    func removeAccount(_ account: Int) throws {
        try self.changing.withLock { removed in
            removed.insert(account)
            for details in try self.all(in: account) { try self.remove(account, from: details.id) }
        }
    }

    func queued() throws -> [Int] {
        try self.all().filter { $0.addresses.contains { $0.hasPrefix("q") } }.compactMap { Self.sample($0)?.number }.sorted()
    }

    /// Rows that belong together: whoever finds an address must find all of its account.
    func complaints() throws -> [String] {
        let table = try SQLiteTable(self.file, readOnly: true)
        defer { table.close() }
        var found: [String] = []
        for (what, query) in [
            ("addresses without account", "SELECT key FROM address WHERE account NOT IN (SELECT id FROM account)"),
            ("logins without account", "SELECT key FROM login WHERE account NOT IN (SELECT id FROM account)"),
            ("fields without account", "SELECT field FROM account_value WHERE account NOT IN (SELECT id FROM account)"),
            ("accounts without address", "SELECT id FROM account WHERE id NOT IN (SELECT account FROM address)"),
            ("accounts without login", "SELECT id FROM account WHERE id NOT IN (SELECT account FROM login)"),
            ("changes without revision", "SELECT field FROM change WHERE revision NOT IN (SELECT id FROM revision)"),
            ("integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        ] {
            let count = try table.rows(query).count
            if count > 0 { found.append("\(what): \(count)") }
        }
        return found
    }

    func close() { self.directory.close() }

    // MARK: Accounts as messages

    private static func address(_ number: Int, _ account: Int) -> String { "n\(number).b\(account)@example.test" }

    private func all() throws -> [AccountDetails] {
        var found: [AccountDetails] = []
        while case let page = try self.directory.page(after: found.last?.id ?? AccountID(rawValue: 0)), !page.isEmpty { found += page }
        return found
    }

    private func all(in account: Int) throws -> [AccountDetails] {
        try self.all().filter { details in details.addresses.contains { $0.hasSuffix(".b\(account)@example.test") } }
    }

    private func remove(_ account: Int, from id: AccountID) throws {
        guard let details = try self.directory.details(id) else { return }
        let left = details.addresses.filter { !$0.hasSuffix(".b\(account)@example.test") }
        if left.isEmpty { return try self.directory.removeAccount(id, by: Self.actor) }
        try self.directory.changeAccount(id, AccountInput(parsing: [("addresses", left)]), by: Self.actor)
    }

    private static func sample(_ details: AccountDetails) -> Sample? {
        let text = details.values[DirectoryField.description.key]?.text ?? ""
        let words = text.split(separator: " ")
        guard words.count == 3, let number = Int(words[0]), let seed = UInt64(words[1]), let size = Int(words[2]) else { return nil }
        return Sample(number: number, seed: seed, size: size, recipients: [])
    }

    private static func flags(_ details: AccountDetails) -> [Int: UInt32] {
        let text = details.values[DirectoryField.title.key]?.text ?? ""
        var flags: [Int: UInt32] = [:]
        for pair in text.split(separator: " ") {
            let parts = pair.split(separator: ":")
            if parts.count == 2, let account = Int(parts[0]), let value = UInt32(parts[1]) { flags[account] = value }
        }
        return flags
    }

    private static func flags(_ details: AccountDetails, _ account: Int) -> UInt32 { self.flags(details)[account] ?? 0 }
}
