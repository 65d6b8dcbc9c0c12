internal import MailTesting

/// What a store makes of one directory after a crash: it is opened three times.
///
/// First it recovers and is compared with the ledger; opened again nothing may have changed, and it takes new mail; opened once more
/// the new mail and the old are there.
package struct Examination {
    package private(set) var complaints: [String] = []

    /// `number` is that of the message which is delivered to every account after the recovery.
    package init(_ subject: any CrashSubject, _ directory: String, _ ledger: Ledger, number: Int) {
        do {
            let first = try Self.opened(subject, directory) { try StoreContents.of($0, ledger) }
            self.complaints = Audit(ledger, first).complaints
            var after = ledger
            self.complaints += try Self.opened(subject, directory) { store in
                let second = try StoreContents.of(store, ledger)
                let change =
                    second.staying(ledger) == first.staying(ledger)
                    ? [] : ["opening a second time changed something: \(Self.difference(first, second))"]
                return try change + Self.probe(store, &after, second, number: number)
            }
            guard self.complaints.isEmpty else { return }
            let third = try Self.opened(subject, directory) { try StoreContents.of($0, after) }
            self.complaints = Audit(after, third).complaints.map { "after new mail and another start: \($0)" }
        } catch {
            self.complaints.append("recovery failed: \(error)")
        }
    }

    private static func opened<R>(_ subject: any CrashSubject, _ directory: String, _ body: (any LiveStore) throws -> R) throws -> R {
        let store = try bounded("the store to open") { try subject.open(directory) }
        do {
            let result = try body(store)
            try bounded("the store to close") { store.close() }
            return result
        } catch {
            // A store that hangs once may hang again, and the first failure tells more.
            boundedEnd("the store to close", seconds: 5) { store.close() }
            throw error
        }
    }

    private static func difference(_ first: StoreContents, _ second: StoreContents) -> String {
        for (account, mailbox) in first.mailboxes where second.mailboxes[account] != mailbox {
            return "account \(account) had \(mailbox.messages.map(\.uid)), has \(second.mailboxes[account]?.messages.map(\.uid) ?? [])"
        }
        return "queue \(first.queued) and \(second.queued), check \(second.complaints), mailboxes \(second.mailboxes.keys.sorted())"
    }

    /// New mail is taken, and its UIDs are above every UID that anybody has seen.
    private static func probe(_ store: any LiveStore, _ ledger: inout Ledger, _ contents: StoreContents, number: Int) throws -> [String] {
        let accounts = ledger.accounts.filter { ledger.removed[$0] == nil }
        guard !accounts.isEmpty else { return [] }
        let sample = Sample(number: number, seed: 1, size: 700, recipients: accounts)
        guard try store.acceptAndWait(sample) else { return ["the recovered store refuses mail"] }
        try ledger.apply(mark: "send \(number) 1 700 \(accounts.map(String.init).joined(separator: ","))\nok \(number)")
        var complaints: [String] = []
        for account in accounts {
            let newest = try store.list(account)?.messages.last?.uid ?? 0
            let highest = max(contents.mailboxes[account]?.messages.last?.uid ?? 0, ledger.highestUID[account] ?? 0)
            if newest <= highest { complaints.append("account \(account): new mail got UID \(newest), up to \(highest) were given before") }
        }
        return complaints
    }
}
