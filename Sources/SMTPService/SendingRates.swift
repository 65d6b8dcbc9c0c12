package import Policy
internal import Synchronization
package import Vocabulary

/// Counts what addresses, networks and accounts send in an hour, against the limits that the postmaster set. Bounded: when too many are
/// known, newcomers are not measured until old ones are forgotten.
package final class SendingRates: Sendable {
    package enum Sender: Sendable, Hashable, CustomStringConvertible {
        case client(IPAddress)
        case network(IPNetwork)
        /// Recipients at other hosts.
        case user(AccountID, String)
        case userMessages(AccountID, String)
        /// A user of this host, whose programs hand over mail.
        case localUser(UInt32)

        package func isOf(_ account: AccountID) -> Bool {
            switch self {
            case .user(let id, _), .userMessages(let id, _): id == account
            case .client, .network, .localUser: false
            }
        }

        package var description: String {
            switch self {
            case .client(let address): "\(address)"
            case .network(let network): "\(network)"
            case .user(_, let name), .userMessages(_, let name): name
            case .localUser(let id): "uid:\(id)"
            }
        }
    }

    /// What `postoffice blocked list` shows of a sender that is at its limit.
    package struct Known: Sendable, Hashable {
        package var sender: Sender
        package var count: Int
        package var limit: Int
    }

    private static let window: Int64 = 3600
    private static let maximumSenders = 50_000

    private struct Entry {
        var counter = RateCounter(window: SendingRates.window)
        var limit = 0
    }
    private let entries = Mutex<[Sender: Entry]>([:])

    package init() {}

    /// Counts, unless that would be over the limit; false then. `limit` nil is none.
    package func take(_ sender: Sender, _ count: Int, limit: Int?, at now: Int64) -> Bool {
        guard let limit, count > 0 else { return true }
        return self.entries.withLock { entries in
            if entries[sender] == nil, entries.count >= Self.maximumSenders {
                entries = entries.filter { !$0.value.counter.isStale(at: now) }
                if entries.count >= Self.maximumSenders { return true }
            }
            var entry = entries[sender] ?? Entry()
            entry.limit = limit
            let isWithin = entry.counter.count(at: now) + min(count, 1 << 40) <= limit
            if isWithin { _ = entry.counter.add(count, at: now) }
            entries[sender] = entry
            return isWithin
        }
    }

    /// Whether so many more are within the limit. Counts nothing.
    package func hasRoom(_ sender: Sender, _ count: Int, limit: Int?, at now: Int64) -> Bool {
        guard let limit, count > 0 else { return true }
        return self.entries.withLock { entries in
            guard var entry = entries[sender] else { return count <= limit }
            // What had to wait shows: `known` names who is at the limit, the present one.
            entry.limit = limit
            let isWithin = entry.counter.count(at: now) + min(count, 1 << 40) <= limit
            entries[sender] = entry
            return isWithin
        }
    }

    /// Senders that can send nothing more now.
    package func known(at now: Int64, limit: Int = 1000) -> [Known] {
        let all = self.entries.withLock { entries in
            entries.compactMap { sender, entry -> Known? in
                var counter = entry.counter
                let count = counter.count(at: now)
                return count >= entry.limit ? Known(sender: sender, count: count, limit: entry.limit) : nil
            }
        }
        return Array(all.sorted { $0.sender.description < $1.sender.description }.prefix(limit))
    }

    /// Forgets what the senders that the body names have sent; who they were.
    package func release(at now: Int64, _ isMeant: (Sender) -> Bool) -> [Known] {
        self.entries.withLock { entries in
            var released: [Known] = []
            for sender in entries.keys where isMeant(sender) {
                guard var entry = entries.removeValue(forKey: sender) else { continue }
                let count = entry.counter.count(at: now)
                if count > 0 { released.append(Known(sender: sender, count: count, limit: entry.limit)) }
            }
            return released
        }
    }
}
