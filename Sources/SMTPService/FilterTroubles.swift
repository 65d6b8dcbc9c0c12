internal import Synchronization

/// Filters that were not asked lately, since the time for a message was used up before their turn.
package final class FilterTroubles: Sendable {
    private static let memory: Int64 = 86_400
    private static let most = 200
    /// When it last happened, by rule.
    private let rules = Mutex<[String: Int64]>([:])

    package init() {}

    func note(_ rule: String, at now: Int64) {
        self.rules.withLock { rules in
            rules[rule] = now
            // Rules come and go with the configuration.
            if rules.count > Self.most { rules = rules.filter { now - $0.value < Self.memory } }
            if rules.count > Self.most { rules = [rule: now] }
        }
    }

    /// Rules of the last day, by name.
    package func known(at now: Int64) -> [String] {
        self.rules.withLock { rules in rules.filter { now - $0.value < Self.memory }.keys.sorted() }
    }
}
