internal import Database
internal import Policy
package import Vocabulary

/// Threads for work that takes long, fair between peers: each address has a queue of its own and they take turns, so that one client
/// that sends bad logins by the hundred delays another by no more than the jobs that run at the moment.
package final class FairQueue: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct State {
        var waiting: [PeerBlock: [Job]] = [:]
        /// Peers with jobs, in the order of their turns.
        var turns: [PeerBlock] = []
        var next = 0
        var count = 0
        var isStopped = false

        mutating func take() -> Job? {
            guard !self.turns.isEmpty else { return nil }
            if self.next >= self.turns.count { self.next = 0 }
            let peer = self.turns[self.next]
            guard var jobs = self.waiting[peer], !jobs.isEmpty else { return nil }
            self.waiting[peer] = nil
            let job = jobs.removeFirst()
            if jobs.isEmpty {
                self.turns.swapAt(self.next, self.turns.count - 1)
                self.turns.removeLast()
            } else {
                self.waiting[peer] = jobs
                self.next += 1
            }
            self.count -= 1
            return job
        }
    }

    private let state = Monitor(State())
    private let perPeer: Int
    private let total: Int
    private let threads: [Thread]

    package init(_ name: String, threads: Int, perPeer: Int, total: Int) {
        self.perPeer = perPeer
        self.total = total
        let state = self.state
        self.threads = (0..<max(1, threads)).map { index in
            Thread("\(name)-\(index)") {
                while let job = state.wait(until: { $0.isStopped || $0.count > 0 }, then: { $0.take() }) { job() }
            }
        }
    }

    /// False when the peer or everybody together has too much waiting, or the queue has stopped.
    package func submit(from peer: PeerBlock, _ job: @escaping Job) -> Bool {
        let taken = self.state.withLock { state in
            guard !state.isStopped, state.count < self.total, state.waiting[peer, default: []].count < self.perPeer else { return false }
            if state.waiting[peer] == nil { state.turns.append(peer) }
            state.waiting[peer, default: []].append(job)
            state.count += 1
            return true
        }
        if taken { self.state.signal() }
        return taken
    }

    package var backlog: Int { self.state.withLock { $0.count } }

    /// Runs what waits, then ends the threads.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        self.state.broadcast()
        for thread in self.threads { thread.join() }
    }
}

/// What counts as one peer: an IPv4 address, or the /64 of an IPv6 address, which is what one customer has.
package struct PeerBlock: Hashable, Sendable {
    private let bytes: [UInt8]
    package init(_ address: IPAddress) { self.bytes = address.isIPv6 ? Array(address.bytes.prefix(8)) : address.bytes }

    /// The block as a network: `192.0.2.1/32`, `2001:db8::/64`.
    var network: IPNetwork? {
        let isIPv6 = self.bytes.count == 8
        return IPAddress(bytes: isIPv6 ? self.bytes + [UInt8](repeating: 0, count: 8) : self.bytes).map {
            IPNetwork(around: $0, prefixLength: isIPv6 ? 64 : 32)
        }
    }
}
