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

/// Summaries of bodies: as they are kept, or made and kept from then on.
struct Summaries: Sendable {
    let store: MessageStore
    let crashGuard: any CrashGuard
    let account: AccountID?

    /// Those that are kept.
    func kept(_ blobs: [BlobID]) -> [BlobID: MessageSummary] {
        var out: [BlobID: MessageSummary] = [:]
        out.reserveCapacity(blobs.count)
        for (blob, bytes) in zip(blobs, self.store.cached(blobs)) {
            if let bytes, let summary = MessageSummary(decoding: bytes) { out[blob] = summary }
        }
        return out
    }

    /// Made from the body, under guard.
    func make(_ content: MessageContent) throws(StoreError) -> KnownContent {
        let name = ContentHash(content.blob)
        if self.crashGuard.isBlamed(name) { return .opaque }
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
            if isBlamed { return .opaque }
        }
        let summary = self.crashGuard.handling(.reading, ByteBuffer(), named: name, account: self.account) { _ in builder.finish() }
        self.store.cache([(content.blob, summary.encoded)])
        return .summary(summary)
    }
}
