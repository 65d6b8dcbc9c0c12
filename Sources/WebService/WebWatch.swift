package import Counters
package import MessageStore
package import Vocabulary

/// What pages about the running of the server look at; filled by the composition root.
package struct WebWatch: Sendable {
    /// nil where nothing is counted.
    package var counters: Counters?
    /// The newest count of the queue; nil when it cannot be read.
    package var census: @Sendable () -> QueueCensus?
    /// Accounts by what they hold, the largest first, as of the newest look; nil before the first.
    package var holdings: @Sendable () -> AccountHoldings?
    /// Entries that are being delivered at this moment.
    package var underWay: @Sendable () -> Set<QueueID>
    /// Next hops that took nothing and rest: name, and Unix seconds of the end.
    package var resting: @Sendable () -> [(name: String, until: Int64)]
    /// Directory of the log.
    package var log: String
    /// The reason of an entry in a reader's language.
    package var reason: @Sendable (String, Language) -> String

    package init(
        counters: Counters?, census: @escaping @Sendable () -> QueueCensus?, holdings: @escaping @Sendable () -> AccountHoldings?,
        underWay: @escaping @Sendable () -> Set<QueueID>, resting: @escaping @Sendable () -> [(name: String, until: Int64)], log: String,
        reason: @escaping @Sendable (String, Language) -> String
    ) {
        self.counters = counters
        self.census = census
        self.holdings = holdings
        self.underWay = underWay
        self.resting = resting
        self.log = log
        self.reason = reason
    }
}
