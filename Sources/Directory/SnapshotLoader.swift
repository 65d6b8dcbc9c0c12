internal import Database
internal import Forms
internal import SASL
internal import Text
internal import Vocabulary

/// Makes snapshots from the file: whole at start, by what changed afterwards.
enum SnapshotLoader {
    static func load(_ connection: Connection, _ now: @escaping @Sendable () -> Int64) throws(DatabaseError) -> DirectorySnapshot {
        let configuration = try self.configuration(connection)
        var contents = DirectorySnapshot.Contents()
        let postmaster = try connection.row(DirectorySchema.meta, "postmaster") { AccountID(rawValue: $0.int(0)) }
        let all = try self.allAccounts(connection)
        var addresses: [(String, DirectorySnapshot.Entry)] = []
        addresses.reserveCapacity(all.count * 2)
        for (record, keys, _, _) in all { for key in keys { addresses.append((key, .account(record))) } }
        let aliases = self.aliases(configuration)
        addresses += aliases
        contents.addresses = ShardedTable(addresses)
        contents.logins = ShardedTable(all.lazy.map { ($0.login, $0.record) })
        contents.accounts = ShardedTable(all.lazy.map { ($0.record.id, $0.record) })
        contents.accountCount = all.count
        let seated = all.lazy.map(\.record).filter(\.takesSeat)
        contents.seats = ShardedTable(Dictionary(seated.map { ($0.seatDomain, 1) }, uniquingKeysWith: +).map { ($0.key, $0.value) })
        contents.seatCount = contents.seats.sum
        contents.namingHosts = Set(all.lazy.map(\.record).filter { $0.extras?.namesHosts ?? false }.map(\.id))
        contents.published = ShardedTable(all.lazy.compactMap { loaded in loaded.published.map { (loaded.record.id, $0) } })
        contents.names = NameIndex(all.flatMap { loaded in loaded.published?.entries(loaded.record.id) ?? [] })
        contents.appPasswords = ShardedTable(try AppPasswordRows.live(connection).lazy.map { ($0.key, $0.value) })
        contents.linked = Set(all.lazy.map(\.record).filter { $0.osUser != nil }.map(\.id))
        contents.postmaster = postmaster.flatMap { contents.accounts[$0] }
        contents.aliasKeys = aliases.map(\.0)
        contents.domains = self.domains(configuration)
        contents.returnKey = try connection.row(DirectorySchema.secret, "return") { Secret($0.bytes(0)) } ?? contents.returnKey
        contents.routePasswords = try self.routePasswords(connection)
        let version = try connection.row(DirectorySchema.meta, "version") { $0.int(0) } ?? 0
        return DirectorySnapshot(version: version, configuration: configuration, contents: contents, now: now)
    }

    /// The old snapshot with what a change touched, inside its transaction.
    static func reload(
        _ connection: Connection, _ old: DirectorySnapshot, _ touched: Directory.Touched, _ now: @escaping @Sendable () -> Int64
    ) throws(DatabaseError) -> DirectorySnapshot {
        var contents = old.contents
        var configuration = old.configuration
        var addresses: [(String, DirectorySnapshot.Entry?)] = touched.freedAddresses.map { ($0, nil) }
        var logins: [(String, AccountRecord?)] = touched.freedLogins.map { ($0, nil) }
        var accounts: [(AccountID, AccountRecord?)] = []
        var published: [(AccountID, PublishedName?)] = []
        var appPasswords: [(AccountID, [AppPasswordID: AppPasswordScope]?)] = []
        var seats: [String: Int] = [:]
        for id in Set(touched.accounts) {
            contents.namingHosts.remove(id)
            if let old = contents.accounts[id], old.takesSeat { seats[old.seatDomain, default: 0] -= 1 }
            contents.linked.remove(id)
            appPasswords.append((id, try AppPasswordRows.live(connection, of: id)))
            guard let (record, keys, login, publishedName) = try self.account(connection, id) else {
                if contents.accounts[id] != nil { contents.accountCount -= 1 }
                accounts.append((id, nil))
                published.append((id, nil))
                continue
            }
            if contents.accounts[id] == nil { contents.accountCount += 1 }
            if record.takesSeat { seats[record.seatDomain, default: 0] += 1 }
            accounts.append((id, record))
            published.append((id, publishedName))
            if record.extras?.namesHosts ?? false { contents.namingHosts.insert(id) }
            if record.osUser != nil { contents.linked.insert(id) }
            addresses += keys.map { ($0, .account(record)) }
            logins.append((login, record))
        }
        if touched.configuration {
            configuration = try self.configuration(connection)
            contents.routePasswords = try self.routePasswords(connection)
            let aliases = self.aliases(configuration)
            addresses += contents.aliasKeys.map { ($0, nil) }
            addresses += aliases.map { ($0.0, $0.1) }
            contents.aliasKeys = aliases.map(\.0)
            contents.domains = self.domains(configuration)
        }
        contents.addresses.apply(addresses)
        contents.logins.apply(logins)
        contents.accounts.apply(accounts)
        contents.seats.apply(seats.filter { $0.value != 0 }.map { domain, change in (domain, (contents.seats[domain] ?? 0) + change) })
        contents.seatCount += seats.values.reduce(0, +)
        self.rename(published, &contents)
        contents.appPasswords.apply(appPasswords)
        if let postmaster = try connection.row(DirectorySchema.meta, "postmaster", read: { AccountID(rawValue: $0.int(0)) }) {
            contents.postmaster = contents.accounts[postmaster]
        }
        return DirectorySnapshot(version: old.version + 1, configuration: configuration, contents: contents, now: now)
    }

    /// Takes over what is published now, with the index of its words.
    private static func rename(_ published: [(AccountID, PublishedName?)], _ contents: inout DirectorySnapshot.Contents) {
        let changed = published.filter { contents.published[$0.0] != $0.1 }
        contents.names.apply(
            removed: changed.flatMap { contents.published[$0.0]?.entries($0.0) ?? [] },
            added: changed.flatMap { $0.1?.entries($0.0) ?? [] })
        contents.published.apply(changed)
    }

    // MARK: Accounts

    private typealias Loaded = (record: AccountRecord, keys: [String], login: String, published: PublishedName?)

    private static func account(_ connection: Connection, _ id: AccountID) throws(DatabaseError) -> Loaded? {
        let version = try connection.row(DirectorySchema.account, .int(id.rawValue)) { $0.int(3) }
        guard let version else { return nil }
        let addresses = try connection.rows(DirectorySchema.addresses, .int(id.rawValue)) { ($0.text(0), $0.text(1)) }
        let login = try connection.row(DirectorySchema.login, .int(id.rawValue)) { ($0.text(0), $0.text(1)) }
        let values = try connection.rows(DirectorySchema.values, .int(id.rawValue)) { ($0.text(0), $0.text(1)) }
        return self.loaded(id, version, addresses, login, values)
    }

    /// Four scans in order of account, merged: no statement an account.
    private static func allAccounts(_ connection: Connection) throws(DatabaseError) -> [Loaded] {
        var logins: [Int64: (String, String)] = [:]
        try connection.each(DirectorySchema.allLogins) { row throws(DatabaseError) in
            logins[row.int(0)] = (row.text(1), row.text(2))
            return true
        }
        var addresses: [Int64: [(String, String)]] = [:]
        try connection.each(DirectorySchema.allAddresses, 0) { row throws(DatabaseError) in
            addresses[row.int(0), default: []].append((row.text(1), row.text(2)))
            return true
        }
        var values: [Int64: [(String, String)]] = [:]
        try connection.each(DirectorySchema.allValues) { row throws(DatabaseError) in
            let field = row.text(1)
            if self.servingFields.contains(field) || self.namingFields.contains(field) {
                values[row.int(0), default: []].append((field, row.text(2)))
            }
            return true
        }
        var out: [Loaded] = []
        try connection.each(DirectorySchema.accounts, 0) { row throws(DatabaseError) in
            let id = row.int(0)
            out.append(self.loaded(AccountID(rawValue: id), row.int(1), addresses[id] ?? [], logins[id], values[id] ?? []))
            return true
        }
        return out
    }

    /// Fields that `AccountRecord` looks at; the others stay in the file.
    private static let servingFields: Set<String> = Set(
        [
            AccountField.type, AccountField.state, AccountField.expiryDate, AccountField.grantedSenders, AccountField.useOSPassword,
            AccountField.osUser,
            DeliveryField.quota,
            DeliveryField.services, DeliveryField.mailboxDelivery, DeliveryField.maildropDelivery, DeliveryField.programDelivery,
            DeliveryField.maildropUser, DeliveryField.programAccount, DeliveryField.programs, DeliveryField.autoReply,
            DeliveryField.forwarding, AccountSecurityField.access, AccountSecurityField.webAccess, DirectoryField.published,
            AccountField.realName, AccountField.fromRewrite, AccountField.language, AccountField.sending, AccountField.messageRate,
            AccountField.recipientRate, DirectoryField.reading,
        ].map(\.key.text))

    private static func loaded(
        _ id: AccountID, _ passwordVersion: Int64, _ addresses: [(String, String)], _ login: (String, String)?, _ values: [(String, String)]
    ) -> Loaded {
        var parsed: [FieldKey: FieldValue] = [:]
        for (name, text) in values where self.servingFields.contains(name) {
            if let field = FieldTable.account(named: name) { parsed[field.key] = field.value(stored: text) }
        }
        let primary = addresses.first.flatMap { try? Address(parsing: $0.1) } ?? Address(localPart: "account-\(id)", domain: "invalid")
        let record = AccountRecord(id, primary: primary, login: login?.1 ?? "", passwordVersion: passwordVersion, values: parsed)
        return (record, addresses.map(\.0), login?.0 ?? "", self.published(parsed, addresses.first?.1, login?.1, values))
    }

    /// Read beside the serving fields, for accounts that are published.
    private static let namingFields: Set<String> = [
        AccountField.realName.key.text, DirectoryField.reading.key.text, DirectoryField.readingPublished.key.text,
    ]

    private static func published(
        _ parsed: [FieldKey: FieldValue], _ primary: String?, _ login: String?, _ values: [(String, String)]
    ) -> PublishedName? {
        guard parsed[DirectoryField.published.key]?.flag == true, let primary else { return nil }
        func value(_ field: Field) -> String? { values.first { $0.0 == field.key.text }?.1 }
        let reading = value(DirectoryField.readingPublished) == "yes" ? value(DirectoryField.reading) : nil
        return PublishedName(primary: primary, login: login ?? "", realName: value(AccountField.realName), reading: reading)
    }

    // MARK: Configuration

    private static func routePasswords(_ connection: Connection) throws(DatabaseError) -> [String: Secret] {
        let rows = try connection.rows(DirectorySchema.routePasswords) { ($0.text(0), Secret($0.bytes(1))) }
        return Dictionary(rows, uniquingKeysWith: { $1 })
    }

    static func configuration(_ connection: Connection) throws(DatabaseError) -> Configuration {
        var values: [FieldKey: FieldValue] = [:]
        for (name, text) in try connection.rows(DirectorySchema.settings, read: { ($0.text(0), $0.text(1)) }) {
            if let field = FieldTable.configuration(named: name) { values[field.key] = field.value(stored: text) }
        }
        let domains = try connection.rows(DirectorySchema.domains) { $0.text(0) }
        if !domains.isEmpty { values[RoutingField.localMailDomains.key] = .list(domains) }
        return Configuration(values)
    }

    private static func aliases(_ configuration: Configuration) -> [(String, DirectorySnapshot.Entry)] {
        configuration.value(RoutingField.channelAliases).rows.compactMap { row in
            guard row.count == 2, let from = try? Address(parsing: row[0]), let key = AddressKey(from),
                let to = try? Address(parsing: row[1])
            else {
                return nil
            }
            return (key.text, .alias(DirectorySnapshot.AliasRecord(to)))
        }
    }

    private static func domains(_ configuration: Configuration) -> Set<Substring> {
        Set(configuration.value(RoutingField.localMailDomains).list.map { Substring($0) })
    }
}
