internal import Database
package import Forms
internal import Routing
internal import Text
package import Vocabulary

/// What everybody may know of an account: nothing, unless its owner or the postmaster published it.
package struct PublishedEntry: Sendable {
    package struct Fact: Sendable {
        package let field: Field
        package let text: String
    }

    package let account: AccountID
    /// The real name, or the primary address where there is none.
    package let name: String
    package let address: String
    /// Finger information; empty when there is none.
    package let information: String
    /// Directory information whose own flag is set, in the order of the form, without pictures.
    package let facts: [Fact]
}

/// Under what a published account is found: names and parts of names, folded.
struct PublishedName: Sendable, Hashable {
    /// Local part of the primary address, login name, real name, reading; each once.
    let names: [String]

    init(primary: String, login: String, realName: String?, reading: String?) {
        let local = primary.lastIndex(of: "@").map { String(primary[..<$0]) } ?? primary
        self.names = [local, login, realName ?? "", reading ?? ""].map(Self.key).reduce(into: []) { names, name in
            if !name.isEmpty, !names.contains(name) { names.append(name) }
        }
    }

    /// For the index: the names, and each of their words but the first, with which the name begins itself.
    func entries(_ account: AccountID) -> [NameIndex.Entry] {
        let words = self.names.flatMap { $0.split { Self.separators.contains($0) }.dropFirst().map(String.init) }
        return self.names.map { NameIndex.Entry($0, account, isPart: false) }
            + Set(words).subtracting(self.names).map { NameIndex.Entry($0, account, isPart: true) }
    }

    static let separators: Set<Character> = [" ", ".", "-", "_", "\u{3000}", "・"]

    /// As names are compared: one form of each letter, one blank between words.
    static func key(_ text: String) -> String {
        UnicodeText.folded(UnicodeText.nfkc(text)).split(separator: " ").joined(separator: " ")
    }
}

extension DirectorySnapshot {
    /// True when the domain of an address is ours, or an account here holds exactly this address (host-name hiding).
    package func mayHold(address text: String) -> Bool {
        guard let address = try? Address(parsing: text), let key = AddressKey(address) else { return false }
        return self.isLocal(key.domain) || self.account(holding: address) != nil
    }

    /// Published accounts of that name; with `partial` also those one of whose names, or of the words in them, begins so, in order of
    /// these. Whole names come first and alone.
    func publishedAccounts(named name: String, limit: Int, partial: Bool) -> [AccountID] {
        if name.contains("@") {
            guard let address = try? Address(parsing: name), let id = self.account(holding: address) else { return [] }
            return self.isPublished(id) ? [id] : []
        }
        let wanted = PublishedName.key(name)
        guard !wanted.isEmpty else { return [] }
        if wanted == "postmaster", let id = self.contents.postmaster?.id, self.isPublished(id) { return [id] }
        if let record = self.record(login: wanted) ?? self.holder(of: wanted), self.isPublished(record.id) { return [record.id] }
        // A single Latin letter is no part of a name.
        let takesParts = partial && wanted.utf8.count >= 2
        var whole: [AccountID] = []
        var parts: [AccountID] = []
        self.contents.names.each(beginningWith: wanted) { entry in
            let isWhole = entry.word == wanted && !entry.isPart
            guard isWhole || (whole.isEmpty && takesParts && parts.count < limit) else { return false }
            guard self.isPublished(entry.account), !parts.contains(entry.account) else { return true }
            if isWhole { whole.append(entry.account) } else { parts.append(entry.account) }
            return whole.count < limit
        }
        return whole.isEmpty ? parts : whole
    }

    /// The account with this local part in one of the domains that stand for this host.
    private func holder(of localPart: String) -> AccountRecord? {
        for domain in [self.configuration.mainDomain, self.configuration.hostName] {
            let key = AddressKey(localPart: localPart, normalizedDomain: domain)
            if case .account(let record)? = self.contents.addresses[key.text] { return record }
        }
        return nil
    }

    /// Whose state lets it be seen: an account that ended, or only keeps a name, is nobody.
    private func isPublished(_ id: AccountID) -> Bool {
        guard self.contents.published[id] != nil, let record = self.contents.accounts[id] else { return false }
        switch self.state(record) {
        case .active, .locked: return true
        case .expired, .reserved: return false
        }
    }
}

extension Directory {
    /// What is published about accounts of that name, or whose name it is a part of. Blocks: reads the file.
    package func published(named name: String, limit: Int, partial: Bool) throws(DirectoryError) -> [PublishedEntry] {
        let snapshot = self.snapshot
        let found = snapshot.publishedAccounts(named: name, limit: limit, partial: partial)
        guard !found.isEmpty else { return [] }
        let postmaster = snapshot.contents.postmaster?.id
        return try self.reading { connection throws(DatabaseError) in
            var out: [PublishedEntry] = []
            for id in found {
                guard let details = try Self.details(connection, id) else { continue }
                out.append(self.entry(details, isPostmaster: id == postmaster, snapshot.configuration.language))
            }
            return out
        }
    }

    private func entry(_ details: AccountDetails, isPostmaster: Bool, _ language: Language) -> PublishedEntry {
        let facts = DirectoryField.all.compactMap { field -> PublishedEntry.Fact? in
            guard let flag = field.publishedBy, details.values[flag]?.flag == true, let value = details.values[field.key] else {
                return nil
            }
            guard field != DirectoryField.picture else { return nil }
            return PublishedEntry.Fact(field: field, text: field.shown(value, language))
        }
        var information = details.values[DeliveryField.finger.key]?.text ?? ""
        if information.isEmpty, isPostmaster {
            information = Localized(en: "mail system administrator.", ja: "メールシステム管理者").text(language)
        }
        return PublishedEntry(
            account: details.id, name: details.values[AccountField.realName.key]?.text ?? details.primary, address: details.primary,
            information: information, facts: facts)
    }
}
