internal import Bytes
internal import Search
internal import Vocabulary

/// A sequence set as written: numbers of messages or UIDs. [RFC9051-9]
struct SequenceSet: Hashable, Sendable {
    /// One end of a range; nil is `*`.
    struct Range: Hashable, Sendable {
        var first: UInt32?
        var last: UInt32?
    }

    var ranges: [Range] = []
    /// `$`: what the last search with SAVE found. [RFC5182-2.1]
    var isSaved = false

    var hasStar: Bool { self.ranges.contains { $0.first == nil || $0.last == nil } }

    /// As UIDs among those of the view. `*` is the last message, or what comes next where there is none. [RFC9051-9]
    func uids(in view: UIDSet, uidNext: UID, saved: UIDSet) -> UIDSet {
        if self.isSaved { return saved.intersection(view) }
        return self.numbers(star: view.last?.rawValue ?? uidNext.rawValue).intersection(view)
    }

    /// As UIDs, whether they are there or not.
    func numbers(star: UInt32) -> UIDSet {
        UIDSet(
            ranges: self.ranges.map { range in
                let (a, b) = (range.first ?? star, range.last ?? star)
                return min(a, b)...max(a, b)
            })
    }

    /// Of numbers of messages: their UIDs. A number beyond the last message is refused. [RFC9051-9]
    func messages(in view: UIDSet, saved: UIDSet) throws(GrammarFault) -> UIDSet {
        if self.isSaved { return saved.intersection(view) }
        let count = view.count
        guard let star = UInt32(exactly: count), star > 0 else { throw GrammarFault(.noSuchPlace) }
        let places = self.numbers(star: star)
        guard let last = places.last, last.rawValue <= star else { throw GrammarFault(.noSuchPlace) }
        return Self.uids(at: places, in: view)
    }

    /// The same, passing over numbers beyond the last: for search keys, where they find nothing.
    func messagesIfThere(in view: UIDSet, saved: UIDSet) -> UIDSet {
        if self.isSaved { return saved.intersection(view) }
        guard let star = UInt32(exactly: view.count), star > 0 else { return UIDSet() }
        return Self.uids(at: self.numbers(star: star), in: view)
    }

    /// One walk over both, however many runs they have: a set of thousands of numbers over a mailbox with thousands of gaps is a line.
    private static func uids(at places: UIDSet, in view: UIDSet) -> UIDSet {
        var out = UIDSet()
        let runs = view.runs
        var at = 0
        for place in places.runs {
            let (low, high) = (Int(place.first) - 1, Int(place.last) - 1)
            while at < runs.count, runs[at].before + runs[at].count <= low { at += 1 }
            while at < runs.count, runs[at].before <= high {
                let first = runs[at].first + UInt32(max(0, low - runs[at].before))
                let last = runs[at].first + UInt32(min(runs[at].count - 1, high - runs[at].before))
                out.append(first...last)
                guard runs[at].before + runs[at].count - 1 <= high else { break }
                at += 1
            }
        }
        return out
    }
}

extension Scanner {
    // RFC 9051 9:  sequence-set = (seq-number / seq-range) ["," sequence-set] / "$"
    mutating func sequenceSet(mayBeSaved: Bool = true) throws(GrammarFault) -> SequenceSet {
        var set = SequenceSet()
        if mayBeSaved, self.take("$") {
            set.isSaved = true
            return set
        }
        repeat {
            let first = try self.sequenceNumber()
            let last = self.take(":") ? try self.sequenceNumber() : first
            set.ranges.append(SequenceSet.Range(first: first, last: last))
        } while self.take(",")
        return set
    }

    private mutating func sequenceNumber() throws(GrammarFault) -> UInt32? {
        if self.take("*") { return nil }
        return try self.nzNumber()
    }

    /// A set of UIDs in which `*` may not stand. [RFC7162-7]
    mutating func plainUIDs() throws(GrammarFault) -> UIDSet {
        let set = try self.sequenceSet(mayBeSaved: false)
        guard !set.hasStar else { throw GrammarFault() }
        return set.numbers(star: 1)
    }

    /// The numbers of a set in the order in which they are written, at most `limit`. [RFC7162-3.2.5.2]
    mutating func plainNumbers(limit: Int) throws(GrammarFault) -> [UInt32] {
        let set = try self.sequenceSet(mayBeSaved: false)
        guard !set.hasStar else { throw GrammarFault() }
        var out: [UInt32] = []
        for range in set.ranges {
            guard let first = range.first, let last = range.last, first <= last else { throw GrammarFault() }
            guard Int(last) - Int(first) < limit - out.count else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
            out += Array(first...last)
        }
        return out
    }

    // RFC 9394 3.1:  partial-range = partial-range-first / partial-range-last, both numbers of one sign
    mutating func resultWindow() throws(GrammarFault) -> ResultWindow {
        let isFromEnd = self.take("-")
        let first = try self.nzNumber()
        try self.expect(":")
        guard self.take("-") == isFromEnd else { throw GrammarFault() }
        return ResultWindow(first, try self.nzNumber(), isFromEnd: isFromEnd)
    }

    /// A modseq of at least `lowest`. [RFC7162-7]
    mutating func modSeq(lowest: Int64 = 1) throws(GrammarFault) -> ModSeq {
        let value = try self.number64()
        guard value >= lowest else { throw GrammarFault() }
        return ModSeq(rawValue: value)
    }
}
