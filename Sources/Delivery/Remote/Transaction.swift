internal import Bounces
internal import MessageStore
internal import NIOCore
internal import Routing
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// Entries of one message that go to one next hop together.
struct Transaction: Sendable {
    let entries: [StoredQueueEntry]
    let hop: NextHop

    /// Of the message, with the recipients of these entries.
    var envelope: Envelope {
        guard let first = self.entries.first else { return Envelope(sender: nil) }
        var envelope = first.envelope
        envelope.recipients = self.entries.map(\.draft.recipient)
        return envelope
    }

    var trace: TraceID? { self.entries.first?.trace }
}

/// The message of a transaction as the session asks for it. Small ones are there as a whole; large ones come piece by piece.
final class OutgoingBody: Sendable {
    private let reader: MessageReader
    private let first: Mutex<ByteBuffer?>
    let size: Int64
    let body: SMTPClientMessage.Body
    /// A report that was made fit for a host without 8BITMIME.
    let isSevenBit: Bool

    /// Blocks: reads the first piece.
    /// - Parameter isSevenBit: a report of ours goes without its 8-bit original, where it can be found in the first piece.
    init(_ entry: StoredQueueEntry, _ store: MessageStore, isSevenBit: Bool = false) throws(StoreError) {
        // What stands before the body is this host's Received field; the entry has it.
        let reader = try store.queueReader(entry.id, prefix: ByteBuffer(bytes: entry.draft.payload))
        self.reader = reader
        let shared = FirstPiece()
        reader.next { result in shared.box.withLock { $0 = result } }
        let piece = try (shared.box.withLock { $0 } ?? .success(nil)).get() ?? ByteBuffer()
        if isSevenBit, let made = SevenBitReport.made(from: piece) {
            (self.isSevenBit, self.size) = (true, Int64(made.readableBytes))
            self.body = .whole(made)
            self.first = Mutex(nil)
            return
        }
        (self.isSevenBit, self.size) = (false, reader.size)
        if Int64(piece.readableBytes) >= reader.size {
            self.body = .whole(piece)
            self.first = Mutex(nil)
        } else {
            self.body = .streamed
            self.first = Mutex(piece)
        }
    }

    /// nil at the end.
    func next(_ completion: @escaping @Sendable (Result<ByteBuffer?, StoreError>) -> Void) {
        let held = self.first.withLock { first in
            defer { first = nil }
            return first
        }
        if let held { return completion(.success(held)) }
        self.reader.next(completion)
    }

    /// The first piece of a reader comes before `next` returns.
    private final class FirstPiece: Sendable {
        let box = Mutex<Result<ByteBuffer?, StoreError>?>(nil)
    }
}
