package import NIOCore
package import Vocabulary

/// Runs one session of any protocol on one channel: bytes to the machine, calls to the backend, replies to the peer.
package final class SessionDriver<Machine: SessionMachine>: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private var machine: Machine
    private let backend: any SessionBackend<Machine>

    /// `tls` is what STARTTLS shakes hands with; with `implicitTLS` the TLS handler is already in the pipeline.
    package init(
        machine: Machine, backend: any SessionBackend<Machine>, tls: TLSStore?, implicitTLS: Bool = false,
        options: DriverOptions = DriverOptions()
    ) {
        self.machine = machine
        self.backend = backend
    }
}
