internal import Database
internal import Forms
internal import Text
package import Vocabulary

// Accounts: adding, changing, removing, looking at. All calls block.
extension Directory {
    package func addAccount(_ input: AccountInput, by actor: Actor) throws(DirectoryError) -> AccountID {
        let results = try self.addAccounts([input], by: actor)
        guard let first = results.first else { throw DirectoryError.noAccount("") }
        return try first.get()
    }

    /// Several in one transaction, each by itself: those that cannot be added do not stop the others. At most 100, because the writer is busy meanwhile.
    package func addAccounts(_ inputs: [AccountInput], by actor: Actor, note: String = "") throws(DirectoryError) -> [Result<
        AccountID, DirectoryError
    >] {
        try self.requireSetUp()
        return try self.change { connection, snapshot, touched in
            let writer = try self.writer(connection, snapshot, actor, note)
            var results: [Result<AccountID, DirectoryError>] = []
            for input in inputs {
                var refusal: DirectoryError?
                do throws(DatabaseError) {
                    writer.seats.mark()
                    let id = try connection.savepoint { () throws(DatabaseError) -> AccountID in
                        do {
                            try self.checkSystemDelivery(input)
                            return try writer.add(input)
                        } catch let error as DatabaseError {
                            throw error
                        } catch {
                            refusal = error as? DirectoryError
                            throw DatabaseError(code: 4, text: "refused", operation: "account")
                        }
                    }
                    touched.accounts.append(id)
                    if input.values[AccountField.postmasterPrivilege.key] != nil, let postmaster = snapshot.contents.postmaster?.id {
                        touched.accounts.append(postmaster)
                    }
                    results.append(.success(id))
                } catch {
                    writer.seats.undo()
                    // A full disk or a broken file is everybody's; what is wrong with one account is its own.
                    guard let refusal else { throw error }
                    results.append(.failure(refusal))
                }
            }
            return results
        }
    }

    package func changeAccount(_ id: AccountID, _ input: AccountInput, by actor: Actor) throws(DirectoryError) {
        try self.change { connection, snapshot, touched in
            let writer = try self.writer(connection, snapshot, actor, "")
            try self.checkSystemDelivery(input)
            let freed = try writer.change(id, input, isPostmaster: id == snapshot.contents.postmaster?.id)
            touched.accounts = [id] + (snapshot.contents.postmaster.map { [$0.id] } ?? [])
            touched.freedAddresses = freed.addresses
            touched.freedLogins = freed.logins
        }
    }

    /// The account and everything the directory has of it. Its mail is the message store's business: until `removalFinished` the account
    /// is among the `unfinishedRemovals`, whatever happens in between.
    package func removeAccount(_ id: AccountID, by actor: Actor) throws(DirectoryError) {
        try self.change { connection, snapshot, touched in
            try Self.checkRemoval(of: id, snapshot)
            let freed = try self.writer(connection, snapshot, actor, "").remove(id)
            touched.accounts = [id] + (snapshot.contents.postmaster.map { [$0.id] } ?? [])
            touched.freedAddresses = freed.addresses
            touched.freedLogins = freed.logins
        }
    }

    /// Throws what `removeAccount` would, and changes nothing.
    package func checkRemoval(of id: AccountID) throws(DirectoryError) {
        let snapshot = self.snapshot
        try Self.checkRemoval(of: id, snapshot)
        let refusal = try self.reading { connection throws(DatabaseError) -> DirectoryError? in
            let writer = AccountWriter(connection: connection, snapshot: snapshot, now: self.location.now(), revision: 0)
            guard let account = try Self.details(connection, id) else { return DirectoryError.noAccount("\(id)") }
            do {
                try writer.checkRemoval(account)
            } catch let error as DatabaseError {
                throw error
            } catch {
                return error as? DirectoryError
            }
            return nil
        }
        if let refusal { throw refusal }
    }

    private static func checkRemoval(of id: AccountID, _ snapshot: DirectorySnapshot) throws(DirectoryError) {
        guard id == snapshot.contents.postmaster?.id else { return }
        throw DirectoryError(
            .invalid, "the Postmaster account cannot be deleted; its password, addresses and forwarding can be changed",
            "Postmaster アカウントは削除できません。パスワード、アドレス、転送先は変更できます")
    }

    // MARK: Looking

    /// By login name, any address, or `postmaster`.
    package func find(_ name: String) -> AccountID? {
        let snapshot = self.snapshot
        if let record = snapshot.record(login: name) { return record.id }
        if UnicodeText.folded(name) == "postmaster" { return snapshot.contents.postmaster?.id }
        guard let address = try? Address(parsing: name) else { return nil }
        return snapshot.account(holding: address)
    }

    package func details(_ id: AccountID) throws(DirectoryError) -> AccountDetails? {
        let snapshot = self.snapshot
        return try self.reading { connection throws(DatabaseError) in try Self.details(connection, id) }.map { snapshot.withPrivilege($0) }
    }

    /// Accounts behind `id` in order of id, at most `limit`; the page after the last is empty.
    package func page(after id: AccountID, limit: Int = 100) throws(DirectoryError) -> [AccountDetails] {
        try self.reading { connection throws(DatabaseError) in
            let ids = try connection.rows(DirectorySchema.accountPage, .int(id.rawValue), .int(limit)) { AccountID(rawValue: $0.int(0)) }
            var out: [AccountDetails] = []
            let snapshot = self.snapshot
            for id in ids { if let details = try Self.details(connection, id) { out.append(snapshot.withPrivilege(details)) } }
            return out
        }
    }

    /// Addresses of accounts in a domain. Looks at every address: for a command, not for mail.
    package func addressCount(in domain: String) throws(DirectoryError) -> Int {
        try self.reading { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.addressCount, .text(domain)) { Int(clamping: $0.int(0)) } ?? 0
        }
    }

    static func details(_ connection: Connection, _ id: AccountID) throws(DatabaseError) -> AccountDetails? {
        let number = Value.int(id.rawValue)
        let row = try connection.row(DirectorySchema.account, number) { ($0.int(0), $0.int(1), $0.bool(2), $0.optionalInt(4)) }
        guard let (created, changed, hasPassword, passwordChanged) = row else { return nil }
        var values: [FieldKey: FieldValue] = [:]
        for (name, text) in try connection.rows(DirectorySchema.values, number, read: { ($0.text(0), $0.text(1)) }) {
            if let field = FieldTable.account(named: name) { values[field.key] = field.value(stored: text) }
        }
        let addresses = try connection.rows(DirectorySchema.addresses, number) { $0.text(1) }
        if !addresses.isEmpty { values[AccountField.addresses.key] = .list(addresses) }
        let login = try connection.row(DirectorySchema.login, number) { $0.text(1) }
        return AccountDetails(
            id: id, created: created, changed: changed, hasPassword: hasPassword, passwordChanged: passwordChanged, login: login ?? "",
            values: values)
    }

    // MARK: Common

    func reading<T>(_ body: (Connection) throws(DatabaseError) -> T) throws(DirectoryError) -> T {
        do throws(DatabaseError) { return try self.database.read(body) } catch { throw DirectoryError(error) }
    }

    func requireSetUp() throws(DirectoryError) {
        guard self.isSetUp else {
            throw DirectoryError(
                .notSetUp, "this instance is not set up; run `postoffice setup`", "セットアップが完了していません。postoffice setup を実行してください")
        }
    }

    func writer(_ connection: Connection, _ snapshot: DirectorySnapshot, _ actor: Actor, _ note: String) throws(DatabaseError)
        -> AccountWriter
    {
        let now = self.location.now()
        var writer = AccountWriter(
            connection: connection, snapshot: snapshot, now: now, revision: try self.revision(connection, actor, note))
        writer.template = try Self.template(connection)
        writer.actor = actor
        return writer
    }

    func revision(_ connection: Connection, _ actor: Actor, _ note: String) throws(DatabaseError) -> Int64 {
        try connection.run(
            DirectorySchema.insertRevision, .int(self.location.now()), .text(actor.name), .text(actor.interface), .text(note),
            .text(actor.origin))
        return connection.lastInsertID
    }
}
