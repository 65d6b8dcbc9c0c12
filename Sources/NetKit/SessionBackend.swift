package import Vocabulary

// Invariants of NetKit:
// 1. Everything of one connection lives on one event loop; only `SessionAnswer`, `SessionLink` and `ListenerSet` are called from elsewhere.
// 2. Nothing here blocks an event loop: no DNS, no file, no certificate is read on one.
// 3. A connection is counted from accept until its descriptor is closed, TLS handshake and last reply included.
// 4. No byte that came in plaintext reaches a machine once it asked for TLS.
// 5. One session's error ends that session only.

/// What a protocol machine's calls mean. One object a connection, used on its event loop only.
package protocol SessionBackend<Machine>: AnyObject {
    associatedtype Machine: SessionMachine

    /// Carry out one call and answer exactly once, now or later, from any thread. Must not block.
    func perform(_ call: Machine.Call, _ answer: SessionAnswer<Machine.Outcome>)
    /// The connection is gone: release locks, abandon drafts. Called exactly once, also while a call is open (its answer is then dropped).
    func ended()
}

/// Makes the two halves of a session for each connection of a listener. Called on the connection's event loop.
package protocol SessionService<Machine>: Sendable {
    associatedtype Machine: SessionMachine

    func makeSession(
        _ facts: ConnectionFacts,
        _ link: SessionLink<Machine.Event>
    ) -> (machine: Machine, backend: any SessionBackend<Machine>)
}

/// Takes the outcome of one call back to its session. A second answer, or one that comes after the end, is dropped.
package struct SessionAnswer<Outcome: Sendable>: Sendable {
    private enum Way: Sendable {
        case driver(any OutcomeTaker<Outcome>, ticket: UInt64)
        case closure(@Sendable (Outcome) -> Void)
    }
    private let way: Way

    init(_ taker: any OutcomeTaker<Outcome>, ticket: UInt64) { self.way = .driver(taker, ticket: ticket) }

    /// For tests of a backend without a driver.
    package init(_ take: @escaping @Sendable (Outcome) -> Void) { self.way = .closure(take) }

    /// From any thread. On the session's loop the outcome is taken at once, otherwise it hops there.
    package func callAsFunction(_ outcome: Outcome) {
        switch self.way {
        case .driver(let taker, let ticket): taker.take(outcome, ticket: ticket)
        case .closure(let take): take(outcome)
        }
    }
}

/// The driver as its answers see it.
protocol OutcomeTaker<Outcome>: AnyObject, Sendable {
    associatedtype Outcome: Sendable
    func take(_ outcome: Outcome, ticket: UInt64)
}

/// A way into a living session from outside: events of other sessions, an order to end. Holds the session weakly.
package struct SessionLink<Event: Sendable>: Sendable {
    private let post: @Sendable (Event) -> Void

    package init(_ post: @escaping @Sendable (Event) -> Void) { self.post = post }

    /// From any thread; does nothing once the session has ended. Events arrive in the order of posting.
    package func callAsFunction(_ event: Event) { self.post(event) }
}
