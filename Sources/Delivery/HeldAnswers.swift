package import Bounces
internal import Database
package import MessageStore
package import Policy
internal import Queue
package import Vocabulary

/// Carries out what the postmaster decided about mail that is held for him, whether he said so by mail or on a web page. The held entry is the
/// question: what ends or releases it answers it, so that no answer counts twice. Calls block.
package struct HeldAnswers: Sendable {
    package enum Outcome: Sendable, Hashable {
        /// So many recipients.
        case done(Int)
        /// Answered before, delivered, or never held.
        case notHeld
        case wrongSecret
        /// The disk or the database do not take it now, or somebody else works on it.
        case notNow
    }

    /// Held mail as a form shows it: recipients of one message that failed alike.
    package struct Question: Sendable, Hashable {
        /// By which it is answered.
        package let entry: QueueID
        package let failureClass: FailureClass
        package let reason: String
        package let recipients: [Address]
    }

    private let remote: RemoteDelivery

    /// Entries before the one that the form names which may be of the same message.
    private static let reach: Int64 = 1000
    private static let page = 500

    package init(_ remote: RemoteDelivery) { self.remote = remote }

    /// An answer with its secret.
    package func answer(_ given: ActionForm.Answer) -> Outcome {
        do throws(StoreError) {
            guard let entry = try self.store.queueEntry(given.entry), Self.failureClass(of: entry) != nil else { return .notHeld }
            let secret = self.remote.environment.directory.snapshot.actionSecret
            guard secret.isRight(given.secret, entry.id, heldAt: entry.since) else { return .wrongSecret }
            return try self.carryOut(given.answer, entry)
        } catch {
            return .notNow
        }
    }

    /// Of somebody who has proved otherwise that he may.
    package func answer(_ answer: HeldAnswer, entry id: QueueID) -> Outcome {
        do throws(StoreError) {
            guard let entry = try self.store.queueEntry(id), Self.failureClass(of: entry) != nil else { return .notHeld }
            return try self.carryOut(answer, entry)
        } catch {
            return .notNow
        }
    }

    /// What an entry asks; nil for one that asks nothing.
    package func question(_ id: QueueID) throws(StoreError) -> Question? {
        guard let entry = try self.store.queueEntry(id), let known = Self.failureClass(of: entry) else { return nil }
        let alike = try self.alike(entry)
        return Question(
            entry: alike.first?.id ?? id, failureClass: known,
            reason: String(entry.reason.dropFirst(known.rawValue.utf8.count + 1).drop { $0 == " " }),
            recipients: alike.map(\.draft.recipient.address))
    }

    private var store: MessageStore { self.remote.environment.store }

    private func carryOut(_ answer: HeldAnswer, _ entry: StoredQueueEntry) throws(StoreError) -> Outcome {
        let edit: RemoteDelivery.Edit =
            switch answer {
            case .giveBack: .giveBack
            case .retry: .release
            case .delete: .delete
            case .redirect(let address): .redirect(Envelope.Recipient(address))
            }
        let result = try self.remote.edit(try self.alike(entry), edit)
        return result.done > 0 ? .done(result.done) : result.busy > 0 ? .notNow : .notHeld
    }

    /// Held for the postmaster, and as what.
    private static func failureClass(of entry: StoredQueueEntry) -> FailureClass? {
        guard entry.flags.contains(.held), !entry.flags.contains(.heldByRoute) else { return nil }
        return entry.reason.split(separator: ":", maxSplits: 1).first.flatMap { FailureClass(rawValue: String($0)) }
    }

    /// The recipients of its message that one answer is for: their numbers follow one another.
    private func alike(_ entry: StoredQueueEntry) throws(StoreError) -> [StoredQueueEntry] {
        let known = Self.failureClass(of: entry)
        var last = QueueID(rawValue: max(0, entry.id.rawValue - Self.reach - 1))
        var found: [StoredQueueEntry] = []
        while true {
            let page = try self.store.queueEntries(after: last, limit: Self.page)
            found += page.filter { $0.blob == entry.blob && Self.failureClass(of: $0) == known }
            guard let end = page.last, page.count == Self.page, end.blob == entry.blob || end.id.rawValue < entry.id.rawValue else { break }
            last = end.id
        }
        return found
    }
}
