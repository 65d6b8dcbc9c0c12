internal import Database
package import Forms
internal import Routing
package import SASL
internal import Text
internal import Vocabulary

/// One change of the configuration, as the history keeps it.
package struct Revision: Sendable {
    package let id: Int64
    /// Seconds since 1970.
    package let time: Int64
    package let actor: Actor
    package let note: String
    package let changes: [Change]

    package struct Change: Sendable {
        package let field: FieldKey
        /// For a set these are the entries taken away; else the value before.
        package let old: FieldValue
        /// For a set these are the entries added; else the value since.
        package let new: FieldValue
    }
}

// The configuration: every change is a revision that can be looked at and undone. All calls block.
extension Directory {
    /// Changes several settings at once; `.none` takes back to the default. Nothing changes when one of them cannot.
    /// Answers the number of the revision, or nil when everything was so already.
    @discardableResult
    package func configure(_ values: [FieldKey: FieldValue], by actor: Actor, note: String = "") throws(DirectoryError) -> Int64? {
        try self.requireSetUp()
        let effective = self.differing(values)
        guard !effective.isEmpty else { return nil }
        return try self.change { connection, snapshot, touched in
            let writer = ConfigurationWriter(
                connection: connection, snapshot: snapshot, revision: try self.revision(connection, actor, note))
            try writer.write(effective)
            touched.configuration = true
            if effective[RoutingField.hostName.key] != nil || effective[RoutingField.mainDomain.key] != nil,
                let postmaster = snapshot.contents.postmaster?.id
            {
                let accounts = AccountWriter(
                    connection: connection, snapshot: snapshot, now: self.location.now(), revision: writer.revision)
                let freed = try self.movePostmaster(postmaster, effective, snapshot, accounts)
                touched.accounts = [postmaster]
                touched.freedAddresses = freed.addresses
                touched.freedLogins = freed.logins
            }
            return writer.revision
        }
    }

    /// Those of `values` that are not so already.
    package func differing(_ values: [FieldKey: FieldValue]) -> [FieldKey: FieldValue] {
        let now = self.configuration.values
        return values.filter { key, value in
            guard let field = FieldTable.configuration(named: key.text) else { return false }
            let old = now[key] ?? .none
            return field.isSet ? Set(old.list) != Set(value.list) : old != value
        }
    }

    /// Checks that need more than the field itself; empty when the values could be set.
    package func problems(configuring values: [FieldKey: FieldValue]) -> [FieldProblem] {
        let problems = try? self.reading { connection throws(DatabaseError) in
            ConfigurationWriter(connection: connection, snapshot: self.snapshot, revision: 0).problems(self.differing(values))
        }
        return problems ?? []
    }

    /// Newest first; those before `revision` where it is given. At most `limit`.
    package func history(before revision: Int64 = .max, limit: Int = 50) throws(DirectoryError) -> [Revision] {
        try self.reading { connection throws(DatabaseError) in
            let heads = try connection.rows(DirectorySchema.revisions, .int(revision), 0, .int(limit)) { row in
                (row.int(0), row.int(1), Actor(name: row.text(2), interface: row.text(3), origin: row.text(5)), row.text(4))
            }
            var out: [Revision] = []
            for (id, time, actor, note) in heads {
                out.append(Revision(id: id, time: time, actor: actor, note: note, changes: try Self.changes(connection, id)))
            }
            return out
        }
    }

    /// What would have to be set to be again as after `revision`: values for `configure`. nil when there is no such revision.
    package func values(asOf revision: Int64) throws(DirectoryError) -> [FieldKey: FieldValue]? {
        try self.reading { connection throws(DatabaseError) -> [FieldKey: FieldValue]? in
            guard try connection.row(DirectorySchema.revision, .int(revision), read: { _ in true }) != nil else { return nil }
            var values: [FieldKey: FieldValue] = [:]
            for id in try connection.rows(DirectorySchema.revisionsSince, .int(revision), read: { $0.int(0) }) {
                for change in try Self.changes(connection, id) {
                    let now = values[change.field] ?? self.configuration.values[change.field] ?? .none
                    values[change.field] = Self.undone(change, now)
                }
            }
            return values
        }
    }

    private static func undone(_ change: Revision.Change, _ now: FieldValue) -> FieldValue {
        guard FieldTable.configuration(named: change.field.text)?.isSet == true else { return change.old }
        let added = Set(change.new.list)
        let entries = now.list.filter { !added.contains($0) } + change.old.list
        return entries.isEmpty ? .none : .list(entries)
    }

    private static func changes(_ connection: Connection, _ revision: Int64) throws(DatabaseError) -> [Revision.Change] {
        let rows = try connection.rows(DirectorySchema.changes, .int(revision), 0) { ($0.text(0), $0.optionalText(1), $0.optionalText(2)) }
        return rows.compactMap { name, old, new in
            FieldTable.configuration(named: name).map {
                Revision.Change(field: $0.key, old: $0.value(stored: old), new: $0.value(stored: new))
            }
        }
    }

    // MARK: Setting up

    /// Names the host and makes the Postmaster. On an instance that is set up it changes what is given and differs, and removes nothing.
    /// - Parameter first: settings that a new instance begins with: they are part of its first revision, so that no rollback goes back
    ///   behind them. A set up instance keeps its own.
    package func setUp(
        mainDomain: String, hostName: String, nameServers: [String] = [], postmasterPassword: Secret?,
        first: [FieldKey: FieldValue] = [:], by actor: Actor
    ) throws(DirectoryError) {
        var values = self.isSetUp ? [:] : first
        var problems: [FieldProblem] = []
        for (field, texts) in [
            (RoutingField.hostName, [hostName]), (RoutingField.mainDomain, [mainDomain]), (RoutingField.nameServers, nameServers),
        ] {
            do { values[field.key] = try field.parse(texts) } catch { problems.append(error) }
        }
        guard problems.isEmpty else { throw DirectoryError(problems) }
        let verifier: SCRAMVerifier? = if let postmasterPassword { try self.verifier(for: postmasterPassword) } else { nil }
        if nameServers.isEmpty { values[RoutingField.nameServers.key] = nil }
        if let main = values[RoutingField.mainDomain.key]?.text {
            let domains = self.configuration.value(RoutingField.localMailDomains).list
            if !domains.contains(main) { values[RoutingField.localMailDomains.key] = .list(domains + [main]) }
        }
        guard let postmaster = self.snapshot.contents.postmaster?.id else { return try self.begin(values, verifier, by: actor) }
        try self.configure(values, by: actor, note: "setup")
        if let verifier { try self.changeAccount(postmaster, AccountInput(verifier: verifier), by: actor) }
    }

    private func begin(_ values: [FieldKey: FieldValue], _ verifier: SCRAMVerifier?, by actor: Actor) throws(DirectoryError) {
        try self.change { connection, snapshot, touched in
            let revision = try self.revision(connection, actor, "setup")
            try ConfigurationWriter(connection: connection, snapshot: snapshot, revision: revision).write(values)
            let accounts = AccountWriter(connection: connection, snapshot: snapshot, now: self.location.now(), revision: revision)
            let id = try accounts.add(AccountInput(values: Self.postmasterValues(values), verifier: verifier), isPostmaster: true)
            try connection.run(DirectorySchema.setMeta, "postmaster", .int(id.rawValue))
            touched.accounts = [id]
            touched.configuration = true
        }
    }

    /// The Postmaster is no mailbox: it takes no mail program's login, and its mail goes to its forwarding addresses.
    private static func postmasterValues(_ configuration: [FieldKey: FieldValue]) -> [FieldKey: FieldValue] {
        [
            AccountField.realName.key: .text("Postmaster"), AccountField.type.key: .text("administrative"),
            AccountField.addresses.key: .list(self.postmasterAddresses(configuration)), DeliveryField.loginName.key: .text("postmaster"),
            DeliveryField.mailboxDelivery.key: .flag(false), DeliveryField.services.key: .list(["web", "password"]),
            DirectoryField.published.key: .flag(true),
        ]
    }

    /// That of the domain first: it is what setup asks for, and what stays when the mail moves to another host.
    private static func postmasterAddresses(_ configuration: [FieldKey: FieldValue]) -> [String] {
        var seen: Set<String> = []
        return [RoutingField.mainDomain, RoutingField.hostName].compactMap { configuration[$0.key]?.text }.filter {
            seen.insert($0).inserted
        }
        .map { "postmaster@\($0)" }
    }

    /// The Postmaster's own addresses follow the names of host and domain.
    private func movePostmaster(
        _ id: AccountID, _ values: [FieldKey: FieldValue], _ snapshot: DirectorySnapshot, _ writer: AccountWriter
    ) throws -> (addresses: [String], logins: [String]) {
        let old = Set(Self.postmasterAddresses(snapshot.configuration.values))
        let own = Self.postmasterAddresses(snapshot.configuration.values.merging(values) { $1 })
        let held = try Self.details(writer.connection, id)?.addresses ?? []
        let addresses = own + held.filter { !old.contains($0) && !own.contains($0) }
        return try writer.change(id, AccountInput(values: [AccountField.addresses.key: .list(addresses)]), isPostmaster: true)
    }
}
