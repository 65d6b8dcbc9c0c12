import Database
import Glibc
import MessageStore
import NIOCore
import Synchronization
import Vocabulary

func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// CPU seconds of this process so far.
func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Senders that each wait for an answer before the next message, without threads of their own: the completion sends the next one.
final class Submitters: Sendable {
    struct Plan: Sendable {
        var senders: Int
        var messages: Int
        var size: Int
        var recipients: Int
        var accounts: Int64
        var firstAccount: Int64
        var quota: Int64?
    }

    struct Outcome {
        var accepted: Double
        var filed: Double
        var processor: Double
        var latencies: Latencies
        var failures: Int
    }

    private struct State {
        var left: Int
        var running: Int
        var latencies = Latencies()
        var failures = 0
        var account: UInt64 = 88_172_645_463_325_252
    }

    private let store: MessageStore
    private let plan: Plan
    private let body: ByteBuffer
    private let state: Monitor<State>

    init(_ store: MessageStore, _ plan: Plan) {
        self.store = store
        self.plan = plan
        self.body = ByteBuffer(
            string: String(repeating: "All work and no play makes a dull mail server, says Jack.\r\n", count: 1 + plan.size / 59).prefix(
                plan.size
            ).description)
        self.state = Monitor(State(left: plan.messages, running: plan.senders))
    }

    func run() -> Outcome {
        let start = nanoseconds()
        let processor = processorSeconds()
        for _ in 0..<self.plan.senders { self.sendNext() }
        self.state.wait(until: { $0.running == 0 }, then: { _ in })
        let accepted = nanoseconds()
        while self.store.unfiled > 0 { usleep(200) }
        let filed = nanoseconds()
        return self.state.withLock { state in
            Outcome(
                accepted: Double(self.plan.messages) / (Double(accepted - start) / 1e9),
                filed: Double(self.plan.messages) / (Double(filed - start) / 1e9),
                processor: processorSeconds() - processor, latencies: state.latencies, failures: state.failures)
        }
    }

    private func sendNext() {
        let accounts: [Int64]? = self.state.withLock { state in
            guard state.left > 0 else {
                state.running -= 1
                return nil
            }
            state.left -= 1
            return (0..<self.plan.recipients).map { _ in
                // xorshift: the accounts of a large installation come in no order.
                state.account ^= state.account << 13
                state.account ^= state.account >> 7
                state.account ^= state.account << 17
                return self.plan.firstAccount + Int64(state.account % UInt64(self.plan.accounts))
            }
        }
        guard let accounts else { return self.state.broadcast() }
        let deliveries = accounts.map { account in
            PlannedDelivery(
                account: AccountID(rawValue: account),
                prefix: ByteBuffer(
                    string:
                        "Return-Path: <sender@example.test>\r\nDelivered-To: account\(account)@example.test\r\nReceived: from client.example.test "
                        + "(client.example.test [127.0.0.1])\r\n by mail.example.test (Post.Office) with ESMTP\r\n id AAA\(account);\r\n"
                        + " Sat, 21 Nov 2026 18:38:19 +0000\r\n"), quota: self.plan.quota)
        }
        let item = AcceptItem(
            body: .memory(self.body), envelope: Envelope(sender: Address(localPart: "sender", domain: "example.test")),
            receivedAt: 1_790_000_000,
            trace: TraceID("AAA1"), deliveries: deliveries)
        let sent = nanoseconds()
        self.store.accept(item) { result in
            let took = nanoseconds() - sent
            self.state.withLock { state in
                state.latencies.add(nanoseconds: took)
                if case .failure = result { state.failures += 1 }
            }
            self.sendNext()
        }
    }
}
