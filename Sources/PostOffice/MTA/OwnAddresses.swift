import Synchronization
import Vocabulary

/// Where this server takes mail: a message that would be sent there would come back to us.
final class OwnAddresses: Sendable {
    private struct State: Sendable {
        var listeners: [(address: IPAddress, port: Int)] = []
        /// Addresses of all interfaces of this host.
        var interfaces: Set<IPAddress> = []
    }
    private let state = Mutex(State())

    func set(_ listeners: [(address: IPAddress, port: Int)]) {
        let interfaces = SystemFacts.addresses()
        self.state.withLock { state in
            state.listeners = listeners
            state.interfaces = interfaces
        }
    }

    func contains(_ address: IPAddress, port: Int) -> Bool {
        self.state.withLock { state in
            state.listeners.contains { listener in
                guard listener.port == port else { return false }
                if listener.address == address { return true }
                // A listener on all addresses of a family.
                return listener.address.bytes.allSatisfy { $0 == 0 } && (address.isLoopback || state.interfaces.contains(address))
            }
        }
    }
}
