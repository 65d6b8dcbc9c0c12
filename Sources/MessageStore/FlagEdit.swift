internal import Vocabulary

/// What a change of flags does to the rows of a mailbox, found out row by row in one pass.
struct FlagEdit {
    private let keep: UInt64
    private let plus: UInt64
    /// Rows of a greater MODSEQ stay as they are.
    let below: Int64
    private let telling: MessageStore.FlagsTold
    private let modSeq: ModSeq
    private var walk: UIDWalk
    private var runs: ArraySlice<UIDRun>
    private var isSideBySide = false
    /// Rows that lie side by side and all change are one statement: it costs half of as many.
    private(set) var ranges: [ClosedRange<Int64>] = []
    private(set) var uids = UIDSet()
    private(set) var count = 0
    private(set) var unseen: Int64 = 0
    private(set) var deleted: Int64 = 0
    private var changes: FlagsChanged
    /// What stands in `changes.flags`: a set of a million is put together here.
    private var told: UInt64 = 0
    private let seen = Flags.seen.rawValue
    private let isDeleted = Flags.deleted.rawValue

    init(
        _ uids: UIDSet, _ change: MessageStore.FlagChange, modSeq: Int64, unchangedSince: Int64?, telling: MessageStore.FlagsTold
    ) {
        let masks = change.masks
        self.keep = masks.keep.rawValue
        self.plus = masks.add.rawValue
        self.below = unchangedSince ?? .max
        self.telling = telling
        self.modSeq = ModSeq(rawValue: modSeq)
        self.walk = UIDWalk(uids)
        self.runs = uids.runs[...]
        self.changes = FlagsChanged(modSeq: ModSeq(rawValue: modSeq - 1))
    }

    mutating func next() -> ClosedRange<UInt32>? { self.walk.next() }

    /// Rows of `uid, flags, modseq`, ascending.
    mutating func add(_ numbers: UnsafeBufferPointer<Int64>) {
        var at = 0
        while at + 2 < numbers.count {
            if self.walk.contains(numbers[at]) { self.add(numbers[at], UInt64(bitPattern: numbers[at + 1]), numbers[at + 2]) }
            at += 3
        }
    }

    private mutating func add(_ number: Int64, _ old: UInt64, _ modSeq: Int64) {
        let new = (old & self.keep) | self.plus
        if modSeq > self.below {
            self.changes.modified.append(UInt32(clamping: number))
            self.isSideBySide = false
            return
        }
        guard new != old else {
            self.isSideBySide = false
            if self.telling == .all { self.tell(number, old, ModSeq(rawValue: modSeq)) }
            return
        }
        self.count += 1
        self.unseen += (new & self.seen == 0 ? 1 : 0) - (old & self.seen == 0 ? 1 : 0)
        self.deleted += (new & self.isDeleted == 0 ? 0 : 1) - (old & self.isDeleted == 0 ? 0 : 1)
        if self.telling != .nothing { self.tell(number, new, self.modSeq) } else { self.told |= new }
        self.extend(number)
    }

    private mutating func tell(_ number: Int64, _ flags: UInt64, _ modSeq: ModSeq) {
        self.told |= flags
        self.changes.changed.append(
            ChangedFlags(uid: UID(rawValue: UInt32(clamping: number)), flags: Flags(rawValue: flags), modSeq: modSeq))
    }

    /// Another message that changes. Between two UIDs of one run there is no row that was not asked for.
    private mutating func extend(_ number: Int64) {
        self.uids.append(UInt32(clamping: number))
        while let run = self.runs.first, Int64(run.last) < number { self.runs.removeFirst() }
        if self.isSideBySide, let last = self.ranges.last, let run = self.runs.first, Int64(run.first) <= last.lowerBound {
            self.ranges[self.ranges.count - 1] = last.lowerBound...number
        } else {
            self.ranges.append(number...number)
        }
        self.isSideBySide = true
    }

    var result: FlagsChanged {
        var result = self.changes
        result.flags = Flags(rawValue: self.told)
        return result
    }

    /// It has been done.
    mutating func finish() {
        self.changes.steps = [FlagsChanged.Step(modSeq: self.modSeq, uids: self.uids)]
        self.changes.modSeq = self.modSeq
    }

    /// The same as promises, where it would be long to do now; empty where it is not, or is in too many pieces.
    func promises(_ mailbox: Int64, of uids: UIDSet, from most: Int) -> [UnwrittenChange] {
        guard self.count >= most, uids.runs.count <= UnwrittenChange.mostRanges, let first = self.uids.first, let last = self.uids.last
        else {
            return []
        }
        // Up to the last that changes: what comes later is none of those that were asked for.
        return uids.intersection(UIDSet(first.rawValue...last.rawValue)).runs.map { run in
            UnwrittenChange(
                mailbox: mailbox, modSeq: self.modSeq.rawValue, first: Int64(run.first), last: Int64(run.last),
                keep: Int64(bitPattern: self.keep), plus: Int64(bitPattern: self.plus), below: self.below)
        }
    }
}
