internal import Database
internal import Forms
internal import Text
internal import Vocabulary

// Whoever the Postmaster's Delivery list names is a postmaster (must-haves 51 and 52). Some of them have an account here; the field
// *postmaster privilege* of an account is this list seen from there, and nothing is stored beside the list.
extension Directory {
    /// At most so many are compared with the postmaster's password at its change: each takes the time of a hash.
    static let mostComparedPostmasters = 20

    /// Accounts here that are on the Delivery list, or administrative.
    func postmasters() throws(DirectoryError) -> [AccountID] {
        let snapshot = self.snapshot
        let own = snapshot.contents.postmaster?.id
        var found = snapshot.postmasters.compactMap { snapshot.account(holding: $0) }
        found += try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.accountsWithValue, .text(AccountField.type.key.text), .text("administrative")) {
                AccountID(rawValue: $0.int(0))
            }
        }
        var seen: Set<AccountID> = []
        return Array(found.filter { $0 != own && seen.insert($0).inserted }.prefix(Self.mostComparedPostmasters))
    }
}

extension DirectorySnapshot {
    /// The account with the field *postmaster privilege* as the Delivery list has it.
    func withPrivilege(_ details: AccountDetails) -> AccountDetails {
        guard details.id != self.contents.postmaster?.id, !self.postmasters.isEmpty else { return details }
        let keys = Set(self.postmasters.compactMap { AddressKey($0)?.text })
        let held = details.addresses.compactMap { (try? Address(parsing: $0)).flatMap { AddressKey($0)?.text } }
        guard held.contains(where: keys.contains) else { return details }
        var values = details.values
        values[AccountField.postmasterPrivilege.key] = .flag(true)
        return AccountDetails(
            id: details.id, created: details.created, changed: details.changed, hasPassword: details.hasPassword,
            passwordChanged: details.passwordChanged, login: details.login, values: values)
    }
}

extension AccountWriter {
    /// The Delivery list once it names somebody always does: mail for the postmaster must reach a person.
    func checkPostmasters(from before: [FieldKey: FieldValue], to merged: [FieldKey: FieldValue]) throws {
        let field = DeliveryField.forwarding
        guard before[field.key] != nil, merged[field.key] == nil else { return }
        throw DirectoryError([field.problem(Self.lastPostmaster)])
    }

    /// Refuses what would keep the last one on the list, who gets its mail here, from getting any.
    func checkLastPostmaster(_ before: AccountDetails, _ merged: [FieldKey: FieldValue]) throws {
        guard Self.refusing(before.values) == nil, let field = Self.refusing(merged) else { return }
        let own = Set(before.addresses.compactMap(Self.key))
        let list = try self.deliveryList()
        guard list.contains(where: { Self.key($0).map(own.contains) ?? false }) else { return }
        for entry in list {
            guard let key = Self.key(entry), !own.contains(key) else { continue }
            guard let holder = try self.connection.row(DirectorySchema.addressOwner, .text(key), read: { AccountID(rawValue: $0.int(0)) }),
                let details = try Directory.details(self.connection, holder)
            else { return }
            if Self.refusing(details.values) == nil { return }
        }
        throw DirectoryError([field.problem(Self.lastPostmaster)])
    }

    /// The field for which such an account takes no mail, now or from a day on.
    private static func refusing(_ values: [FieldKey: FieldValue]) -> Field? {
        if AccountField.state.effective(values[AccountField.state.key] ?? .none).text == "expired" { return AccountField.state }
        if values[AccountField.expiryDate.key] != nil { return AccountField.expiryDate }
        return AccountField.type.effective(values[AccountField.type.key] ?? .none).text == "reserved" ? AccountField.type : nil
    }

    private static let lastPostmaster = Localized(
        "this is the last postmaster; name another one first", "最後のポストマスタです。先に別のポストマスタを指定してください")

    /// Keeps the Delivery list in step with an account: an address that goes is replaced by the primary one, and all go with the account.
    /// - Parameter privilege: true puts the account on the list, false takes it off, nil leaves it as it is.
    func followPostmaster(_ before: [String], _ after: [String], _ privilege: Bool?) throws {
        if let privilege, privilege { return try self.setPrivilege(true, after, before) }
        if privilege == false { return try self.setPrivilege(false, after, before) }
        guard before != after else { return }
        let list = try self.deliveryList()
        let gone = Set(before.compactMap(Self.key)).subtracting(after.compactMap(Self.key))
        guard list.contains(where: { Self.key($0).map(gone.contains) ?? false }) else { return }
        try self.setPrivilege(!after.isEmpty, after, before)
    }

    /// Writes the Delivery list with or without this account.
    func setPrivilege(_ isPostmaster: Bool, _ addresses: [String], _ before: [String] = []) throws {
        guard let postmaster = self.snapshot.contents.postmaster?.id else { return }
        let list = try self.deliveryList()
        let own = Set((addresses + before).compactMap(Self.key))
        var wanted: [String] = []
        var isThere = false
        for entry in list {
            guard Self.key(entry).map(own.contains) ?? false else {
                wanted.append(entry)
                continue
            }
            // An address that it keeps stays as it was written; one that is gone becomes the primary one, in its place.
            if isPostmaster, !isThere, let primary = addresses.first {
                wanted.append(addresses.contains { Self.key($0) == Self.key(entry) } ? entry : primary)
                isThere = true
            }
        }
        if isPostmaster, !isThere, let primary = addresses.first { wanted.append(primary) }
        guard wanted != list else { return }
        guard !wanted.isEmpty else { throw DirectoryError([AccountField.postmasterPrivilege.problem(Self.lastPostmaster)]) }
        let field = DeliveryField.forwarding
        try self.record(postmaster, field.key.text, field.stored(.list(list)), field.stored(.list(wanted)))
        try self.store(postmaster, field.key, .list(wanted))
    }

    func deliveryList() throws -> [String] {
        guard let postmaster = self.snapshot.contents.postmaster?.id else { return [] }
        let field = DeliveryField.forwarding
        let rows = try self.connection.rows(DirectorySchema.values, .int(postmaster.rawValue)) { ($0.text(0), $0.text(1)) }
        return rows.first { $0.0 == field.key.text }.map { field.value(stored: $0.1).list } ?? []
    }

    static func key(_ text: String) -> String? { (try? Address(parsing: text)).flatMap { AddressKey($0)?.text } }
}
