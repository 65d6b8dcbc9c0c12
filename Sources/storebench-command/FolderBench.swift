import Database
import Glibc
import MessageStore
import NIOCore
import Synchronization
import Vocabulary

/// What IMAP asks of the store, on the INBOX of the first account: `storebench --folder` after `--index` made it large.
struct FolderBench {
    struct Failure: Error { let description: String }

    let store: MessageStore
    /// Messages of a change of flags.
    let some: Int

    private func wait<T: Sendable>(_ start: (@escaping @Sendable (Result<T, StoreError>) -> Void) -> Void) throws -> T {
        let answer = Monitor<Result<T, StoreError>?>(nil)
        start { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        guard let result = answer.wait(until: { $0 != nil }, then: { $0 }) else { throw Failure(description: "no answer") }
        return try result.get()
    }

    /// Best and middle of several runs, milliseconds.
    private func measure(_ what: String, runs: Int = 5, _ work: () throws -> Void) throws {
        var times: [Double] = []
        for _ in 0..<runs {
            let start = nanoseconds()
            try work()
            times.append(Double(nanoseconds() - start) / 1e6)
        }
        times.sort()
        print("\(what): best \(times[0]) ms, middle \(times[runs / 2]) ms")
    }

    func run() throws {
        let account = AccountID(rawValue: 1)
        let found: MailboxFacts? = try self.wait { self.store.findMailbox("INBOX", of: account, completion: $0) }
        guard let inbox = found else { throw Failure(description: "no INBOX") }
        let all = UIDSet(1...UInt32.max)
        try self.measure("openView of \(inbox.messages)", runs: 50) {
            _ = try self.wait { self.store.openView(inbox.id, completion: $0) }
        }
        try self.measure("uids, none ever removed") {
            _ = try self.store.uids(of: inbox.id, asOf: inbox.highestModSeq, uidNext: inbox.uidNext)
        }
        try self.measure("rows of all") { _ = try self.store.rows(of: inbox.id, uids: all, limit: .max) }
        var count = 0
        let some = UIDSet(1...UInt32(self.some))
        let flips: [MessageStore.FlagChange] = [.remove(.flagged), .add(.flagged)]
        try self.measure("flags of \(self.some) changed", runs: 8) {
            count += 1
            let done = try self.wait { self.store.changeFlags(inbox.id, some, flips[count % 2], completion: $0) }
            guard done.changed.count == self.some else { throw Failure(description: "changed \(done.changed.count)") }
        }
        let before: MailboxFacts = try self.wait { self.store.openView(inbox.id, completion: $0) }
        _ = try self.wait { self.store.changeFlags(inbox.id, UIDSet([5, 7]), .add(.answered), completion: $0) } as FlagsChanged
        try self.measure("changes, little", runs: 50) {
            _ = try self.store.changes(of: inbox.id, since: before.highestModSeq, uidNext: before.uidNext, limit: 1000)
        }
        try self.measure("changes, \(self.some)") {
            _ = try self.store.changes(of: inbox.id, since: inbox.highestModSeq, uidNext: inbox.uidNext, limit: .max)
        }
        let made: MailboxFacts = try self.wait { self.store.createMailbox("Bench", of: account, completion: $0) }
        try self.append(to: made.id)
        try self.copies(from: made.id)
        _ = try self.wait { self.store.expunge(inbox.id, uids: some, onlyDeleted: false, completion: $0) } as Expunged
        try self.measure("uids, some removed") {
            _ = try self.store.uids(of: inbox.id, asOf: ModSeq(rawValue: .max - 1), uidNext: inbox.uidNext)
        }
    }

    private func append(to mailbox: MailboxID) throws {
        for sessions in [1, 10, 100] {
            let each = 20_000 / (sessions + 9)
            let start = nanoseconds()
            let left = Monitor(sessions)
            for _ in 0..<sessions {
                Self.appendOn(self.store, mailbox, each) {
                    left.withLock { $0 -= 1 }
                    left.signal()
                }
            }
            left.wait(until: { $0 == 0 }, then: { _ in })
            let seconds = Double(nanoseconds() - start) / 1e9
            print("append of 1 KiB, \(sessions) sessions: \(Int(Double(each * sessions) / seconds)) a second")
        }
    }

    private static let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1024)

    private static func appendOn(_ store: MessageStore, _ mailbox: MailboxID, _ left: Int, _ done: @escaping @Sendable () -> Void) {
        guard left > 0 else { return done() }
        store.append([AppendItem(body: .memory(Self.body))], to: mailbox, quota: nil) { result in
            guard case .success = result else {
                print("append: \(result)")
                return done()
            }
            Self.appendOn(store, mailbox, left - 1, done)
        }
    }

    private func copies(from mailbox: MailboxID) throws {
        let there: MailboxFacts = try self.wait { self.store.openView(mailbox, completion: $0) }
        let account = AccountID(rawValue: 1)
        let target: MailboxFacts = try self.wait { self.store.createMailbox("Copies", of: account, completion: $0) }
        for count in [100, 1000, 5000] where count <= there.messages {
            try self.measure("copy of \(count)", runs: 3) {
                _ =
                    try self.wait {
                        self.store.copy(UIDSet(1...UInt32(count)), from: mailbox, to: target.id, quota: nil, isMove: false, completion: $0)
                    }
                    as CopyResult
            }
        }
        try self.measure("move of 5000", runs: 1) {
            _ =
                try self.wait { self.store.copy(UIDSet(1...5000), from: mailbox, to: target.id, quota: nil, isMove: true, completion: $0) }
                as CopyResult
        }
    }
}

extension UIDSet {
    fileprivate init(_ uids: [UInt32]) { self.init(ascending: uids) }
}
