internal import Database

/// Answers of the store for whoever has a thread to wait on and nothing else to do there: commands, deliveries, workers. Never on an event
/// loop, nor on a thread of the store.
package enum StoreWait {
    /// Seconds after which a store that has not answered counts as stuck.
    package static let longest = 60

    /// The answer; `unanswered` when none came in time, though what was asked for may still happen.
    ///
    /// - Parameter seconds: nil waits as long as it takes: for what may rightly take long. A store that is closed answers everybody.
    package static func value<Value: Sendable>(
        seconds: Int? = longest, _ ask: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void
    ) throws(StoreError) -> Value {
        let answer = Monitor<Result<Value, StoreError>?>(nil)
        ask { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        let result =
            if let seconds {
                answer.wait(milliseconds: seconds * 1000, until: { $0 != nil }, then: { $0 })
            } else {
                answer.wait(until: { $0 != nil }, then: { $0 })
            }
        guard let result else { throw .unanswered }
        return try result.get()
    }
}
