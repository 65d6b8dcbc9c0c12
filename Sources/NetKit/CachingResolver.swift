package import NIOCore
internal import Synchronization

/// Remembers what DNS said for as long as DNS allows, so that a thousand messages to one domain ask once. What failed is remembered for
/// a moment only; what was forged or cut short not at all. Bounded; the oldest half goes when it is full.
package final class CachingResolver: Resolver {
    package struct Bounds: Sendable {
        /// Answers kept.
        package var entries = 20_000
        /// Longest time that an answer is believed, whatever its owner says.
        package var longest: TimeAmount = .hours(24)
        /// How long it is believed that a name or record does not exist. [RFC2308-5]
        package var missing: TimeAmount = .minutes(1)

        package init() {}
    }

    private struct Question: Hashable {
        var name: String
        var type: DNSType
    }
    private struct Entry {
        var result: Result<DNSAnswer, DNSFailure>
        var until: NIODeadline
    }
    private struct State {
        /// Answers since the last turn, and those of the turn before it.
        var young: [Question: Entry] = [:]
        var old: [Question: Entry] = [:]
    }

    private let resolver: any Resolver
    private let bounds: Bounds
    private let now: @Sendable () -> NIODeadline
    private let state = Mutex(State())

    package init(_ resolver: any Resolver, bounds: Bounds = Bounds(), now: @escaping @Sendable () -> NIODeadline = { .now() }) {
        self.resolver = resolver
        self.bounds = bounds
        self.now = now
    }

    package func ask(
        _ name: String,
        _ type: DNSType,
        within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery {
        let question = Question(name: name, type: type)
        if let known = self.known(question) {
            completion(known)
            return DNSQuery {}
        }
        return self.resolver.ask(name, type, within: deadline) { result in
            self.keep(result, for: question)
            completion(result)
        }
    }

    /// Forgets everything: the name servers were changed, or somebody wants to see the truth.
    package func forget() { self.state.withLock { $0 = State() } }

    package var count: Int { self.state.withLock { $0.young.count + $0.old.count } }

    private func known(_ question: Question) -> Result<DNSAnswer, DNSFailure>? {
        let now = self.now()
        return self.state.withLock { state in
            guard let entry = state.young[question] ?? state.old[question], entry.until > now else { return nil }
            return entry.result
        }
    }

    private func keep(_ result: Result<DNSAnswer, DNSFailure>, for question: Question) {
        let lifetime: TimeAmount
        switch result {
        case .success(let answer): lifetime = min(.seconds(Int64(answer.lifetime)), self.bounds.longest)
        case .failure(.noName), .failure(.noRecords): lifetime = self.bounds.missing
        case .failure(.temporary), .failure(.timedOut), .failure(.bogus), .failure(.cancelled): return
        }
        guard lifetime > .zero else { return }
        let until = self.now() + lifetime
        self.state.withLock { state in
            if state.young.count >= max(1, self.bounds.entries / 2) {
                state.old = state.young
                state.young = [:]
            }
            state.young[question] = Entry(result: result, until: until)
        }
    }
}
