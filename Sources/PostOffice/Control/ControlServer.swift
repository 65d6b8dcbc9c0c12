import CPlatform
import Glibc
import Synchronization
import Vocabulary

/// Serves administrative requests inside the mta: one thread accepts, one thread a request, at most `maximumClients`.
/// Blocking is in order here: no mail session runs on these threads.
package final class ControlServer: Sendable {
    static let maximumClients = 16
    /// A command that says nothing for so long is gone.
    static let patience = 30

    private let fd: Int32
    private let path: String
    private let registry: AdminRegistry
    private let context: AdminContext
    private let clients = Mutex(0)

    package init(_ registry: AdminRegistry, _ context: AdminContext) throws(SystemFailure) {
        self.path = context.start.controlSocket
        self.registry = registry
        self.context = context
        self.fd = try ControlSocket.listen(at: self.path)
    }

    package func start() {
        POSIXThread.run("control") { self.acceptForever() }
    }

    /// No new requests; those in hand go on.
    package func stop() {
        unlink(self.path)
        shutdown(self.fd, Int32(SHUT_RDWR))
    }

    private func acceptForever() {
        while true {
            let client = po_accept(self.fd)
            if client >= 0 {
                self.welcome(client)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(100_000)  // out of descriptors: wait, do not spin
            default:
                close(self.fd)
                return
            }
        }
    }

    private func welcome(_ client: Int32) {
        let mayEnter = self.clients.withLock { count in
            guard count < Self.maximumClients else { return false }
            count += 1
            return true
        }
        guard mayEnter, ControlSocket.isTrusted(client) else {
            if mayEnter { self.clients.withLock { $0 -= 1 } }
            close(client)
            return
        }
        let isStarted = POSIXThread.run("control") {
            self.serve(client)
            self.leave(client)
        }
        if !isStarted { self.leave(client) }
    }

    private func leave(_ client: Int32) {
        close(client)
        self.clients.withLock { $0 -= 1 }
    }

    private func serve(_ client: Int32) {
        var patience = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard let request = try? AdminWire.receive(AdminRequest.self, from: client, limit: AdminWire.maximumRequest) else { return }
        // Before anything is done: a command that has not read this may ask again.
        guard (try? AdminWire.send(AdminFrame.begun, to: client)) != nil else { return }
        let gate = Mutex(())
        let output = AdminOutput(language: request.language) { frame in
            gate.withLock { _ in _ = try? AdminWire.send(frame, to: client) }
        }
        let status = self.registry.perform(request, self.context, output)
        _ = try? AdminWire.send(AdminFrame.done(status), to: client)
    }
}
