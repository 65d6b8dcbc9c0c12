import Glibc
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

/// Files as a crash leaves them: copied beside a store that goes on.
extension Scratch {
    func copy(of other: Scratch, databasesOf older: Scratch? = nil) throws {
        for name in ["spool", "mailbox", "mailbox/segments"] { mkdir(self.path + "/" + name, 0o700) }
        let databases = (older ?? other).path
        for name in ["spool/accept.db", "spool/accept.db-wal", "mailbox/mail.db", "mailbox/mail.db-wal"] {
            guard access(databases + "/" + name, F_OK) == 0 else { continue }
            overwrite(self.path + "/" + name, bytes(ofFile: databases + "/" + name), truncating: true)
        }
        for segment in other.segments {
            overwrite(self.location.segments + "/" + segment.suffix(12), bytes(ofFile: segment), truncating: true)
        }
    }
}

/// Fails what the test says, when it says so.
final class Switch: Sendable {
    private let failing = Mutex<[FileFaults.Operation: Int32]>([:])
    private let calls = Mutex<[FileFaults.Operation: Int]>([:])

    func fail(_ operation: FileFaults.Operation, _ code: Int32?) { self.failing.withLock { $0[operation] = code } }

    var faults: FileFaults {
        FileFaults { operation, path in
            guard path.hasSuffix(".seg") || operation == .syncDirectory else { return nil }
            self.calls.withLock { $0[operation, default: 0] += 1 }
            return self.failing.withLock { $0[operation] }
        }
    }

    func count(_ operation: FileFaults.Operation) -> Int { self.calls.withLock { $0[operation] ?? 0 } }
}

@Suite struct DurabilityTests {
    @Test("R1 one sync stands behind each answer, before it") func syncBeforeAnswer() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        let store = try scratch.open { $0.faults = faults.faults }
        defer { store.close() }
        _ = try await store.accept(message("first\r\n"))
        let before = faults.count(.sync)
        _ = try await store.accept(message("second\r\n"))
        #expect(faults.count(.sync) == before + 1)
    }

    @Test("R1 a killed process leaves all that was answered, once") func killedProcess() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.segmentSize = 3000 }
        defer { store.close() }
        for number in 1...40 {
            _ = try await store.accept(message("\(number)\r\n", to: [PlannedDelivery(account: account)]))
            guard number % 8 == 0 else { continue }
            let crashed = try Scratch()
            _ = try await store.openInbox(account)
            try crashed.copy(of: scratch)
            let after = try crashed.open()
            defer { after.close() }
            #expect(try await after.texts(account) == (1...number).map { "\($0)\r\n" })
            #expect(try after.check().problems == [])
        }
    }

    @Test("R1 databases that are behind are brought up from the log, with the same UIDs") func replay() async throws {
        let scratch = try Scratch()
        var store = try scratch.open { $0.segmentSize = 3000 }
        for number in 1...5 { _ = try await store.accept(message("\(number)\r\n", to: [PlannedDelivery(account: account)])) }
        let validity = try await store.openInbox(account).uidValidity
        store.close()
        let older = try Scratch()
        try older.copy(of: scratch)
        store = try scratch.open { $0.segmentSize = 3000 }
        for number in 6...60 {
            let queue = number == 30 ? [QueueDraft(.remote, recipient: .init(Address(localPart: "r", domain: "far.test")), due: 5)] : []
            _ = try await store.accept(message("\(number)\r\n", to: [PlannedDelivery(account: account)], queue: queue))
        }
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "large\r\n"))
        var item = message("", to: [PlannedDelivery(account: account)])
        item.body = .large(large)
        _ = try await store.accept(item)
        store.close()
        let crashed = try Scratch()
        try crashed.copy(of: scratch, databasesOf: older)
        for _ in 1...2 {
            let after = try crashed.open { $0.segmentSize = 3000 }
            let listing = try await after.openInbox(account)
            #expect(listing.uidValidity == validity && listing.entries.map(\.uid.rawValue) == Array(1...61))
            #expect(try await after.texts(account) == (1...60).map { "\($0)\r\n" } + ["large\r\n"])
            #expect(try after.queueEntries(limit: 10).map(\.draft.recipient.address.domain) == ["far.test"])
            #expect(after.problemsAtOpen == [])
            #expect(try after.check().problems == [])
            after.close()
        }
    }

    @Test("R2 a failing sync refuses the message, which never shows; the next one works") func failingSync() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        var store = try scratch.open { $0.faults = faults.faults }
        _ = try await store.accept(message("1\r\n", to: [PlannedDelivery(account: account)]))
        faults.fail(.sync, EIO)
        await #expect(throws: StoreRefusal.self) { try await store.accept(message("2\r\n", to: [PlannedDelivery(account: account)])) }
        faults.fail(.sync, nil)
        _ = try await store.accept(message("3\r\n", to: [PlannedDelivery(account: account)]))
        #expect(scratch.segments.count == 2 && store.health == .writable)
        #expect(try await store.texts(account) == ["1\r\n", "3\r\n"])
        #expect(try await store.usage(account).messages == 2)
        store.close()
        store = try scratch.open()
        defer { store.close() }
        #expect(try await store.texts(account) == ["1\r\n", "3\r\n"])
        #expect(try store.check().problems == [])
    }

    @Test("R2 R8 a disk that fails again and again makes the store read-only") func brokenDisk() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        var store = try scratch.open { $0.faults = faults.faults }
        _ = try await store.accept(message("1\r\n", to: [PlannedDelivery(account: account)]))
        faults.fail(.sync, EIO)
        for _ in 1...5 { await #expect(throws: StoreRefusal.self) { try await store.accept(message("2\r\n")) } }
        faults.fail(.sync, nil)
        guard case .failed = store.health else {
            Issue.record("the store should have given up")
            return store.close()
        }
        await #expect(throws: StoreRefusal.self) { try await store.accept(message("3\r\n")) }
        #expect(throws: StoreRefusal.self) { try store.beginLargeBody() }
        #expect(try await store.texts(account) == ["1\r\n"])
        store.close()
        store = try scratch.open()
        defer { store.close() }
        _ = try await store.accept(message("4\r\n", to: [PlannedDelivery(account: account)]))
        #expect(try await store.texts(account) == ["1\r\n", "4\r\n"])
        #expect(try store.check().problems == [])
    }

    @Test("R2 a directory that cannot be written refuses with a reason that is known until mail is taken again, however often it was tried")
    func unwritableDirectory() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        let store = try scratch.open {
            $0.faults = faults.faults
            $0.segmentSize = 1
        }
        defer { store.close() }
        #expect(store.lastFailure == nil)
        faults.fail(.create, EACCES)
        for _ in 1...8 { await #expect(throws: StoreRefusal.self) { try await store.accept(message("2\r\n")) } }
        let reason = try #require(store.lastFailure)
        #expect(reason.hasPrefix("create ") && reason.hasSuffix(".seg: Permission denied"))
        #expect(store.health == .writable, "it is not the disk")
        faults.fail(.create, nil)
        _ = try await store.accept(message("3\r\n", to: [PlannedDelivery(account: account)]))
        #expect(store.lastFailure == nil)
        #expect(try await store.texts(account) == ["3\r\n"])
    }

    @Test("R2 the least free space can be changed while the store is open, and holds at once") func changedMinimum() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        store.setMinimumFree(.max)
        #expect(store.health == .diskLow)
        await #expect(throws: StoreRefusal.self) { try await store.accept(message("1\r\n")) }
        store.setMinimumFree(0)
        #expect(store.health == .writable)
        _ = try await store.accept(message("2\r\n", to: [PlannedDelivery(account: account)]))
        #expect(try await store.texts(account) == ["2\r\n"])
    }

    @Test("R2 a full disk refuses with a reason of its own, and the store goes on when there is room") func fullDisk() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        let store = try scratch.open {
            $0.faults = faults.faults
            $0.segmentSize = 1
        }
        defer { store.close() }
        for operation in [FileFaults.Operation.write, .create] {
            faults.fail(operation, ENOSPC)
            await #expect(throws: StoreRefusal.diskFull) {
                try await store.accept(message("no\r\n", to: [PlannedDelivery(account: account)]))
            }
            faults.fail(operation, nil)
            _ = try await store.accept(message("yes\r\n", to: [PlannedDelivery(account: account)]))
        }
        #expect(try await store.texts(account) == ["yes\r\n", "yes\r\n"])
        #expect(store.health == .writable)
        #expect(try store.check().problems == [])
    }

    @Test("R2 below the minimum of free space mail is refused early; reading and removing go on") func lowDisk() async throws {
        let scratch = try Scratch()
        var store = try scratch.open()
        _ = try await store.accept(message("1\r\n", to: [PlannedDelivery(account: account)]))
        store.close()
        store = try scratch.open { $0.minimumFree = .max }
        defer { store.close() }
        #expect(store.health == .diskLow)
        await #expect(throws: StoreRefusal.diskLow) { try await store.accept(message("2\r\n")) }
        #expect(throws: StoreRefusal.diskLow) { try store.beginLargeBody() }
        #expect(try await store.texts(account) == ["1\r\n"])
        #expect(try await store.expunge(try await store.openInbox(account).mailbox, [UID(rawValue: 1)]) == 1)
    }

    @Test("R2 a large body that cannot be written or synced is refused and leaves no file") func failingLargeBody() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        let store = try scratch.open { $0.faults = faults.faults }
        for operation in [FileFaults.Operation.create, .write, .allocate, .sync, .syncDirectory, .truncate] {
            let large = try store.beginLargeBody()
            faults.fail(operation, ENOSPC)
            try? await large.append(ByteBuffer(string: "x"))
            var item = message("")
            item.body = .large(large)
            await #expect(throws: StoreRefusal.self, "\(operation)") { try await store.accept(item) }
            faults.fail(operation, nil)
        }
        #expect(try await store.texts(account) == [])
        store.close()
        #expect(scratch.segments.isEmpty)
    }

    @Test("R2 a large body that the log does not take goes away") func refusedAdoption() async throws {
        let scratch = try Scratch()
        let faults = Switch()
        let store = try scratch.open { $0.faults = faults.faults }
        _ = try await store.accept(message("1\r\n"))
        let large = try store.beginLargeBody()
        try await large.append(ByteBuffer(string: "x"))
        var item = message("")
        item.body = .large(large)
        // The large file syncs first, then the log's segment does.
        let log = scratch.segments[0]
        let broken = Switch()
        let failing = FileFaults { operation, path in path == log ? broken.faults.decide(operation, path) : nil }
        store.close()
        let second = try scratch.open { $0.faults = failing }
        broken.fail(.sync, EIO)
        let again = try second.beginLargeBody()
        try await again.append(ByteBuffer(string: "x"))
        item.body = .large(again)
        await #expect(throws: StoreRefusal.self) { try await second.accept(item) }
        second.close()
        #expect(scratch.segments == [log])
        let third = try scratch.open()
        defer { third.close() }
        #expect(try await third.texts(account).count == 1)
        #expect(try third.check().problems == [])
    }

    @Test func aSecondOpeningIsRefusedWhileTheFirstLives() throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        #expect(throws: StoreError.self) { try scratch.open() }
        store.close()
        try scratch.open().close()
    }

    @Test("R8 after closing everything is answered") func closedStoreAnswers() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        store.close()
        await #expect(throws: StoreRefusal.closed) { try await store.accept(message("x")) }
        await #expect(throws: StoreError.self) { try await store.openInbox(account) }
        await #expect(throws: StoreError.self) { try await store.expunge(MailboxID(rawValue: 1), [UID(rawValue: 1)]) }
    }

    @Test func filesAreForTheOwnerAlone() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        _ = try await store.accept(message("x\r\n"))
        defer { store.close() }
        #expect(try store.check().problems == [])
        chmod(scratch.location.mailDatabase, 0o644)
        chmod(scratch.location.segments, 0o755)
        #expect(try store.check().problems.map(\.kind) == ["mode", "mode"])
    }
}
