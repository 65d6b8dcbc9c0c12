internal import Database
internal import Forms
internal import Policy
internal import Routing
internal import Text
internal import Vocabulary

/// Statements and checks of configuration changes, inside one transaction.
struct ConfigurationWriter {
    let connection: Connection
    let snapshot: DirectorySnapshot
    let revision: Int64

    /// `values` are those that differ. Throws all that is wrong with them.
    func write(_ values: [FieldKey: FieldValue]) throws {
        let problems = self.problems(values)
        guard problems.isEmpty else { throw DirectoryError(problems) }
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let field = FieldTable.configuration(named: key.text) else { continue }
            let old = self.snapshot.configuration.values[key] ?? .none
            try self.record(field, old, value)
            if key == RoutingField.localMailDomains.key {
                try self.writeDomains(old, value)
            } else if let text = field.stored(value) {
                try self.connection.run(DirectorySchema.setSetting, .text(key.text), .text(text))
            } else {
                try self.connection.run(DirectorySchema.deleteSetting, .text(key.text))
            }
            if key == NextHopField.logins.key { try self.dropPasswords(without: value) }
        }
    }

    /// A password that no row needs any more is not kept.
    private func dropPasswords(without value: FieldValue) throws {
        let kept = Configuration.routeLogins(SettingReader(values: [NextHopField.logins.key: value])).map(\.secretName)
        for name in self.snapshot.contents.routePasswords.keys where !kept.contains(name) {
            try self.connection.run(DirectorySchema.deleteSecret, .text(name))
        }
    }

    private func writeDomains(_ old: FieldValue, _ new: FieldValue) throws {
        let (taken, added) = Self.difference(old, new)
        for name in taken { try self.connection.run(DirectorySchema.deleteDomain, .text(name)) }
        for name in added { try self.connection.run(DirectorySchema.insertDomain, .text(name)) }
    }

    private func record(_ field: Field, _ old: FieldValue, _ new: FieldValue) throws {
        var (before, after) = (old, new)
        if field.isSet {
            let (taken, added) = Self.difference(old, new)
            before = taken.isEmpty ? .none : .list(taken)
            after = added.isEmpty ? .none : .list(added)
        }
        try self.connection.run(
            DirectorySchema.insertChange, .int(self.revision), 0, .text(field.key.text), .text(field.stored(before)),
            .text(field.stored(after)))
    }

    static func difference(_ old: FieldValue, _ new: FieldValue) -> (taken: [String], added: [String]) {
        let before = Set(old.list)
        let after = Set(new.list)
        return (old.list.filter { !after.contains($0) }, new.list.filter { !before.contains($0) })
    }

    // MARK: Checks over the directory

    func problems(_ values: [FieldKey: FieldValue]) -> [FieldProblem] {
        var problems: [FieldProblem] = []
        for (key, value) in values {
            guard let field = FieldTable.configuration(named: key.text) else {
                problems.append(.unknown(key.text, in: FieldTable.configuration))
                continue
            }
            if field.checks.contains(.required) && value.isNone {
                problems.append(field.problem(Localized("a value is needed", "値を指定してください")))
            }
        }
        problems += self.aliasProblems(values[RoutingField.channelAliases.key])
        problems += self.nameProblems(values)
        problems += self.queueProblems(values)
        problems += self.relayProblems(values)
        problems += self.routeProblems(values)
        problems += self.filterProblems(values[FilterField.rules.key]?.text)
        problems += self.programProblems(values[ProgramField.allowed.key]?.text)
        return problems.sorted { $0.field < $1.field }
    }

    /// An alias has an address of its own: no account's, no handler's, no other alias's.
    private func aliasProblems(_ value: FieldValue?) -> [FieldProblem] {
        let field = RoutingField.channelAliases
        var seen: Set<AddressKey> = []
        return (value?.rows ?? []).compactMap { row in
            guard let typed = row.first, let address = try? Address(parsing: typed), let key = AddressKey(address) else { return nil }
            if !seen.insert(key).inserted {
                return field.problem(Localized("\(typed) is there twice; remove one", "\(typed) が重複しています。1 つにしてください"))
            }
            if case .account(let record)? = self.snapshot.contents.addresses[key.text] {
                return field.problem(
                    Localized(
                        "\(typed) belongs to the account \(record.primary); remove it there first",
                        "\(typed) は既にアカウント \(record.primary) で使用されています。先にそちらから削除してください"))
            }
            guard self.snapshot.rules.isReserved(key, isPostmaster: false) else { return nil }
            return field.problem(Localized("\(typed) is an address of the server itself", "\(typed) はサーバ自身のアドレスです"))
        }
    }

    private func programProblems(_ text: String?) -> [FieldProblem] {
        (text ?? "").split(whereSeparator: { $0.isNewline || $0 == " " }).map(String.init).filter { !CommandWords.isName($0) }.map {
            ProgramField.allowed.problem(CommandWords.Fault.badName($0).text($0))
        }
    }

    /// Times that make sense together, as they would be.
    private func queueProblems(_ values: [FieldKey: FieldValue]) -> [FieldProblem] {
        let reader = SettingReader(values: self.snapshot.configuration.values.merging(values) { $1 })
        var problems: [FieldProblem] = []
        if let rows = values[QueueField.retryTimes.key]?.rows {
            let times = rows.compactMap { $0.first.flatMap { Int64($0) } }
            if !times.allSatisfy({ (10...7 * 86_400).contains($0) }) {
                problems.append(
                    QueueField.retryTimes.problem(Localized("each time must be from 10 s to 7 d", "10 s から 7 d までの時間を指定してください")))
            } else if zip(times, times.dropFirst()).contains(where: { $0 > $1 }) {
                problems.append(QueueField.retryTimes.problem(Localized("times must ascend", "短い時間から順に指定してください")))
            }
        }
        if values[QueueField.warnAfter.key] != nil || values[QueueField.keepFor.key] != nil,
            reader.int64(QueueField.warnAfter) >= reader.int64(QueueField.keepFor), reader.int64(QueueField.warnAfter) > 0
        {
            problems.append(
                QueueField.warnAfter.problem(
                    Localized(
                        "the warning must come before messages are returned (\(QueueField.keepFor.key))",
                        "メールを返送するまでの期間 (\(QueueField.keepFor.key)) より短い時間を指定してください")))
        }
        return problems
    }

    /// Rows that fit their types, and say nothing that could be carried out.
    private func routeProblems(_ values: [FieldKey: FieldValue]) -> [FieldProblem] {
        var problems: [FieldProblem] = []
        let table = RoutingField.mailRoutingTable
        for row in values[table.key]?.rows ?? [] where Route(cells: row) == nil {
            problems.append(
                table.problem(
                    Localized(
                        "\(row.joined(separator: ":")) is no route: LMTP is never spoken on port 25, and a socket has no port",
                        "\(row.joined(separator: ":")) は使用できません。LMTP にポート 25 は使えず、ソケットにポートは指定できません")))
        }
        var hosts: Set<String> = []
        for row in values[NextHopField.logins.key]?.rows ?? [] {
            guard let host = row.first, !hosts.insert(host).inserted else { continue }
            problems.append(
                NextHopField.logins.problem(
                    Localized("\(host) has two logins; remove one", "\(host) のログインが 2 つあります。1 つにしてください")))
        }
        var sources: Set<String> = []
        for row in values[NextHopField.sources.key]?.rows ?? [] where row.count == 2 {
            let family = IPAddress(row[1])?.isIPv6 == true ? "IPv6" : "IPv4"
            guard !sources.insert("\(row[0]) \(family)").inserted else { continue }
            problems.append(
                NextHopField.sources.problem(
                    Localized("\(row[0]) has two \(family) addresses; remove one", "\(row[0]) の \(family) アドレスが 2 つあります。1 つにしてください")))
        }
        return problems
    }

    /// Nothing that would let the whole world relay, however it is put together.
    private func relayProblems(_ values: [FieldKey: FieldValue]) -> [FieldProblem] {
        let field = RelayField.networks
        let wide = (values[field.key]?.list ?? []).compactMap { IPNetwork(line: $0) }.filter { network in
            network.prefixLength < (network.base.isIPv6 ? RelayRules.widestIPv6 : RelayRules.widestIPv4)
        }
        var problems = wide.map { network in
            field.problem(
                Localized(
                    "\(network) is too wide and would make this an open relay; at most /\(RelayRules.widestIPv4), or /\(RelayRules.widestIPv6) for IPv6",
                    "\(network) は広すぎ、不正リレーを許すことになります。/\(RelayRules.widestIPv4)（IPv6 では /\(RelayRules.widestIPv6)）までを指定してください"))
        }
        for entry in values[RelayField.recipientDomains.key]?.list ?? [] where entry.hasPrefix("*.") && !entry.dropFirst(2).contains(".") {
            problems.append(
                RelayField.recipientDomains.problem(
                    Localized(
                        "\(entry) covers a whole top-level domain and would make this an open relay; name the domains",
                        "\(entry) はトップレベルドメイン全体を含み、不正リレーを許すことになります。ドメインを個別に指定してください")))
        }
        return problems
    }

    private func filterProblems(_ text: String?) -> [FieldProblem] {
        guard let text else { return [] }
        do throws(FilterProblem) {
            _ = try FilterRules.parse(text)
            return []
        } catch {
            return [
                FilterField.rules.problem(
                    Localized("line \(error.line): \(error.message.english)", "\(error.line) 行目: \(error.message.japanese)"))
            ]
        }
    }

    /// With new names of host or domain the handlers' addresses move: no account may have them.
    private func nameProblems(_ values: [FieldKey: FieldValue]) -> [FieldProblem] {
        var problems: [FieldProblem] = []
        for field in [RoutingField.hostName, RoutingField.mainDomain] {
            guard let domain = values[field.key]?.text else { continue }
            for name in Handler.allCases.map(\.rawValue) + ["postmaster"] {
                let key = AddressKey(localPart: name, normalizedDomain: domain)
                guard case .account(let record)? = self.snapshot.contents.addresses[key.text],
                    record.id != self.snapshot.contents.postmaster?.id
                else {
                    continue
                }
                problems.append(
                    field.problem(
                        Localized(
                            "the account \(record.primary) has \(key), which would be the server's own; remove that address first",
                            "アカウント \(record.primary) の \(key) はサーバ自身のアドレスになります。先にそのアドレスを削除してください")))
            }
        }
        return problems
    }
}
