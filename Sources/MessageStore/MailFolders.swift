internal import Database
internal import Vocabulary

// Changes of the list of mailboxes. Each runs inside a transaction of the folder's thread.

extension MailWriter {
    /// Makes a mailbox that is not there. It has the rights of the level above. [RFC4314-4]
    func createMailbox(_ name: String, of account: Int64, _ use: SpecialUse = []) throws(StoreError) -> Int64 {
        if self.removed.contains(account) { throw .noSuchAccount(AccountID(rawValue: account)) }
        let made = try StoreError.wrap { () throws(DatabaseError) -> Int64? in
            if try self.connection.row(MailSQL.findMailbox, .int(account), .text(name), read: { $0.int(0) }) != nil { return nil }
            let id = try self.makeMailbox(name, of: account, at: self.now())
            if let end = name.lastIndex(of: "/") {
                try self.connection.run(FolderSQL.inheritRights, .int(id), .int(account), .text(String(name[..<end])))
            }
            if !use.isEmpty { try self.connection.run(FolderSQL.setUse, .int(id), .int(use.rawValue)) }
            return id
        }
        guard let made else { throw .mailboxExists(name) }
        self.effects.events.append((account, .created(MailboxID(rawValue: made), name: name)))
        return made
    }

    /// Takes a mailbox away from everybody; a job removes what it held.
    func removeMailbox(_ id: Int64) throws(StoreError) {
        let box = try self.known(id)
        let name =
            try StoreError.wrap { () throws(DatabaseError) in try self.connection.row(FolderSQL.name, .int(id)) { $0.text(0) } } ?? ""
        if name == "INBOX" { throw .inboxStays }
        try StoreError.wrap { () throws(DatabaseError) in
            try self.dropMailbox(id)
            try Jobs.enqueue(MailJobs.removeMailbox, subject: id, on: self.connection)
        }
        self.effects.filed[box.account, default: .init()] += .init(bytes: -box.bytes, messages: -box.messages)
        // Whoever looks at it hears for the last time, and finds it gone.
        self.effects.changed[id] = ChangeFeed.Change(account: box.account, modSeq: box.modSeq)
        self.effects.events.append((box.account, .deleted(MailboxID(rawValue: id), name: name)))
    }

    func dropMailbox(_ mailbox: Int64) throws(DatabaseError) {
        for statement in FolderSQL.dropOfMailbox { try self.connection.run(statement, .int(mailbox)) }
        try self.connection.run(MailSQL.deleteCounter, .int(mailbox))
        try self.connection.run(MailSQL.deleteMailbox, .int(mailbox))
        self.forgetMailbox(mailbox)
    }

    /// Gives a mailbox and all below it names under `to`. Fails when there is nothing to rename, or a name is taken.
    func renameMailboxes(_ from: String, to: String, of account: Int64) throws(StoreError) {
        let family = try StoreError.wrap { () throws(DatabaseError) in
            try self.connection.rows(FolderSQL.family, .int(account), .text(from)) { (id: $0.int(0), name: $0.text(1)) }
        }
        guard !family.isEmpty else { throw .noSuchMailbox(MailboxID(rawValue: 0)) }
        let moving = Set(family.map(\.id))
        let renamed = family.map { (id: $0.id, from: $0.name, to: to + $0.name.dropFirst(from.count)) }
        let taken = try StoreError.wrap { () throws(DatabaseError) -> String? in
            for mailbox in renamed {
                let there = try self.connection.row(MailSQL.findMailbox, .int(account), .text(mailbox.to)) { $0.int(0) }
                if let there, !moving.contains(there) { return mailbox.to }
            }
            // By way of names that nobody can have: under itself, a mailbox may take the name that another one gives up.
            for mailbox in renamed { try self.connection.run(FolderSQL.rename, .int(mailbox.id), .text("\u{0}\(mailbox.id)")) }
            for mailbox in renamed { try self.connection.run(FolderSQL.rename, .int(mailbox.id), .text(mailbox.to)) }
            return nil
        }
        if let taken { throw .mailboxExists(taken) }
        for mailbox in renamed {
            self.watch.noteMailbox(mailbox.id)
            self.effects.events.append((account, .renamed(MailboxID(rawValue: mailbox.id), from: mailbox.from, to: mailbox.to)))
        }
    }

    // MARK: Keywords

    /// Whether keywords that a mailbox does not have yet are made.
    enum KeywordMaking {
        case no
        case must
        /// As long as there is room.
        case asMayBe
    }

    /// Bits of keywords; names are compared without regard to case, and keep their first spelling. [RFC9051-2.3.2]
    func keywords(_ names: [String], of mailbox: Int64, mayMake: KeywordMaking) throws(DatabaseError) -> Flags {
        guard !names.isEmpty else { return [] }
        var bits: [String: Int] = [:]
        for row in try self.connection.rows(FolderSQL.keywords, .int(mailbox), read: { ($0.int(0), $0.text(1)) }) {
            bits[row.1.lowercased()] = Int(row.0)
        }
        var flags: Flags = []
        for name in names {
            let key = name.lowercased()
            if let bit = bits[key] {
                flags.formUnion(.keyword(bit))
                continue
            }
            guard mayMake != .no else { continue }
            let used = Set(bits.values)
            guard let bit = Flags.keywordBits.first(where: { !used.contains($0) }) else {
                if mayMake == .asMayBe { continue }
                throw DatabaseError(code: 1, text: Self.tooMany, operation: "keyword")
            }
            try self.connection.run(FolderSQL.makeKeyword, .int(mailbox), .int(bit), .text(name))
            bits[key] = bit
            flags.formUnion(.keyword(bit))
        }
        return flags
    }

    private static let tooMany = "too many keywords"

    func keywordsOrFail(_ names: [String], of mailbox: Int64, mayMake: KeywordMaking) throws(StoreError) -> Flags {
        do throws(DatabaseError) {
            return try self.keywords(names, of: mailbox, mayMake: mayMake)
        } catch {
            if error.text == Self.tooMany { throw .tooManyKeywords }
            throw StoreError(error)
        }
    }
}
