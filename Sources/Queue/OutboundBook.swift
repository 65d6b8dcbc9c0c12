/// Bounds of the way out.
package struct OutboundLimits: Sendable, Hashable {
    /// Connections to all hosts together.
    package var connections = 100
    /// Connections to one next hop.
    package var perDestination = 20
    /// With so many a next hop begins.
    package var initial = 5
    /// Recipients of one transaction. [RFC5321-4.5.3.1.8]
    package var recipients = 100
    /// Seconds for which a next hop that failed altogether is left alone.
    package var rest: Int64 = 60
    /// Next hops remembered at a time; what is beyond them is found when there is room.
    package var destinations = 10_000

    package init() {}
}

/// Which next hop gets a connection when: a value without clock, threads or database.
///
/// Next hops that may have work stand in a ring and get one connection a turn, so that one with a million messages gets no more turns than
/// one with a single message. How many connections a next hop may have at once grows while they go well and halves when one fails.
package struct OutboundBook: Sendable {
    package struct Destination: Sendable, Hashable {
        /// Connections that are there or being made.
        package internal(set) var connections = 0
        /// Connections that a host has begun to take messages from.
        package internal(set) var serving = 0
        /// So many it may have.
        package internal(set) var window: Int
        /// Successes since the window last grew.
        var successes = 0
        /// Left alone until then.
        package internal(set) var restUntil: Int64 = 0
        /// There may be more in the queue than is in hand.
        var mayHaveMore = true
        var isInRing = false
    }

    package enum Ending: Sendable, Hashable {
        /// Nothing more to send, or it was somebody else's turn.
        case done
        /// The connection broke or was refused; others may stand.
        case broken
        /// No host takes anything.
        case dead
    }

    package private(set) var limits: OutboundLimits
    private var destinations: [String: Destination] = [:]
    /// Those that may get a connection, in turn.
    private var ring: [String] = []
    private var head = 0
    package private(set) var connections = 0
    /// When the next rest is over, or a little earlier; never later.
    package private(set) var nextRest: Int64 = .max

    package init(_ limits: OutboundLimits) { self.limits = limits }

    /// From now on so many connections to all hosts together; those that stand are left alone.
    package mutating func setConnectionLimit(_ count: Int) { self.limits.connections = max(1, count) }

    package subscript(_ name: String) -> Destination? { self.destinations[name] }
    /// Next hops that wait for their turn.
    package var waiting: Int { self.ring.count - self.head }
    package var count: Int { self.destinations.count }

    /// True while there is room for next hops not known yet.
    package var hasRoom: Bool { self.destinations.count < self.limits.destinations }

    /// There is something to send there. False when there is no room to remember it: it will be found again.
    @discardableResult
    package mutating func noteWork(_ name: String, now: Int64) -> Bool {
        if self.destinations[name] == nil {
            guard self.hasRoom else { return false }
            self.destinations[name] = Destination(window: max(1, min(self.limits.initial, self.limits.perDestination)))
        }
        self.destinations[name]?.mayHaveMore = true
        self.enterRing(name, now)
        return true
    }

    /// The next hop that gets the next connection; nil when nobody may have one now.
    package mutating func nextStart(now: Int64) -> String? {
        guard self.connections < self.limits.connections else { return nil }
        while self.head < self.ring.count {
            let name = self.ring[self.head]
            self.head += 1
            self.compact()
            self.destinations[name]?.isInRing = false
            guard self.mayStart(name, now) else { continue }
            self.destinations[name]?.connections += 1
            self.connections += 1
            self.enterRing(name, now)
            return name
        }
        return nil
    }

    /// A host takes messages on one more connection.
    package mutating func beganServing(_ name: String) { self.destinations[name]?.serving += 1 }

    /// A message went out.
    package mutating func succeeded(_ name: String) {
        guard var destination = self.destinations[name] else { return }
        destination.successes += 1
        if destination.successes >= destination.window, destination.window < self.limits.perDestination {
            destination.window += 1
            destination.successes = 0
        }
        destination.restUntil = 0
        self.destinations[name] = destination
    }

    /// Nothing was left for it when somebody looked.
    package mutating func drained(_ name: String) { self.destinations[name]?.mayHaveMore = false }

    /// True when a connection should leave after the message in hand: others wait, and there is no room for them.
    package func shouldYield(_ name: String) -> Bool {
        guard self.connections >= self.limits.connections, self.waiting > 0, let own = self.destinations[name] else { return false }
        return own.connections > max(1, self.limits.connections / max(1, self.destinations.count))
    }

    /// - Parameters:
    ///   - wasServing: `beganServing` was said of this connection.
    ///   - rest: seconds for which a dead next hop is left alone, where that is longer than usual.
    package mutating func ended(_ name: String, _ ending: Ending, wasServing: Bool = false, rest: Int64 = 0, now: Int64) {
        guard var destination = self.destinations[name], destination.connections > 0 else { return }
        destination.connections -= 1
        if wasServing { destination.serving = max(0, destination.serving - 1) }
        self.connections -= 1
        switch ending {
        case .done: break
        case .broken:
            destination.window = max(1, destination.window / 2)
            destination.successes = 0
            // With no other connection it would begin again at once.
            if destination.connections == 0 { destination.restUntil = max(destination.restUntil, now + min(5, self.limits.rest)) }
        case .dead:
            destination.window = 1
            destination.successes = 0
            destination.restUntil = now + max(rest, self.limits.rest)
        }
        self.destinations[name] = destination
        if destination.restUntil > now { self.nextRest = min(self.nextRest, destination.restUntil) }
        if destination.connections == 0, !destination.mayHaveMore, destination.restUntil <= now, !destination.isInRing {
            self.destinations[name] = nil
        } else {
            self.enterRing(name, now)
        }
    }

    /// Puts those whose rest is over back into the ring and forgets those that have nothing; the time of the next end of a rest.
    package mutating func refresh(now: Int64) -> Int64? {
        var next: Int64?
        for (name, destination) in self.destinations where !destination.isInRing {
            if destination.restUntil > now {
                next = min(next ?? .max, destination.restUntil)
            } else if destination.mayHaveMore {
                self.enterRing(name, now)
            } else if destination.connections == 0 {
                self.destinations[name] = nil
            }
        }
        self.nextRest = next ?? .max
        return next
    }

    /// The same when a rest is over by now: it looks at every next hop.
    package mutating func refreshIfDue(now: Int64) { if self.nextRest <= now { _ = self.refresh(now: now) } }

    /// Next hops that took nothing and are left alone until a time, those that rest longest first; at most so many.
    package func resting(now: Int64, limit: Int) -> [(name: String, until: Int64)] {
        let all = self.destinations.lazy.filter { $0.value.restUntil > now }.map { (name: $0.key, until: $0.value.restUntil) }
        return Array(all.sorted { ($1.until, $0.name) < ($0.until, $1.name) }.prefix(limit))
    }

    /// Ends the rest of a next hop: somebody wants it tried now.
    package mutating func wake(_ name: String, now: Int64) {
        self.destinations[name]?.restUntil = 0
        self.noteWork(name, now: now)
    }

    private func mayStart(_ name: String, _ now: Int64) -> Bool {
        guard let destination = self.destinations[name] else { return false }
        return destination.mayHaveMore && destination.restUntil <= now && destination.connections < destination.window
    }

    private mutating func enterRing(_ name: String, _ now: Int64) {
        guard self.mayStart(name, now), self.destinations[name]?.isInRing == false else { return }
        self.destinations[name]?.isInRing = true
        self.ring.append(name)
    }

    private mutating func compact() {
        guard self.head > 64, self.head * 2 > self.ring.count else { return }
        self.ring.removeFirst(self.head)
        self.head = 0
    }
}
