import Database
import Glibc
import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

/// A directory of its own that goes when the value does.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/po-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScratchError(code: errno) }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    struct ScratchError: Error { let code: Int32 }

    deinit { Self.remove(self.path) }

    static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != "." && name != ".." { Self.remove(path + "/" + name) }
            }
            closedir(directory)
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    var location: StoreLocation { StoreLocation(spool: self.path + "/spool", mailbox: self.path + "/mailbox") }

    func open(_ change: (inout StoreOptions) -> Void = { _ in }) throws -> MessageStore {
        var options = StoreOptions(now: { 1_800_000_000 })
        options.minimumFree = 0
        change(&options)
        return try MessageStore.open(self.location, options)
    }

    /// mail.db as SQLite sees it, while no store has it open.
    func mailDatabase() throws -> Database {
        try Database.open(self.location.mailDatabase, Schema(applicationID: 0x504F_4D4C, steps: Array(repeating: "", count: 6)))
    }

    /// Takes from mail.db what IMAP brought, as an instance of format 3 or earlier has it.
    func makeOlder(removing more: String = "", format: Int = 3) throws {
        let database = try self.mailDatabase()
        defer { database.close() }
        try database.write { db throws(DatabaseError) in
            try db.execute(
                """
                ALTER TABLE message DROP COLUMN saved; ALTER TABLE counter DROP COLUMN deleted; ALTER TABLE mailbox DROP COLUMN use;
                DROP TABLE keyword; DROP TABLE subscription; DROP TABLE acl; DROP TABLE metadata; DROP TABLE copying; DROP TABLE edit;
                ALTER TABLE mailbox DROP COLUMN edits_from; DROP TABLE unwritten; \(more);
                PRAGMA user_version = \(format)
                """)
        }
    }

    /// The files as they are at this moment: what a process that is killed now leaves behind.
    func image() throws -> Scratch {
        let copy = try Scratch()
        try Self.copy(self.path, to: copy.path)
        return copy
    }

    private static func copy(_ from: String, to: String) throws {
        guard let directory = opendir(from) else {
            let (input, output) = (Glibc.open(from, O_RDONLY), Glibc.open(to, O_WRONLY | O_CREAT, 0o600))
            defer { for descriptor in [input, output] where descriptor >= 0 { Glibc.close(descriptor) } }
            guard input >= 0, output >= 0 else { throw ScratchError(code: errno) }
            while true {
                let count = sendfile(output, input, nil, 1 << 20)
                if count < 0 { throw ScratchError(code: errno) }
                if count == 0 { return }
            }
        }
        defer { closedir(directory) }
        mkdir(to, 0o700)
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { try self.copy("\(from)/\(name)", to: "\(to)/\(name)") }
        }
    }

    /// Segment files, ascending.
    var segments: [String] {
        guard let directory = opendir(self.location.segments) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".seg") { names.append(self.location.segments + "/" + name) }
        }
        return names.sorted()
    }
}

func bytes(ofFile path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var out: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return out }
        out += buffer[..<count]
    }
}

func overwrite(_ path: String, _ bytes: [UInt8], at offset: Int = 0, truncating: Bool = false) {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    _ = pwrite(descriptor, bytes, bytes.count, offset)
    if truncating { ftruncate(descriptor, offset + bytes.count) }
}

let account = AccountID(rawValue: 7)

func message(
    _ body: String,
    to deliveries: [PlannedDelivery] = [PlannedDelivery(account: account, prefix: ByteBuffer(string: "Return-Path: <a@b>\r\n"))],
    queue: [QueueDraft] = [], at time: Int64 = 1_800_000_000
) -> AcceptItem {
    AcceptItem(
        body: .memory(ByteBuffer(string: body)), envelope: Envelope(sender: Address(localPart: "a", domain: "b")), receivedAt: time,
        trace: TraceID("T1"), deliveries: deliveries, queue: queue)
}

extension MessageStore {
    func accept(_ item: AcceptItem) async throws -> Accepted {
        try await awaited("accept") { self.accept(item, completion: $0) }
    }

    func openInbox(_ account: AccountID) async throws -> MailboxListing {
        try await awaited("openInbox") { self.openInbox(of: account, completion: $0) }
    }

    func openMailbox(_ mailbox: MailboxID) async throws -> MailboxListing {
        try await awaited("openMailbox") { self.openMailbox(mailbox, completion: $0) }
    }

    func makeMailbox(_ name: String, _ account: AccountID) async throws -> MailboxID {
        try await awaited("makeMailbox") { self.makeMailbox(name, of: account, completion: $0) }
    }

    func reader(_ mailbox: MailboxID, _ uid: UID) async throws -> MessageReader {
        try await awaited("reader") { self.reader(mailbox, uid, completion: $0) }
    }

    func text(_ mailbox: MailboxID, _ uid: UID) async throws -> String {
        let reader = try await self.reader(mailbox, uid)
        var out = ByteBuffer()
        while var chunk = try await reader.next() { out.writeBuffer(&chunk) }
        #expect(Int64(out.readableBytes) == reader.size)
        return String(buffer: out)
    }

    func expunge(_ mailbox: MailboxID, _ uids: [UID]) async throws -> Int {
        try await awaited("expunge") { self.expunge(mailbox, uids, completion: $0) }
    }

    func setFlags(_ mailbox: MailboxID, _ uids: [UID], _ change: FlagChange) async throws -> ModSeq {
        try await awaited("setFlags") { self.setFlags(mailbox, uids, change, completion: $0) }
    }

    func usage(_ account: AccountID) async throws -> AccountUsage {
        try await awaited("usage") { self.usage(of: account, completion: $0) }
    }

    func removeAccount(_ account: AccountID) async throws {
        try await awaited("removeAccount") { self.removeAccount(account, completion: $0) }
    }

    /// All texts of an account's INBOX, in UID order.
    func texts(_ account: AccountID) async throws -> [String] {
        let listing = try await self.openInbox(account)
        var out: [String] = []
        for entry in listing.entries { out.append(try await self.text(listing.mailbox, entry.uid)) }
        return out
    }
}

extension MessageReader {
    func next() async throws -> ByteBuffer? {
        try await awaited("a piece of a message") { self.next($0) }
    }
}

extension LargeBody {
    func append(_ bytes: ByteBuffer) async throws {
        try await awaited("append") { self.append(bytes, completion: $0) }
    }
}

extension MessageStore {
    func redeliver(_ id: QueueID, _ delivery: PlannedDelivery) async throws -> Redelivery {
        try await awaited("redeliver") { self.redeliver(id, as: [delivery], completion: $0) }
    }
}
