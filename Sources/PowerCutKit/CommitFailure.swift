internal import MailTesting
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// Drives a store whose index cannot be synced any more, and tells what it still does. Runs inside a child for which a rule fails one
/// sync of mail.db.
package enum CommitFailure {
    private static let account = AccountID(rawValue: 1)

    /// One word a line: `removed N` for each message whose removal was answered, then what the store says and does after the failure.
    package static func run(_ directory: String, say: (String) -> Void) throws {
        let location = StoreLocation(spool: "\(directory)/spool", mailbox: "\(directory)/mailbox")
        var options = StoreOptions()
        options.minimumFree = 0
        let store = try MessageStore.open(location, options)
        var hasFailed = false
        for number in 1...200 where !hasFailed {
            // Filing works beside this: it may be what meets the fault.
            guard case .success = try Self.accept(number, store) else {
                hasFailed = true
                break
            }
            say("accepted \(number)")
            guard number % 2 == 0 else { continue }
            if case .success(1) = try Self.remove(number, store) { say("removed \(number)") } else { hasFailed = true }
        }
        guard hasFailed else { return say("no removal failed") }
        if case .failed = store.health { say("health: failed") } else { say("health: \(store.health)") }
        if case .failure(.failed) = try Self.accept(1000, store) { say("mail: refused") } else { say("mail: taken") }
        if case .success = try Self.remove(1, store) { say("removal: done") } else { say("removal: refused") }
        let listing = try Self.waiting { store.openInbox(of: Self.account, completion: $0) }.get()
        let reader = try Self.waiting { store.reader(listing.mailbox, UID(rawValue: 1), completion: $0) }.get()
        let chunk = try Self.waiting { reader.next($0) }.get()
        say("reading: \(chunk.map { String(buffer: $0) } ?? "nothing")")
        store.close()
        say("closed")
    }

    private static func accept(_ number: Int, _ store: MessageStore) throws -> Result<Accepted, StoreRefusal> {
        let item = AcceptItem(
            body: .memory(ByteBuffer(string: "message \(number)")), envelope: Envelope(sender: nil), receivedAt: 1_790_000_000,
            trace: TraceID("t\(number)"), deliveries: [PlannedDelivery(account: Self.account, prefix: ByteBuffer())], queue: [])
        return try Self.waiting { store.accept(item, completion: $0) }
    }

    private static func remove(_ number: Int, _ store: MessageStore) throws -> Result<Int, StoreError> {
        let listing: MailboxListing
        switch try Self.waiting({ store.openInbox(of: Self.account, completion: $0) }) {
        case .success(let found): listing = found
        case .failure(let error): return .failure(error)
        }
        return try Self.waiting { store.expunge(listing.mailbox, [UID(rawValue: UInt32(number))], completion: $0) }
    }

    private static func waiting<Value: Sendable>(_ start: (@escaping @Sendable (Value) -> Void) -> Void) throws -> Value {
        let answer = Promised<Value>()
        start { answer.give($0) }
        return try answer.wait(for: "a completion of the store")
    }
}
