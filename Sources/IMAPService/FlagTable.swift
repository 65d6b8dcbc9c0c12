internal import MessageStore
internal import Search
internal import Vocabulary

/// The flags of all messages of a mailbox, an octet each: however many there are, they have few combinations of flags. It is read once, brought up
/// to date by what has changed since, and says at once which messages a search by flags finds.
struct FlagTable: Sendable {
    /// Messages that are there.
    private(set) var uids = UIDSet()
    /// By place in `uids`: which of `kinds`.
    private var places: [UInt8] = []
    private var kinds: [Flags] = []
    /// The table has everything up to here, and perhaps some of what came later.
    private(set) var stamp: ModSeq
    /// There are more combinations of flags than an octet can tell apart: of no use.
    private(set) var isMixed = false

    private static let mostKinds = 256
    /// Messages that are read in one go.
    static let page = 20_000

    /// - Parameter stamp: the mailbox's highest MODSEQ before the first message is read.
    init(stamp: ModSeq) { self.stamp = stamp }

    var octets: Int { self.places.capacity + self.uids.runs.capacity * MemoryLayout<UIDRun>.stride }

    // MARK: Reading

    /// Messages behind those that are here; false when there are no more.
    mutating func readOn(_ mailbox: MailboxID, _ reads: StoreReads, limit: Int = Self.page) throws(StoreError) -> Bool {
        guard let next = self.next else { return false }
        var count = 0
        try reads.flags(of: mailbox, from: next, limit: limit) { numbers in
            for at in stride(from: 0, to: numbers.count - 1, by: 2) {
                self.append(UInt32(clamping: numbers[at]), Flags(rawValue: UInt64(bitPattern: numbers[at + 1])))
                count += 1
            }
        }
        return count == limit && !self.isMixed
    }

    /// What happened since; false when that is so much that the table had better be read anew.
    mutating func bringUpToDate(_ mailbox: MailboxID, _ reads: StoreReads) throws(StoreError) -> Bool {
        guard !self.isMixed else { return false }
        let uidNext = self.next ?? UID(rawValue: UInt32.max)
        let changes = try reads.store.changes(of: mailbox, since: self.stamp, uidNext: uidNext, limit: OpenMailbox.changesAtOnce)
        guard changes.isWhole, !changes.isMore, changes.arrived.count < Self.page else { return false }
        if !changes.expunged.isEmpty { self.remove(changes.expunged) }
        for change in changes.changed { self.set(change.uid, change.flags) }
        if !changes.arrived.isEmpty, try self.readOn(mailbox, reads) { return false }
        self.stamp = changes.modSeq
        return !self.isMixed
    }

    /// The UID behind the last message; nil behind the last there can be.
    private var next: UID? {
        let last = self.uids.last?.rawValue ?? 0
        return last < UInt32.max ? UID(rawValue: last + 1) : nil
    }

    // MARK: Changing

    mutating func append(_ uid: UInt32, _ flags: Flags) {
        guard uid > self.uids.last?.rawValue ?? 0, let kind = self.kind(of: flags) else { return }
        self.uids.append(uid)
        self.places.append(kind)
    }

    mutating func set(_ uid: UID, _ flags: Flags) {
        guard let place = self.uids.index(of: uid), let kind = self.kind(of: flags) else { return }
        self.places[place] = kind
    }

    mutating func remove(_ gone: UIDSet) {
        let staying = self.uids.subtracting(gone)
        guard staying.count < self.uids.count else { return }
        var places: [UInt8] = []
        places.reserveCapacity(staying.count)
        for run in staying.runs {
            guard let first = self.uids.index(of: UID(rawValue: run.first)) else { continue }
            places.append(contentsOf: self.places[first..<(first + run.count)])
        }
        (self.uids, self.places) = (staying, places)
    }

    private mutating func kind(of flags: Flags) -> UInt8? {
        // Neighbours are mostly alike, and kinds few.
        if let last = self.places.last, self.kinds[Int(last)] == flags { return last }
        if let known = self.kinds.firstIndex(of: flags) { return UInt8(known) }
        guard self.kinds.count < Self.mostKinds else {
            self.isMixed = true
            return nil
        }
        self.kinds.append(flags)
        return UInt8(self.kinds.count - 1)
    }

    // MARK: Asking

    /// All that some message has, or had.
    var allFlags: Flags { self.kinds.reduce(into: Flags()) { $0.formUnion($1) } }

    /// - Parameter place: in `uids`.
    func flags(at place: Int) -> Flags {
        guard self.places.indices.contains(place) else { return Flags() }
        return self.kinds[Int(self.places[place])]
    }

    /// Of `candidates` those that are there and that flags let through for certain, and those of which they say nothing.
    func split(_ candidates: UIDSet, by decide: (Flags) -> SearchPlan.Verdict) -> (found: UIDSet, unknown: UIDSet) {
        let verdicts = self.kinds.map(decide)
        let codes: [UInt8] = verdicts.map { $0 == .yes ? 1 : $0 == .unknown ? 2 : 0 }
        var (found, unknown) = (UIDSet(), UIDSet())
        for run in candidates.intersection(self.uids).runs {
            guard let first = self.uids.index(of: UID(rawValue: run.first)) else { continue }
            self.eachStretch(first..<(first + run.count), codes) { stretch, code in
                guard code != 0 else { return }
                let uids = (run.first + UInt32(stretch.lowerBound - first))...(run.first + UInt32(stretch.upperBound - 1 - first))
                if code == 1 { found.append(uids) } else { unknown.append(uids) }
            }
        }
        return (found, unknown)
    }

    /// Neighbours of which the same is said.
    private func eachStretch(_ range: Range<Int>, _ codes: [UInt8], _ body: (Range<Int>, UInt8) -> Void) {
        self.places.withUnsafeBufferPointer { places in
            codes.withUnsafeBufferPointer { codes in
                var at = range.lowerBound
                while at < range.upperBound {
                    let code = codes[Int(places[at])]
                    var end = at + 1
                    while end < range.upperBound, codes[Int(places[end])] == code { end += 1 }
                    body(at..<end, code)
                    at = end
                }
            }
        }
    }
}
