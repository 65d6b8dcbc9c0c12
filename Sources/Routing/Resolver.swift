internal import Bytes
internal import Text
package import Vocabulary

/// Finds out what an address leads to, in the fixed order: completion; for local domains the exact address, the postmaster, handlers,
/// `+detail` stripped and all that again, the refusal switches, catch-all, unknown; for other domains alias, refusal switches, remote.
package struct Resolver<Table: RoutingTable>: Sendable {
    package let table: Table
    /// Our own address in this connection: its literal means this host. [RFC5321-4.1.3]
    package let ownAddress: IPAddress?

    /// Aliases that lead to aliases are followed so far.
    private static var deepestAlias: Int { 10 }

    /// False while the postmaster's own list is resolved: a list that names the postmaster again adds nobody.
    private let expandsPostmaster: Bool

    package init(_ table: Table, ownAddress: IPAddress? = nil) { self.init(table, ownAddress, expandsPostmaster: true) }

    private init(_ table: Table, _ ownAddress: IPAddress?, expandsPostmaster: Bool) {
        self.table = table
        self.ownAddress = ownAddress
        self.expandsPostmaster = expandsPostmaster
    }

    package func resolve(_ address: Address) -> Resolution {
        var silent = NoSteps()
        return self.resolve(address, Self.deepestAlias, &silent)
    }

    /// For an address that this host or one of its people wrote: a forwarding address, the postmaster's answer. The four switches are for
    /// what strangers write and do not apply.
    package func resolveTarget(_ address: Address) -> Resolution {
        var silent = NoSteps()
        return self.resolve(address, Self.deepestAlias - 1, &silent)
    }

    /// The same, with every step that was taken, for a person to read.
    package func explain(_ address: Address) -> (resolution: Resolution, steps: [RoutingStep]) {
        var kept = KeptSteps()
        let resolution = self.resolve(address, Self.deepestAlias, &kept)
        if case .unknown(.aliasLoop) = resolution { return (resolution, Self.onceAround(kept.steps)) }
        return (resolution, kept.steps)
    }

    /// A circle of aliases is followed as deep as any chain of them; to be told, once around is enough.
    private static func onceAround(_ steps: [RoutingStep]) -> [RoutingStep] {
        var seen: Set<RoutingStep> = []
        let first = steps.prefix { $0.rule != .alias || $0.decides || seen.insert($0).inserted }
        guard first.count < steps.count, let end = steps.last else { return steps }
        // What was asked before the alias came round again belongs to the next turn.
        let turn = first.lastIndex { $0.rule == .alias }.map { first[...$0] } ?? first
        return Array(turn) + [end]
    }

    private func resolve(_ given: Address, _ depth: Int, _ steps: inout some StepSink) -> Resolution {
        var address = given
        if address.domain.isEmpty {
            if let bang = self.bangPath(address, &steps) { return bang }
            guard let completed = self.completed(address, &steps) else { return .unknown(.noDomain) }
            address = completed
        }
        guard let domain = self.domain(of: address) else {
            steps.note(RoutingStep(.domain, decides: true, "\(address.domain) is no valid domain", "\(address.domain) は正しいドメインではありません"))
            return .unknown(.badDomain)
        }
        let key = AddressKey(localPart: address.localPart, normalizedDomain: domain)
        if address.domain.hasPrefix("["), !domain.hasPrefix("[") {
            steps.note(
                RoutingStep(
                    .domain, "\(address.domain) is an address of this host: in connections to it that is \(domain)",
                    "\(address.domain) はこのホストの IP アドレスです。そこへの接続では \(domain) として扱います"))
        }
        if self.table.isLocal(Substring(domain)) {
            steps.note(RoutingStep(.domain, "\(domain) is local", "\(domain) はローカルです"))
            return self.resolveLocal(address, key, depth, &steps)
        }
        steps.note(RoutingStep(.domain, "\(domain) is not local", "\(domain) はローカルではありません"))
        return self.resolveRemote(address, key, depth, &steps)
    }

    // MARK: Domains

    /// The comparable domain; a literal of our own address is our own name.
    private func domain(of address: Address) -> String? {
        guard let domain = DomainName.normalized(address.domain) else { return nil }
        if domain.utf8.first == UInt8(ascii: "["), let own = self.ownAddress, domain == own.literal.asciiLowercased {
            return self.table.rules.hostName
        }
        return domain
    }

    private func completed(_ address: Address, _ steps: inout some StepSink) -> Address? {
        // The bare postmaster is the one name that needs no domain. [RFC5321-4.5.1]
        let isPostmaster = Self.isPostmaster(address.localPart)
        guard let domain = isPostmaster ? self.table.rules.hostName : self.table.rules.completionDomain else {
            steps.note(
                RoutingStep(.completion, decides: true, "no domain, and no completion domain is set", "ドメインがなく、アドレス補完ドメインも設定されていません"))
            return nil
        }
        steps.note(RoutingStep(.completion, "no domain: \(domain) is put behind", "ドメインがないため \(domain) を補いました"))
        return Address(localPart: address.localPart, domain: domain)
    }

    // MARK: Local domains

    private func resolveLocal(_ address: Address, _ key: AddressKey, _ depth: Int, _ steps: inout some StepSink) -> Resolution {
        if let found = self.exact(address, key, nil, depth, &steps) { return found }
        if let returned = self.returned(address, depth, &steps) { return returned }
        if let (base, detail) = self.split(address.localPart) {
            steps.note(RoutingStep(.detail, "without \(detail): \(base)", "\(detail) を除いて \(base) を検索します"))
            let shorter = AddressKey(localPart: base, normalizedDomain: String(key.domain))
            if let found = self.exact(Address(localPart: base, domain: address.domain), shorter, detail, depth, &steps) { return found }
        }
        if let bang = self.bangPath(address, &steps) { return bang }
        if depth == Self.deepestAlias, let refused = self.refusal(address, &steps) { return refused }
        if case .account(var recipient)? = self.table.entry(AddressKey(localPart: "*", normalizedDomain: String(key.domain))) {
            steps.note(
                RoutingStep(
                    .catchAll, decides: true, "*@\(key.domain) is \(recipient.primary)", "*@\(key.domain) は \(recipient.primary) です"))
            recipient.match = .catchAll
            return .account(recipient)
        }
        if self.table.rules.reservedNames.contains(address.localPart.asciiLowercased), let postmaster = self.table.postmaster {
            steps.note(
                RoutingStep(
                    .postmaster, decides: true, "\(address.localPart) is a name for which the postmaster answers until somebody has it",
                    "\(address.localPart) は、割り当てられるまでポストマスタが受け取る名前です"))
            return self.postmaster(postmaster)
        }
        steps.note(RoutingStep(.catchAll, decides: true, "nothing here has \(address)", "\(address) に該当するものはありません"))
        return .unknown(.noSuchAddress)
    }

    /// What has exactly this address: account, alias, postmaster, handler; nil when nothing has.
    private func exact(_ address: Address, _ key: AddressKey, _ detail: String?, _ depth: Int, _ steps: inout some StepSink) -> Resolution?
    {
        if let entry = self.table.entry(key) { return self.resolution(of: entry, address, detail, depth, &steps) }
        if Self.isPostmaster(address.localPart), let postmaster = self.table.postmaster {
            steps.note(RoutingStep(.postmaster, decides: true, "the postmaster, in every local domain", "ポストマスタです（すべてのローカルドメインで有効）"))
            return self.postmaster(postmaster)
        }
        let rules = self.table.rules
        if key.domain == rules.hostName || key.domain == rules.mainDomain, let handler = Handler(rawValue: String(key.localPart)) {
            steps.note(RoutingStep(.handler, decides: true, "handler \(handler.rawValue)", "ハンドラ \(handler.rawValue) です"))
            return .handler(handler)
        }
        steps.note(RoutingStep(.address, "no account or alias has \(address)", "\(address) を持つアカウントやチャネルエイリアスはありません"))
        return nil
    }

    private func resolution(
        of entry: RoutingEntry, _ address: Address, _ detail: String?, _ depth: Int, _ steps: inout some StepSink
    ) -> Resolution {
        switch entry {
        case .account(let recipient) where recipient.account == self.table.postmaster?.account:
            steps.note(RoutingStep(.postmaster, decides: true, "\(address) is the Postmaster account", "\(address) は Postmaster アカウントです"))
            return self.postmaster(recipient)
        case .account(var recipient):
            steps.note(RoutingStep(.address, decides: true, "account \(recipient.primary)", "アカウント \(recipient.primary) です"))
            recipient.detail = detail
            recipient.match = detail == nil ? .exact : .detailStripped
            return .account(recipient)
        case .closed(let account):
            steps.note(RoutingStep(.address, decides: true, "account \(account) is expired", "アカウント \(account) は期限切れです"))
            return .unknown(.expired)
        case .alias(let target): return self.follow(target, address, depth, &steps)
        }
    }

    private func follow(_ target: Address, _ address: Address, _ depth: Int, _ steps: inout some StepSink) -> Resolution {
        guard depth > 0 else {
            steps.note(RoutingStep(.alias, decides: true, "channel aliases lead in a circle", "チャネルエイリアスが循環しています"))
            return .unknown(.aliasLoop)
        }
        steps.note(RoutingStep(.alias, "channel alias: \(address) -> \(target)", "チャネルエイリアス: \(address) → \(target)"))
        let resolution = self.resolve(target, depth - 1, &steps)
        if case .remote(let domain) = resolution { return .redirected(target, domain: domain) }
        return resolution
    }

    /// A report about mail that was forwarded here goes to the one who sent it.
    private func returned(_ address: Address, _ depth: Int, _ steps: inout some StepSink) -> Resolution? {
        switch self.table.returned(address.localPart) {
        case nil: return nil
        case .to(let sender)?:
            guard depth > 0 else { return .unknown(.aliasLoop) }
            steps.note(
                RoutingStep(.returnAddress, "sender of forwarded mail: \(sender)", "転送メールの送信者: \(sender)"))
            let resolution = self.resolve(sender, depth - 1, &steps)
            if case .remote(let domain) = resolution { return .redirected(sender, domain: domain) }
            return resolution
        case .forged?:
            steps.note(
                RoutingStep(
                    .returnAddress, decides: true, "looks like a sender of forwarded mail, but is not one that this server wrote",
                    "転送メールの送信者の形式ですが、このサーバが作成したものではありません"))
            return .unknown(.noSuchAddress)
        case .expired?:
            steps.note(
                RoutingStep(.returnAddress, decides: true, "a sender of forwarded mail, too old", "転送メールの送信者ですが、有効期限が切れています"))
            return .unknown(.noSuchAddress)
        }
    }

    private func postmaster(_ account: LocalRecipient) -> Resolution {
        var local: [LocalRecipient] = []
        var remote: [Address] = []
        if self.expandsPostmaster {
            let entries = Resolver(self.table, self.ownAddress, expandsPostmaster: false)
            for address in self.table.postmasterDelivery {
                switch entries.resolveTarget(address) {
                case .account(let recipient): if !local.contains(where: { $0.account == recipient.account }) { local.append(recipient) }
                case .remote: remote.append(address)
                case .redirected(let target, _): remote.append(target)
                case .postmaster, .handler, .refused, .unknown, .bangPath: break
                }
            }
        }
        return .postmaster(PostmasterRecipient(account: account.account, primary: account.primary, local: local, remote: remote))
    }

    // MARK: Other domains

    private func resolveRemote(_ address: Address, _ key: AddressKey, _ depth: Int, _ steps: inout some StepSink) -> Resolution {
        if case .alias(let target)? = self.table.entry(key) { return self.follow(target, address, depth, &steps) }
        // What an alias of the postmaster's leads to is not a stranger's detour.
        if depth == Self.deepestAlias, let refused = self.refusal(address, &steps) { return refused }
        steps.note(RoutingStep(.remote, decides: true, "another host takes mail for \(key.domain)", "\(key.domain) 宛のメールは他のホストに送信します"))
        steps.note(self.table.routes.step(for: String(key.domain)))
        return .remote(domain: String(key.domain))
    }

    // MARK: Local parts

    static func isPostmaster(_ localPart: String) -> Bool { equalIgnoringASCIICase(localPart.utf8, "postmaster".utf8) }

    /// `jane+lists` -> (`jane`, `lists`). The separator must stand behind something.
    private func split(_ localPart: String) -> (base: String, detail: String)? {
        guard let separator = self.table.rules.detailSeparator?.asciiValue else { return nil }
        let bytes = localPart.utf8
        guard let index = bytes.firstIndex(of: separator), index != bytes.startIndex else { return nil }
        return (String(Substring(bytes[..<index])), String(Substring(bytes[bytes.index(after: index)...])))
    }

    /// The four switches of the relay restrictions: characters that ask a relay for a detour.
    private func refusal(_ address: Address, _ steps: inout some StepSink) -> Resolution? {
        guard let character = self.table.rules.refused(in: address.localPart) else { return nil }
        steps.note(
            RoutingStep(
                .refusal, decides: true, "the part before the @ has \(character.rawValue), which is refused",
                "ローカルパートに \(character.rawValue) が含まれるため拒否します"))
        return .refused(character)
    }

    /// `h1!h2!u` is `u%h2@h1`, where the `!` refusal is off. The `%` is ours, so that its own switch does not matter.
    private func bangPath(_ address: Address, _ steps: inout some StepSink) -> Resolution? {
        let parts = address.localPart.split(separator: "!", omittingEmptySubsequences: false)
        guard parts.count > 1, !self.table.rules.refusals.contains(.exclamation), !parts.contains(where: \.isEmpty), let user = parts.last,
            let host = DomainName.normalized(String(parts[0])), !self.table.isLocal(Substring(host))
        else { return nil }
        let detours = parts.dropFirst().dropLast().reversed()
        let target = Address(localPart: ([user] + detours).joined(separator: "%"), domain: host)
        steps.note(RoutingStep(.bangPath, decides: true, "bang path: \(address) -> \(target)", "bang 形式のアドレス: \(address) → \(target)"))
        steps.note(self.table.routes.step(for: host))
        return .bangPath(target, domain: host)
    }
}

extension RoutingRules {
    /// The first switch that refuses this local part, if one does; `content` is unquoted.
    package func refused(in content: String) -> RefusedCharacter? {
        for byte in content.utf8 {
            let character: RefusedCharacter
            switch byte {
            case UInt8(ascii: "%"): character = .percent
            case UInt8(ascii: "!"): character = .exclamation
            case UInt8(ascii: "\""), UInt8(ascii: "'"): character = .quote
            case UInt8(ascii: "@"): character = .at
            default: continue
            }
            if self.refusals.contains(character) { return character }
        }
        return nil
    }
}
