internal import Bytes
package import MIME
internal import Text
package import Vocabulary

/// What SORT orders by. [RFC5256-3] [RFC5957-3]
package struct SortCriterion: Hashable, Sendable {
    package enum Key: Hashable, Sendable { case arrival, cc, date, from, size, subject, to, displayFrom, displayTo, relevancy }

    package var key: Key
    package var isReverse: Bool

    package init(_ key: Key, isReverse: Bool = false) {
        self.key = key
        self.isReverse = isReverse
    }
}

/// Orders messages. They are given in mailbox order, which decides between equals.
package struct SearchSorter: Sendable {
    /// Values of one criterion, a message each.
    fileprivate enum Column: Sendable {
        case numbers([Int64])
        case texts([[UInt8]])
    }

    private let criteria: [SortCriterion]
    private var columns: [Column]
    private var uids: [UID] = []

    package init(_ criteria: [SortCriterion]) {
        // A second look at the same values decides nothing, whichever way: no client makes a list of keys dear.
        var seen: Set<SortCriterion.Key> = []
        self.criteria = criteria.filter { seen.insert($0.key).inserted }
        self.columns = self.criteria.map { $0.key.isNumber ? .numbers([]) : .texts([]) }
    }

    /// Some criterion needs the summaries; else rows do.
    package var needsSummary: Bool { self.criteria.contains { $0.key != .arrival && $0.key != .size && $0.key != .relevancy } }

    /// Some criterion is how near a message comes. [RFC6203-5]
    package var needsRelevancy: Bool { self.criteria.contains { $0.key == .relevancy } }

    /// Columns that have as much of it as a summary.
    package var columnKeys: Set<SearchColumns.Key> {
        Set(
            self.criteria.compactMap { criterion in
                criterion.key == .date ? .sent : criterion.key.text.map { .compared($0) }
            })
    }

    package mutating func add(_ facts: SearchFacts, _ summary: MessageSummary?, relevancy: UInt8 = 100) {
        self.add(facts, header: summary.map { .summary($0) }, relevancy: relevancy)
    }

    /// - Parameter relevancy: from 1 to 100.
    package mutating func add(_ facts: SearchFacts, header: SearchEvidence?, relevancy: UInt8 = 100) {
        self.uids.append(facts.uid)
        for (index, criterion) in self.criteria.enumerated() {
            // Taken out and put back, so that the list has one owner while it grows.
            switch self.columns[index] {
            case .numbers(var numbers):
                self.columns[index] = .numbers([])
                // The nearest come first.
                numbers.append(criterion.key == .relevancy ? -Int64(relevancy) : Self.number(criterion.key, facts, header))
                self.columns[index] = .numbers(numbers)
            case .texts(var texts):
                self.columns[index] = .texts([])
                texts.append(Self.text(criterion.key, header))
                self.columns[index] = .texts(texts)
            }
        }
    }

    private static func number(_ key: SortCriterion.Key, _ facts: SearchFacts, _ header: SearchEvidence?) -> Int64 {
        switch key {
        case .size: facts.size
        // Without a date the internal one counts. [RFC5256-2.2]
        case .date: header?.sentDate ?? facts.internalDate
        default: facts.internalDate
        }
    }

    private static func text(_ key: SortCriterion.Key, _ header: SearchEvidence?) -> [UInt8] {
        guard let header, let text = key.text else { return [] }
        return header.compared(text)
    }

    /// All that was added, in order.
    package func sorted() -> [UID] {
        let order = self.uids.indices.sorted { a, b in
            for (index, criterion) in self.criteria.enumerated() {
                let comparison = self.columns[index].comparison(a, b)
                if comparison != 0 { return (comparison < 0) != criterion.isReverse }
            }
            return a < b
        }
        return order.map { self.uids[$0] }
    }
}

extension SearchSorter.Column {
    /// Below 0 when `a` comes first.
    fileprivate func comparison(_ a: Int, _ b: Int) -> Int {
        switch self {
        case .numbers(let numbers): numbers[a] < numbers[b] ? -1 : numbers[a] == numbers[b] ? 0 : 1
        case .texts(let texts): SortText.comparison(texts[a], texts[b])
        }
    }
}

extension SortCriterion.Key {
    /// What is compared as a text.
    fileprivate var text: MessageSummary.Text? {
        switch self {
        case .cc: .ccMailbox
        case .from: .fromMailbox
        case .to: .toMailbox
        case .subject: .baseSubject
        case .displayFrom: .displayFrom
        case .displayTo: .displayTo
        case .arrival, .date, .size, .relevancy: nil
        }
    }

    fileprivate var isNumber: Bool { self == .arrival || self == .date || self == .size || self == .relevancy }
}

/// Texts in the form in which `i;unicode-casemap` compares them. [RFC5256-4]
enum SortText {
    static func key(_ summary: MessageSummary, _ text: MessageSummary.Text) -> [UInt8] { UnicodeText.casemapped(summary.text(text)) }

    /// Octet by octet; below 0 when `a` comes first.
    static func comparison(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                for index in 0..<min(a.count, b.count) where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
                return a.count - b.count
            }
        }
    }
}
