internal import Bytes
internal import Database
internal import Forms
internal import Routing
internal import SASL
internal import Text
internal import Vocabulary

/// Statements and checks of account changes, inside one transaction.
struct AccountWriter {
    let connection: Connection
    let snapshot: DirectorySnapshot
    let now: Int64
    let revision: Int64
    var actor = Actor(name: "", interface: "")
    /// What a new account gets where nothing else is said.
    var template: [FieldKey: FieldValue] = [:]
    /// Seats taken and given back in this transaction, which the snapshot does not know yet.
    var seats = SeatLedger()

    // MARK: Adding

    func add(_ input: AccountInput, isPostmaster: Bool = false) throws -> AccountID {
        let usual = isPostmaster ? [:] : self.template.filter { input.values[$0.key] == nil }
        let merged = usual.merging(input.values) { $1 }.filter { !$0.value.isNone && $0.key != AccountField.postmasterPrivilege.key }
        try self.checkKey(self.actor, merged)
        if input.values[AccountField.postmasterPrivilege.key]?.flag == true { try self.checkKey(self.actor, input.values) }
        if !isPostmaster { try self.takeSeat(merged) }
        let version: Int64 = input.verifier == nil ? 0 : 1
        try self.connection.run(
            DirectorySchema.insertAccount, .int(self.now), .text(input.verifier?.stored), .int(version),
            version == 0 ? .null : .int(self.now))
        let id = AccountID(rawValue: self.connection.lastInsertID)
        try self.checkWhole(merged, isPostmaster: isPostmaster)
        try self.checkPrograms(input, merged)
        for (key, value) in merged where key != AccountField.addresses.key { try self.store(id, key, value) }
        try self.writeAddresses(id, merged[AccountField.addresses.key]?.list ?? [], isPostmaster: isPostmaster)
        try self.writeLogin(id, merged)
        try self.record(id, "account", nil, merged[AccountField.addresses.key]?.list.first)
        if input.values[AccountField.postmasterPrivilege.key]?.flag == true {
            try self.setPrivilege(true, merged[AccountField.addresses.key]?.list ?? [])
        }
        return id
    }

    // MARK: Changing

    /// Answers what to tell the snapshot: keys that were the account's before.
    func change(_ id: AccountID, _ input: AccountInput, isPostmaster: Bool) throws -> (addresses: [String], logins: [String]) {
        guard let before = try Directory.details(self.connection, id) else { throw DirectoryError.noAccount("\(id)") }
        let freed = try self.keys(of: id)
        let privilege = input.values[AccountField.postmasterPrivilege.key]
        if isPostmaster, privilege != nil {
            throw DirectoryError([
                AccountField.postmasterPrivilege.problem(
                    Localized(
                        "is for accounts of persons; who is a postmaster stands in forwarding-addresses of the Postmaster account",
                        "利用者のアカウントに指定します。ポストマスタは Postmaster アカウントの forwarding-addresses で指定できます"))
            ])
        }
        try self.checkKey(self.actor, before.values, isPostmaster: isPostmaster)
        try self.checkKey(self.actor, input.values)
        var input = input
        input.values[AccountField.postmasterPrivilege.key] = nil
        let merged = before.values.merging(input.values) { $1 }.filter { !$0.value.isNone }
        try self.checkWhole(merged, before: before.values, isPostmaster: isPostmaster)
        try self.checkPrograms(input, merged)
        try self.checkAdministrators(id, from: before, to: merged, isPostmaster: isPostmaster)
        if isPostmaster {
            try self.checkPostmasters(from: before.values, to: merged)
        } else {
            try self.moveSeat(from: before, to: merged, input)
            try self.checkLastPostmaster(before, merged)
            try self.followPostmaster(before.addresses, merged[AccountField.addresses.key]?.list ?? [], privilege?.flag)
        }
        let addressKey = AccountField.addresses.key
        for (key, value) in input.values where value != before.values[key] ?? .none {
            let field = FieldTable.account(named: key.text)
            try self.record(id, key.text, field?.stored(before.values[key] ?? .none), field?.stored(value))
            if key == addressKey { continue }
            if value.isNone {
                try self.connection.run(DirectorySchema.deleteValue, .int(id.rawValue), .text(key.text))
            } else {
                try self.store(id, key, value)
            }
        }
        if input.values[addressKey] != nil || input.values[DeliveryField.loginName.key] != nil {
            try self.connection.run(DirectorySchema.deleteAddresses, .int(id.rawValue))
            try self.connection.run(DirectorySchema.deleteLogin, .int(id.rawValue))
            try self.writeAddresses(id, merged[addressKey]?.list ?? [], isPostmaster: isPostmaster)
            try self.writeLogin(id, merged)
        }
        if let verifier = input.verifier { try self.setPassword(id, verifier) }
        try self.connection.run(DirectorySchema.touchAccount, .int(id.rawValue), .int(self.now))
        return freed
    }

    func setPassword(_ id: AccountID, _ verifier: SCRAMVerifier) throws {
        let next: Int64 = (try self.connection.row(DirectorySchema.account, .int(id.rawValue)) { $0.int(3) } ?? 0) + 1
        try self.connection.run(DirectorySchema.setPassword, .int(id.rawValue), .text(verifier.stored), .int(next), .int(self.now))
        try self.record(id, AccountField.password.key.text, nil, nil)
    }

    func remove(_ id: AccountID) throws -> (addresses: [String], logins: [String]) {
        guard let before = try Directory.details(self.connection, id) else { throw DirectoryError.noAccount("\(id)") }
        try self.checkRemoval(before)
        try self.checkKey(self.actor, before.values)
        try self.followPostmaster(before.addresses, [], nil)
        self.seats.give(AccountSeat(before.values))
        let freed = try self.keys(of: id)
        for statement in [
            DirectorySchema.deleteAddresses, DirectorySchema.deleteLogin, DirectorySchema.deleteValues,
            DirectorySchema.deleteAppPasswords, DirectorySchema.deleteWebSessions, DirectorySchema.deleteSecondFactor,
            DirectorySchema.deletePasskeys, DirectorySchema.deleteLogins, DirectorySchema.deleteAccount,
        ] { try self.connection.run(statement, .int(id.rawValue)) }
        try self.connection.run(DirectorySchema.insertRemoval, .int(id.rawValue), .int(self.now))
        try self.record(id, "account", before.primary, nil)
        return freed
    }

    private func keys(of id: AccountID) throws -> (addresses: [String], logins: [String]) {
        (
            try self.connection.rows(DirectorySchema.addresses, .int(id.rawValue)) { $0.text(0) },
            try self.connection.rows(DirectorySchema.login, .int(id.rawValue)) { $0.text(0) }
        )
    }

    func store(_ id: AccountID, _ key: FieldKey, _ value: FieldValue) throws {
        guard let field = FieldTable.account(named: key.text), !field.isSecret, let text = field.stored(value) else { return }
        try self.connection.run(DirectorySchema.setValue, .int(id.rawValue), .text(key.text), .text(text))
    }

    /// For the history. Long values are cut: it tells who changed what, it is no backup.
    func record(_ id: AccountID, _ field: String, _ old: String?, _ new: String?) throws {
        try self.connection.run(
            DirectorySchema.insertChange, .int(self.revision), .int(id.rawValue), .text(field), .text(old.map { String($0.prefix(400)) }),
            .text(new.map { String($0.prefix(400)) }))
    }

    // MARK: Addresses and login names

    private func writeAddresses(_ id: AccountID, _ addresses: [String], isPostmaster: Bool) throws {
        var position: Int64 = 0
        for typed in addresses {
            guard let address = try? Address(parsing: typed), let key = AddressKey(address) else { continue }
            try self.checkFree(key, typed, isPostmaster: isPostmaster)
            try self.connection.run(DirectorySchema.insertAddress, .text(key.text), .int(id.rawValue), .int(position), .text(typed))
            position += 1
        }
    }

    /// Unique over accounts, channel aliases and handlers.
    func checkFree(_ key: AddressKey, _ typed: String, isPostmaster: Bool = false) throws {
        let field = AccountField.addresses
        if let owner = try self.connection.row(DirectorySchema.addressOwner, .text(key.text), read: { AccountID(rawValue: $0.int(0)) }) {
            let name = try self.connection.rows(DirectorySchema.addresses, .int(owner.rawValue)) { $0.text(1) }.first ?? "\(owner)"
            throw DirectoryError([
                field.problem(
                    Localized(
                        "\(typed) belongs to the account \(name) already; choose another or remove it there",
                        "\(typed) は既にアカウント \(name) で使用されています。別のアドレスを指定するか、そちらから削除してください"))
            ])
        }
        if case .alias? = self.snapshot.contents.addresses[key.text] {
            throw DirectoryError([
                field.problem(
                    Localized(
                        "\(typed) is an SMTP channel alias already; choose another or remove the alias",
                        "\(typed) は既に SMTP チャネルエイリアスで使用されています。別のアドレスを指定するか、エイリアスを削除してください"))
            ])
        }
        guard !self.snapshot.rules.isReserved(key, isPostmaster: isPostmaster) else {
            throw DirectoryError([
                field.problem(
                    Localized("\(typed) is an address of the server itself; choose another", "\(typed) はサーバ自身のアドレスです。別のアドレスを指定してください"))
            ])
        }
    }

    /// The name given, else the local part of the primary address where it is free and can be a name, else the whole address.
    private func writeLogin(_ id: AccountID, _ values: [FieldKey: FieldValue]) throws {
        let addresses = values[AccountField.addresses.key]?.list ?? []
        let field = DeliveryField.loginName
        if let given = values[field.key]?.text {
            let folded = UnicodeText.folded(given)
            if given.contains("@"), !addresses.contains(where: { UnicodeText.folded($0) == folded }) {
                throw DirectoryError([
                    field.problem(
                        Localized(
                            "\(given) is not an address of this account; use a name without @ or one of its own addresses",
                            "\(given) はこのアカウントの E-mail アドレスではありません。@ のない名前か、このアカウントのアドレスを指定してください"))
                ])
            }
            guard try self.isFree(login: folded) else {
                throw DirectoryError([
                    field.problem(Localized("the name \(given) is taken; choose another", "名前 \(given) は既に使用されています。別の名前を指定してください"))
                ])
            }
            return try self.connection.run(DirectorySchema.insertLogin, .text(folded), .int(id.rawValue), .text(given))
        }
        guard let primary = addresses.first else { return }
        let local = (try? Address(parsing: primary))?.localPart ?? primary
        var name = primary
        if !local.contains("@"), let short = try? field.parse(local).text, try self.isFree(login: UnicodeText.folded(short)) {
            name = short
        }
        try self.connection.run(DirectorySchema.insertLogin, .text(UnicodeText.folded(name)), .int(id.rawValue), .text(name))
    }

    private func isFree(login folded: String) throws -> Bool {
        try self.connection.row(DirectorySchema.loginOwner, .text(folded)) { _ in true } == nil
    }

    // MARK: Checks over several fields

    /// - Parameter before: what it had; what is wrong in it already stops no other change.
    private func checkWhole(_ values: [FieldKey: FieldValue], before: [FieldKey: FieldValue] = [:], isPostmaster: Bool) throws {
        func effective(_ field: Field) -> FieldValue { field.effective(values[field.key] ?? .none) }
        var problems: [FieldProblem] = []
        for field in FieldTable.account where field.checks.contains(.required) && values[field.key] == nil {
            problems.append(field.problem(Localized("a value is needed", "値を指定してください")))
        }
        let isDelivered =
            [DeliveryField.mailboxDelivery, DeliveryField.maildropDelivery, DeliveryField.programDelivery].contains {
                effective($0).flag == true
            }
            || values[DeliveryField.forwarding.key] != nil || effective(DeliveryField.autoReply).text != "off"
        if !isDelivered && !isPostmaster && effective(AccountField.type).text != "reserved" {
            problems.append(
                DeliveryField.mailboxDelivery.problem(
                    Localized(
                        "at least one delivery method is needed; switch this on or give a forwarding address",
                        "配信方法が 1 つ以上必要です。「はい」にするか、転送先を指定してください")))
        }
        if effective(DeliveryField.programDelivery).flag == true && values[DeliveryField.programs.key] == nil {
            problems.append(DeliveryField.programs.problem(Localized("name at least one program", "プログラムを 1 つ以上指定してください")))
        }
        if let first = values[DeliveryField.autoReplyFrom.key]?.text, let last = values[DeliveryField.autoReplyUntil.key]?.text,
            last < first
        {
            problems.append(
                DeliveryField.autoReplyUntil.problem(
                    Localized("it is before the first day, \(first)", "開始日 \(first) より前の日です。開始日以降の日を指定してください")))
        }
        problems += isPostmaster ? self.notForPostmaster(values, before) : self.wrongPrimary(values, before)
        guard problems.isEmpty else { throw DirectoryError(problems) }
    }

    /// The first address goes into all sent mail.
    private func wrongPrimary(_ values: [FieldKey: FieldValue], _ before: [FieldKey: FieldValue]) -> [FieldProblem] {
        let field = AccountField.addresses
        guard let primary = values[field.key]?.list.first, primary != before[field.key]?.list.first,
            (try? Address(parsing: primary))?.localPart == "*"
        else { return [] }
        return [
            field.problem(
                Localized(
                    "\(primary) stands for many addresses and cannot come first: the first one goes into sent mail; put another before it",
                    "\(primary) はキャッチオールのため、先頭には指定できません（先頭のアドレスは送信メールに使用されます）。別のアドレスを先頭に指定してください"))
        ]
    }

    /// It is no mailbox: what comes for it goes to those on its Delivery list.
    private func notForPostmaster(_ values: [FieldKey: FieldValue], _ before: [FieldKey: FieldValue]) -> [FieldProblem] {
        let methods = [
            DeliveryField.mailboxDelivery, DeliveryField.maildropDelivery, DeliveryField.programDelivery, DeliveryField.autoReply,
        ]
        return methods.compactMap { field in
            guard let value = values[field.key], value != before[field.key], value.flag == true || value.text.map({ $0 != "off" }) ?? false
            else {
                return nil
            }
            return field.problem(
                Localized(
                    "the Postmaster account is no mailbox; its forwarding-addresses name the accounts that get its mail",
                    "Postmaster アカウントにメールボックスはありません。メールの配信先は forwarding-addresses で指定してください"))
        }
    }
}

extension RoutingRules {
    /// True for addresses that the server answers itself: handlers, and the postmaster of host name and main domain.
    func isReserved(_ key: AddressKey, isPostmaster: Bool) -> Bool {
        guard key.domain == self.hostName || key.domain == self.mainDomain else { return false }
        return Handler(rawValue: String(key.localPart)) != nil || (!isPostmaster && key.localPart == "postmaster")
    }
}
