import MailTesting
import NIOCore
import NetKit
import Routing
import Synchronization
import Testing

@Suite("What is remembered of DNS")
struct CachingResolverTests {
    private final class Time: Sendable {
        private let seconds = Mutex<Int64>(1000)
        var now: NIODeadline { .uptimeNanoseconds(UInt64(self.seconds.withLock { $0 }) * 1_000_000_000) }
        func pass(_ amount: Int64) { self.seconds.withLock { $0 += amount } }
    }

    /// Counts the questions that get through.
    private final class Source: NetKit.Resolver {
        let asked = Mutex<[String]>([])
        let answer = Mutex<Result<DNSAnswer, DNSFailure>>(.failure(.noName))

        func ask(
            _ name: String, _ type: DNSType, within deadline: TimeAmount,
            _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
        ) -> DNSQuery {
            self.asked.withLock { $0.append(name) }
            completion(self.answer.withLock { $0 })
            return DNSQuery {}
        }

        var count: Int { self.asked.withLock { $0.count } }
        func set(_ answer: Result<DNSAnswer, DNSFailure>) { self.answer.withLock { $0 = answer } }
    }

    private static func mx(_ lifetime: Int) -> Result<DNSAnswer, DNSFailure> {
        var answer = DNSAnswer(records: .exchanges([MXRecord(preference: 1, host: "a.test")]))
        answer.lifetime = lifetime
        return .success(answer)
    }

    private static func world(_ change: (inout CachingResolver.Bounds) -> Void = { _ in }) -> (CachingResolver, Source, Time) {
        let (source, time) = (Source(), Time())
        var bounds = CachingResolver.Bounds()
        change(&bounds)
        return (CachingResolver(source, bounds: bounds, now: { time.now }), source, time)
    }

    private static func ask(_ resolver: CachingResolver, _ name: String = "x.test", _ type: DNSType = .mx) {
        _ = resolver.ask(name, type, within: .seconds(1)) { _ in }
    }

    @Test("An answer holds for its lifetime, and no longer than the bound")
    func lifetime() {
        let (resolver, source, time) = Self.world { $0.longest = .seconds(600) }
        source.set(Self.mx(300))
        for _ in 0..<5 { Self.ask(resolver) }
        #expect(source.count == 1)
        time.pass(299)
        Self.ask(resolver)
        #expect(source.count == 1)
        time.pass(2)
        source.set(Self.mx(1_000_000))
        Self.ask(resolver)
        #expect(source.count == 2)
        time.pass(601)
        Self.ask(resolver)
        #expect(source.count == 3)
        source.set(Self.mx(0))
        for _ in 0..<2 { Self.ask(resolver, "zero.test") }
        #expect(source.count == 5)
    }

    @Test("[RFC2308-5] what does not exist is remembered for a minute, what failed or was forged not at all")
    func failures() {
        let (resolver, source, time) = Self.world()
        for _ in 0..<3 { Self.ask(resolver) }
        #expect(source.count == 1)
        time.pass(61)
        Self.ask(resolver)
        #expect(source.count == 2)
        for failure in [DNSFailure.temporary, .timedOut, .bogus, .cancelled] {
            let known = source.count
            source.set(.failure(failure))
            for _ in 0..<2 { Self.ask(resolver, "fails.test") }
            #expect(source.count == known + 2, "\(failure)")
        }
    }

    @Test("Types are apart, the number of answers is bounded, and everything can be forgotten")
    func bounds() {
        let (resolver, source, _) = Self.world { $0.entries = 100 }
        source.set(Self.mx(300))
        Self.ask(resolver, "x.test", .mx)
        Self.ask(resolver, "x.test", .a)
        #expect(source.count == 2)
        for index in 0..<1000 {
            Self.ask(resolver, "h\(index).test")
            #expect(resolver.count <= 100)
        }
        let known = source.count
        Self.ask(resolver, "h999.test")
        #expect(source.count == known)
        resolver.forget()
        #expect(resolver.count == 0)
        Self.ask(resolver, "h999.test")
        #expect(source.count == known + 1)
    }
}
