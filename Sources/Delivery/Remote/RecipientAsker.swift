internal import NIOCore
internal import NetKit
package import Policy
internal import Routing
internal import SMTPWire
internal import Synchronization
internal import Text
package import Vocabulary

// Invariants:
// 1. Nobody waits for longer than `deadline`; what is not known by then is not known.
// 2. However many ask, a next hop sees at most `Limits.perHop` connections of ours, and all hosts together `Limits.sessions`.
// 3. What is remembered and what waits is bounded; beyond it nothing is asked.
// 4. A host that cannot be asked is left alone for a while.

/// Asks the next host whether it would take mail for a recipient (MAIL and RCPT, never a message), and remembers the answers. The host must
/// prove what it must prove to get mail, and gets the login of its route.
package final class RecipientAsker: Sendable {
    package struct Limits: Sendable {
        /// Connections to one next hop, and to all of them.
        package var perHop = 2
        package var sessions = 20
        /// Recipients that wait for an answer, of one next hop.
        package var waiting = 500
        package var remembered = 50_000
        /// Recipients of one question.
        package var batch = 50
        /// Seconds for an answer.
        package var deadline: Int64 = 15
        /// Seconds for which an answer holds.
        package var positive: Int64 = 86_400
        package var negative: Int64 = 900
        /// Seconds for which a host that cannot be asked is left alone.
        package var rest: Int64 = 60
        /// The same where it refuses our login: hosts shut out who tries a wrong password every minute.
        package var restOfLogin: Int64 = 600

        package init() {}
    }

    package typealias Completion = @Sendable (RecipientAnswer) -> Void

    private struct Fact {
        var answer: RecipientAnswer
        var until: Int64
    }
    private struct Hop {
        /// By key; those that no session has taken yet are in `fresh` too.
        var waiting: [String: [Completion]] = [:]
        var fresh: [(key: String, address: Address)] = []
        var sessions = 0
        var restUntil: Int64 = 0
    }
    private struct State {
        var facts: [String: Fact] = [:]
        var hops: [NextHop: Hop] = [:]
        var sessions = 0
    }

    private let delivery: RemoteDelivery
    private let limits: Limits
    private let later: @Sendable (Int64, @escaping @Sendable () -> Void) -> Void
    private let state = Mutex(State())

    /// - Parameter later: calls back after so many seconds, without holding up anything.
    package init(
        _ delivery: RemoteDelivery, limits: Limits = Limits(), later: @escaping @Sendable (Int64, @escaping @Sendable () -> Void) -> Void
    ) {
        self.delivery = delivery
        self.limits = limits
        self.later = later
    }

    /// The completion comes once, at once or from any thread.
    package func ask(_ address: Address, _ completion: @escaping Completion) {
        let settings = self.delivery.environment.settings()
        guard let domain = DomainName.normalized(address.domain) else { return completion(.unknown("the domain is no name")) }
        let hop = settings.routes.hop(for: domain)
        guard hop != .hold else { return completion(.unknown("the route holds")) }
        if hop.isRouted, let login = settings.logins[hop], login.password == nil {
            return completion(.unknown("the login of the route has no password"))
        }
        let key = "\(address.localPart)@\(domain)"
        let now = self.delivery.environment.now()
        enum Step { case answer(RecipientAnswer), wait, start }
        let step: Step = self.state.withLock { state in
            if let fact = state.facts[key], fact.until > now { return .answer(fact.answer) }
            var known = state.hops[hop] ?? Hop()
            defer { state.hops[hop] = known }
            if known.restUntil > now { return .answer(.unknown("the next host could not be asked a moment ago")) }
            guard known.waiting.count < self.limits.waiting else { return .answer(.unknown("too much is being asked")) }
            if known.waiting[key] == nil { known.fresh.append((key, address)) }
            known.waiting[key, default: []].append(completion)
            guard known.sessions < self.limits.perHop, state.sessions < self.limits.sessions, !known.fresh.isEmpty else { return .wait }
            known.sessions += 1
            state.sessions += 1
            return .start
        }
        switch step {
        case .answer(let answer): return completion(answer)
        case .wait: break
        case .start: RecipientQuestion(self, self.delivery, hop, settings).run()
        }
        self.later(self.limits.deadline) { self.giveUp(key, hop) }
    }

    /// Its time is over: whoever still waits for this address is told so.
    private func giveUp(_ key: String, _ hop: NextHop) {
        let waiting = self.state.withLock { state in
            state.hops[hop]?.fresh.removeAll { $0.key == key }
            return state.hops[hop]?.waiting.removeValue(forKey: key) ?? []
        }
        for completion in waiting { completion(.unknown("the next host did not answer in time")) }
    }

    /// Addresses for the next question to a next hop; nil when nothing is to be asked any more.
    func next(_ hop: NextHop) -> [Address]? {
        self.state.withLock { state in
            guard var known = state.hops[hop], !known.fresh.isEmpty else { return nil }
            let taken = known.fresh.prefix(self.limits.batch).map(\.address)
            known.fresh.removeFirst(taken.count)
            state.hops[hop] = known
            return taken
        }
    }

    func answered(_ hop: NextHop, _ answers: [(Address, RecipientAnswer)]) {
        let now = self.delivery.environment.now()
        var told: [(Completion, RecipientAnswer)] = []
        self.state.withLock { state in
            for (address, answer) in answers {
                guard let domain = DomainName.normalized(address.domain) else { continue }
                let key = "\(address.localPart)@\(domain)"
                if let time = self.lifetime(of: answer) {
                    if state.facts.count >= self.limits.remembered { Self.makeRoom(&state.facts, now) }
                    state.facts[key] = Fact(answer: answer, until: now + time)
                }
                for completion in state.hops[hop]?.waiting.removeValue(forKey: key) ?? [] { told.append((completion, answer)) }
            }
        }
        for (completion, answer) in told { completion(answer) }
    }

    private func lifetime(of answer: RecipientAnswer) -> Int64? {
        switch answer {
        case .taken: self.limits.positive
        case .refused: self.limits.negative
        case .unknown: nil
        }
    }

    /// What is over goes; when nothing is, half of it, whichever.
    private static func makeRoom(_ facts: inout [String: Fact], _ now: Int64) {
        let before = facts.count
        facts = facts.filter { $0.value.until > now }
        guard facts.count > before / 2 else { return }
        facts = Dictionary(uniqueKeysWithValues: facts.dropFirst(facts.count / 2).map { ($0.key, $0.value) })
    }

    /// A session is over. `failure` where it could not ask: whoever waits is told, and the host is left alone.
    /// - Parameter isLogin: it was our login that failed.
    func ended(_ hop: NextHop, failure: String?, isLogin: Bool = false) {
        let now = self.delivery.environment.now()
        var told: [Completion] = []
        let settings = self.delivery.environment.settings()
        let mustGoOn = self.state.withLock { state -> Bool in
            state.sessions = max(0, state.sessions - 1)
            guard var known = state.hops[hop] else { return false }
            known.sessions = max(0, known.sessions - 1)
            if failure != nil {
                known.restUntil = now + (isLogin ? self.limits.restOfLogin : self.limits.rest)
                told = known.waiting.values.flatMap { $0 }
                known.waiting = [:]
                known.fresh = []
            }
            let mustGoOn = !known.fresh.isEmpty && known.sessions < self.limits.perHop && state.sessions < self.limits.sessions
            if mustGoOn {
                known.sessions += 1
                state.sessions += 1
            }
            let isIdle = known.sessions == 0 && known.waiting.isEmpty && known.restUntil <= now
            state.hops[hop] = isIdle ? nil : known
            return mustGoOn
        }
        for completion in told { completion(.unknown(failure ?? "")) }
        if mustGoOn { RecipientQuestion(self, self.delivery, hop, settings).run() }
    }

    /// Forgets what was learned; for tests and changed settings.
    package func forget() { self.state.withLock { $0.facts = [:] } }
}
