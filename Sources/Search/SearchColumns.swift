internal import Bytes
package import MIME
internal import NIOCore
package import Vocabulary

/// What searches have taken out of the summaries of one mailbox's messages, in the form in which it is looked at: a column a kind of value, its
/// messages ascending. A message never changes, so that nothing of it becomes wrong; what is not there is taken out of the summary.
package struct SearchColumns: Sendable {
    package enum Key: Hashable, Sendable {
        /// A field as it is searched.
        case folded(MessageSummary.Text)
        /// A text as it is compared.
        case compared(MessageSummary.Text)
        /// The Date field.
        case sent
        /// Which conversation it says to be of.
        case thread
    }

    private var columns: [(key: Key, column: SearchColumn)] = []

    package init() {}

    /// Empty ones for these.
    package init(_ keys: Set<Key>) { self.columns = keys.map { ($0, SearchColumn()) } }

    package var octets: Int { self.columns.reduce(0) { $0 + $1.column.octets } }
    package var isEmpty: Bool { self.columns.allSatisfy { $0.column.count == 0 } }

    private func column(_ key: Key) -> SearchColumn? { self.columns.first { $0.key == key }?.column }

    /// Reads all of them; nil where one is empty. It must not outlive the next `append`, which would copy all.
    package func reader() -> ColumnReader? { self.reader(Set(self.columns.map(\.key))) }

    /// Reads several at a time; nil where one of them is not there.
    package func reader(_ keys: Set<Key>) -> ColumnReader? {
        var found: [(key: Key, column: SearchColumn)] = []
        for key in keys {
            guard let column = self.column(key), column.count > 0 else { return nil }
            found.append((key, column))
        }
        return found.isEmpty ? nil : ColumnReader(found)
    }

    /// Takes out of a summary what the columns hold. Messages come in order.
    package mutating func append(_ uid: UID, _ summary: MessageSummary) {
        // In place: a copy of a column would be a copy of all that is in it.
        for index in self.columns.indices { self.columns[index].column.append(uid.rawValue, Self.value(self.columns[index].key, summary)) }
    }

    /// There are columns, and a summary need not be taken apart for any of them.
    package var isOfFoldedTexts: Bool {
        !self.columns.isEmpty
            && self.columns.allSatisfy {
                if case .folded = $0.key { true } else { false }
            }
    }

    /// The same as `append`, of columns that are all folded texts.
    package mutating func append(_ uid: UID, _ summary: SummaryBytes) {
        for index in self.columns.indices {
            guard case .folded(let field) = self.columns[index].key else { continue }
            self.columns[index].column.append(uid.rawValue, folding: summary.text(field))
        }
    }

    /// Messages behind all that are here, in the same columns.
    package mutating func append(_ later: SearchColumns) {
        for index in self.columns.indices {
            guard let more = later.column(self.columns[index].key) else { continue }
            self.columns[index].column.append(more)
        }
    }

    /// A message that was appended last, as evidence: nothing is folded a second time. It must not outlive the next `append`, which would copy
    /// all. nil where a column had no room for it.
    package func last(_ uid: UID) -> SearchEvidence? {
        guard !self.columns.isEmpty, self.columns.allSatisfy({ $0.column.uids.last == uid.rawValue }) else { return nil }
        return .columns(ColumnReader(last: self.columns))
    }

    private static func value(_ key: Key, _ summary: MessageSummary) -> [UInt8]? {
        switch key {
        case .folded(let field): summary.has(field) ? SearchEvidence.folded(summary, field) : nil
        case .compared(let text): SortText.key(summary, text)
        case .thread: summary.thread.map { Array($0.utf8) }
        case .sent:
            if let date = summary.sentDate, let day = summary.sentDay {
                withUnsafeBytes(of: date.littleEndian) { Array($0) }
                    + withUnsafeBytes(of: Int64(day.number).littleEndian) { Array($0) }
            } else {
                nil
            }
        }
    }

    /// With what others have; `alive` says which messages are still worth it.
    package func merged(_ others: SearchColumns, alive: UIDSet) -> SearchColumns {
        var out = self
        for (key, column) in others.columns where column.count > 0 {
            guard let index = out.columns.firstIndex(where: { $0.key == key }) else {
                out.columns.append((key, column))
                continue
            }
            out.columns[index].column = out.columns[index].column.merged(column, alive: alive)
        }
        return out
    }
}

/// Values of ascending messages, one behind the other.
struct SearchColumn: Sendable {
    private(set) var uids: [UInt32] = []
    /// Behind each value; the first bit says that the message has none.
    private var ends: [UInt32] = []
    private var bytes: [UInt8] = []

    private static let none: UInt32 = 1 << 31

    var count: Int { self.uids.count }
    var octets: Int { 4 * (self.uids.capacity + self.ends.capacity) + self.bytes.capacity }

    mutating func append(_ uid: UInt32, _ value: [UInt8]?) {
        guard self.bytes.count + (value?.count ?? 0) < Int(Self.none), uid > self.uids.last ?? 0 else { return }
        self.uids.append(uid)
        if let value { self.bytes += value }
        self.ends.append(UInt32(self.bytes.count) | (value == nil ? Self.none : 0))
    }

    /// Text in UTF-8 as it is searched.
    mutating func append(_ uid: UInt32, folding text: UnsafeRawBufferPointer?) {
        // Folded text can be longer: one character of three octets becomes 33 at the most.
        guard self.bytes.count + 16 * (text?.count ?? 0) < Int(Self.none), uid > self.uids.last ?? 0 else { return }
        self.uids.append(uid)
        text?.withMemoryRebound(to: UInt8.self) { SearchFold.fold($0, into: &self.bytes) }
        self.ends.append(UInt32(self.bytes.count) | (text == nil ? Self.none : 0))
    }

    /// All of a column whose messages come behind these.
    mutating func append(_ later: SearchColumn) {
        guard let first = later.uids.first, first > self.uids.last ?? 0, self.bytes.count + later.bytes.count < Int(Self.none) else {
            return
        }
        let start = UInt32(self.bytes.count)
        self.uids += later.uids
        self.ends += later.ends.lazy.map { (($0 & ~Self.none) + start) | ($0 & Self.none) }
        self.bytes += later.bytes
    }

    /// nil where the message has none.
    func range(_ index: Int) -> Range<Int>? {
        let end = self.ends[index]
        guard end & Self.none == 0 else { return nil }
        return (index == 0 ? 0 : Int(self.ends[index - 1] & ~Self.none))..<Int(end)
    }

    func withValue<T>(_ index: Int, _ body: (UnsafeRawBufferPointer?) -> T) -> T {
        guard let range = self.range(index) else { return body(nil) }
        return self.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    private func value(_ index: Int) -> [UInt8]? { self.range(index).map { Array(self.bytes[$0]) } }

    /// Both, in order. When a quarter is of messages that are gone, these are left out.
    func merged(_ other: SearchColumn, alive: UIDSet) -> SearchColumn {
        if let last = self.uids.last, let first = other.uids.first, last < first, self.count <= alive.count + alive.count / 4 {
            var out = self
            for index in 0..<other.count { out.append(other.uids[index], other.value(index)) }
            return out
        }
        let drops = self.count > alive.count + alive.count / 4
        var out = SearchColumn()
        var (a, b) = (0, 0)
        while a < self.count || b < other.count {
            let takesOther = a >= self.count || (b < other.count && other.uids[b] < self.uids[a])
            let uid = takesOther ? other.uids[b] : self.uids[a]
            if !drops || alive.contains(UID(rawValue: uid)) { out.append(uid, takesOther ? other.value(b) : self.value(a)) }
            if takesOther { b += 1 } else { a += 1 }
            // The same message in both.
            while b < other.count, other.uids[b] == uid { b += 1 }
        }
        return out
    }

    /// Where a message is, looked for from a place on.
    func index(of uid: UInt32, from start: Int) -> Int? {
        guard start < self.uids.count else { return nil }
        if self.uids[start] == uid { return start }
        var (low, high) = (start, self.uids.count)
        while low < high {
            let middle = (low + high) / 2
            if self.uids[middle] < uid { low = middle + 1 } else { high = middle }
        }
        return low < self.uids.count && self.uids[low] == uid ? low : nil
    }
}

/// Several columns, standing at one message.
package struct ColumnReader: Sendable {
    private struct Entry: Sendable {
        let key: SearchColumns.Key
        let column: SearchColumn
        var at = 0
    }

    private var entries: [Entry]

    fileprivate init(last columns: [(key: SearchColumns.Key, column: SearchColumn)]) {
        self.entries = columns.map { Entry(key: $0.key, column: $0.column, at: $0.column.count - 1) }
    }

    fileprivate init(_ columns: [(key: SearchColumns.Key, column: SearchColumn)]) {
        self.entries = columns.map { Entry(key: $0.key, column: $0.column) }
    }

    /// Goes to a message; false where some column does not have it. Messages come in order.
    package mutating func seek(_ uid: UID) -> Bool {
        for index in self.entries.indices {
            let entry = self.entries[index]
            var place = entry.at
            // Nearly always it is the next one.
            if place + 1 < entry.column.count, entry.column.uids[place] < uid.rawValue { place += 1 }
            guard let found = entry.column.index(of: uid.rawValue, from: place) else { return false }
            self.entries[index].at = found
        }
        return true
    }

    func with<T>(_ key: SearchColumns.Key, _ body: (UnsafeRawBufferPointer?) -> T) -> T {
        guard let entry = self.entries.first(where: { $0.key == key }) else { return body(nil) }
        return entry.column.withValue(entry.at, body)
    }
}

/// What is known of a message's header, wherever it comes from.
package enum SearchEvidence: Sendable {
    case summary(MessageSummary)
    case columns(ColumnReader)

    /// Unix seconds; nil without a date.
    var sentDate: Int64? {
        switch self {
        case .summary(let summary): summary.sentDate
        case .columns(let reader): reader.with(.sent) { $0.map { Int64(littleEndian: $0.loadUnaligned(as: Int64.self)) } }
        }
    }

    var sentDay: CalendarDay? {
        switch self {
        case .summary(let summary): summary.sentDay
        case .columns(let reader):
            reader.with(.sent) { bytes in
                bytes.map { CalendarDay(number: Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: Int64.self)))) }
            }
        }
    }

    var thread: String? {
        switch self {
        case .summary(let summary): summary.thread
        case .columns(let reader): reader.with(.thread) { $0.map { String(decoding: $0, as: UTF8.self) } }
        }
    }

    func compared(_ text: MessageSummary.Text) -> [UInt8] {
        switch self {
        case .summary(let summary): SortText.key(summary, text)
        case .columns(let reader): reader.with(.compared(text)) { $0.map { Array($0) } ?? [] }
        }
    }

    func has(_ needle: ByteFinder, in field: MessageSummary.Text) -> Bool {
        switch self {
        case .summary(let summary):
            guard summary.has(field) else { return false }
            return needle.needle.isEmpty || needle.isIn(Self.folded(summary, field))
        case .columns(let reader):
            return reader.with(.folded(field)) { bytes in
                guard let bytes else { return false }
                return needle.needle.isEmpty || needle.find(in: bytes) != nil
            }
        }
    }

    static func folded(_ summary: MessageSummary, _ field: MessageSummary.Text) -> [UInt8] {
        summary.bytes(field).withUnsafeReadableBytes { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { SearchFold.folded($0) }
        }
    }
}
