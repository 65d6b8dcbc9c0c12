internal import Database
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import Queue
internal import Routing
internal import Synchronization
internal import Text
package import Vocabulary

/// A host that is not always there asks for the mail that waits for it: QSND of the original, ETRN. [RFC1985-5]
package struct QueueRequest: Sendable, Hashable {
    package enum Scope: Sendable, Hashable {
        /// Everything that the asking host may receive.
        case everything
        /// A domain, or the name of a host that domains lead to; normalised.
        case name(String)
        /// A domain and all below it.
        case below(String)
    }

    package var peer: IPAddress
    /// First address of the account that has logged in; nil is nobody.
    package var login: Address?
    package var scope: Scope

    package init(peer: IPAddress, login: Address? = nil, scope: Scope) {
        self.peer = peer
        self.login = login
        self.scope = scope
    }
}

package enum QueueAnswer: Sendable, Hashable {
    case released(Int)
    /// Something waits, but the asking host is not the one that receives it.
    case notAllowed
    /// Asked too often, or the queue cannot be read now.
    case later
}

/// Releases waiting mail for whoever receives it: the host that its route or MX leads to, by address; or a user that the postmaster named for
/// the domain, from wherever he calls, and then to that address. What the postmaster holds stays held.
package final class QueueReleaser: Sendable {
    /// Requests of one address (IPv6: one /64) in ten minutes, and of all together: each one reads what routes hold or send elsewhere.
    private static let allowance = 20
    private static let allowanceOfAll = 300
    /// Domains that are looked up for one request.
    private static let maximumLookups = 500
    /// For looking up, in seconds; the client waits meanwhile.
    private static let lookupTime: Int64 = 20
    /// Seconds that mail goes to the address from which a user called.
    static let callTime: Int64 = 1800
    private static let page = 500

    private let remote: RemoteDelivery
    private let worker = WorkerPool("release", threads: 1, bound: 100)
    private struct Counters {
        var peers: [IPAddress: RateCounter] = [:]
        var all = RateCounter(window: 600)
    }
    private let counters = Mutex(Counters())
    private let isStopped = Atomic<Bool>(false)

    package init(_ remote: RemoteDelivery) { self.remote = remote }

    /// The request in hand comes to its end early. Blocks.
    package func stop() {
        self.isStopped.store(true, ordering: .relaxed)
        self.worker.stop()
    }

    /// Returns at once; the completion comes on a thread of its own.
    package func release(_ request: QueueRequest, _ completion: @escaping @Sendable (QueueAnswer) -> Void) {
        guard self.mayAsk(request.peer) else { return completion(.later) }
        let isTaken = self.worker.submit { completion(self.carryOut(request)) }
        if !isTaken { completion(.later) }
    }

    private func mayAsk(_ peer: IPAddress) -> Bool {
        let now = self.remote.environment.now()
        let key = IPNetwork(around: peer, prefixLength: peer.isIPv6 ? 64 : 32).base
        return self.counters.withLock { counters in
            if counters.peers.count > 10_000 { counters.peers = counters.peers.filter { !$0.value.isStale(at: now) } }
            let ofPeer = counters.peers[key, default: RateCounter(window: 600)].add(at: now)
            return ofPeer <= Self.allowance && counters.all.add(at: now) <= Self.allowanceOfAll
        }
    }

    /// Blocks.
    private func carryOut(_ request: QueueRequest) -> QueueAnswer {
        let settings = self.remote.environment.settings()
        do throws(StoreError) {
            let waiting = try self.waitingDomains(request, settings)
            guard !waiting.isEmpty else { return .released(0) }
            let allowed = self.allowed(waiting, request, settings)
            // Whether something waits for others is told to nobody but those who name them.
            guard !allowed.isEmpty else {
                return request.scope != .everything && waiting.contains(where: \.isNamed) ? .notAllowed : .released(0)
            }
            return .released(try self.letGo(Set(allowed.map(\.name))))
        } catch {
            return .later
        }
    }

    // MARK: What waits

    private struct Waiting: Hashable {
        var name: String
        var hop: NextHop
        var isNamed: Bool
    }

    /// Domains with something in the queue that the request is about.
    private func waitingDomains(_ request: QueueRequest, _ settings: RemoteSettings) throws(StoreError) -> [Waiting] {
        var seen: Set<String> = []
        var waiting: [Waiting] = []
        func add(_ name: String) {
            guard seen.insert(name).inserted else { return }
            let hop = settings.routes.hop(for: name)
            waiting.append(
                Waiting(name: name, hop: hop == .hold ? RouteTable().hop(for: name) : hop, isNamed: Self.isNamed(name, request.scope)))
        }
        for destination in try self.destinations() {
            // Its name is that of the domain: one entry says whether there is something to be let go.
            if let domain = Self.domain(ofDestination: destination) {
                guard !seen.contains(domain) else { continue }
                try self.eachPage(of: [destination]) { entries in
                    guard let first = entries.lazy.compactMap(Self.domain).first else { return true }
                    add(first)
                    return false
                }
            } else {
                try self.eachPage(of: [destination]) { entries in
                    entries.compactMap(Self.domain).forEach(add)
                    return true
                }
            }
        }
        // What the request names comes first, then what a route holds for somebody who calls.
        let isHeld = { (entry: Waiting) in settings.routes.hop(for: entry.name) == .hold }
        return waiting.filter(\.isNamed) + waiting.filter { !$0.isNamed && isHeld($0) } + waiting.filter { !$0.isNamed && !isHeld($0) }
    }

    private static func domain(of entry: StoredQueueEntry) -> String? {
        guard entry.draft.channel == .remote, !entry.flags.contains(.held) || entry.flags.contains(.heldByRoute) else { return nil }
        return DomainName.normalized(entry.draft.recipient.address.domain)
    }

    /// The domain whose mail alone waits under this name; nil where mail of several domains does.
    private static func domain(ofDestination name: String) -> String? {
        guard name != NextHop.hold.queueName, !name.contains(" "), !name.contains("[") else { return nil }
        return String(name.prefix { $0 != ":" })
    }

    private static func isNamed(_ domain: String, _ scope: QueueRequest.Scope) -> Bool {
        switch scope {
        case .everything: true
        case .name(let name): domain == name
        case .below(let name): domain == name || domain.hasSuffix(".\(name)")
        }
    }

    // MARK: Who may have it

    private func allowed(_ waiting: [Waiting], _ request: QueueRequest, _ settings: RemoteSettings) -> [Waiting] {
        let end = NIODeadline.now() + .seconds(Self.lookupTime)
        var lookups = 0
        var allowed: [Waiting] = []
        for domain in waiting {
            if domain.isNamed, let login = request.login, settings.callers.contains(domain: domain.name, user: login) {
                self.remote.expect(domain.name, at: request.peer, port: settings.callerPort)
                allowed.append(domain)
                continue
            }
            // A name that is none of the waiting domains may be that of a host that they lead to.
            guard domain.isNamed || Self.isHostScope(request.scope), lookups < Self.maximumLookups, NIODeadline.now() < end,
                !self.isStopped.load(ordering: .relaxed)
            else { continue }
            lookups += 1
            if self.leads(domain, to: request) { allowed.append(domain) }
        }
        return allowed
    }

    private static func isHostScope(_ scope: QueueRequest.Scope) -> Bool { if case .name = scope { true } else { false } }

    /// The domain's hosts include the asking address; where the request names a host, that one.
    private func leads(_ domain: Waiting, to request: QueueRequest) -> Bool {
        let finder = self.remote.environment.finder
        guard case .success(let hosts)? = self.wait({ finder.hosts(of: domain.hop, $0) }) else { return false }
        for host in hosts.prefix(10) {
            if case .name(let name) = request.scope, !domain.isNamed, host.name != name { continue }
            if case .success(let found)? = self.wait({ finder.addresses(of: host, $0) }), found.addresses.contains(request.peer) {
                return true
            }
        }
        return false
    }

    private func wait<Value: Sendable>(_ start: (@escaping @Sendable (Value) -> Void) -> Void) -> Value? {
        let answer = Monitor<Value?>(nil)
        start { value in
            answer.withLock { $0 = value }
            answer.signal()
        }
        return answer.wait(milliseconds: 10_000, until: { $0 != nil }, then: { $0 })
    }

    // MARK: Letting go

    private func letGo(_ domains: Set<String>) throws(StoreError) -> Int {
        let now = self.remote.environment.now()
        let places = try self.destinations().filter { Self.domain(ofDestination: $0).map(domains.contains) ?? true }
        var count = 0
        var failure: StoreError?
        try self.eachPage(of: places) { entries in
            let chosen = entries.filter { Self.domain(of: $0).map(domains.contains) ?? false }
            let waiting = chosen.filter { !$0.flags.contains(.held) }
            // What is due already has its turn, and must not be met again further on.
            count += waiting.count { $0.draft.due <= now }
            let edits: [([StoredQueueEntry], RemoteDelivery.Edit)] = [
                (chosen.filter { $0.flags.contains(.held) }, .release), (waiting.filter { $0.draft.due > now }, .retry),
            ]
            for (entries, edit) in edits where !entries.isEmpty && failure == nil {
                do throws(StoreError) { count += try self.remote.edit(entries, edit).done } catch { failure = error }
            }
            return failure == nil
        }
        if let failure { throw failure }
        return count
    }

    /// Next hops with something in the queue: a step in an index each.
    private func destinations() throws(StoreError) -> [String] {
        var names: [String] = []
        while !self.remote.isStopped, !self.isStopped.load(ordering: .relaxed) {
            let page = try self.remote.environment.store.queueDestinations(.remote, after: names.last ?? "", limit: Self.page)
            names += page.map(\.name)
            guard page.count == Self.page else { break }
        }
        return names
    }

    /// Goes through the entries of next hops, page by page, until `body` says false (for that next hop).
    private func eachPage(of destinations: [String], _ body: ([StoredQueueEntry]) -> Bool) throws(StoreError) {
        for destination in destinations {
            var last: StoredQueueEntry?
            while !self.remote.isStopped, !self.isStopped.load(ordering: .relaxed) {
                let page = try self.remote.environment.store.queueEntries(
                    .remote, destination: destination, behind: last?.id ?? QueueID(rawValue: 0), due: last?.draft.due ?? .min,
                    until: .max, limit: Self.page)
                guard let end = page.last, body(page), page.count == Self.page else { break }
                last = end
            }
        }
    }
}

/// Users who may fetch the mail of a domain from wherever they are, as the postmaster lists them.
package struct QueueCallers: Sendable, Hashable {
    private var users: [String: Set<AddressKey>] = [:]

    /// - Parameter rows: user and domain, canonical.
    package init(_ rows: [[String]] = []) {
        for row in rows where row.count == 2 {
            guard let address = try? Address(parsing: row[0]), let key = AddressKey(address) else { continue }
            self.users[row[1], default: []].insert(key)
        }
    }

    func contains(domain: String, user: Address) -> Bool {
        guard let users = self.users[domain], let key = AddressKey(user) else { return false }
        return users.contains(key)
    }
}
