internal import Bytes
internal import Text
package import Vocabulary

/// One line of the list of accounts.
package struct AccountLine: Sendable {
    package let id: AccountID
    package let name: String
    package let address: String
    package let login: String
    package let isLocked: Bool
    package let isExpired: Bool
    package let isSuspended: Bool
}

/// A page of the list of accounts.
package struct AccountListPage: Sendable {
    package let lines: [AccountLine]
    /// Accounts that the question finds, over all pages.
    package let total: Int
    /// Place of the first line among them.
    package let start: Int
    /// Accounts of the kind by initial, whatever is asked for: for the row of letters.
    package let initials: [AccountInitial: Int]
}

extension Directory {
    /// Accounts of a kind, those with an initial, or those with a text in name, reading, address or login name. Does not read the file.
    package func list(
        _ kind: AccountKind, initial: AccountInitial? = nil, search: String = "", start: Int = 0, limit: Int = 50
    ) -> AccountListPage {
        let snapshot = self.snapshot
        let wanted = AccountListing.Entry.key(search)
        let (all, text) = self.listing.entries(kind, snapshot, isSearched: !wanted.isEmpty)
        var initials: [AccountInitial: Int] = [:]
        var range = 0..<all.count
        for letter in AccountInitial.all {
            let first = all.place { $0.initial < letter }
            let end = all.place { !(letter < $0.initial) }
            if end > first { initials[letter] = end - first }
            if letter == initial { range = first..<end }
        }
        var found: [AccountListing.Entry] = []
        var total = range.count
        let start = max(0, start)
        if let text {
            total = 0
            text.each(in: range, ByteFinder(Array(wanted.utf8))) { index in
                if total >= start, found.count < limit { found.append(all[index]) }
                total += 1
            }
        } else {
            let first = start >= range.count ? range.upperBound : range.lowerBound + start
            found = Array(all[first..<min(range.upperBound, first + limit)])
        }
        return AccountListPage(lines: found.map { self.line($0.record, snapshot) }, total: total, start: start, initials: initials)
    }

    private func line(_ record: AccountRecord, _ snapshot: DirectorySnapshot) -> AccountLine {
        let state = record.state(on: Day.number(at: self.location.now()))
        return AccountLine(
            id: record.id, name: record.realName, address: record.primary.description, login: record.login, isLocked: state == .locked,
            isExpired: state == .expired, isSuspended: record.isSuspended)
    }
}
