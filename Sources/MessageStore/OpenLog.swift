internal import Bytes
internal import Database
internal import NIOCore
internal import Synchronization
internal import Vocabulary

/// The end of the log and how it grows. Lives on the writer's thread.
final class OpenLog {
    /// What one write carries at most, but for a single larger record. Bytes.
    static let batchBytes = 8 << 20

    struct Parts {
        let directory: SegmentDirectory
        let options: StoreOptions
        let health: HealthState
        let disk: DiskWatch
        let usage: UsageTable
        let accounts: RemovedAccounts
        let mail: Database
        let folder: Folder
        let identifiers: Identifiers
        let store: [UInt8]
    }

    struct Current {
        let header: SegmentHeader
        let keys: RecordKeys
        let path: String
        let descriptor: Int32
        /// End of the last record that is on stable storage.
        var end: Int64
        /// Blocks are reserved up to here.
        var reserved: Int64 = 0
        /// Zeros were written up to here; no more than `end` where there are none, `.max` where there shall be no more.
        var zeroed: Int64 = 0
    }

    /// Bytes that are reserved behind the end at a time: a sync that need not look for blocks takes a fifth less for 10 KiB.
    private static let ahead: Int64 = 4 << 20

    let parts: Parts
    private var current: Current?
    /// The segment before the next one, for that one's header.
    private var sealed: LogPosition
    private var sealedKey: [UInt8]
    private var failures = 0
    let zeros: ZerosAhead
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    private static let failuresBeforeGivingUp = 5

    /// The last segment as recovery found it; between end and file's end are zeros.
    struct Appending {
        let header: SegmentHeader
        let descriptor: Int32
        let end: Int64
        let fileEnd: Int64
    }

    /// Goes on where recovery found the end; `appending` is nil when the last segment is not to be touched again.
    init(_ parts: Parts, sealed: LogPosition, sealedKey: [UInt8], appending: Appending?) {
        self.parts = parts
        self.sealed = sealed
        self.sealedKey = sealedKey
        self.zeros = ZerosAhead(parts.options.zerosAhead, at: parts.directory.path)
        self.current = appending.map {
            Current(
                header: $0.header, keys: $0.header.keys, path: parts.directory.path(of: $0.header.number), descriptor: $0.descriptor,
                end: $0.end, zeroed: $0.fileEnd)
        }
    }

    func close() {
        if let current = self.current {
            self.giveBackBlocks(current)
            self.parts.directory.files.close(current.descriptor)
        }
        self.current = nil
        self.buffer.deallocate()
    }

    /// - Parameter isIdle: whether nothing has come meanwhile.
    func process(_ waiting: [LogWriter.Waiting], isIdle: () -> Bool) {
        let hasRoom = self.parts.folder.waitForRoom(limit: self.parts.options.foldBacklog)
        self.parts.disk.look()
        guard hasRoom else { return Self.refuse(waiting, .diskFull) }
        if let refusal = self.parts.health.refusal { return Self.refuse(waiting, refusal) }
        var checked: [CheckedItem] = []
        checked.reserveCapacity(waiting.count)
        for item in waiting { self.validate(item, into: &checked) }
        do throws(IOFailure) {
            let (records, isAnnounced) = try self.write(&checked)
            self.failures = 0
            self.parts.health.noteSuccess()
            if isAnnounced {
                self.parts.folder.takeAnnounced(records, mayCommit: isIdle())
            } else {
                self.parts.folder.take(records)
            }
            for item in checked { item.completion(.success(Accepted(blob: item.blobID, deferred: item.deferred))) }
        } catch {
            self.parts.usage.addPending(checked.flatMap { item in item.pending.map { ($0.account, -$0.amount) } })
            self.noteFailure(error)
            let refusal: StoreRefusal = error.isDiskFull ? .diskFull : .io(error)
            for item in checked { item.completion(.failure(refusal)) }
        }
    }

    private static func refuse(_ waiting: [LogWriter.Waiting], _ refusal: StoreRefusal) {
        for item in waiting { item.completion(.failure(refusal)) }
    }

    /// A disk that is full recovers, and so does a directory that we may not write to; a disk that fails again and again does not.
    private func noteFailure(_ error: IOFailure) {
        self.parts.health.noteFailure(error)
        self.parts.disk.look(force: true)
        if error.isDiskFull || error.isAboutAccess { return }
        self.failures += 1
        if self.failures >= Self.failuresBeforeGivingUp {
            self.parts.health.fail("\(error): the disk failed \(self.failures) times in a row; check it, then restart")
        }
    }

    // MARK: Validation

    struct CheckedItem {
        var prepared: PreparedItem
        let completion: @Sendable (Result<Accepted, StoreRefusal>) -> Void
        let whenFiled: (@Sendable (Result<AppendResult, StoreError>) -> Void)?
        var deferred: [Accepted.Deferred] = []
        var pending: [(account: Int64, amount: UsageTable.Amount)] = []
        var sequence: Int64 = 0
        var blobID = BlobID(rawValue: 0)
    }

    /// The plan was made some time ago: accounts may be gone or full by now. Such a copy becomes a queue entry.
    private func validate(_ waiting: LogWriter.Waiting, into checked: inout [CheckedItem]) {
        var item = CheckedItem(prepared: waiting.prepared, completion: waiting.completion, whenFiled: waiting.whenFiled)
        let planned = item.prepared.item.deliveries
        for (index, delivery) in item.prepared.payload.deliveries.enumerated() {
            let amount = UsageTable.Amount(bytes: item.prepared.size(of: delivery), messages: 1)
            if let reason = self.objection(to: delivery, amount, index < planned.count ? planned[index].quota : nil) {
                item.deferred.append(.init(index: index, reason: reason))
                continue
            }
            // At once, so that the next copy for the same account sees it.
            self.parts.usage.addPending([(account: delivery.account, amount: amount)])
            item.pending.append((account: delivery.account, amount: amount))
        }
        // What a client adds is refused as a whole: it has the message and is told.
        if !item.deferred.isEmpty, waiting.whenFiled != nil {
            self.parts.usage.addPending(item.pending.map { ($0.account, -$0.amount) })
            return item.completion(.success(Accepted(blob: item.blobID, deferred: item.deferred)))
        }
        if !item.deferred.isEmpty { self.postpone(&item) }
        for index in item.prepared.payload.queue.indices where item.prepared.payload.queue[index].id == 0 {
            item.prepared.payload.queue[index].id = self.parts.identifiers.next()
        }
        if !item.deferred.isEmpty || !item.prepared.payload.queue.isEmpty { item.prepared.encode() }
        checked.append(item)
    }

    private func objection(to delivery: StoredDelivery, _ amount: UsageTable.Amount, _ quota: Int64?) -> Accepted.Deferred.Reason? {
        if self.parts.accounts.contains(delivery.account) { return .accountGone }
        guard let quota else { return nil }
        // A database that cannot be read is no reason to refuse: the folder will meet it too.
        let used = (try? self.parts.usage.amount(of: delivery.account, self.parts.mail))?.bytes ?? 0
        return used + amount.bytes > quota ? .overQuota : nil
    }

    /// Moves the deliveries that cannot be made to the queue.
    private func postpone(_ item: inout CheckedItem) {
        let gone = Set(item.deferred.map(\.index))
        for deferred in item.deferred {
            let delivery = item.prepared.item.deliveries[deferred.index]
            let recipient = delivery.recipient ?? Envelope.Recipient(Address(localPart: "postmaster", domain: ""))
            item.prepared.payload.queue.append(
                StoredQueueRow(
                    id: 0,
                    draft: QueueDraft(
                        .mailbox, recipient: recipient, due: item.prepared.item.receivedAt, payload: DeferredDelivery(delivery).encoded())))
        }
        item.prepared.payload.deliveries = item.prepared.payload.deliveries.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    }

    // MARK: Writing

    /// One write and one sync for all; afterwards the records are on stable storage. The folder may have heard of them before.
    private func write(_ items: inout [CheckedItem]) throws(IOFailure) -> (records: [LogRecord], isAnnounced: Bool) {
        var current = try self.segment()
        let length = items.reduce(0) { $0 + $1.prepared.recordLength }
        self.reserve(length)
        self.reserveBlocks(&current, length)
        var records: [LogRecord] = []
        records.reserveCapacity(items.count)
        var used = 0
        let batch = self.parts.identifiers.peek()
        for index in items.indices { self.layOut(&items[index], current, batch, &used, &records) }
        do throws(IOFailure) {
            try self.parts.directory.files.write(
                current.descriptor, current.path, UnsafeRawBufferPointer(rebasing: self.buffer[..<used]), at: current.end)
        } catch {
            self.cutOff(current)
            throw error
        }
        let isAnnounced = self.parts.folder.announce(records)
        self.writeZeros(&current, behind: used)
        do throws(IOFailure) {
            try self.parts.directory.files.sync(current.descriptor, current.path)
        } catch {
            if isAnnounced { self.parts.folder.retract(records) }
            // Cut off as well as sealed: whichever of the two reaches the disk keeps refused mail from coming back.
            self.cutOffForGood(current)
            throw error
        }
        current.end += Int64(used)
        self.current = current
        return (records, isAnnounced)
    }

    /// Copies the records of one item into the buffer, their places now known.
    private func layOut(_ item: inout CheckedItem, _ current: Current, _ batch: Int64, _ used: inout Int, _ records: inout [LogRecord]) {
        for (index, body) in item.prepared.bodies.enumerated() {
            let record = self.layOut(body, current, batch, &used)
            records.append(record)
            item.prepared.payload.deliveries[index].append?.blob = record.blob
            item.prepared.payload.deliveries[index].append?.place = record.place
        }
        if !item.prepared.bodies.isEmpty { item.prepared.encode() }
        var record = self.layOut(item.prepared, current, batch, &used)
        record.whenFiled = item.whenFiled
        records.append(record)
        item.sequence = record.sequence
        item.blobID = BlobID(rawValue: record.blob)
    }

    /// Copies one record into the buffer.
    private func layOut(_ prepared: PreparedItem, _ current: Current, _ batch: Int64, _ used: inout Int) -> LogRecord {
        let sequence = self.parts.identifiers.next()
        let blob = prepared.blob?.rawValue ?? sequence
        let offset = current.end + Int64(used)
        let start = LogPosition(segment: current.header.number, offset: offset)
        var trailer = Trailer(
            kind: prepared.kind, payloadLength: prepared.encodedPayload.readableBytes, bodyLength: Int64(prepared.body.readableBytes),
            headLength: prepared.head.readableBytes, tailLength: prepared.tail.readableBytes, receivedAt: prepared.item.receivedAt,
            digest: prepared.digest, payloadCRC: prepared.payloadCRC)
        trailer.sequence = sequence
        trailer.blob = blob
        trailer.offset = offset
        trailer.batch = batch
        self.copy(prepared.body, &used)
        self.copy(prepared.head, &used)
        self.copy(prepared.tail, &used)
        trailer.write(to: UnsafeMutableRawBufferPointer(rebasing: self.buffer[used..<(used + Trailer.size)]), current.keys)
        used += Trailer.size
        self.copy(prepared.encodedPayload, &used)
        let place =
            prepared.payload.place
            ?? BlobPlace(
                segment: current.header.number, offset: offset, body: trailer.bodyLength, head: trailer.headLength, tail: trailer.tailLength
            )
        return LogRecord(
            sequence: sequence, blob: blob, kind: prepared.kind, place: place, receivedAt: prepared.item.receivedAt,
            payload: prepared.payload, start: start, end: LogPosition(segment: start.segment, offset: current.end + Int64(used)))
    }

    private func copy(_ bytes: ByteBuffer, _ used: inout Int) {
        bytes.withUnsafeReadableBytes { raw in
            if raw.count > 0 { UnsafeMutableRawBufferPointer(rebasing: self.buffer[used..<(used + raw.count)]).copyMemory(from: raw) }
            used += raw.count
        }
    }

    private func reserve(_ length: Int) {
        // Shrinks again after a single huge batch.
        guard length > self.buffer.count || self.buffer.count > 2 * Self.batchBytes else { return }
        let size = max(length, 1 << 20)
        guard size != self.buffer.count else { return }
        self.buffer.deallocate()
        self.buffer = .allocate(byteCount: size, alignment: 16)
    }

    // MARK: Segments

    /// Beyond the end of the file, where no reader sees them; where that cannot be, blocks are found at each sync.
    private func reserveBlocks(_ current: inout Current, _ length: Int) {
        guard current.end + Int64(length) > current.reserved, self.parts.disk.isRoomy else { return }
        let from = max(current.end, current.reserved)
        let upTo = min(max(self.parts.options.segmentSize, current.end), current.end + Self.ahead) + Int64(length)
        current.reserved = max(upTo, from)
        try? self.parts.directory.files.allocate(current.descriptor, current.path, from: from, current.reserved - from)
    }

    private func segment() throws(IOFailure) -> Current {
        if let current = self.current {
            if current.end < self.parts.options.segmentSize { return current }
            self.seal(current)
        }
        let number = self.parts.identifiers.nextSegment()
        var header = SegmentHeader(
            kind: .log, number: number, key: self.parts.options.random(16), createdAt: self.parts.options.now(),
            nextSequence: self.parts.identifiers.peek(), store: self.parts.store)
        header.previous = self.sealed.segment
        header.previousEnd = self.sealed.offset
        header.previousKey = self.sealedKey
        let descriptor = try self.parts.directory.create(header)
        self.parts.folder.keepHeader(of: number)
        let made = Current(
            header: header, keys: header.keys, path: self.parts.directory.path(of: number), descriptor: descriptor,
            end: Int64(SegmentHeader.size))
        self.current = made
        return made
    }

    /// Nothing more goes into this segment; what lies behind its end never counts.
    private func seal(_ current: Current) {
        self.sealed = LogPosition(segment: current.header.number, offset: current.end)
        self.sealedKey = current.header.key
        self.giveBackBlocks(current)
        self.parts.directory.files.close(current.descriptor)
        self.current = nil
    }

    /// What was reserved or zeroed behind the end and not used.
    private func giveBackBlocks(_ current: Current) {
        guard max(current.reserved, current.zeroed) > current.end else { return }
        try? self.parts.directory.files.truncate(current.descriptor, current.path, to: current.end)
    }

    /// Takes a half-written batch away, so that the segment can be used on when the disk has room again.
    private func cutOff(_ current: Current) {
        do throws(IOFailure) {
            try self.parts.directory.files.truncate(current.descriptor, current.path, to: current.end)
            self.current?.reserved = 0
            self.current?.zeroed = 0
        } catch { self.cutOffForGood(current) }
    }

    /// The same for a segment that is not used on. What could not be cut off is noted: the header of the next segment tells where this one
    /// ends only as long as there is that next one.
    private func cutOffForGood(_ current: Current) {
        do throws(IOFailure) {
            try self.parts.directory.files.truncate(current.descriptor, current.path, to: current.end)
            try self.parts.directory.files.sync(current.descriptor, current.path)
        } catch { self.parts.folder.noteLater([(segment: current.header.number, start: current.end, end: .max)]) }
        self.seal(current)
    }
}

/// Numbers that are given once: of records, bodies and queue entries in one row, and of segments.
final class Identifiers: Sendable {
    private let record: Atomic<Int64>
    private let segment: Atomic<UInt32>

    init(next: Int64, nextSegment: UInt32) {
        self.record = Atomic(next)
        self.segment = Atomic(nextSegment)
    }

    func next() -> Int64 { self.record.wrappingAdd(1, ordering: .relaxed).oldValue }
    func peek() -> Int64 { self.record.load(ordering: .relaxed) }
    func nextSegment() -> UInt32 { self.segment.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Accounts that were removed: their numbers never come back, and nothing is filed for them.
final class RemovedAccounts: Sendable {
    private let accounts: Mutex<Set<Int64>>
    init(_ accounts: Set<Int64>) { self.accounts = Mutex(accounts) }
    func contains(_ account: Int64) -> Bool { self.accounts.withLock { $0.contains(account) } }
    func insert(_ account: Int64) { self.accounts.withLock { _ = $0.insert(account) } }
}
