import Database
import Glibc
import MessageStore
import NIOCore
import Vocabulary

/// Makes a queue as it stands after a bad day: many messages to many hosts that were tried and put off.
struct QueueFill {
    struct Failure: Error { let description: String }

    var entries: Int
    var hops: Int
    /// Seconds from now.
    var due: Int64
    private static let recipients = 1000

    func fill(_ store: MessageStore) throws {
        let start = nanoseconds()
        let now = Int64(time(nil))
        for first in stride(from: 0, to: self.entries, by: Self.recipients) {
            let drafts = (first..<min(first + Self.recipients, self.entries)).map { self.draft($0, now) }
            let item = AcceptItem(
                body: .memory(ByteBuffer(string: "Subject: queued\r\n\r\nMessage \(first)\r\n")),
                envelope: Envelope(sender: Address(localPart: "bulk", domain: "example.test")), receivedAt: now,
                trace: TraceID("Q\(first)"),
                queue: drafts)
            let answer = Monitor<Bool?>(nil)
            store.accept(item) { result in
                answer.withLock { $0 = (try? result.get()) != nil }
                answer.signal()
            }
            guard answer.wait(until: { $0 != nil }, then: { $0 }) == true else { throw Failure(description: "not accepted") }
        }
        while store.unfiled > 0 { usleep(1000) }
        print("\(self.entries) queue entries for \(self.hops) next hops made in \((nanoseconds() - start) / 1_000_000) ms")
    }

    private func draft(_ number: Int, _ now: Int64) -> QueueDraft {
        // Recipients of one message are spread over all hosts, so that its rows are far apart in the index of next hops.
        let host = "q\(number % self.hops).test"
        let recipient = Envelope.Recipient(Address(localPart: "user\(number)", domain: host))
        let spread = self.due > 0 ? Int64(number) % self.due : 0
        return QueueDraft(
            .remote, recipient: recipient, destination: host, due: now + self.due + spread, payload: Array("X-Queued: yes\r\n".utf8))
    }
}
