internal import Synchronization
package import Vocabulary

/// Keeps events for the test to look at.
package final class RecordingSink: EventSink {
    private let state = Mutex<[TrailEvent]>([])
    package init() {}

    package func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {
        let event = event()
        self.state.withLock { $0.append(event) }
    }

    package var events: [TrailEvent] { self.state.withLock { $0 } }

    /// `event key=value …` of each.
    package var lines: [String] {
        self.events.map { event in ([event.event] + event.facts.map { "\($0.key)=\($0.value)" }).joined(separator: " ") }
    }
}
