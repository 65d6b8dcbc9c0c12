import Database
import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

@Suite struct CheckTests {
    /// A clock that stops who removes something, in the midst of the transaction.
    private final class StoppingClock: Sendable {
        private let state = Monitor((looksToStop: -1, isStopped: false, mayGo: false))

        func now() -> Int64 {
            let stops = self.state.withLock { state in
                guard state.looksToStop >= 0 else { return false }
                state.looksToStop -= 1
                state.isStopped = state.isStopped || state.looksToStop < 0
                return state.looksToStop < 0
            }
            if stops {
                self.state.broadcast()
                self.state.wait(until: \.mayGo, then: { _ in })
            }
            return 1_800_000_000
        }

        /// Stops who looks for the first time after so many looks; returns when somebody has.
        func stop(after looks: Int, _ begin: () -> Void) {
            self.state.withLock { $0.looksToStop = looks }
            begin()
            self.state.wait(milliseconds: Int(Patience.usual * 1000), until: \.isStopped, then: { _ in })
        }

        func letGo() {
            self.state.withLock { $0.mayGo = true }
            self.state.broadcast()
        }

        /// Looks that nobody stops at any more.
        func waitForGoing(milliseconds: Int) { self.state.wait(milliseconds: milliseconds, until: \.mayGo, then: { _ in }) }
    }

    /// Seen once in a power-cut test on a busy machine: a job that removes an account's mail was in its commit while the check began, which
    /// then counted messages from before that commit and references from behind it.
    @Test("a check that begins in the midst of a removal finds nothing wrong")
    func checkWithinARemoval() async throws {
        let scratch = try Scratch()
        let clock = StoppingClock()
        let store = try scratch.open { $0.now = { clock.now() } }
        defer { store.close() }
        defer { clock.letGo() }
        // More than the check reads at once, of one body.
        let many = try await store.create("many", account).id
        _ = try await store.append([added("1\r\n")], many)
        var count: UInt32 = 1
        while count <= 2100 {
            _ = try await store.copy(UIDSet(1...count), many, many)
            count *= 2
        }
        let other = try await store.create("other", account).id
        _ = try await store.append([added("2\r\n"), added("3\r\n")], other)

        // Two removals in one transaction: the first is made, the second stops, so that the transaction stays open.
        let held = try await HeldFolder(store, by: other)
        let removed = Promised<Result<Expunged, StoreError>>()
        let removedToo = Promised<Result<Expunged, StoreError>>()
        store.expunge(many, uids: [1], onlyDeleted: false) { removed.give($0) }
        store.expunge(other, uids: [1], onlyDeleted: false) { removedToo.give($0) }
        clock.stop(after: 1) { held.letGo() }

        let checked = Promised<Result<CheckReport, StoreError>>()
        testThread {
            let result: Result<CheckReport, StoreError>
            do throws(StoreError) {
                result = .success(
                    try store.check { progress in
                        guard progress.step == "references" else { return }
                        clock.letGo()
                        _ = try? removedToo.wait(for: "the removal")
                    })
            } catch { result = .failure(error) }
            checked.give(result)
        }
        // A check that waits for the transaction makes no progress before; one that does not lets it go itself.
        clock.waitForGoing(milliseconds: 300)
        clock.letGo()
        #expect(try checked.wait(for: "the check").get().problems == [])
        #expect(try removed.wait(for: "the removal").get().uids == [1])
        #expect(try removedToo.wait(for: "the other removal").get().uids == [1])
    }
}
