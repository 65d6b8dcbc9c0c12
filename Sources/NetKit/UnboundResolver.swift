internal import CPlatform
internal import Glibc
package import NIOCore
internal import Synchronization
internal import Vocabulary

/// Asks DNS through libunbound. All calls into the library happen on one thread of our own, so that an event loop never
/// waits for its locks or pipes and nothing races with a cancellation.
package final class UnboundResolver: Resolver {
    /// Questions that the library works on at once; more wait their turn.
    private static let atOnce = 256
    /// Questions that may wait; more fail at once, so that a flood of connections cannot gather memory here.
    private static let mayWait = 8192

    private struct Inbox {
        var questions: [PendingQuestion] = []
        var isStopped = false
        var count = 0
    }
    private let inbox = Mutex(Inbox())
    private let wakeup: CInt

    package init(_ settings: ResolverSettings = ResolverSettings()) throws(ResolverFailure) {
        let context = try UnboundContext(settings)
        self.wakeup = po_eventfd()
        guard self.wakeup >= 0 else { throw ResolverFailure(description: "eventfd: \(String(cString: strerror(errno)))") }
        startThread("dns") { self.run(context) }
    }

    /// Ends the thread; open questions become `.cancelled`. Must be called, since the thread keeps the resolver alive.
    package func shutDown() {
        self.inbox.withLock { $0.isStopped = true }
        self.wake()
    }

    package func ask(
        _ name: String,
        _ type: DNSType,
        within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery {
        let question = PendingQuestion(name, type, deadline: .now() + deadline, completion)
        let isTaken = self.inbox.withLock { inbox in
            guard !inbox.isStopped, inbox.count < Self.mayWait else { return false }
            inbox.count += 1
            inbox.questions.append(question)
            return true
        }
        if isTaken { self.wake() } else { question.complete(.failure(.temporary)) }
        return DNSQuery {
            question.complete(.failure(.cancelled))
            self.wake()
        }
    }

    private func wake() {
        var one: UInt64 = 1
        write(self.wakeup, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: The thread

    private func run(_ context: UnboundContext) {
        var waiting: [PendingQuestion] = []
        var open: [PendingQuestion] = []
        while true {
            let (fresh, isStopped) = self.inbox.withLock { inbox in
                defer { inbox.questions = [] }
                return (inbox.questions, inbox.isStopped)
            }
            waiting += fresh
            if isStopped {
                for question in waiting + open { question.complete(.failure(.cancelled)) }
                break
            }
            self.expire(&waiting)
            self.expire(&open)
            for question in open where question.isDone { context.cancel(question) }
            open.removeAll { $0.isDone }
            waiting.removeAll { $0.isDone }
            while open.count < Self.atOnce, !waiting.isEmpty {
                let question = waiting.removeFirst()
                if context.start(question) { open.append(question) } else { question.complete(.failure(.temporary)) }
            }
            self.inbox.withLock { $0.count = waiting.count + open.count + $0.questions.count }
            self.sleep(context, until: (waiting + open).lazy.map(\.deadline).min())
            context.process()
        }
        context.close()
        close(self.wakeup)
    }

    private func expire(_ questions: inout [PendingQuestion]) {
        let now = NIODeadline.now()
        for question in questions where question.deadline <= now { question.complete(.failure(.timedOut)) }
    }

    private func sleep(_ context: UnboundContext, until deadline: NIODeadline?) {
        var waited = [
            pollfd(fd: context.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: self.wakeup, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = deadline.map { max(0, ($0 - .now()).nanoseconds / 1_000_000 + 1) } ?? -1
        poll(&waited, nfds_t(waited.count), CInt(clamping: milliseconds))
        if waited[1].revents != 0 {
            var count: UInt64 = 0
            read(self.wakeup, &count, MemoryLayout<UInt64>.size)
        }
    }
}

package struct ResolverFailure: Error, Equatable, CustomStringConvertible {
    package var description: String
}

/// One question from asking to its one answer.
final class PendingQuestion: Sendable {
    let name: String
    let type: DNSType
    let deadline: NIODeadline
    private let completion: Mutex<(@Sendable (Result<DNSAnswer, DNSFailure>) -> Void)?>
    /// The library's number of the question. Used on the resolver's thread.
    let identifier = Atomic<CInt>(0)

    init(_ name: String, _ type: DNSType, deadline: NIODeadline, _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void)
    {
        self.name = name
        self.type = type
        self.deadline = deadline
        self.completion = Mutex(completion)
    }

    /// Only the first counts.
    func complete(_ result: Result<DNSAnswer, DNSFailure>) {
        let completion = self.completion.withLock { slot in
            defer { slot = nil }
            return slot
        }
        completion?(result)
    }

    var isDone: Bool { self.completion.withLock { $0 == nil } }
}
