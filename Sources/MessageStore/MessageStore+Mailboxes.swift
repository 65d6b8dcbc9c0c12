internal import Database
internal import NIOCore
package import Vocabulary

extension MessageStore {
    package typealias Answer<T> = @Sendable (Result<T, StoreError>) -> Void

    /// On a reading thread, after everything that had arrived is filed.
    func reading<T>(_ completion: @escaping Answer<T>, _ work: @escaping @Sendable () throws(StoreError) -> T) {
        self.parts.folder.afterFiling {
            let isTaken = self.parts.readers.submit {
                do throws(StoreError) { completion(.success(try work())) } catch { completion(.failure(error)) }
            }
            if !isTaken { completion(.failure(.busy)) }
        }
    }

    /// In a transaction of the folder's thread; answers after its commit, on that thread: who wants to read then goes to another one.
    func changing<T: Sendable>(_ completion: @escaping Answer<T>, _ work: @escaping @Sendable (MailWriter) throws(StoreError) -> T) {
        self.parts.folder.submit(
            Folder.Edit(
                work: { writer throws(StoreError) in
                    let result = try work(writer)
                    return { completion(.success(result)) }
                },
                failed: { completion(.failure($0)) }))
    }

    // MARK: Listing

    private static let page: Int64 = 4096

    /// Waits until what had arrived is filed, then lists INBOX; makes it when the account has none yet.
    package func openInbox(of account: AccountID, completion: @escaping Answer<MailboxListing>) {
        self.reading({ (found: Result<MailboxListing?, StoreError>) in
            switch found {
            case .failure(let error): completion(.failure(error))
            case .success(.some(let listing)): completion(.success(listing))
            case .success(.none):
                self.makeMailbox("INBOX", of: account) { made in
                    switch made {
                    case .failure(let error): completion(.failure(error))
                    case .success(let mailbox): self.openMailbox(mailbox, completion: completion)
                    }
                }
            }
        }) { () throws(StoreError) in
            if self.parts.removed.contains(account.rawValue) { throw .noSuchAccount(account) }
            let mailbox = try self.readMail { db throws(DatabaseError) in
                try db.row(MailSQL.findMailbox, .int(account.rawValue), "INBOX") { $0.int(0) }
            }
            guard let mailbox else { return nil }
            return try self.list(mailbox)
        }
    }

    package func openMailbox(_ mailbox: MailboxID, completion: @escaping Answer<MailboxListing>) {
        self.reading(completion) { () throws(StoreError) in try self.list(mailbox.rawValue) }
    }

    func readMail<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(StoreError) -> T {
        try StoreError.wrap { () throws(DatabaseError) in try self.parts.mail.read(body) }
    }

    /// In pages, so that no read transaction is long. What arrives meanwhile is left out.
    private func list(_ mailbox: Int64) throws(StoreError) -> MailboxListing {
        let facts = try self.readMail { db throws(DatabaseError) in
            try db.row(MailSQL.openMailbox, .int(mailbox)) { ($0.int(0), $0.int(1), $0.int(2), $0.int(3)) }
        }
        guard let (validity, uidNext, modSeq, messages) = facts else { throw .noSuchMailbox(MailboxID(rawValue: mailbox)) }
        var entries: [MailboxListing.Entry] = []
        entries.reserveCapacity(Int(clamping: messages))
        var last: Int64 = 0
        var bytes: Int64 = 0
        var isMore = true
        while isMore {
            var count: Int64 = 0
            try self.readRows(of: MailboxID(rawValue: mailbox)) { db throws(DatabaseError) in
                try db.each(MailSQL.listPage, .int(mailbox), .int(last), .int(Self.page)) { row throws(DatabaseError) in
                    last = row.int(0)
                    guard last < uidNext else { return false }
                    let size = row.int(1)
                    entries.append(
                        .init(
                            uid: UID(rawValue: UInt32(clamping: last)), size: UInt32(clamping: size),
                            flags: Flags(row.int(2))))
                    bytes += size
                    count += 1
                    return true
                }
            }
            isMore = count == Self.page
        }
        return MailboxListing(
            mailbox: MailboxID(rawValue: mailbox), uidValidity: UIDValidity(rawValue: UInt32(clamping: validity)),
            uidNext: UID(rawValue: UInt32(clamping: uidNext)), highestModSeq: ModSeq(rawValue: modSeq), entries: entries, bytes: bytes)
    }

    /// Makes a mailbox, or finds the one of that name. INBOX is made by itself.
    package func makeMailbox(_ name: String, of account: AccountID, completion: @escaping Answer<MailboxID>) {
        self.changing(completion) { [removed = self.parts.removed] writer throws(StoreError) in
            if removed.contains(account.rawValue) { throw .noSuchAccount(account) }
            return try StoreError.wrap { () throws(DatabaseError) in
                MailboxID(rawValue: try writer.makeMailbox(name, of: account.rawValue, at: writer.now()))
            }
        }
    }

    // MARK: Reading

    /// Opens one message for reading, first chunk included.
    package func reader(_ mailbox: MailboxID, _ uid: UID, completion: @escaping Answer<MessageReader>) {
        let isTaken = self.parts.readers.submit {
            do throws(StoreError) {
                completion(.success(try self.openReader(mailbox, uid)))
            } catch { completion(.failure(error)) }
        }
        if !isTaken { completion(.failure(.busy)) }
    }

    /// Opens several small messages in one go, in the order asked for, until their first chunks take `budget` bytes together (always the
    /// first one). For clients that fetch one after the other: a message costs one look-up and one read, not a change of threads.
    package func readers(
        _ mailbox: MailboxID, _ uids: [UID], budget: Int,
        completion: @escaping @Sendable ([(uid: UID, reader: Result<MessageReader, StoreError>)]) -> Void
    ) {
        let isTaken = self.parts.readers.submit {
            var out: [(uid: UID, reader: Result<MessageReader, StoreError>)] = []
            var bytes: Int64 = 0
            for uid in uids where out.isEmpty || bytes < Int64(budget) {
                do throws(StoreError) {
                    let reader = try self.openReader(mailbox, uid)
                    bytes += min(reader.size, Int64(MessageReader.chunk))
                    out.append((uid, .success(reader)))
                } catch { out.append((uid, .failure(error))) }
            }
            completion(out)
        }
        if !isTaken { completion(uids.prefix(1).map { ($0, .failure(.busy)) }) }
    }

    /// Opens several messages, one after the other on one thread and with one look into the database: much less than as many calls of
    /// `reader`. `each` is told of every one as soon as it is open, with its place in `uids`.
    package func readers(
        _ mailbox: MailboxID, _ uids: [UID], each: @escaping @Sendable (Int, Result<MessageReader, StoreError>) -> Void
    ) {
        let isTaken = self.parts.readers.submit {
            let found = self.result { () throws(StoreError) in try self.locate(mailbox, uids) }
            for (index, uid) in uids.enumerated() {
                each(index, self.result { () throws(StoreError) in try self.openReader(mailbox, uid, as: found.get()[index]) })
            }
        }
        if !isTaken { for index in uids.indices { each(index, .failure(.busy)) } }
    }

    func result<T>(_ body: () throws(StoreError) -> T) -> Result<T, StoreError> {
        do throws(StoreError) { return .success(try body()) } catch { return .failure(error) }
    }

    private func openReader(_ mailbox: MailboxID, _ uid: UID) throws(StoreError) -> MessageReader {
        try self.openReader(mailbox, uid, as: try self.locate(mailbox, [uid])[0])
    }

    private func openReader(_ mailbox: MailboxID, _ uid: UID, as located: LocatedMessage?) throws(StoreError) -> MessageReader {
        guard let message = located else { throw .noSuchMessage }
        do throws(StoreError) {
            return try self.openReader(message)
        } catch {
            // Moved or removed between the row and the file: the row says which.
            guard let again = try self.locate(mailbox, [uid])[0] else { throw .noSuchMessage }
            guard again.place != message.place else { throw error }
            return try self.openReader(again)
        }
    }

    private func openReader(_ message: LocatedMessage) throws(StoreError) -> MessageReader {
        let handle = try self.parts.directory.handle(message.place.segment)
        let source = BlobSource(blob: message.blob, place: message.place, handle: handle, files: self.parts.files)
        if message.isWhole {
            return try MessageReader(bodyOf: source, behind: message.middle, flags: message.flags, date: message.date, self.parts.readers)
        }
        return try MessageReader(message, source, self.parts.readers)
    }

    /// Where each message is; nil for those that are not there. As many answers as questions.
    func locate(_ mailbox: MailboxID, _ uids: [UID]) throws(StoreError) -> [LocatedMessage?] {
        try self.readRows(of: mailbox) { db throws(DatabaseError) in
            var found: [LocatedMessage?] = []
            found.reserveCapacity(uids.count)
            for uid in uids {
                found.append(try db.row(MailSQL.locate, .int(mailbox.rawValue), .int(uid.rawValue), read: Self.locatedMessage))
            }
            return found
        }
    }

    private static func locatedMessage(_ row: Row) -> LocatedMessage {
        LocatedMessage(
            flags: Flags(row.int(0)), size: row.int(1), date: row.int(2),
            middle: row.withBytes(3) { ByteBuffer(bytes: $0) }, blob: row.int(4),
            place: BlobPlace(
                segment: UInt32(clamping: row.int(5)), offset: row.int(6), body: row.int(7), head: UInt32(clamping: row.int(8)),
                tail: UInt32(clamping: row.int(9))), isWhole: row.bool(10))
    }

    // MARK: Changing

    package enum FlagChange: Sendable, Hashable { case add(Flags), remove(Flags), replace(Flags) }

    /// Of which messages a change tells the flags: none, those that it changed, all that were asked for and are there.
    package enum FlagsTold: Sendable { case nothing, changed, all }

    /// Removes messages for good. UIDs that are not there are passed over. Answers how many went, after commit.
    package func expunge(_ mailbox: MailboxID, _ uids: [UID], completion: @escaping Answer<Int>) {
        self.inSlices(UIDSet(ascending: uids.map(\.rawValue).sorted()), MailWriter.slice, 0, completion) {
            writer, slice, count throws(StoreError) in
            count + (try writer.expunge(mailbox.rawValue, slice)).uids.count
        }
    }

    /// Changes flags; answers the mailbox's new highest modseq, after commit.
    package func setFlags(_ mailbox: MailboxID, _ uids: [UID], _ change: FlagChange, completion: @escaping Answer<ModSeq>) {
        self.changeFlags(mailbox, UIDSet(ascending: uids.map(\.rawValue).sorted()), change) { completion($0.map(\.modSeq)) }
    }

    /// A transaction for every `size` of them, so that others come between.
    func inSlices<T: Sendable>(
        _ uids: UIDSet, _ size: Int, _ soFar: T, _ completion: @escaping Answer<T>,
        _ work: @escaping @Sendable (MailWriter, UIDSet, T) throws(StoreError) -> T
    ) {
        let slice = uids.slice(0..<size)
        let rest = uids.slice(slice.count..<uids.count)
        self.changing({ (result: Result<T, StoreError>) in
            if case .success(let value) = result, !rest.isEmpty { return self.inSlices(rest, size, value, completion, work) }
            completion(result)
        }) { writer throws(StoreError) in try work(writer, slice, soFar) }
    }

    // MARK: Accounts

    /// Exact size of all mailboxes of an account, what is accepted but not yet filed included.
    package func usage(of account: AccountID, completion: @escaping Answer<AccountUsage>) {
        let isTaken = self.parts.readers.submit {
            do throws(StoreError) {
                let amount = try StoreError.wrap { () throws(DatabaseError) in
                    try self.parts.usage.amount(of: account.rawValue, self.parts.mail)
                }
                completion(.success(AccountUsage(bytes: amount.bytes, messages: amount.messages)))
            } catch { completion(.failure(error)) }
        }
        if !isTaken { completion(.failure(.busy)) }
    }

    /// Removes all mailboxes of an account, in the background and resumed after a restart; answers as soon as no new mail can come.
    /// The number is never used again.
    package func removeAccount(_ account: AccountID, completion: @escaping Answer<Void>) {
        // First the writer stops taking mail for it; a crash before the commit forgets that again, and nothing was answered.
        self.parts.removed.insert(account.rawValue)
        self.changing({ (result: Result<Bool, StoreError>) in
            if case .success = result { self.parts.folder.wakeForJobs() }
            completion(result.map { _ in })
        }) { writer throws(StoreError) in
            try StoreError.wrap { () throws(DatabaseError) in
                try writer.connection.run(MailSQL.removeAccount, .int(account.rawValue), .int(writer.now()))
                if writer.connection.changes > 0 {
                    try Jobs.enqueue(MailJobs.removeAccount, subject: account.rawValue, on: writer.connection)
                }
                return true
            }
        }
    }
}
