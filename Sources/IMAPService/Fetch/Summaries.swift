internal import MIME
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// What is known of a message's content.
enum KnownContent: Sendable {
    case summary(MessageSummary)
    /// It ended the server twice: nobody looks at what it says. [docs/decisions: 0015]
    case opaque
}

/// Summaries and headers of bodies: as they are kept, or made and kept from then on.
struct Summaries: Sendable {
    let store: MessageStore
    let crashGuard: any CrashGuard
    let account: AccountID?

    /// Those that are kept.
    func kept(_ blobs: Set<BlobID>) -> [BlobID: MessageSummary] {
        self.find(blobs, self.store.cachedSummaries) { MessageSummary(decoding: $0, isChecked: true) }
    }

    /// The same, one for each of the bodies.
    func kept(_ blobs: [BlobID]) -> [MessageSummary?] {
        self.find(blobs, self.store.cachedSummaries) { MessageSummary(decoding: $0, isChecked: true) }
    }

    /// The same, as they lie in the file: by place in `blobs`, as far as one behind the other is there.
    func eachKept(_ blobs: [BlobID], _ body: (Int, SummaryBytes) -> Void) {
        var next = 0
        self.store.eachCachedSummary(blobs) { index, bytes in
            guard index == next, let summary = SummaryBytes(bytes) else { return false }
            body(index, summary)
            next += 1
            return true
        }
    }

    /// One for each of the bodies.
    func keptHeaders(_ blobs: [BlobID]) -> [KeptHeader?] {
        self.find(blobs, self.store.cachedHeaders) { KeptHeader(decoding: $0) }
    }

    /// Bodies of messages that came one after the other ascend, and are looked up as they are.
    private func find<T>(_ blobs: [BlobID], _ look: ([BlobID]) -> [ByteBuffer?], _ make: (ByteBuffer) -> T?) -> [T?] {
        guard zip(blobs, blobs.dropFirst()).allSatisfy({ $0.rawValue < $1.rawValue }) else {
            let found = self.find(Set(blobs), look, make)
            return blobs.map { found[$0] }
        }
        return look(blobs).map { $0.flatMap(make) }
    }

    private func find<T>(_ blobs: Set<BlobID>, _ look: ([BlobID]) -> [ByteBuffer?], _ make: (ByteBuffer) -> T?) -> [BlobID: T] {
        let blobs = blobs.sorted { $0.rawValue < $1.rawValue }
        var out: [BlobID: T] = [:]
        out.reserveCapacity(blobs.count)
        for (blob, bytes) in zip(blobs, look(blobs)) { if let bytes, let value = make(bytes) { out[blob] = value } }
        return out
    }

    /// Made from the body, under guard.
    func make(_ content: MessageContent) throws(StoreError) -> KnownContent {
        guard let (summary, cached) = try self.prepared(content) else { return .opaque }
        self.store.cache([cached])
        return .summary(summary)
    }

    /// The same, for whoever keeps it; nil for what nobody may look at.
    func prepared(_ content: MessageContent) throws(StoreError) -> (summary: MessageSummary, cached: CachedBody)? {
        let name = ContentHash(content.blob)
        if self.crashGuard.isBlamed(name) { return nil }
        var builder = MessageSummaryBuilder()
        var at: Int64 = 0
        while at < content.bodySize {
            let piece = try content.read(at..<min(at + (64 << 10), content.bodySize))
            guard piece.readableBytes > 0 else { break }
            at += Int64(piece.readableBytes)
            let isBlamed = self.crashGuard.handling(.reading, piece, named: name, account: self.account) { isBlamed in
                if !isBlamed { builder.read(piece) }
                return isBlamed
            }
            if isBlamed { return nil }
        }
        let summary = self.crashGuard.handling(.reading, ByteBuffer(), named: name, account: self.account) { _ in builder.finish() }
        let header = try self.header(content, summary)
        return (summary, CachedBody(blob: content.blob, summary: summary.encoded, header: header.encoded))
    }

    /// The header as it is kept, of a body whose summary is there.
    func makeHeader(_ content: MessageContent, _ summary: MessageSummary) throws(StoreError) -> KeptHeader {
        let header = try self.header(content, summary)
        self.store.cache([CachedBody(blob: content.blob, header: header.encoded)])
        return header
    }

    private func header(_ content: MessageContent, _ summary: MessageSummary) throws(StoreError) -> KeptHeader {
        let range = summary.headerRange
        let isShort = Int64(range.count) <= KeptHeader.longest
        return KeptHeader(isShort ? try content.read(range) : nil, head: content.ends?.head, tail: content.ends?.tail)
    }
}
