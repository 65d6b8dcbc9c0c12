internal import NIOCore
internal import Policy
internal import Synchronization
package import Vocabulary

/// How many connections may stand at once. Counted from accept to close of the descriptor.
package final class ConnectionLimits: Sendable {
    package struct Bounds: Sendable, Equatable {
        /// All connections of the process; above it nothing is accepted until one ends. `Descriptors.connectionCap` says what fits.
        package var total = 8000
        /// Of one service, all listeners together, where `services` has no bound of its own.
        package var perService = 6000
        package var services: [ListenerRole.Service: Int] = [:]
        /// Of one address.
        package var perAddress = 50
        /// Of one IPv6 /64, which one customer has to himself.
        package var perNetwork = 100
        /// New connections of one address (IPv6: one /64) in a minute.
        package var perMinute = 6000
        /// Loopback and listeners declared inside are bound by `total` and the bound of their service only.
        package var exemptsTrusted = true

        package init() {}
    }

    package enum Refusal: String, Error, Sendable { case total, service, address, network, rate }

    /// One counted connection; give it back with `leave`, once.
    package struct Ticket: Sendable, Equatable {
        let service: ListenerRole.Service
        /// nil when exempt.
        let peer: IPAddress?
    }

    private struct State {
        var bounds: Bounds
        var total = 0
        var services: [ListenerRole.Service: Int] = [:]
        var addresses: [IPAddress: Int] = [:]
        var networks: [IPAddress: Int] = [:]
        /// Connections lately, by address or /64.
        var rates: [IPAddress: RateCounter] = [:]
        /// Somebody was told that there is no room.
        var isAwaited = false
    }

    /// Addresses whose rate is remembered. When more than these come within two minutes, newcomers are not measured.
    private static let rememberedRates = 65_536
    private static let rateWindow: Int64 = 60

    private let state: Mutex<State>
    private let whenRoom = Mutex<(@Sendable () -> Void)?>(nil)
    private let now: @Sendable () -> Int64

    /// `now` in seconds of any clock.
    package init(
        _ bounds: Bounds = Bounds(), now: @escaping @Sendable () -> Int64 = { Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000_000) }
    ) {
        self.state = Mutex(State(bounds: bounds))
        self.now = now
    }

    /// New bounds hold for connections to come; none is closed for them.
    package func setBounds(_ bounds: Bounds) {
        self.state.withLock { $0.bounds = bounds }
        self.whenRoom.withLock { $0 }?()
    }

    /// False when the process is full: accept nothing. `whenRoom` is called once there is room again.
    func hasRoom() -> Bool {
        self.state.withLock { state in
            state.isAwaited = state.total >= state.bounds.total
            return !state.isAwaited
        }
    }

    func setWhenRoom(_ callback: (@Sendable () -> Void)?) { self.whenRoom.withLock { $0 = callback } }

    package func enter(_ peer: IPAddress, _ role: ListenerRole) throws(Refusal) -> Ticket {
        let now = self.now()
        return try self.state.withLock { state throws(Refusal) in
            let bounds = state.bounds
            let isExempt = bounds.exemptsTrusted && (role.isInside || peer.isLoopback)
            guard state.total < bounds.total else { throw .total }
            let ofService = bounds.services[role.service] ?? bounds.perService
            guard state.services[role.service, default: 0] < ofService else { throw .service }
            if !isExempt {
                guard Self.count(peer.network64 ?? peer, at: now, &state.rates) <= bounds.perMinute else { throw .rate }
                guard state.addresses[peer, default: 0] < bounds.perAddress else { throw .address }
                if let network = peer.network64 {
                    guard state.networks[network, default: 0] < bounds.perNetwork else { throw .network }
                    state.networks[network, default: 0] += 1
                }
                state.addresses[peer, default: 0] += 1
            }
            state.total += 1
            state.services[role.service, default: 0] += 1
            return Ticket(service: role.service, peer: isExempt ? nil : peer)
        }
    }

    package func leave(_ ticket: Ticket) {
        let isAwaited = self.state.withLock { state in
            state.total -= 1
            Self.decrement(&state.services, ticket.service)
            if let peer = ticket.peer {
                Self.decrement(&state.addresses, peer)
                if let network = peer.network64 { Self.decrement(&state.networks, network) }
            }
            defer { if state.total < state.bounds.total { state.isAwaited = false } }
            return state.isAwaited && state.total < state.bounds.total
        }
        if isAwaited { self.whenRoom.withLock { $0 }?() }
    }

    /// Connections that stand now.
    package var count: Int { self.state.withLock { $0.total } }

    /// Entries kept; not more than connections stand, so nobody can fill memory by coming and going.
    package var tableSize: Int { self.state.withLock { $0.addresses.count + $0.networks.count } }
    package var rememberedRates: Int { self.state.withLock { $0.rates.count } }

    /// Connections of the last minute, this one included. Refused ones count too, so that hammering does not help.
    private static func count(_ key: IPAddress, at now: Int64, _ rates: inout [IPAddress: RateCounter]) -> Int {
        if rates[key] == nil, rates.count >= Self.rememberedRates {
            rates = rates.filter { !$0.value.isStale(at: now) }
            if rates.count >= Self.rememberedRates { return 0 }
        }
        return rates[key, default: RateCounter(window: Self.rateWindow)].add(at: now)
    }

    private static func decrement<Key: Hashable>(_ table: inout [Key: Int], _ key: Key) {
        guard let count = table[key] else { return }
        if count > 1 { table[key] = count - 1 } else { table[key] = nil }
    }
}

extension IPAddress {
    /// The /64 that an IPv6 address lies in; nil for IPv4.
    fileprivate var network64: IPAddress? {
        guard self.isIPv6 else { return nil }
        return IPAddress(bytes: Array(self.bytes.prefix(8)) + Array(repeating: 0, count: 8))
    }
}
