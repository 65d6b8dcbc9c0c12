import Database
import Directory
import Forms
import MailTesting
import SASL
import Synchronization
import Testing
import Vocabulary

/// What a login costs, and whom it may delay.
@Suite(.serialized) struct LoginWorkTests {
    private static func peer(_ text: String) throws -> PeerBlock { PeerBlock(try #require(IPAddress(text))) }

    @Test("A2 one peer's hundred jobs delay another's by no more than those that run") func peersTakeTurns() throws {
        let queue = FairQueue("test", threads: 1, perPeer: 256, total: 1000)
        let (gate, order) = (Monitor(false), Monitor<[String]>([]))
        let (bad, good, other) = (try Self.peer("192.0.2.1"), try Self.peer("192.0.2.2"), try Self.peer("192.0.2.3"))
        let note: @Sendable (String) -> Void = { name in
            order.withLock { $0.append(name) }
            order.broadcast()
        }
        // The one that runs holds the thread until all others wait.
        #expect(queue.submit(from: bad) { gate.wait(milliseconds: 60_000, until: { $0 }, then: { _ in }) })
        for _ in 0..<100 { #expect(queue.submit(from: bad) { note("bad") }) }
        #expect(queue.submit(from: good) { note("good") })
        for _ in 0..<3 { #expect(queue.submit(from: other) { note("other") }) }
        gate.withLock { $0 = true }
        gate.broadcast()
        let done = order.wait(milliseconds: 60_000, until: { $0.count == 104 }, then: { $0 })
        #expect(done.count == 104)
        #expect((done.firstIndex(of: "good") ?? 99) <= 2, "\(done.prefix(8))")
        #expect((done.lastIndex(of: "other") ?? 99) <= 8, "\(done.prefix(12))")
        queue.stop()
        #expect(!queue.submit(from: good) {}, "it has stopped")
    }

    @Test("A2 what one peer and all together may have waiting is bounded; what waits is done before the end") func bounds() throws {
        let queue = FairQueue("test", threads: 1, perPeer: 3, total: 5)
        let (gate, started) = (Monitor(false), Monitor(false))
        let count = Counter()
        #expect(
            queue.submit(from: try Self.peer("192.0.2.9")) {
                started.withLock { $0 = true }
                started.broadcast()
                gate.wait(milliseconds: 60_000, until: { $0 }, then: { _ in })
            })
        #expect(started.wait(milliseconds: 60_000, until: { $0 }, then: { $0 }))
        let taken = try ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"].map { text in
            queue.submit(from: try Self.peer(text)) { count.add() }
        }
        #expect(taken == [true, true, true, false, true, true, false])
        #expect(queue.backlog == 5)
        gate.withLock { $0 = true }
        gate.broadcast()
        queue.stop()
        #expect(count.value == 5 && queue.backlog == 0)
    }

    @Test("A2 the addresses of one customer's IPv6 network are one peer") func networks() throws {
        #expect(try Self.peer("2001:db8:0:1::1") == Self.peer("2001:db8:0:1:ffff::2"))
        #expect(try Self.peer("2001:db8:0:1::1") != Self.peer("2001:db8:0:2::1"))
        #expect(try Self.peer("192.0.2.1") != Self.peer("192.0.2.2"))
    }

    @Test("A3 a remembered login fits its account, password, state of the password and instance only") func cacheKey() {
        let cache = LoginCache(key: Secret("one"))
        let (jane, john) = (AccountID(rawValue: 1), AccountID(rawValue: 2))
        cache.insert(cache.mark(jane, "jane", version: 1, Secret("word")))
        #expect(cache.contains(cache.mark(jane, "jane", version: 1, Secret("word"))))
        #expect(cache.contains(cache.mark(jane, "jane@example.test", version: 1, Secret("word"))), "any name of the same account")
        for other in [
            cache.mark(john, "jane", version: 1, Secret("word")), cache.mark(jane, "jane", version: 2, Secret("word")),
            cache.mark(jane, "jane", version: 1, Secret("word ")), cache.mark(jane, "jane", version: 1, Secret("")),
            cache.mark(nil, "jane", version: 1, Secret("word")),
            LoginCache(key: Secret("two")).mark(jane, "jane", version: 1, Secret("word")),
        ] { #expect(!cache.contains(other)) }
        // For names that nobody has the name counts, and where it ends.
        cache.insert(cache.mark(nil, "a", version: 0, Secret("bc")))
        #expect(cache.contains(cache.mark(nil, "a", version: 0, Secret("bc"))))
        #expect(!cache.contains(cache.mark(nil, "ab", version: 0, Secret("c"))))
    }

    @Test("A1 an unknown name, a wrong password, no password and a foreign address cost the same work") func sameWork() throws {
        let fixture = try Fixture()
        let authenticator = Authenticator(fixture.directory, AuthenticatorOptions(cacheKey: Secret("key")))
        defer { authenticator.close() }
        var input = try AccountInput(parsing: [(name: "addresses", texts: ["jane@example.test"])])
        input.verifier = try fixture.directory.verifier(for: Secret("right word"))
        _ = try fixture.directory.addAccount(input, by: Fixture.actor)
        try fixture.add("none@example.test")
        try fixture.add("far@example.test", fields: ["access-restrictions": "198.51.100.0/24"], password: "right word")
        let address = try #require(IPAddress("127.0.0.1"))
        let facts = ConnectionFacts(
            peer: address, peerPort: 1, local: address, localPort: 2, listener: ListenerRole(name: "test", service: .pop3),
            trace: TraceID("t"))
        let clock = ContinuousClock()
        var times: [String: [Duration]] = [:]
        for round in 0..<8 {
            for name in ["nobody", "jane", "none", "far"] {
                let before = authenticator.hashes
                let answer = Monitor<AuthOutcome?>(nil)
                let took = clock.measure {
                    authenticator.answer(
                        .password(login: name, Secret("wrong \(round)")), LoginContext(facts: facts, hasTLS: true, hostName: .notLooked)
                    ) { outcome in
                        answer.withLock { $0 = outcome }
                        answer.broadcast()
                    }
                    answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { _ in })
                }
                guard case .refused(.badCredentials)? = answer.withLock({ $0 }) else { throw Unexpected() }
                #expect(authenticator.hashes == before + 1, "\(name)")
                times[name, default: []].append(took)
            }
        }
        // For the reader of the log; how long it takes on a shared machine proves nothing by itself.
        for (name, all) in times.sorted(by: { $0.key < $1.key }) { print("A1 median of \(name): \(all.sorted()[all.count / 2])") }
        guard case .verifier(let decoy)? = Self.verifier(authenticator, "nobody", facts),
            case .verifier(let real)? = Self.verifier(authenticator, "jane", facts)
        else { throw Unexpected() }
        #expect(decoy.iterations == real.iterations && decoy.salt.count == real.salt.count)
    }

    private static func verifier(_ authenticator: Authenticator, _ name: String, _ facts: ConnectionFacts) -> AuthOutcome? {
        let answer = Monitor<AuthOutcome?>(nil)
        authenticator.answer(.verifier(login: name), LoginContext(facts: facts, hasTLS: true, hostName: .notLooked)) { outcome in
            answer.withLock { $0 = outcome }
            answer.broadcast()
        }
        return answer.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 })
    }

    private final class Counter: Sendable {
        private let number = Mutex(0)
        func add() { self.number.withLock { $0 += 1 } }
        var value: Int { self.number.withLock { $0 } }
    }
}
