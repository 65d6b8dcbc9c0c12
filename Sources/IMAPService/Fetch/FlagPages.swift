internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Answers a FETCH of flags and UIDs of most of a mailbox, what nearly every mail program begins with, from the mailbox's table of flags: two columns of
/// a row are read the first time instead of seven, and none later.
struct FlagPages: Sendable {
    /// Messages that are read before the first of them are given out.
    private static let page = 2000

    private let wanted: UIDSet
    private var table: FlagTable
    private var isRead: Bool
    /// Where to go on; nil behind the last there can be.
    private(set) var next: UID? = UID(rawValue: 1)

    /// nil where rows had better be asked: for few messages, for more than flags, or where flags are too many kinds for a table.
    init?(_ request: FetchRequest, _ uids: UIDSet, _ mailbox: OpenMailbox) throws(StoreError) {
        guard Self.answers(request), uids.count * 2 >= request.view.count else { return nil }
        if let known = try mailbox.flags() {
            (self.table, self.isRead) = (known, true)
            try Self.note(mailbox)
        } else if let new = try mailbox.newFlagTable() {
            (self.table, self.isRead) = (new, false)
        } else {
            return nil
        }
        self.wanted = uids
    }

    private static func answers(_ request: FetchRequest) -> Bool {
        guard request.changedSince == nil, !request.mode.isCondStore, request.items.contains(.flags) else { return false }
        return request.items.allSatisfy { $0 == .flags || $0 == .uid }
    }

    /// The table has what was there until now: what is told of changes behind it must reach as far.
    private static func note(_ mailbox: OpenMailbox) throws(StoreError) { mailbox.noteRead(try mailbox.highestModSeq()) }

    /// All flags that occur in what is read.
    var flags: Flags { self.table.allFlags }

    /// Wanted messages that are no longer there.
    var gone: UIDSet { self.wanted.subtracting(self.table.uids) }

    /// The next message is known, or there is none.
    var isReady: Bool { self.isRead || self.stretch != nil }

    /// Some more messages.
    /// - Returns: false when the table turns out to be of no use: rows are to be asked from `next` on.
    mutating func readOn(_ mailbox: OpenMailbox) throws(StoreError) -> Bool {
        self.isRead = try !mailbox.readOn(&self.table, limit: Self.page)
        try Self.note(mailbox)
        if self.isRead { mailbox.keep(self.table) }
        return !self.table.isMixed
    }

    /// Neighbours that are wanted and there, from `next` on.
    private var stretch: ClosedRange<UInt32>? {
        guard var from = self.next else { return nil }
        while let wanted = self.wanted.run(from: from), let known = self.table.uids.run(from: UID(rawValue: wanted.first)) {
            if known.first <= wanted.last { return max(wanted.first, known.first)...min(wanted.last, known.last) }
            from = UID(rawValue: known.first)
        }
        return nil
    }

    /// Hands over messages as long as the body takes them.
    /// - Returns: false behind the last that is known.
    mutating func each(_ body: (UID, Flags) -> Bool) -> Bool {
        while let stretch = self.stretch {
            var place = self.table.uids.countBelow(UID(rawValue: stretch.lowerBound))
            for uid in stretch {
                guard body(UID(rawValue: uid), self.table.flags(at: place)) else {
                    self.next = UID(rawValue: uid)
                    return true
                }
                place += 1
            }
            self.next = stretch.upperBound < UInt32.max ? UID(rawValue: stretch.upperBound + 1) : nil
        }
        return false
    }
}
