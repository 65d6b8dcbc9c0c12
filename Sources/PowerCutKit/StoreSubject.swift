internal import MailTesting
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// The real store, with segments so small that every run rolls over many times.
package struct StoreSubject: CrashSubject {
    /// Before each start the header of the newest log segment is destroyed, as a bad sector would.
    private let destroysHeader: Bool

    package init(destroysHeader: Bool = false) { self.destroysHeader = destroysHeader }

    package var name: String { "store" }

    package func open(_ directory: String) throws -> any LiveStore {
        if self.destroysHeader { try Self.destroyNewestHeader("\(directory)/mailbox/segments") }
        var options = StoreOptions()
        options.segmentSize = 64 << 10
        // Several steps of zeros in a segment, none of them on a border of blocks.
        options.zerosAhead = 9_000
        options.inlineLimit = 24 << 10
        options.minimumFree = 0
        options.ballast = 64 << 10
        // Each change of flags is promised before it stands in the rows, as of very many messages.
        options.promisesFrom = 1
        let location = StoreLocation(spool: "\(directory)/spool", mailbox: "\(directory)/mailbox")
        return RealStore(
            store: try MessageStore.open(location, options), inlineLimit: options.inlineLimit, queue: location.acceptDatabase)
    }

    /// The key of a large segment stands in the log, where `repair` finds it; that of the newest log segment stands in mail.db alone.
    private static func destroyNewestHeader(_ directory: String) throws {
        guard DiskFile.isDirectory(directory) else { return }
        for name in try DiskFile.names(in: directory).filter({ $0.hasSuffix(".seg") }).sorted().reversed() {
            var bytes = try DiskFile.read("\(directory)/\(name)")
            guard bytes.count >= 128, bytes.starts(with: Array("POSTSEG\n".utf8)), bytes[10] == 1 else { continue }
            bytes.replaceSubrange(0..<128, with: [UInt8](repeating: 0xA5, count: 128))
            return try DiskFile.write(bytes, to: "\(directory)/\(name)")
        }
    }
}

/// Calls of the tester as calls of the store.
struct RealStore: LiveStore {
    let store: MessageStore
    let inlineLimit: Int
    /// The database that holds the queue; looked at from outside, read-only.
    let queue: String

    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void) {
        let adder = Self.adds(sample)
        let bytes = ByteBuffer(bytes: adder.map { sample.message(for: $0) } ?? sample.body())
        let body: AcceptItem.Body
        if bytes.readableBytes <= self.inlineLimit {
            body = .memory(bytes)
        } else {
            guard let large = self.streamed(bytes) else { return completion(false) }
            body = .large(large)
        }
        if let adder { return self.add(sample, body, to: adder, completion) }
        self.store.accept(self.item(sample, body)) { result in
            if case .success = result { completion(true) } else { completion(false) }
        }
    }

    /// Hands the body over in pieces, as a session does.
    private func streamed(_ bytes: ByteBuffer) -> LargeBody? {
        guard let large = try? self.store.beginLargeBody() else { return nil }
        var rest = bytes
        while let piece = rest.readSlice(length: min(16_384, rest.readableBytes)), piece.readableBytes > 0 {
            guard (try? waiting("a piece of a large body", { large.append(piece, completion: $0) })) != nil else {
                large.abandon()
                return nil
            }
        }
        return large
    }

    private func item(_ sample: Sample, _ body: AcceptItem.Body) -> AcceptItem {
        let sender = Address(localPart: "sender", domain: "example.test")
        let recipients = sample.recipients.map { Envelope.Recipient(Address(localPart: "account-\($0)", domain: "example.test")) }
        let deliveries = sample.recipients.map { account in
            PlannedDelivery(account: Self.id(account), prefix: ByteBuffer(bytes: sample.prefix(for: account)))
        }
        let outside = Envelope.Recipient(Address(localPart: "sample-\(sample.number)", domain: "remote.test"))
        let queue = sample.isQueued ? [QueueDraft(.held, recipient: outside, destination: "\(sample.number).remote.test", due: 0)] : []
        return AcceptItem(
            body: body, envelope: Envelope(sender: sender, recipients: recipients), receivedAt: 1_790_000_000 + Int64(sample.number),
            trace: TraceID("sample-\(sample.number)"), deliveries: deliveries, queue: queue)
    }

    /// One message in three that is for one mailbox alone comes as a client adds it.
    private static func adds(_ sample: Sample) -> Int? {
        sample.recipients.count == 1 && !sample.isQueued && sample.number % 3 == 0 ? sample.recipients.first : nil
    }

    private func add(_ sample: Sample, _ body: AcceptItem.Body, to account: Int, _ completion: @escaping @Sendable (Bool) -> Void) {
        self.store.findMailbox("INBOX", of: Self.id(account)) { found in
            guard case .success(.some(let inbox)) = found else { return completion(false) }
            self.store.append([AppendItem(body: body, date: 1_790_000_000)], to: inbox.id, quota: nil) { result in
                if case .success = result { completion(true) } else { completion(false) }
            }
        }
    }

    // MARK: A second mailbox, under changing names, and a third that comes and goes

    private static let names = ["Kept", "Kept elsewhere/and deeper"]

    private func second(_ account: Int) throws -> MailboxFacts? {
        for name in Self.names {
            let found: MailboxFacts? = try waiting("findMailbox") { self.store.findMailbox(name, of: Self.id(account), completion: $0) }
            if let found { return found }
        }
        return nil
    }

    func move(_ account: Int, uid: UInt32) throws -> Bool {
        let inbox = try self.knownInbox(account).mailbox
        let id = Self.id(account)
        var kept = try self.second(account)
        if let there = kept, uid % 3 == 0 {
            let other = there.name == Self.names[0] ? Self.names[1] : Self.names[0]
            try waiting("renameMailbox") { self.store.renameMailbox(there.name, to: other, of: id, completion: $0) } as Void
        }
        if kept == nil { kept = try waiting("createMailbox") { self.store.createMailbox(Self.names[0], of: id, completion: $0) } }
        guard let target = kept else { return false }
        let uids = UIDSet(uid...uid)
        if uid % 4 == 0 {
            let doomed: MailboxFacts = try waiting("createMailbox") { self.store.createMailbox("Doomed \(uid)", of: id, completion: $0) }
            let _: CopyResult = try waiting("copy") {
                self.store.copy(uids, from: inbox, to: doomed.id, quota: nil, isMove: false, completion: $0)
            }
            try waiting("deleteMailbox") { self.store.deleteMailbox(doomed.id, completion: $0) } as Void
        }
        let done: CopyResult = try waiting("move") {
            self.store.copy(uids, from: inbox, to: target.id, quota: nil, isMove: true, completion: $0)
        }
        guard done.copies.count == 1 else { throw Workload.Failure(description: "moved \(done.copies) of \(uids)") }
        return true
    }

    func moved(_ account: Int) throws -> [Int] {
        guard let kept = try self.second(account) else { return [] }
        let listing: MailboxListing = try waiting("openMailbox") { self.store.openMailbox(kept.id, completion: $0) }
        return try listing.entries.compactMap { entry in
            let reader: MessageReader = try waiting("reader") { self.store.reader(kept.id, entry.uid, completion: $0) }
            var bytes: [UInt8] = []
            while let chunk = try waiting("a piece of a message", { reader.next($0) }) { bytes += Array(chunk.readableBytesView) }
            return Sample.number(in: bytes)
        }
    }

    private static func id(_ account: Int) -> AccountID { AccountID(rawValue: Int64(account) + 1) }

    private func inbox(_ account: Int) throws -> MailboxListing? {
        do {
            return try waiting("openInbox") { self.store.openInbox(of: Self.id(account), completion: $0) }
        } catch StoreError.noSuchAccount {
            return nil
        }
    }

    private func knownInbox(_ account: Int) throws -> MailboxListing {
        guard let listing = try self.inbox(account) else { throw StoreError.noSuchAccount(Self.id(account)) }
        return listing
    }

    func list(_ account: Int) throws -> ListedMailbox? {
        guard let listing = try self.inbox(account) else { return nil }
        let messages = listing.entries.map { ListedMessage(uid: $0.uid.rawValue, flags: UInt32(truncatingIfNeeded: $0.flags.rawValue)) }
        return ListedMailbox(validity: listing.uidValidity.rawValue, messages: messages)
    }

    func read(_ account: Int, uid: UInt32) throws -> [UInt8] {
        let mailbox = try self.knownInbox(account).mailbox
        let reader: MessageReader = try waiting("reader") { self.store.reader(mailbox, UID(rawValue: uid), completion: $0) }
        var bytes: [UInt8] = []
        while let chunk = try waiting("a piece of a message", { reader.next($0) }) { bytes += Array(chunk.readableBytesView) }
        return bytes
    }

    func expunge(_ account: Int, uids: [UInt32]) throws {
        let mailbox = try self.knownInbox(account).mailbox
        let gone: Int = try waiting("expunge") { self.store.expunge(mailbox, uids.map { UID(rawValue: $0) }, completion: $0) }
        guard gone == uids.count else { throw Workload.Failure(description: "expunged \(gone) of \(uids)") }
    }

    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws {
        let mailbox = try self.knownInbox(account).mailbox
        let change = MessageStore.FlagChange.replace(Flags(rawValue: UInt64(flags)))
        let _: ModSeq = try waiting("setFlags") { self.store.setFlags(mailbox, [UID(rawValue: uid)], change, completion: $0) }
    }

    func removeAccount(_ account: Int) throws {
        try waiting("removeAccount") { self.store.removeAccount(Self.id(account), completion: $0) }
    }

    func queued() throws -> [Int] {
        // Entries are made when the log is filed: whoever waits for a mailbox has waited for them.
        _ = try self.inbox(0)
        let table = try SQLiteTable(self.queue, readOnly: true)
        defer { table.close() }
        return try table.rows("SELECT destination FROM queue WHERE channel = 9").compactMap { row in
            guard case .text(let destination) = row[0] else { return nil }
            return destination.split(separator: ".").first.flatMap { Int($0) }
        }.sorted()
    }
    func complaints() throws -> [String] {
        try bounded("the check", seconds: 120) { [store] in try store.check().problems.map(\.description) }
    }

    func close() { self.store.close() }
}

/// Waits for the one completion of a call.
private func waiting<Value: Sendable, Problem: Error>(
    _ what: String, _ start: (@escaping @Sendable (Result<Value, Problem>) -> Void) -> Void
) throws -> Value {
    let answer = Promised<Result<Value, Problem>>()
    start { answer.give($0) }
    return try answer.wait(for: what).get()
}
