/// Neighbouring UIDs, both ends included.
package struct UIDRun: Hashable, Sendable {
    package var first: UInt32
    package var last: UInt32
    /// How many UIDs come before this run in its set.
    package fileprivate(set) var before: Int

    package var count: Int { Int(self.last) - Int(self.first) + 1 }
}

/// A sorted set of UIDs, kept as runs: the messages of a mailbox are few runs, whatever their number. A value that shares its storage with
/// its copies, so that a thousand sessions which see the same mailbox hold its messages once. The place of a UID in the set is its
/// message sequence number less one.
package struct UIDSet: Hashable, Sendable {
    package private(set) var runs: [UIDRun]

    package init() { self.runs = [] }

    /// - Parameter uids: ascending; a UID that does not ascend is passed over.
    package init(ascending uids: some Sequence<UInt32>) {
        self.runs = []
        for uid in uids { self.append(uid) }
    }

    package init(_ range: ClosedRange<UInt32>) { self.runs = [UIDRun(first: range.lowerBound, last: range.upperBound, before: 0)] }

    /// - Parameter ranges: in any order, overlapping or not.
    package init(ranges: [ClosedRange<UInt32>]) {
        self.runs = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) { self.append(range) }
    }

    package var isEmpty: Bool { self.runs.isEmpty }
    package var count: Int { self.runs.last.map { $0.before + $0.count } ?? 0 }
    package var first: UID? { self.runs.first.map { UID(rawValue: $0.first) } }
    package var last: UID? { self.runs.last.map { UID(rawValue: $0.last) } }

    // MARK: Growing

    /// Adds a UID behind all others; a smaller one is passed over.
    package mutating func append(_ uid: UInt32) { self.append(uid...uid) }

    /// Adds what of the range lies behind all others.
    package mutating func append(_ range: ClosedRange<UInt32>) {
        guard let last = self.runs.last else {
            self.runs.append(UIDRun(first: range.lowerBound, last: range.upperBound, before: 0))
            return
        }
        guard range.upperBound > last.last else { return }
        // `last.last` is below another UInt32 here, so one more is still a number.
        if range.lowerBound <= last.last + 1 {
            self.runs[self.runs.count - 1].last = range.upperBound
        } else {
            self.runs.append(UIDRun(first: range.lowerBound, last: range.upperBound, before: last.before + last.count))
        }
    }

    // MARK: Asking

    package func contains(_ uid: UID) -> Bool { self.index(of: uid) != nil }

    /// Place of a UID, from 0.
    package func index(of uid: UID) -> Int? {
        let at = self.firstRun(endingAtOrAfter: uid.rawValue)
        guard at < self.runs.count, self.runs[at].first <= uid.rawValue else { return nil }
        return self.runs[at].before + Int(uid.rawValue - self.runs[at].first)
    }

    /// The UID at a place, from 0; nil beyond the end.
    package func uid(at index: Int) -> UID? {
        guard index >= 0, index < self.count else { return nil }
        var (low, high) = (0, self.runs.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if self.runs[middle].before <= index { low = middle } else { high = middle - 1 }
        }
        return UID(rawValue: self.runs[low].first + UInt32(index - self.runs[low].before))
    }

    /// How many UIDs are smaller than this one.
    package func countBelow(_ uid: UID) -> Int {
        let at = self.firstRun(endingAtOrAfter: uid.rawValue)
        guard at < self.runs.count else { return self.count }
        let run = self.runs[at]
        return run.before + (uid.rawValue > run.first ? Int(uid.rawValue - run.first) : 0)
    }

    /// What of the first run that does not lie wholly before this UID lies at or behind it.
    package func run(from uid: UID) -> UIDRun? {
        let at = self.firstRun(endingAtOrAfter: uid.rawValue)
        guard at < self.runs.count else { return nil }
        let run = self.runs[at]
        guard uid.rawValue > run.first else { return run }
        return UIDRun(first: uid.rawValue, last: run.last, before: run.before + Int(uid.rawValue - run.first))
    }

    /// The first run that does not lie wholly before this UID.
    private func firstRun(endingAtOrAfter uid: UInt32) -> Int {
        var (low, high) = (0, self.runs.count)
        while low < high {
            let middle = (low + high) / 2
            if self.runs[middle].last < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Sets

    package func union(_ other: UIDSet) -> UIDSet {
        if self.isEmpty { return other }
        if other.isEmpty { return self }
        var out = UIDSet()
        out.runs.reserveCapacity(self.runs.count + other.runs.count)
        var (left, right) = (0, 0)
        while left < self.runs.count || right < other.runs.count {
            let takesLeft = right >= other.runs.count || (left < self.runs.count && self.runs[left].first <= other.runs[right].first)
            let run = takesLeft ? self.runs[left] : other.runs[right]
            if takesLeft { left += 1 } else { right += 1 }
            out.append(run.first...run.last)
        }
        return out
    }

    package func intersection(_ other: UIDSet) -> UIDSet {
        var out = UIDSet()
        var (left, right) = (0, 0)
        while left < self.runs.count, right < other.runs.count {
            let (a, b) = (self.runs[left], other.runs[right])
            let (from, to) = (Swift.max(a.first, b.first), Swift.min(a.last, b.last))
            if from <= to { out.append(from...to) }
            if a.last < b.last { left += 1 } else { right += 1 }
        }
        return out
    }

    package func subtracting(_ other: UIDSet) -> UIDSet {
        if other.isEmpty || self.isEmpty { return self }
        var out = UIDSet()
        var at = 0
        for run in self.runs {
            var from: UInt32? = run.first
            while at < other.runs.count, other.runs[at].last < run.first { at += 1 }
            var next = at
            while let start = from, next < other.runs.count, other.runs[next].first <= run.last {
                let hole = other.runs[next]
                if hole.first > start { out.append(start...(hole.first - 1)) }
                from = hole.last < run.last ? Swift.max(start, hole.last + 1) : nil
                next += 1
            }
            if let start = from { out.append(start...run.last) }
        }
        return out
    }

    /// Those at these places, from 0; places beyond the end are passed over.
    package func slice(_ places: Range<Int>) -> UIDSet {
        let places = places.clamped(to: 0..<self.count)
        guard let first = self.uid(at: places.lowerBound), !places.isEmpty, let last = self.uid(at: places.upperBound - 1) else {
            return UIDSet()
        }
        return self.intersection(UIDSet(first.rawValue...last.rawValue))
    }
}

extension UIDSet: Sequence {
    package struct Iterator: IteratorProtocol {
        private let runs: [UIDRun]
        private var at = 0
        private var offset: UInt32 = 0

        fileprivate init(_ runs: [UIDRun]) { self.runs = runs }

        package mutating func next() -> UID? {
            guard self.at < self.runs.count else { return nil }
            let run = self.runs[self.at]
            let uid = run.first + self.offset
            if uid == run.last { (self.at, self.offset) = (self.at + 1, 0) } else { self.offset += 1 }
            return UID(rawValue: uid)
        }
    }

    package func makeIterator() -> Iterator { Iterator(self.runs) }
    package var underestimatedCount: Int { self.count }
}

extension UIDSet: CustomStringConvertible {
    /// As sequence sets are written: `1:3,7`. [RFC9051-9]
    package var description: String {
        self.runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first):\($0.last)" }.joined(separator: ",")
    }
}
