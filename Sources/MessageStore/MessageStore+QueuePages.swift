internal import Database
internal import Glibc
internal import NIOCore
internal import Vocabulary

// The queue as people look at it, also when it has a million entries: each page is a step in an index, and what cannot be found in one is
// looked for within a bounded time, page by page. These calls block.
extension MessageStore {
    /// Entries looked at for one page where an index has led to them.
    private static let mostExamined = 2000
    /// Numbers of one portion where no index leads, and milliseconds after which a page is given as it is.
    private static let portion: Int64 = 20_000
    private static let patience: Int64 = 12

    /// Entries that fit, from behind a place on. In order of their numbers; of one state: by channel, then by the time they are due.
    package func queuePage(_ query: QueueQuery, after place: QueuePlace?, limit: Int, now: Int64) throws(StoreError) -> QueuePage {
        let limit = min(max(limit, 1), 1000)
        if let recipient = query.recipient { return try self.pageByRecipient(query, recipient, place, limit, now) }
        if let sender = query.sender { return try self.pageBySender(query, sender, place, limit, now) }
        if query.destination != nil || query.state != nil { return try self.pageByTime(query, place, limit, now) }
        return try self.pageByNumber(query, place, limit, now)
    }

    // MARK: By number

    private static let window = Statement("\(columns) WHERE q.id > ?1 AND q.id <= ?2 ORDER BY q.id LIMIT ?3")
    private static let windowOfReason = Statement(
        "\(columns) WHERE q.id > ?1 AND q.id <= ?2 AND instr(lower(q.reason), ?4) > 0 ORDER BY q.id LIMIT ?3")
    private static let following = Statement("SELECT min(id) FROM queue WHERE id > ?1")

    private func pageByNumber(_ query: QueueQuery, _ place: QueuePlace?, _ limit: Int, _ now: Int64) throws(StoreError) -> QueuePage {
        var page = QueuePage()
        var last = place?.numbers.first ?? 0
        let deadline = Self.milliseconds() + Self.patience
        let end = try self.readQueue { db throws(DatabaseError) in try db.row(AcceptSQL.greatestQueue) { $0.int(0) } ?? 0 }
        guard let reason = query.reason?.lowercased(), !reason.isEmpty else {
            page.entries = try self.entries { db throws(DatabaseError) in
                try db.rows(Self.window, .int(last), .int(.max), .int(limit), read: Self.entry)
            }
            page.examined = page.entries.count
            page.next = Self.next(page.entries, limit) { QueuePlace($0.id.rawValue) }
            return page
        }
        while page.entries.count < limit, last < end {
            // Numbers may have gaps longer than a portion.
            let first = try self.readQueue { db throws(DatabaseError) in
                try db.row(Self.following, .int(last)) { $0.optionalInt(0) } ?? nil
            }
            guard let first else { break }
            let border = first - 1 + Self.portion
            let missing = limit - page.entries.count
            let found = try self.entries { db throws(DatabaseError) in
                try db.rows(Self.windowOfReason, .int(last), .int(border), .int(missing), .text(reason), read: Self.entry)
            }
            page.entries += found
            page.examined += Int(min(border, end) - first + 1)
            last = found.count == missing ? found.last?.id.rawValue ?? border : border
            if Self.milliseconds() >= deadline { break }
        }
        page.next = last < end ? QueuePlace(last) : nil
        return page
    }

    // MARK: By address

    private static let ofRecipient = Statement("\(columns) WHERE q.recipient = ?1 AND q.id > ?2 ORDER BY q.id LIMIT ?3")
    private static let ofRecipients = Statement(
        "\(columns) WHERE q.recipient >= ?1 AND q.recipient > ?2 AND q.recipient < ?3 ORDER BY q.recipient, q.id LIMIT ?4")

    /// In order of the addresses, then of the numbers: a domain is a range of addresses.
    private func pageByRecipient(
        _ query: QueueQuery, _ recipient: String, _ place: QueuePlace?, _ limit: Int, _ now: Int64
    ) throws(StoreError) -> QueuePage {
        let named: (StoredQueueEntry) -> QueuePlace = { QueuePlace($0.id.rawValue, key: QueueKey.of($0.draft.recipient.address)) }
        let wanted = QueueKey.Wanted(recipient)
        return try self.collect(query, place, limit, now, place: named) { last, count throws(StoreError) in
            try self.entries { db throws(DatabaseError) in
                let number: Int64 = last?.numbers.first ?? 0
                switch wanted {
                case .exactly(let key): return try db.rows(Self.ofRecipient, .text(key), .int(number), .int(count), read: Self.entry)
                case .between(let first, let end):
                    guard let key = last?.key else {
                        return try db.rows(Self.ofRecipients, .text(first), "", .text(end), .int(count), read: Self.entry)
                    }
                    var found = try db.rows(Self.ofRecipient, .text(key), .int(number), .int(count), read: Self.entry)
                    guard found.count < count else { return found }
                    found += try db.rows(
                        Self.ofRecipients, .text(first), .text(key), .text(end), .int(count - found.count), read: Self.entry)
                    return found
                }
            }
        }
    }

    private static let bySender = """
        SELECT q.id, q.blob, q.draft, q.attempts, q.reason, q.due, b.received, b.trace, b.envelope, b.body, q.flags, q.since, q.destination, b.refs
        FROM blob b CROSS JOIN queue q ON q.blob = b.id
        """
    private static let ofMessage = Statement("\(bySender) WHERE b.id = ?1 AND b.sender = ?2 AND q.id > ?3 ORDER BY q.id LIMIT ?4")
    private static let ofSender = Statement("\(bySender) WHERE b.sender = ?1 AND b.id > ?2 ORDER BY b.id, q.id LIMIT ?3")
    private static let ofSenders = Statement(
        "\(bySender) WHERE b.sender >= ?1 AND b.sender > ?2 AND b.sender < ?3 ORDER BY b.sender, b.id, q.id LIMIT ?4")

    /// In order of the senders, then of their messages.
    private func pageBySender(
        _ query: QueueQuery, _ sender: String, _ place: QueuePlace?, _ limit: Int, _ now: Int64
    ) throws(StoreError) -> QueuePage {
        let named: (StoredQueueEntry) -> QueuePlace = {
            QueuePlace($0.blob.rawValue, $0.id.rawValue, key: QueueKey.of($0.envelope.sender))
        }
        let wanted = QueueKey.Wanted(sender)
        return try self.collect(query, place, limit, now, place: named) { last, count throws(StoreError) in
            try self.entries { db throws(DatabaseError) in
                var found: [StoredQueueEntry?] = []
                var begun: String?
                var blob: Int64 = 0
                if let last, let key = last.key, last.numbers.count == 2 {
                    begun = key
                    blob = last.numbers[0]
                    found = try db.rows(
                        Self.ofMessage, .int(blob), .text(key), .int(last.numbers[1]), .int(count), read: Self.entry)
                }
                let ofOne: String? = if case .exactly(let key) = wanted { key } else { begun }
                if let key = ofOne, found.count < count {
                    found += try db.rows(Self.ofSender, .text(key), .int(blob), .int(count - found.count), read: Self.entry)
                }
                if case .between(let first, let end) = wanted, found.count < count {
                    found += try db.rows(
                        Self.ofSenders, .text(first), .text(begun ?? ""), .text(end), .int(count - found.count), read: Self.entry)
                }
                return found
            }
        }
    }

    // MARK: By time

    private static let sameTime = Statement("\(columns) WHERE q.channel = ?1 AND q.due = ?2 AND q.id > ?3 ORDER BY q.id LIMIT ?4")
    private static let later = Statement(
        "\(columns) WHERE q.channel = ?1 AND q.due > ?2 AND q.due <= ?3 ORDER BY q.due, q.id LIMIT ?4")

    private func pageByTime(_ query: QueueQuery, _ place: QueuePlace?, _ limit: Int, _ now: Int64) throws(StoreError) -> QueuePage {
        let (from, to): (Int64, Int64) =
            switch query.state {
            case .due: (0, now)
            case .deferred: (now + 1, Self.never - 1)
            case .held: (Self.never, Self.never * 2)
            case nil: (0, Self.never * 2)
            }
        let named: (StoredQueueEntry) -> QueuePlace = { QueuePlace(Int64($0.draft.channel.rawValue), $0.draft.due, $0.id.rawValue) }
        return try self.collect(query, place, limit, now, place: named) { last, count throws(StoreError) in
            var found: [StoredQueueEntry] = []
            let numbers = last?.numbers ?? []
            let start: [Int64] = numbers.count == 3 ? numbers : [0, 0, 0]
            for channel in QueueDraft.Channel.allCases where Int64(channel.rawValue) >= start[0] && found.count < count {
                // What is due changes while somebody turns pages: a time before the first is the first.
                let isBegun = Int64(channel.rawValue) == start[0] && start[1] >= from
                let (due, id) = isBegun ? (start[1], start[2]) : (from - 1, 0)
                found += try self.portion(channel, query.destination, due, id, to, count - found.count)
            }
            return found
        }
    }

    private func portion(
        _ channel: QueueDraft.Channel, _ destination: String?, _ due: Int64, _ id: Int64, _ to: Int64, _ count: Int
    ) throws(StoreError) -> [StoredQueueEntry] {
        if let destination {
            return try self.queueEntries(
                channel, destination: destination, behind: QueueID(rawValue: id), due: due, until: to, limit: count)
        }
        return try self.entries { db throws(DatabaseError) in
            let kind = Value.int(channel.rawValue)
            var rows = try db.rows(Self.sameTime, kind, .int(due), .int(id), .int(count), read: Self.entry)
            guard rows.count < count else { return rows }
            rows += try db.rows(Self.later, kind, .int(due), .int(to), .int(count - rows.count), read: Self.entry)
            return rows
        }
    }

    // MARK: Together

    /// Reads portions behind each other until the page is full, nothing is left, or enough was looked at.
    private func collect(
        _ query: QueueQuery, _ place: QueuePlace?, _ limit: Int, _ now: Int64, place name: (StoredQueueEntry) -> QueuePlace,
        read: (QueuePlace?, Int) throws(StoreError) -> [StoredQueueEntry]
    ) throws(StoreError) -> QueuePage {
        var page = QueuePage()
        var last = place
        let deadline = Self.milliseconds() + Self.patience
        while true {
            let rows = try read(last, limit)
            for (index, entry) in rows.enumerated() {
                page.examined += 1
                last = name(entry)
                guard query.contains(entry, now: now) else { continue }
                page.entries.append(entry)
                if page.entries.count == limit {
                    page.next = index + 1 < rows.count || rows.count == limit ? last : nil
                    return page
                }
            }
            guard rows.count == limit else { return page }
            if page.examined >= Self.mostExamined || Self.milliseconds() >= deadline {
                page.next = last
                return page
            }
        }
    }

    private static func next(
        _ entries: [StoredQueueEntry], _ limit: Int, _ place: (StoredQueueEntry) -> QueuePlace
    ) -> QueuePlace? {
        entries.count == limit ? entries.last.map(place) : nil
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
