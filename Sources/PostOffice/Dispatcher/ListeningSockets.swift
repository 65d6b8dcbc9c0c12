import Glibc
package import NetKit
package import Vocabulary

/// The sockets of all listeners, bound once by the dispatcher and kept for its life: a crash of the mta refuses no connection.
package struct ListeningSockets: Sendable {
    package typealias Listener = StartConfiguration.Listener
    package private(set) var sockets: [(listener: Listener, socket: BoundListener)]

    /// Takes what the service manager opened, binds the rest. Ports below 1024 need root here and nowhere else.
    package static func open(
        _ listeners: [Listener], inherited: [(name: String, listener: BoundListener)]
    ) throws(ListeningProblem) -> ListeningSockets {
        var spare = inherited
        var sockets: [(Listener, BoundListener)] = []
        for listener in listeners {
            if let index = spare.firstIndex(where: { Self.fits(listener, $0.name, $0.listener) }) {
                sockets.append((listener, spare.remove(at: index).listener))
                continue
            }
            do {
                sockets.append((listener, try BoundListener.bind(listener.address.ipAddress, port: listener.port)))
            } catch {
                throw ListeningProblem(listener: listener, failure: error)
            }
        }
        // Nobody asked for these: a socket that nobody accepts from would swallow connections.
        for (_, socket) in spare { close(socket.descriptor) }
        return ListeningSockets(sockets: sockets)
    }

    /// By name where the manager gives one, else by port (and address, where the listener names one).
    private static func fits(_ listener: Listener, _ name: String, _ socket: BoundListener) -> Bool {
        if name == listener.role.name { return true }
        guard listener.port != 0, socket.port == listener.port else { return false }
        guard let address = listener.address.ipAddress else { return true }
        return socket.address == address
    }

    /// What a changed start file makes of the sockets.
    package struct Change: Sendable {
        /// All that listen from now on.
        package var sockets: ListeningSockets
        /// Nobody asks for these any more; the caller closes them.
        package var dropped: [BoundListener]
        /// Listeners that are not served, since their port cannot be had.
        package var problems: [ListeningProblem]
        /// Whether the mta has to hear of it.
        package var isAny: Bool
    }

    /// Keeps the socket of each listener that stays where it is, whatever it is called now; binds what is new. Root is gone by then: a new
    /// port below 1024 is a problem that names its cure.
    package func following(_ listeners: [Listener]) -> Change {
        var spare = self.sockets
        var change = Change(sockets: ListeningSockets(sockets: []), dropped: [], problems: [], isAny: false)
        for listener in listeners {
            let kept = spare.firstIndex {
                $0.listener.address == listener.address && $0.listener.port == listener.port
                    && (listener.port != 0 || $0.listener.role.name == listener.role.name)
            }
            if let kept {
                let old = spare.remove(at: kept)
                change.sockets.sockets.append((listener, old.socket))
                if !listener.isSameSocket(as: old.listener) { change.isAny = true }
                continue
            }
            do throws(ListenFailure) {
                change.sockets.sockets.append((listener, try BoundListener.bind(listener.address.ipAddress, port: listener.port)))
                change.isAny = true
            } catch {
                change.problems.append(ListeningProblem(listener: listener, failure: error))
            }
        }
        change.dropped = spare.map(\.socket)
        if !spare.isEmpty { change.isAny = true }
        return change
    }

    // The mta gets each socket under its number here, named in POSTOFFICE_LISTENERS: `smtp=5,pop3=6`.
    package var handover: String { self.sockets.map { "\($0.listener.role.name)=\($0.socket.descriptor)" }.joined(separator: ",") }

    /// The running mta's side after a change: `descriptors` came with the packet, in the order of `names`. Takes all of them over.
    package static func received(_ names: [String], _ descriptors: [Int32], _ listeners: [Listener]) -> ListeningSockets {
        var sockets: [(Listener, BoundListener)] = []
        for (index, descriptor) in descriptors.enumerated() {
            guard index < names.count, let listener = listeners.first(where: { $0.role.name == names[index] }),
                let socket = try? BoundListener(descriptor: descriptor)
            else {
                close(descriptor)
                continue
            }
            sockets.append((listener, socket))
        }
        return ListeningSockets(sockets: sockets)
    }

    /// The mta's side: finds the sockets of `listeners` among those handed over.
    package static func takeOver(_ text: String, _ listeners: [Listener]) throws(ListeningProblem) -> ListeningSockets {
        var numbers: [String: Int32] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=")
            if parts.count == 2, let number = Int32(parts[1]) { numbers[String(parts[0])] = number }
        }
        var sockets: [(Listener, BoundListener)] = []
        for listener in listeners {
            // A listener that is new in the start file has no socket yet: it comes with the next start of the dispatcher.
            guard let number = numbers.removeValue(forKey: listener.role.name) else { continue }
            do {
                sockets.append((listener, try BoundListener(descriptor: number)))
            } catch {
                throw ListeningProblem(listener: listener, failure: error)
            }
        }
        for number in numbers.values { close(number) }
        return ListeningSockets(sockets: sockets)
    }
}

/// A port that cannot be had.
package struct ListeningProblem: Error, Sendable {
    package let listener: StartConfiguration.Listener
    package let failure: ListenFailure

    package var text: Localized {
        let place = "\(self.listener.address) \(self.listener.port) (\(self.listener.role.name))"
        switch self.failure.errno {
        case EADDRINUSE:
            return Localized(
                en: "port \(place) is in use; stop the other server or choose another port in the start file",
                ja: "ポート \(place) は使用中です。使っているサーバを止めるか、設定ファイルのポートを変えてください")
        case EACCES, EPERM:
            return Localized(
                en: "port \(place) is below 1024, which needs root; start as root or choose a higher port",
                ja: "ポート \(place) を開くには root が必要です。root で起動するか、1024 以上のポートにしてください")
        case EADDRNOTAVAIL:
            return Localized(
                en: "this machine does not have the address of \(place); correct it in the start file",
                ja: "\(place) のアドレスはこのホストにありません。設定ファイルを直してください")
        default:
            return Localized(en: "port \(place) cannot be opened: \(self.failure)", ja: "ポート \(place) を開けません: \(self.failure)")
        }
    }
}

extension StartConfiguration.ListenAddress {
    /// nil for every address of the machine.
    package var ipAddress: IPAddress? {
        switch self {
        case .any: nil
        case .address(let address): address
        }
    }
}
