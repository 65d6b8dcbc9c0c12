internal import Glibc
internal import MailTesting
internal import Synchronization

/// Drives a store with everything that changes it, and writes a mark before and after each act.
///
/// Runs inside the recorded program. Several sessions at once, so that group commits have something to group.
package struct Workload: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package var seed: UInt64
    /// Messages to send in all.
    package var messages = 120
    package var accounts = 8
    package var sessions = 4
    /// Largest body; one message in twenty is of about this size.
    package var largest = 300_000
    /// The disk is made to fail: an act that throws has had one of its two possible ends, and the session goes on.
    package var isTolerant = false
    /// After so many messages were taken the process kills itself with SIGKILL, in the middle of whatever else it does; 0: it does not.
    package var dieAfter = 0

    package init(seed: UInt64) { self.seed = seed }

    /// `marks` is the file that the recorder watches for marks.
    package func run(_ store: any LiveStore, marks: String, firstNumber: Int = 1) throws {
        let log = try MarkLog(marks)
        let next = Atomic<Int>(firstNumber)
        let failures = Mutex<[String]>([])
        try inParallel(self.sessions, "the sessions of the workload", seconds: 100) { session in
            var random = SeededRandom(self.seed, UInt64(session), UInt64(firstNumber))
            while true {
                let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard number < firstNumber + self.messages else { return }
                do {
                    try self.send(number, store, log, &random)
                    try self.disturb(session, store, log, &random)
                } catch  where !self.isTolerant {
                    failures.withLock { $0.append("session \(session) at message \(number): \(error)") }
                    return
                } catch {
                    log.mark("failed")
                }
            }
        }
        let found = failures.withLock { $0 }
        guard found.isEmpty else { throw Failure(description: found.joined(separator: "; ")) }
    }

    /// A sample whose shape depends on the seed and its number alone.
    package func sample(_ number: Int) -> Sample {
        var random = SeededRandom(self.seed, UInt64(number), 1)
        let size: Int
        switch random.next() % 20 {
        case 0: size = self.largest - Int.random(in: 0..<1000, using: &random)
        case 1...3: size = Int.random(in: 10_000..<60_000, using: &random)
        case 4...8: size = Int.random(in: 3_000..<6_000, using: &random)
        default: size = Int.random(in: 128..<1_500, using: &random)
        }
        let count = random.chance(0.2) ? self.accounts : random.chance(0.3) ? 2 : 1
        // The last account is the one that is removed half-way.
        let recipients = Array((0..<self.accounts).shuffled(using: &random).prefix(count)).sorted()
        return Sample(number: number, seed: self.seed, size: size, recipients: recipients)
    }

    private func send(_ number: Int, _ store: any LiveStore, _ log: MarkLog, _ random: inout SeededRandom) throws(InVain) {
        var sample = self.sample(number)
        if number > self.messages / 2 {
            // Its removal has begun: what would come for it then proves nothing.
            let staying = sample.recipients.filter { $0 != self.accounts - 1 }
            sample = Sample(number: number, seed: self.seed, size: sample.size, recipients: staying.isEmpty ? [0] : staying)
        }
        let recipients = sample.recipients.map(String.init).joined(separator: ",")
        log.mark("send \(number) \(self.seed) \(sample.size) \(recipients)")
        let answered = Promised<Bool>()
        store.accept(sample) { taken in
            log.mark(taken ? "ok \(number)" : "no \(number)")
            if taken && log.countAccepted() == self.dieAfter { kill(getpid(), SIGKILL) }
            answered.give(taken)
        }
        // One session in four hands in two messages before it waits, as pipelining peers do through different sessions.
        if !random.chance(0.25) { _ = try answered.wait(for: "the answer to message \(number)") }
    }

    /// Lists every mailbox and marks what was shown.
    package func look(_ store: any LiveStore, marks: String) throws {
        let log = try MarkLog(marks)
        for account in 0..<self.accounts {
            do { _ = try self.see(account, store, log) } catch  where self.isTolerant { log.mark("failed") }
        }
    }

    /// UIDs and numbers of what is in a mailbox, marked as seen; nil when there is nothing.
    private func see(_ account: Int, _ store: any LiveStore, _ log: MarkLog) throws -> [(key: UInt32, value: Int)]? {
        guard let mailbox = try store.list(account), !mailbox.messages.isEmpty else { return nil }
        var pairs: [(key: UInt32, value: Int)] = []
        for message in mailbox.messages {
            guard let number = Sample.number(in: try store.read(account, uid: message.uid)) else {
                throw Failure(description: "account \(account): UID \(message.uid) is not a sample")
            }
            pairs.append((message.uid, number))
        }
        log.mark("see \(account) \(mailbox.validity) \(pairs.map { "\($0.key):\($0.value)" }.joined(separator: ","))")
        return pairs
    }

    /// Between messages a session looks at, marks, and removes what is in a mailbox of its own (no two sessions share one).
    private func disturb(_ session: Int, _ store: any LiveStore, _ log: MarkLog, _ random: inout SeededRandom) throws {
        let own = (0..<self.accounts).filter { $0 % self.sessions == session && !log.isRemoved($0) }
        let last = self.accounts - 1
        if own.contains(last) && log.isLate(self.messages) {
            log.remove(last)
            try store.removeAccount(last)
            return log.mark("removed \(last)")
        }
        guard random.chance(0.5), let account = own.randomElement(using: &random) else { return }
        guard let pairs = try self.see(account, store, log) else { return }
        guard let (uid, number) = pairs.suffix(10).randomElement(using: &random) else { return }
        switch random.next() % 5 {
        case 0:
            log.mark("moving \(account) \(number)")
            // A store without a second mailbox has left the message where it was.
            if try store.move(account, uid: uid) { log.mark("moved \(account) \(number)") }
        case 1, 2:
            let flags = UInt32(random.next() % 32)
            log.mark("flagging \(account) \(number) \(flags)")
            try store.setFlags(account, uid: uid, flags: flags)
            log.mark("flagged \(account) \(number) \(flags)")
        default:
            // Now the newest, whose UIDs must not be given again, now any.
            let doomed = random.chance(0.5) ? pairs.suffix(2) : pairs.shuffled(using: &random).prefix(3)
            for (_, number) in doomed { log.mark("expunging \(account) \(number)") }
            try store.expunge(account, uids: doomed.map(\.key).sorted())
            for (_, number) in doomed { log.mark("expunged \(account) \(number)") }
        }
    }
}

/// The file into which marks are written, one call a mark.
package final class MarkLog: Sendable {
    private let fd: CInt
    private let state = Mutex<(removed: Set<Int>, sent: Int, accepted: Int)>(([], 0, 0))

    package init(_ path: String) throws {
        self.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard self.fd >= 0 else { throw Workload.Failure(description: "cannot write marks to \(path)") }
    }

    deinit { close(self.fd) }

    package func mark(_ line: String) {
        if line.hasPrefix("send ") { self.state.withLock { $0.sent += 1 } }
        var text = line + "\n"
        text.withUTF8 { bytes in
            // SAFETY: only the recorded child of a test runs this; a missing mark would make the test lie.
            guard write(self.fd, bytes.baseAddress, bytes.count) == bytes.count else { fatalError("marks cannot be written") }
        }
    }

    /// Counts one message that was taken; gives the new count.
    func countAccepted() -> Int {
        self.state.withLock { state in
            state.accepted += 1
            return state.accepted
        }
    }

    func remove(_ account: Int) {
        self.mark("removing \(account)")
        self.state.withLock { _ = $0.removed.insert(account) }
    }

    func isRemoved(_ account: Int) -> Bool { self.state.withLock { $0.removed.contains(account) } }
    func isLate(_ messages: Int) -> Bool { self.state.withLock { $0.sent > messages * 3 / 4 } }
}
