internal import NIOCore
package import NetKit
package import Policy
package import Queue
internal import Synchronization

/// Finds what a domain says about TLS on the way to it (MTA-STS). A policy that was fetched once holds until its time is over, whatever
/// becomes of the record that announced it: whoever can forge DNS must not be able to switch it off. [RFC8461-3.3] [RFC8461-5.1]
package final class PolicyFinder: Sendable {
    package struct Finding: Sendable, Hashable {
        package var policy: STSPolicy?
        /// What went wrong with a policy that is announced, in the words of reports; nil when nothing did. [RFC8460-4.3.2.2]
        package var trouble: String?

        package static let none = Finding()
    }

    private struct State {
        /// Who waits for a fetch under way, by domain.
        var waiting: [String: [@Sendable (Finding) -> Void]] = [:]
        /// Fetches that failed: not before this time again. Unix seconds.
        var pauses: [String: (until: Int64, trouble: String)] = [:]
    }

    private let resolver: any NetKit.Resolver
    private let web: WebFetch
    private let memory: TransportMemory
    private let now: @Sendable () -> Int64
    private let port: Int
    private let state = Mutex(State())

    private static let deadline = TimeAmount.seconds(20)
    /// After a fetch that failed. Seconds.
    private static let pause: Int64 = 300
    /// A policy of this age is fetched again when it is used, so that it does not run out. Seconds.
    private static let refreshAfter: Int64 = 86_400
    private static let mostPauses = 10_000

    package init(
        resolver: any NetKit.Resolver, web: WebFetch, memory: TransportMemory, now: @escaping @Sendable () -> Int64, port: Int = 443
    ) {
        self.resolver = resolver
        self.web = web
        self.memory = memory
        self.now = now
        self.port = port
    }

    /// The completion comes on any thread, once.
    package func policy(of domain: String, _ completion: @escaping @Sendable (Finding) -> Void) {
        _ = self.resolver.ask("_mta-sts.\(domain)", .txt, within: Self.deadline) { result in
            let kept = self.memory.policy(of: domain, now: self.now())
            guard case .success(let answer) = result, case .texts(let texts) = answer.records,
                let id = TransportRecord.policyID(texts)
            else { return completion(Finding(policy: kept.flatMap(Self.read))) }
            if let kept, kept.id == id {
                completion(Finding(policy: Self.read(kept)))
                if self.now() - kept.fetchedAt > Self.refreshAfter { self.fetch(domain, id) { _ in } }
            } else {
                self.fetch(domain, id, completion)
            }
        }
    }

    private static func read(_ kept: TransportMemory.KeptPolicy) -> STSPolicy? { STSPolicy(Array(kept.text.utf8)) }

    private func fetch(_ domain: String, _ id: String, _ completion: @escaping @Sendable (Finding) -> Void) {
        enum Step { case wait, fetch, pause(String) }
        let now = self.now()
        let step: Step = self.state.withLock { state in
            if let pause = state.pauses[domain], pause.until > now { return .pause(pause.trouble) }
            let isFirst = state.waiting[domain] == nil
            state.waiting[domain, default: []].append(completion)
            return isFirst ? .fetch : .wait
        }
        switch step {
        case .wait: break
        case .pause(let trouble): completion(self.withoutFetch(domain, trouble))
        case .fetch:
            var request = WebFetch.Request(
                host: "mta-sts.\(domain)", path: "/.well-known/mta-sts.txt", wantedKind: "text/plain", limit: STSPolicy.longest)
            request.port = self.port
            self.web.fetch(request) { self.fetched(domain, id, $0) }
        }
    }

    private func fetched(_ domain: String, _ id: String, _ result: Result<[UInt8], WebFetch.Failure>) {
        let now = self.now()
        let finding: Finding
        switch result {
        case .success(let text):
            if let policy = STSPolicy(text) {
                let kept = TransportMemory.KeptPolicy(
                    id: id, text: policy.lines.joined(separator: "\n"), fetchedAt: now, expiresAt: now + policy.maxAge)
                self.memory.keep(kept, of: domain)
                finding = Finding(policy: policy)
            } else {
                finding = self.withoutFetch(domain, "sts-policy-invalid")
            }
        case .failure(.certificate): finding = self.withoutFetch(domain, "sts-webpki-invalid")
        case .failure: finding = self.withoutFetch(domain, "sts-policy-fetch-error")
        }
        let waiting = self.state.withLock { state in
            if let trouble = finding.trouble {
                if state.pauses.count >= Self.mostPauses { state.pauses = state.pauses.filter { $0.value.until > now } }
                if state.pauses.count < Self.mostPauses { state.pauses[domain] = (now + Self.pause, trouble) }
            } else {
                state.pauses[domain] = nil
            }
            return state.waiting.removeValue(forKey: domain) ?? []
        }
        for completion in waiting { completion(finding) }
    }

    /// A policy of before still holds; without one the domain is as if it had none. [RFC8461-3.3]
    private func withoutFetch(_ domain: String, _ trouble: String) -> Finding {
        Finding(policy: self.memory.policy(of: domain, now: self.now()).flatMap(Self.read), trouble: trouble)
    }
}
