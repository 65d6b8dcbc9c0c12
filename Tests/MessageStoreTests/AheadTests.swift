import Database
import Glibc
import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

/// What a client adds is filed while the log is synced, but for the commit.
@Suite struct AheadTests {
    /// Holds each sync of a log segment, or fails it, as the test says.
    private final class Syncs: Sendable {
        enum Order: Sendable { case pass, hold, fail }
        private let state = Monitor((order: Order.pass, held: 0))

        var faults: FileFaults {
            FileFaults { operation, path in
                guard operation == .sync, path.hasSuffix(".seg") else { return nil }
                self.state.withLock { if $0.order == .hold { $0.held += 1 } }
                self.state.broadcast()
                return self.state.wait(until: { $0.order != .hold }, then: { $0.order == .fail ? EIO : nil })
            }
        }

        func order(_ order: Order) {
            self.state.withLock { $0.order = order }
            self.state.broadcast()
        }

        /// Returns when a sync is held.
        func waitForOne() { self.state.wait(milliseconds: Int(Patience.usual * 1000), until: { $0.held > 0 }, then: { _ in }) }
    }

    @Test("R1 nobody is told or shown anything of a message that is filed while its sync is under way")
    func nothingBeforeTheSync() async throws {
        let scratch = try Scratch()
        let syncs = Syncs()
        let store = try scratch.open { $0.faults = syncs.faults }
        defer { store.close() }
        defer { syncs.order(.pass) }
        let box = try await store.create("box", account).id
        _ = try await store.append([added("1\r\n")], box)
        let before = try store.mailbox(box)
        syncs.order(.hold)
        let answer = Promised<Result<AppendResult, StoreError>>()
        let isTold = Atomic(false)
        store.append([added("2\r\n")], to: box, quota: nil) { result in
            isTold.store(true, ordering: .relaxed)
            answer.give(result)
        }
        syncs.waitForOne()
        // A change that comes meanwhile may wait with it, and is not lost.
        let flagged = Promised<Result<FlagsChanged, StoreError>>()
        store.changeFlags(box, [1], .add(.seen)) { flagged.give($0) }
        for _ in 0..<20 {
            #expect(try store.rows(of: box, uids: UIDSet(1...9), limit: 9).count == 1)
            #expect(try store.mailbox(box).uidNext == before.uidNext)
            let told = isTold.load(ordering: .relaxed)
            #expect(!told)
            usleep(1000)
        }
        // What a crash leaves now is the mailbox of before.
        let crashed = try scratch.image()
        syncs.order(.pass)
        #expect(try answer.wait(for: "APPEND").get().uids == [UID(rawValue: 2)])
        _ = try flagged.wait(for: "STORE").get()
        #expect(try await store.rows(box, UIDSet(1...9)).map(\.flags) == [.seen, []])
        #expect(try store.check().problems == [])
        let again = try crashed.open()
        defer { again.close() }
        #expect(try again.check().problems == [])
    }

    @Test("R2 a message whose sync fails is refused and was never there; what was to happen in the same transaction happens without it")
    func failedSync() async throws {
        let scratch = try Scratch()
        let syncs = Syncs()
        var store = try scratch.open { $0.faults = syncs.faults }
        let box = try await store.create("box", account).id
        _ = try await store.append([added("1\r\n")], box)
        let modSeq = try store.mailbox(box).highestModSeq
        syncs.order(.hold)
        let answer = Promised<Result<AppendResult, StoreError>>()
        store.append([added("2\r\n"), added("3\r\n")], to: box, quota: nil) { answer.give($0) }
        syncs.waitForOne()
        let flagged = Promised<Result<FlagsChanged, StoreError>>()
        store.changeFlags(box, [1], .add(.seen)) { flagged.give($0) }
        syncs.order(.fail)
        #expect(throws: StoreError.self) { try answer.wait(for: "APPEND").get() }
        syncs.order(.pass)
        #expect(try flagged.wait(for: "STORE").get().modSeq == ModSeq(rawValue: modSeq.rawValue + 1))
        #expect(try await store.append([added("4\r\n")], box).uids == [UID(rawValue: 2)])
        for _ in 0..<2 {
            #expect(try await store.text(box, UID(rawValue: 2)) == "4\r\n")
            #expect(try await store.view(box).messages == 2)
            #expect(try store.check().problems == [])
            store.close()
            store = try scratch.open()
        }
        store.close()
    }

    @Test("R1 R2 many sessions add, deliver and remove while some syncs fail: what was answered is there once, what was refused is not")
    func manySessions() async throws {
        let scratch = try Scratch()
        let turn = Atomic(0)
        let store = try scratch.open {
            $0.segmentSize = 20_000
            $0.faults = FileFaults { operation, path in
                guard operation == .sync, path.hasSuffix(".seg") else { return nil }
                // Not often enough in a row to make the store give up.
                return turn.add(1, ordering: .relaxed).newValue % 5 == 0 ? EIO : nil
            }
        }
        let box = try await store.create("box", account).id
        let kept = Mutex<Set<String>>([])
        try inParallel(6, "sessions") { session in
            for number in 0..<40 {
                let text = "\(session)-\(number)\r\n"
                let isGood: Bool
                if session < 4 {
                    let answer = Promised<Result<AppendResult, StoreError>>()
                    store.append([added(text)], to: box, quota: nil) { answer.give($0) }
                    isGood = (try? answer.wait(for: "APPEND").get()) != nil
                } else {
                    let answer = Promised<Result<Accepted, StoreRefusal>>()
                    store.accept(message(text, to: [PlannedDelivery(account: account, mailbox: box)])) { answer.give($0) }
                    isGood = (try? answer.wait(for: "a delivery").get()) != nil
                }
                if isGood { kept.withLock { _ = $0.insert(text) } }
                guard number % 7 == 0 else { continue }
                let flagged = Promised<Result<FlagsChanged, StoreError>>()
                store.changeFlags(box, UIDSet(1...5), .toggle(session)) { flagged.give($0) }
                _ = try? flagged.wait(for: "STORE")
            }
        }
        #expect(store.health == .writable)
        let uids = try await store.uids(box, asOf: store.view(box))
        var found: [String] = []
        for uid in uids { found.append(try await store.text(box, uid)) }
        #expect(Set(found) == kept.withLock { $0 })
        #expect(Set(found).count == found.count)
        #expect(kept.withLock { $0.count } > 100)
        #expect(try store.check().problems == [])
        store.close()
        let again = try scratch.open()
        defer { again.close() }
        #expect(try await again.view(box).messages == found.count)
        #expect(try again.check().problems == [])
    }
}

extension MessageStore.FlagChange {
    fileprivate static func toggle(_ number: Int) -> Self { number.isMultiple(of: 2) ? .add(.flagged) : .remove(.flagged) }
}
