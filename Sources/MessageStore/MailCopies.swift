internal import Database
internal import NIOCore
internal import Vocabulary

// COPY and MOVE, inside transactions of the folder's thread.

extension MailWriter {
    private static let originals = Statement(
        """
        SELECT uid, flags, size, date, blob, middle, whole FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid
        """)

    private struct Original {
        var uid: Int64
        var message: FiledMessage
    }

    private func originals(_ mailbox: Int64, _ uids: UIDSet, at now: Int64) throws(DatabaseError) -> [Original] {
        var out: [Original] = []
        var walk = UIDWalk(uids)
        while let range = walk.next() {
            try self.connection.each(Self.originals, .int(mailbox), .int(range.lowerBound), .int(range.upperBound)) {
                row throws(DatabaseError) in
                guard walk.contains(row.int(0)) else { return true }
                let middle = row.isNull(5) ? ByteBuffer() : row.withBytes(5) { ByteBuffer(bytes: $0) }
                let message = FiledMessage(
                    flags: Flags(row.int(1)), size: row.int(2), date: row.int(3), saved: now, blob: row.int(4), middle: middle,
                    isWhole: row.bool(6))
                out.append(Original(uid: row.int(0), message: message))
                return true
            }
        }
        return out
    }

    /// Copies messages that are there. A copy takes its reference while the original still holds one; with `isMove` the original gives it
    /// its own.
    /// - Parameter room: bytes that the account of the destination may still take; nil is unlimited. Asked only when it is needed.
    func copy(
        _ uids: UIDSet, from: Int64, to: Int64, isMove: Bool, room: (Int64) throws(StoreError) -> Int64?
    ) throws(StoreError) -> CopyResult {
        let source = try self.known(from)
        let target = try self.known(to)
        let originals = try StoreError.wrap { () throws(DatabaseError) in try self.originals(from, uids, at: self.now()) }
        let bytes = originals.reduce(0) { $0 + $1.message.size }
        // A move inside an account takes no room.
        let isGrowing = !(isMove && source.account == target.account)
        if isGrowing, let room = try room(target.account), bytes > room - (self.effects.filed[target.account]?.bytes ?? 0) {
            throw .overQuota
        }
        let keywords = try self.translation(originals.reduce(into: Flags()) { $0.formUnion($1.message.flags) }, from, to)
        var copies: [UInt32] = []
        copies.reserveCapacity(originals.count)
        try StoreError.wrap { () throws(DatabaseError) in
            for original in originals {
                var message = original.message
                message.flags = keywords.applied(to: message.flags)
                copies.append(UInt32(clamping: try self.insert(into: to, message)))
                guard !isMove else { continue }
                self.watch.noteBlob(message.blob)
                try self.connection.prepare(MailSQL.addReferences).run([message.blob, 1])
            }
        }
        if isMove && !originals.isEmpty { try self.takeAway(originals, bytes, from) }
        return CopyResult(
            uidValidity: UIDValidity(rawValue: UInt32(clamping: target.uidValidity)),
            sources: UIDSet(ascending: originals.lazy.map { UInt32(clamping: $0.uid) }), copies: UIDSet(ascending: copies),
            modSeq: ModSeq(rawValue: try self.known(isMove ? from : to).modSeq))
    }

    /// The originals of a move: their references are the copies' now.
    private func takeAway(_ originals: [Original], _ bytes: Int64, _ mailbox: Int64) throws(StoreError) {
        var box = try self.known(mailbox)
        box.modSeq += 1
        for original in originals { box.count(original.message.flags, original.message.size, -1) }
        try StoreError.wrap { () throws(DatabaseError) in try self.drop(mailbox, originals.map(\.uid), box.modSeq) }
        self.effects.filed[box.account, default: .init()] += .init(bytes: -bytes, messages: -Int64(originals.count))
        self.set(mailbox, box)
    }

    // MARK: Keywords of another mailbox

    /// What a mailbox's keyword bits are in another one.
    private struct Translation {
        var bits: [(from: Flags, to: Flags)] = []

        func applied(to flags: Flags) -> Flags {
            guard !flags.isSubset(of: .system) else { return flags }
            var out = flags.intersection(.system)
            for pair in self.bits where flags.contains(pair.from) { out.formUnion(pair.to) }
            return out
        }
    }

    /// For those bits that messages have; keywords that the other mailbox does not have yet are made.
    private func translation(_ used: Flags, _ from: Int64, _ to: Int64) throws(StoreError) -> Translation {
        guard !used.isSubset(of: .system) else { return Translation() }
        let names = try StoreError.wrap { () throws(DatabaseError) in
            try self.connection.rows(FolderSQL.keywords, .int(from)) { (bit: Int($0.int(0)), name: $0.text(1)) }
        }
        var translation = Translation()
        for (bit, name) in names where used.contains(.keyword(bit)) {
            translation.bits.append((.keyword(bit), try self.keywordsOrFail([name], of: to, mayMake: .must)))
        }
        return translation
    }

    // MARK: Copies of very many

    private static let note = Statement("INSERT INTO copying(copy, mailbox, first, last) VALUES(?1, ?2, ?3, ?4)")
    private static let drop = Statement("DELETE FROM copying WHERE copy = ?1")
    private static let number = Statement(
        """
        SELECT 1 + max(coalesce((SELECT max(copy) FROM copying), 0), coalesce((SELECT max(subject) FROM job WHERE kind = ?1), 0))
        """)
    private static let isNoted = Statement("SELECT 1 FROM copying WHERE copy = ?1")

    /// Begins a copy that takes several transactions; answers its number, which no other has that is not finished or undone yet.
    func beginCopy(to mailbox: Int64) throws(StoreError) -> Int64 {
        _ = try self.known(mailbox)
        return try StoreError.wrap { () throws(DatabaseError) in
            let number = try self.connection.row(Self.number, .text(MailJobs.undoCopy)) { $0.int(0) } ?? 1
            // Nothing yet: a range that no UID will ever be in.
            try self.connection.run(Self.note, .int(number), .int(mailbox), 0, 0)
            return number
        }
    }

    /// Notes what one slice of a copy gave, so that it can be taken back.
    func noteCopied(_ copy: Int64, _ mailbox: Int64, _ copies: UIDSet) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in
            for run in copies.runs { try self.connection.run(Self.note, .int(copy), .int(mailbox), .int(run.first), .int(run.last)) }
        }
    }

    /// All slices are made: the copy stays.
    func finishCopy(_ copy: Int64) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in try self.connection.run(Self.drop, .int(copy)) }
    }

    /// The copy failed: a job takes back what was made.
    func undoCopy(_ copy: Int64) throws(StoreError) {
        try StoreError.wrap { () throws(DatabaseError) in
            guard try self.connection.row(Self.isNoted, .int(copy), read: { _ in true }) == true else { return }
            try Jobs.enqueue(MailJobs.undoCopy, subject: copy, on: self.connection)
        }
    }
}
