internal import Database
package import NIOCore
internal import Synchronization
internal import Vocabulary

/// A body over the inline limit on its way into a file of its own. Belongs to one session; every method returns at once and works on
/// the store's threads. Ended by `MessageStore.accept`, or by `abandon`, or by being dropped (which abandons it).
package final class LargeBody: Sendable {
    private let file: LargeFile

    /// Bytes appended so far.
    package var count: Int64 { self.file.count }

    init(_ file: LargeFile) { self.file = file }

    deinit { self.file.abandon() }

    /// Adds bytes in order. `completion` comes when they are written (not synced): hold back reading while much is outstanding.
    /// After a failure all further appends fail alike, and `accept` does.
    package func append(_ bytes: ByteBuffer, completion: @escaping @Sendable (Result<Void, StoreRefusal>) -> Void) {
        self.file.enqueue(.append(bytes, completion), bytes: Int64(bytes.readableBytes))
    }

    /// The message is not coming after all: the file goes away.
    package func abandon() { self.file.abandon() }

    /// Completes the file with its trailer and syncs it; it counts once the record answered here is in the log.
    func finish(_ item: AcceptItem, _ completion: @escaping @Sendable (Result<PreparedItem, StoreRefusal>) -> Void) {
        self.file.enqueue(.finish(item, completion), bytes: 0)
    }

    /// The log did not take it.
    func discard() { self.file.discard() }
}

/// The file behind a large body, and the line of what is to be done with it: one thing at a time, in order, on the pool.
final class LargeFile: Sendable {
    enum Step: Sendable {
        case append(ByteBuffer, @Sendable (Result<Void, StoreRefusal>) -> Void)
        case finish(AcceptItem, @Sendable (Result<PreparedItem, StoreRefusal>) -> Void)
        case abandon
        case discard
    }

    struct Parts: Sendable {
        let directory: SegmentDirectory
        let options: StoreOptions
        let health: HealthState
        let identifiers: Identifiers
        let pool: WorkerPool
        let store: [UInt8]
    }

    private struct Line: Sendable {
        var steps: [Step] = []
        var isRunning = false
        var count: Int64 = 0
        /// Given to the log, or abandoned: no more steps but `discard`.
        var isEnded = false
    }

    /// Touched by the running step alone.
    private struct Body {
        var header: SegmentHeader
        var path: String
        var descriptor: Int32
        var end: Int64
        var allocated: Int64
        var digest = RunningDigest()
    }

    private let parts: Parts
    private let line = Mutex(Line())
    private let body = Mutex<Body?>(nil)
    private let failure = Mutex<StoreRefusal?>(nil)
    private static let allocationStep: Int64 = 4 << 20

    init(_ parts: Parts) { self.parts = parts }

    var count: Int64 { self.line.withLock { $0.count } }

    func enqueue(_ step: Step, bytes: Int64) {
        enum Turn { case start, waits, refused }
        let turn: Turn = self.line.withLock { line in
            if line.isEnded { return .refused }
            if case .finish = step { line.isEnded = true }
            line.steps.append(step)
            line.count += bytes
            defer { line.isRunning = true }
            return line.isRunning ? .waits : .start
        }
        switch turn {
        case .waits: break
        case .refused: Self.answer(step, .closed)
        case .start: self.startRunning()
        }
    }

    func abandon() {
        let mustStart = self.line.withLock { line in
            guard !line.isEnded else { return false }
            line.isEnded = true
            line.steps.append(.abandon)
            defer { line.isRunning = true }
            return !line.isRunning
        }
        if mustStart { self.startRunning() }
    }

    func discard() {
        let mustStart = self.line.withLock { line in
            line.steps.append(.discard)
            defer { line.isRunning = true }
            return !line.isRunning
        }
        if mustStart { self.startRunning() }
    }

    private func startRunning() {
        if self.parts.pool.submit({ self.run() }) { return }
        // The pool is full: what waits fails, and the file goes away at the next start if not before.
        self.failure.withLock { $0 = $0 ?? .busy }
        self.run()
    }

    private func run() {
        while let step = self.line.withLock({ line -> Step? in
            guard !line.steps.isEmpty else {
                line.isRunning = false
                return nil
            }
            return line.steps.removeFirst()
        }) {
            self.perform(step)
        }
    }

    private func perform(_ step: Step) {
        switch step {
        case .append(let bytes, let completion): completion(self.attempt { () throws(IOFailure) in try self.write(bytes) })
        case .finish(let item, let completion):
            var prepared: PreparedItem?
            let result = self.attempt { () throws(IOFailure) in prepared = try self.complete(item) }
            if let prepared, case .success = result { return completion(.success(prepared)) }
            self.remove()
            completion(.failure(self.failure.withLock { $0 } ?? .closed))
        case .abandon, .discard: self.remove()
        }
    }

    private static func answer(_ step: Step, _ refusal: StoreRefusal) {
        switch step {
        case .append(_, let completion): completion(.failure(refusal))
        case .finish(_, let completion): completion(.failure(refusal))
        case .abandon, .discard: break
        }
    }

    private func attempt(_ work: () throws(IOFailure) -> Void) -> Result<Void, StoreRefusal> {
        if let failure = self.failure.withLock({ $0 }) ?? self.parts.health.refusal { return .failure(failure) }
        do throws(IOFailure) {
            try work()
            return .success(())
        } catch {
            self.parts.health.noteFailure(error)
            let refusal: StoreRefusal = error.isDiskFull ? .diskFull : .io(error)
            self.failure.withLock { $0 = refusal }
            return .failure(refusal)
        }
    }

    // MARK: The file

    private func opened() throws(IOFailure) -> Body {
        if let body = self.body.withLock({ $0 }) { return body }
        let number = self.parts.identifiers.nextSegment()
        let header = SegmentHeader(
            kind: .large, number: number, key: self.parts.options.random(16), createdAt: self.parts.options.now(),
            nextSequence: self.parts.identifiers.peek(), store: self.parts.store)
        let path = self.parts.directory.path(of: number)
        // Synced once, when it is complete.
        let descriptor = try self.parts.directory.files.create(path)
        let made = Body(header: header, path: path, descriptor: descriptor, end: Int64(SegmentHeader.size), allocated: 0)
        self.body.withLock { $0 = made }
        try self.parts.directory.writeHeader(header, descriptor, path)
        return made
    }

    private func write(_ bytes: ByteBuffer) throws(IOFailure) {
        var body = try self.opened()
        let files = self.parts.directory.files
        if body.end + Int64(bytes.readableBytes) > body.allocated {
            let step = max(Self.allocationStep, Int64(bytes.readableBytes))
            try files.allocate(body.descriptor, body.path, from: body.end, step)
            body.allocated = body.end + step
        }
        try files.write(body.descriptor, body.path, bytes, at: body.end)
        bytes.withUnsafeReadableBytes { body.digest.body($0) }
        body.end += Int64(bytes.readableBytes)
        let done = body
        self.body.withLock { $0 = done }
    }

    private func complete(_ item: AcceptItem) throws(IOFailure) -> PreparedItem {
        var body = try self.opened()
        let files = self.parts.directory.files
        let length = body.end - Int64(SegmentHeader.size)
        let shared = SharedPrefix(item.deliveries)
        shared.head.withUnsafeReadableBytes { body.digest.prefix($0) }
        shared.tail.withUnsafeReadableBytes { body.digest.prefix($0) }
        let place = BlobPlace(
            segment: body.header.number, offset: Int64(SegmentHeader.size), body: length, head: UInt32(clamping: shared.head.readableBytes),
            tail: UInt32(clamping: shared.tail.readableBytes))
        let blob = self.parts.identifiers.next()
        var payload = RecordPayload(item, shared)
        payload.key = body.header.key
        let prepared = PreparedItem(adopting: item, blob: BlobID(rawValue: blob), place: place, payload: payload)
        let end = Self.ending(shared, payload, item, body.digest.finish(), length, blob, body.header.keys)
        try files.write(body.descriptor, body.path, end, at: body.end)
        // Gives back what was reserved too much.
        try files.truncate(body.descriptor, body.path, to: body.end + Int64(end.readableBytes))
        try files.sync(body.descriptor, body.path)
        try files.syncDirectory(self.parts.directory.path)
        files.close(body.descriptor)
        body.descriptor = -1
        let done = body
        self.body.withLock { $0 = done }
        return prepared
    }

    /// What follows the body: head, tail, trailer, payload.
    private static func ending(
        _ shared: SharedPrefix, _ payload: RecordPayload, _ item: AcceptItem, _ digest: BodyDigest, _ length: Int64, _ blob: Int64,
        _ keys: RecordKeys
    ) -> ByteBuffer {
        let encoded = payload.encoded()
        var trailer = Trailer(
            kind: .message, payloadLength: encoded.readableBytes, bodyLength: length, headLength: shared.head.readableBytes,
            tailLength: shared.tail.readableBytes, receivedAt: item.receivedAt, digest: digest,
            payloadCRC: encoded.withUnsafeReadableBytes { RunningDigest.checksum($0) })
        trailer.blob = blob
        trailer.offset = Int64(SegmentHeader.size)
        var out = ByteBuffer()
        out.writeImmutableBuffer(shared.head)
        out.writeImmutableBuffer(shared.tail)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: Trailer.size) { raw in
            trailer.write(to: UnsafeMutableRawBufferPointer(rebasing: raw[..<Trailer.size]), keys)
            return Trailer.size
        }
        out.writeImmutableBuffer(encoded)
        return out
    }

    private func remove() {
        guard
            let body = self.body.withLock({ body in
                defer { body = nil }
                return body
            })
        else { return }
        if body.descriptor >= 0 { self.parts.directory.files.close(body.descriptor) }
        // What stays is found and removed at the next start.
        try? self.parts.directory.files.unlink(body.path)
    }
}
