package import Directory
package import FingerWire
package import NetKit
package import Vocabulary

// Invariants of this target:
// 1. Nothing is told but what `PublishedEntry` holds: an account that is not published is answered as a name that nobody has.
// 2. No look-up runs on an event loop, and peers take turns: one that asks by the hundred delays nobody else.

/// Puts a finger session on each connection of a finger listener.
package struct FingerService: SessionService {
    package struct Environment: Sendable {
        package var directory: Directory
        package var sink: any EventSink
        /// Look-ups wait here.
        package var queue: FairQueue

        package init(directory: Directory, sink: any EventSink, queue: FairQueue) {
            self.directory = directory
            self.sink = sink
            self.queue = queue
        }
    }

    /// Look-ups of one peer and of all that may wait.
    package static let waitingPerPeer = 8
    package static let waiting = 512

    private let environment: Environment

    package init(_ environment: Environment) { self.environment = environment }

    package func makeSession(_ facts: ConnectionFacts, _ link: SessionLink<Never>)
        -> (machine: FingerMachine, backend: any SessionBackend<FingerMachine>)
    {
        (FingerMachine(hostName: self.environment.directory.configuration.hostName), FingerBackend(facts, self.environment))
    }
}
