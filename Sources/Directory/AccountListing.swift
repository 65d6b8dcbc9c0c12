internal import Bytes
internal import Forms
internal import Synchronization
internal import Text
internal import Vocabulary

/// Accounts as the postmaster's list shows them: by type, in the order of their names, found by initial and by any part of a name. Made on
/// the first look and then kept up by what changed, so that a page of 100,000 accounts costs no more than one of 50.
final class AccountListing: Sendable {
    /// One line of the list.
    struct Entry: Sendable {
        let record: AccountRecord
        let initial: AccountInitial
        /// UTF-8, so that comparing is comparing of bytes.
        let key: [UInt8]
        /// What is searched: name, reading, primary address and login name, folded, a line each.
        let text: [UInt8]

        init(_ record: AccountRecord) {
            self.record = record
            let name = Self.key(record.realName)
            let reading = Self.key(record.extras?.reading ?? "")
            let address = UnicodeText.folded(record.primary.description)
            let candidates = [reading, name, address].filter { !$0.isEmpty }
            let first = candidates.first { AccountInitial(of: $0) != nil }
            self.initial = first.flatMap { AccountInitial(of: $0) } ?? .other
            self.key = Array((first ?? candidates.first ?? "").utf8)
            self.text = Array("\(name)\n\(reading)\n\(address)\n\(UnicodeText.folded(record.login))".utf8)
        }

        /// Folded, with katakana as hiragana, so that ヤマダ and やまだ stand together.
        static func key(_ text: String) -> String {
            guard !text.isEmpty else { return "" }
            var out = String.UnicodeScalarView()
            for scalar in UnicodeText.folded(UnicodeText.nfkc(text)).unicodeScalars {
                let isKatakana = (0x30A1...0x30F6).contains(scalar.value)
                out.append(isKatakana ? Unicode.Scalar(scalar.value - 0x60) ?? scalar : scalar)
            }
            return String(out)
        }

        static func < (a: Entry, b: Entry) -> Bool {
            if a.initial != b.initial { return a.initial < b.initial }
            if a.key != b.key { return a.key.lexicographicallyPrecedes(b.key) }
            return a.record.id.rawValue < b.record.id.rawValue
        }
    }

    /// What is searched of all accounts of a kind, one behind the other: one run over memory in place of one a line.
    struct SearchText: Sendable {
        var bytes: [UInt8] = []
        /// Where each entry begins; one more than there are entries.
        var starts: [Int] = [0]

        init(_ entries: [Entry]) {
            self.bytes.reserveCapacity(entries.reduce(0) { $0 + $1.text.count + 1 })
            self.starts.reserveCapacity(entries.count + 1)
            for entry in entries {
                self.bytes.append(contentsOf: entry.text)
                // No text has it, so that nothing is found across two entries.
                self.bytes.append(0)
                self.starts.append(self.bytes.count)
            }
        }

        /// Entries of a range in which something is found, in order.
        func each(in range: Range<Int>, _ finder: ByteFinder, _ body: (Int) -> Void) {
            guard !range.isEmpty else { return }
            self.bytes.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<self.starts[range.upperBound]])
                var place = self.starts[range.lowerBound]
                while let found = finder.find(in: part, from: place) {
                    let index = self.entry(at: found)
                    body(index)
                    place = self.starts[index + 1]
                }
            }
        }

        private func entry(at offset: Int) -> Int {
            var (low, high) = (0, self.starts.count - 1)
            while high - low > 1 {
                let middle = (low + high) / 2
                if self.starts[middle] <= offset { low = middle } else { high = middle }
            }
            return low
        }
    }

    private struct State {
        var version: Int64 = -1
        var accounts = ShardedTable<AccountID, AccountRecord>()
        /// In order.
        var entries: [AccountKind: [Entry]] = [:]
        /// Made at a search, gone at a change.
        var texts: [AccountKind: SearchText] = [:]
    }

    private let state = Mutex(State())

    /// The accounts of one kind as of a snapshot, in order, with what a search looks at where there is one.
    func entries(_ kind: AccountKind, _ snapshot: DirectorySnapshot, isSearched: Bool) -> (entries: [Entry], text: SearchText?) {
        self.state.withLock { state in
            if snapshot.version > state.version { Self.follow(snapshot, &state) }
            let entries = state.entries[kind] ?? []
            guard isSearched else { return (entries, nil) }
            let text = state.texts[kind] ?? SearchText(entries)
            state.texts[kind] = text
            return (entries, text)
        }
    }

    private static func follow(_ snapshot: DirectorySnapshot, _ state: inout State) {
        let accounts = snapshot.contents.accounts
        let changes = accounts.differences(from: state.accounts) { $0 === $1 }
        if state.version < 0 || changes.count > 2000 {
            var all: [AccountKind: [Entry]] = [:]
            accounts.each { _, record in all[AccountKind(record), default: []].append(Entry(record)) }
            state.entries = all.mapValues { $0.sorted(by: <) }
        } else {
            for (old, new) in changes {
                if let old { Self.remove(Entry(old), AccountKind(old), &state) }
                if let new { Self.insert(Entry(new), AccountKind(new), &state) }
            }
        }
        if !changes.isEmpty { state.texts = [:] }
        state.accounts = accounts
        state.version = snapshot.version
    }

    private static func remove(_ entry: Entry, _ kind: AccountKind, _ state: inout State) {
        guard let place = state.entries[kind]?.place(of: entry) else { return }
        if state.entries[kind]?.indices.contains(place) == true, state.entries[kind]?[place].record.id == entry.record.id {
            state.entries[kind]?.remove(at: place)
        }
    }

    private static func insert(_ entry: Entry, _ kind: AccountKind, _ state: inout State) {
        let place = state.entries[kind]?.place(of: entry) ?? 0
        state.entries[kind, default: []].insert(entry, at: place)
    }
}

extension [AccountListing.Entry] {
    /// The first place that is not before an entry.
    fileprivate func place(of entry: AccountListing.Entry) -> Int { self.place { $0 < entry } }

    /// The first place where `isBefore` no longer holds; the array is in that order.
    func place(_ isBefore: (AccountListing.Entry) -> Bool) -> Int {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The three lists of accounts.
package enum AccountKind: String, Sendable, Hashable, CaseIterable {
    case general, administrative, reserved

    init(_ record: AccountRecord) { self = record.state == .reserved ? .reserved : record.takesSeat ? .general : .administrative }
}
