internal import Database
package import Vocabulary

// Mailboxes by name. Names are UTF-8 NFC, "/" between levels, INBOX in capitals; whoever calls has seen to that. Of each reading call
// there is a form that blocks and does not wait for filing, for worker threads.
extension MessageStore {
    static func facts(_ row: Row) -> MailboxFacts {
        MailboxFacts(
            id: MailboxID(rawValue: row.int(0)), account: AccountID(rawValue: row.int(1)), name: row.text(2),
            uidValidity: UIDValidity(rawValue: UInt32(clamping: row.int(3))), uidNext: UID(rawValue: UInt32(clamping: row.int(6))),
            highestModSeq: ModSeq(rawValue: row.int(7)), messages: Int(clamping: row.int(8)), unseen: Int(clamping: row.int(9)),
            deleted: Int(clamping: row.int(10)), bytes: row.int(11), specialUse: SpecialUse(rawValue: row.int(4)), created: row.int(5))
    }

    /// All mailboxes of an account in the order of their names' bytes, INBOX among them (it is made when it is not there yet).
    package func mailboxes(of account: AccountID, completion: @escaping Answer<[MailboxFacts]>) {
        self.withInbox(of: account, completion) { () throws(StoreError) in try self.mailboxes(of: account) }
    }

    /// INBOX is left out while it is not made.
    package func mailboxes(of account: AccountID) throws(StoreError) -> [MailboxFacts] {
        if self.parts.removed.contains(account.rawValue) { throw .noSuchAccount(account) }
        let page: Int64 = 1000
        var out: [MailboxFacts] = []
        while true {
            let found = try self.readMail { db throws(DatabaseError) in
                try db.rows(FolderSQL.factsPage, .int(account.rawValue), .text(out.last?.name ?? ""), .int(page), read: Self.facts)
            }
            out += found
            if found.count < page { return out }
        }
    }

    /// How many mailboxes an account has; INBOX counts once it is made.
    package func mailboxCount(of account: AccountID) throws(StoreError) -> Int {
        if self.parts.removed.contains(account.rawValue) { throw .noSuchAccount(account) }
        let count = try self.readMail { db throws(DatabaseError) in
            try db.row(FolderSQL.count, .int(account.rawValue)) { Int(clamping: $0.int(0)) }
        }
        return count ?? 0
    }

    package func mailbox(_ mailbox: MailboxID, completion: @escaping Answer<MailboxFacts>) {
        self.reading(completion) { () throws(StoreError) in try self.mailbox(mailbox) }
    }

    package func mailbox(_ mailbox: MailboxID) throws(StoreError) -> MailboxFacts {
        let found = try self.readMail { db throws(DatabaseError) in
            try db.row(FolderSQL.facts, .int(mailbox.rawValue), read: Self.facts)
        }
        guard let found else { throw .noSuchMailbox(mailbox) }
        return found
    }

    /// nil when there is none of that name. INBOX is always found.
    package func findMailbox(_ name: String, of account: AccountID, completion: @escaping Answer<MailboxFacts?>) {
        guard name == "INBOX" else {
            return self.reading(completion) { () throws(StoreError) in try self.findMailbox(name, of: account) }
        }
        self.withInbox(of: account, completion) { () throws(StoreError) in try self.findMailbox(name, of: account) }
    }

    package func findMailbox(_ name: String, of account: AccountID) throws(StoreError) -> MailboxFacts? {
        if self.parts.removed.contains(account.rawValue) { throw .noSuchAccount(account) }
        return try self.readMail { db throws(DatabaseError) in
            try db.row(FolderSQL.factsOfName, .int(account.rawValue), .text(name), read: Self.facts)
        }
    }

    /// Reads when INBOX is there, and makes it before if need be.
    private func withInbox<T: Sendable>(
        of account: AccountID, _ completion: @escaping Answer<T>, _ work: @escaping @Sendable () throws(StoreError) -> T
    ) {
        self.reading({ (found: Result<T?, StoreError>) in
            switch found {
            case .failure(let error): completion(.failure(error))
            case .success(.some(let value)): completion(.success(value))
            case .success(.none):
                self.makeMailbox("INBOX", of: account) { made in
                    if case .failure(let error) = made { return completion(.failure(error)) }
                    self.reading(completion, work)
                }
            }
        }) { () throws(StoreError) in
            guard try self.findMailbox("INBOX", of: account) != nil else { return nil }
            return try work()
        }
    }

    // MARK: Changes

    /// Fails with `.mailboxExists`. Levels above are not made; the rights on the one right above are the new mailbox's too. [RFC4314-4]
    package func createMailbox(
        _ name: String, of account: AccountID, specialUse: SpecialUse = [], completion: @escaping Answer<MailboxFacts>
    ) {
        self.changing({ (made: Result<Int64, StoreError>) in
            switch made {
            case .failure(let error): completion(.failure(error))
            case .success(let id): self.mailbox(MailboxID(rawValue: id), completion: completion)
            }
        }) { writer throws(StoreError) in try writer.createMailbox(name, of: account.rawValue, specialUse) }
    }

    /// Gone at once for everybody, with its rights, keywords and annotations; mailboxes below it stay. Its number never comes back, and a
    /// mailbox made later under the same name has a greater UIDVALIDITY. [RFC9051-6.3.5]
    package func deleteMailbox(_ mailbox: MailboxID, completion: @escaping Answer<Void>) {
        self.changing({ (result: Result<Bool, StoreError>) in
            if case .success = result { self.parts.folder.wakeForJobs() }
            completion(result.map { _ in })
        }) { writer throws(StoreError) in
            try writer.removeMailbox(mailbox.rawValue)
            return true
        }
    }

    /// Renames a mailbox and all below it in one transaction. Of INBOX the messages move into a new mailbox; it and what is below it
    /// stay. [RFC9051-6.3.6]
    package func renameMailbox(_ from: String, to: String, of account: AccountID, completion: @escaping Answer<Void>) {
        if from == "INBOX" { return self.emptyInbox(into: to, of: account, completion) }
        self.changing(completion) { writer throws(StoreError) in try writer.renameMailboxes(from, to: to, of: account.rawValue) }
    }

    private func emptyInbox(into name: String, of account: AccountID, _ completion: @escaping Answer<Void>) {
        self.findMailbox("INBOX", of: account) { found in
            guard case .success(.some(let inbox)) = found else {
                if case .failure(let error) = found { return completion(.failure(error)) }
                return completion(.failure(.noSuchAccount(account)))
            }
            self.createMailbox(name, of: account) { made in
                switch made {
                case .failure(let error): completion(.failure(error))
                case .success(let new):
                    self.copy(UIDSet(1...UInt32.max), from: inbox.id, to: new.id, quota: nil, isMove: true) { moved in
                        if case .success(let result) = moved, let failure = result.failure { return completion(.failure(failure)) }
                        completion(moved.map { _ in })
                    }
                }
            }
        }
    }

    package func setSpecialUse(_ mailbox: MailboxID, _ use: SpecialUse, completion: @escaping Answer<Void>) {
        self.changing(completion) { writer throws(StoreError) in
            let box = try writer.known(mailbox.rawValue)
            try StoreError.wrap { () throws(DatabaseError) in
                try writer.connection.run(FolderSQL.setUse, .int(mailbox.rawValue), .int(use.rawValue))
            }
            writer.effects.events.append((box.account, .specialUse(mailbox)))
        }
    }

    // MARK: Subscriptions

    /// Names that the account subscribed to, in the order of their bytes; a name may outlive its mailbox. [RFC9051-6.3.7]
    package func subscriptions(of account: AccountID, completion: @escaping Answer<[String]>) {
        self.reading(completion) { () throws(StoreError) in try self.subscriptions(of: account) }
    }

    package func subscriptions(of account: AccountID) throws(StoreError) -> [String] {
        try self.readMail { db throws(DatabaseError) in try db.rows(FolderSQL.subscriptions, .int(account.rawValue)) { $0.text(0) } }
    }

    package func setSubscribed(_ name: String, _ isSubscribed: Bool, of account: AccountID, completion: @escaping Answer<Void>) {
        self.changing(completion) { writer throws(StoreError) in
            if writer.removed.contains(account.rawValue) { throw .noSuchAccount(account) }
            try StoreError.wrap { () throws(DatabaseError) in
                let statement = isSubscribed ? FolderSQL.subscribe : FolderSQL.unsubscribe
                try writer.connection.run(statement, .int(account.rawValue), .text(name))
            }
            if writer.connection.changes > 0 { writer.effects.events.append((account.rawValue, .subscribed(name: name, isSubscribed))) }
        }
    }

    // MARK: Keywords

    /// Names of a mailbox's keywords by bit (`Flags.keyword`).
    package func keywords(of mailbox: MailboxID, completion: @escaping Answer<[Int: String]>) {
        self.reading(completion) { () throws(StoreError) in try self.keywords(of: mailbox) }
    }

    package func keywords(of mailbox: MailboxID) throws(StoreError) -> [Int: String] {
        let rows = try self.readMail { db throws(DatabaseError) in
            try db.rows(FolderSQL.keywords, .int(mailbox.rawValue)) { (Int(clamping: $0.int(0)), $0.text(1)) }
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// Bits of these names; those that the mailbox does not have yet are made. Fails with `.tooManyKeywords`.
    package func makeKeywords(_ names: [String], of mailbox: MailboxID, completion: @escaping Answer<Flags>) {
        self.changing(completion) { writer throws(StoreError) in
            _ = try writer.known(mailbox.rawValue)
            return try writer.keywordsOrFail(names, of: mailbox.rawValue, mayMake: .must)
        }
    }
}
