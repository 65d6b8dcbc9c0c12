package import NIOCore
internal import NIOSSL
internal import NIOTLS
package import Vocabulary

/// Runs one outgoing session: the sister of `SessionDriver` for connections that we make. Bytes to the machine, calls to the backend,
/// commands to the peer, all on one event loop.
///
/// What differs: TLS is a client's; a lost connection or handshake is told to the machine, because messages hang on it; and the machine may
/// read while it writes. Nothing is performed while the peer does not take what was written: that keeps memory flat.
package final class ClientDriver<Machine: SessionMachine>: ChannelInboundHandler where Machine.Event == ConnectionEvent {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum Phase { case opening, open, upgrading, closing, ended }

    private var machine: Machine
    private var backend: (any SessionBackend<Machine>)?
    private let loop: any EventLoop
    private let tls: ClientTLS
    private let check: PeerCheck?
    private let serverName: String
    /// The handshake comes before the greeting.
    private let isTLSFromStart: Bool
    private let options: DriverOptions

    private var context: ChannelHandlerContext?
    private var phase = Phase.opening
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var heldCall: Machine.Call?
    private var arrived: Machine.Outcome?
    private var openTicket: UInt64 = 0
    private var lastTicket: UInt64 = 0
    /// The connection is lost, and the machine has not been told, since a call is open.
    private var lost: ConnectionEvent?
    private var wantsTLS = false
    private var wantsClose = false
    private var hasTLS = false
    private var isOverdue = false
    private var isPumping = false
    private var mustPumpAgain = false
    private var isReadPending = false
    private var needsBytes = true
    private var timer = SessionTimer()

    /// `serverName` is the name of the host as it was looked up; it goes into the handshake.
    init(
        loop: any EventLoop, machine: Machine, backend: any SessionBackend<Machine>, tls: ClientTLS, check: PeerCheck?, serverName: String,
        isTLSFromStart: Bool = false, options: DriverOptions
    ) {
        self.isTLSFromStart = isTLSFromStart
        self.loop = loop
        self.machine = machine
        self.backend = backend
        self.tls = tls
        self.check = check
        self.serverName = serverName
        self.options = options
    }

    // MARK: The channel

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.opened() }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.lose("the connection was closed")
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        self.opened()
        context.fireChannelActive()
    }

    private func opened() {
        guard self.phase == .opening else { return }
        if let session = self.options.sessionTimeout { self.timer.sessionEnd = self.loop.now + session }
        self.phase = .open
        if self.isTLSFromStart { return self.startTLS() }
        self.tell { $0.connected(tls: nil, &$1) }
        self.pump()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReadPending = false
        var bytes = self.unwrapInboundIn(data)
        guard self.phase == .open else { return }
        self.needsBytes = false
        if self.input.readableBytes == 0 { self.input = bytes } else { self.input.writeBuffer(&bytes) }
        self.pump()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        self.readOn()
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.pump() }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.lose("the other host closed the connection")
        } else if case .handshakeCompleted = event as? TLSUserEvent {
            self.handshakeCompleted(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        self.lose("the other host closed the connection")
        context.fireChannelInactive()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let tlsError = error as? NIOSSLError, tlsError == .uncleanShutdown { return }
        if self.phase == .upgrading, Self.isOfTLS(error) {
            self.happened(.tlsFailed(reason: "TLS: \(error)"))
        } else {
            self.lose("\(error)")
        }
    }

    // MARK: The pump

    private func pump() {
        guard !self.isPumping else {
            self.mustPumpAgain = true
            return
        }
        self.isPumping = true
        repeat {
            self.mustPumpAgain = false
            while self.phase == .open, self.step() {}
            self.write()
            self.readOn()
        } while self.mustPumpAgain && self.phase == .open
        self.isPumping = false
        if self.phase == .ended { self.finish() }
    }

    /// One event for the machine or one call for the backend; false when there is nothing to do but wait.
    private func step() -> Bool {
        if let outcome = self.arrived {
            self.arrived = nil
            self.tell { $0.completed(outcome, &$1) }
            self.catchUpDeadline()
            return true
        }
        if self.openTicket != 0 { return false }
        if let call = self.heldCall {
            if self.output.readableBytes > 0 { self.write() }
            // The last call of a session asks for nothing: it must not wait for a peer that takes nothing any more.
            guard self.wantsClose || self.lost != nil || (self.context?.channel.isWritable ?? false) else { return false }
            self.heldCall = nil
            self.perform(call)
            return true
        }
        if let event = self.lost, !self.wantsClose {
            if self.feed() { return true }
            self.tell { $0.notified(event, &$1) }
            self.wantsClose = true
            return true
        }
        if self.wantsTLS {
            self.wantsTLS = false
            self.startTLS()
            return false
        }
        if self.wantsClose {
            self.beginClosing()
            return false
        }
        return self.feed()
    }

    /// Gives the machine its input; false when it has seen all of it.
    private func feed() -> Bool {
        guard !self.needsBytes, self.input.readableBytes > 0, !self.wantsClose else { return false }
        var bytes = self.input
        self.input = ByteBuffer()
        let before = bytes.readableBytes
        self.tell { $0.received(&bytes, &$1) }
        self.input = bytes.readableBytes == 0 ? ByteBuffer() : bytes
        let stopped = self.heldCall != nil || self.wantsTLS || self.wantsClose
        self.needsBytes = !stopped
        if self.needsBytes, before > self.options.inputCeiling {
            self.happened(.lost(reason: "the other host sends without end"))
        }
        return stopped
    }

    private func tell(_ event: (inout Machine, inout SessionOutput<Machine.Call>) -> Void) {
        var out = SessionOutput<Machine.Call>(replies: self.output)
        self.output = ByteBuffer()
        event(&self.machine, &out)
        if let amount = out.takeDeadline() {
            self.isOverdue = false
            self.timer.set(self.loop.now + amount, on: self.loop, for: self)
        }
        if let call = out.takeCall() { self.heldCall = call }
        self.wantsClose = self.wantsClose || out.wantsClose
        self.wantsTLS = out.takeTLS() || self.wantsTLS
        self.output = out.replies
        // What the machine left unread it may want now.
        if self.input.readableBytes > 0, self.heldCall == nil { self.needsBytes = false }
    }

    private func perform(_ call: Machine.Call) {
        guard let backend = self.backend else { return }
        self.lastTicket &+= 1
        self.openTicket = self.lastTicket
        backend.perform(call, SessionAnswer(self, ticket: self.openTicket))
    }

    private func write() {
        guard self.output.readableBytes > 0, let context = self.context else { return }
        let bytes = self.output
        self.output = ByteBuffer()
        if self.lost == nil { context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil) }
    }

    private func readOn() {
        guard !self.isReadPending, self.phase != .ended, self.lost == nil, let context = self.context else { return }
        if self.phase == .open, self.input.readableBytes >= self.options.inputWatermark { return }
        self.isReadPending = true
        context.read()
    }

    // MARK: TLS

    /// The two ends do not understand each other: it was no accident of the network.
    private static func isOfTLS(_ error: any Error) -> Bool {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)):
            !stack.contains(.eofDuringHandshake) && !stack.contains(.eofDuringAdditionalCertficiateChainValidation)
        case NIOSSLError.handshakeFailed(.syscallError): false
        default: error is NIOSSLError || error is BoringSSLError
        }
    }

    /// Plaintext behind the answer to STARTTLS was not sent by the host that shakes hands with us: it is dropped. [RFC3207-4.2]
    private func startTLS() {
        guard let context = self.context, !self.hasTLS else { return }
        self.phase = .upgrading
        self.input = ByteBuffer()
        self.needsBytes = true
        self.write()
        do {
            try context.pipeline.syncOperations.addHandler(try self.tls.handler(for: self.serverName, self.check), position: .first)
        } catch {
            return self.happened(.tlsFailed(reason: "TLS: \(error)"))
        }
        self.hasTLS = true
        self.timer.set(self.loop.now + self.options.handshakeTimeout, on: self.loop, for: self)
        self.readOn()
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext) {
        guard self.phase == .upgrading else { return }
        let version = (try? context.pipeline.syncOperations.nioSSL_tlsVersion()) ?? nil
        self.phase = .open
        self.timer.deadline = .distantFuture
        let facts = TLSFacts(version: version.map(\.wireName) ?? "", cipher: "", serverName: self.serverName)
        self.tell { if self.isTLSFromStart { $0.connected(tls: facts, &$1) } else { $0.tlsEstablished(facts, &$1) } }
        self.pump()
    }

    // MARK: Deadlines and ends

    private func catchUpDeadline() {
        guard self.isOverdue, self.phase == .open else { return }
        self.isOverdue = false
        self.tell { $0.timedOut(&$1) }
    }

    private func deadlinePassed() {
        switch self.phase {
        case .open where self.openTicket != 0: self.isOverdue = true
        case .open:
            if self.heldCall != nil {
                // The peer does not take what we write.
                self.happened(.lost(reason: "the other host takes no more"))
            } else {
                self.tell { $0.timedOut(&$1) }
                self.pump()
            }
        case .upgrading: self.happened(.tlsFailed(reason: "\(Connector.cutHandshake)not in time"))
        case .opening, .closing: self.close()
        case .ended: break
        }
    }

    private func lose(_ reason: String) {
        switch self.phase {
        case .opening, .open: self.happened(.lost(reason: reason))
        case .upgrading: self.happened(.tlsFailed(reason: "\(Connector.cutHandshake)\(reason)"))
        case .closing: self.close()
        case .ended: break
        }
    }

    /// The machine hears of it after the call that is open, and after what has come in before.
    private func happened(_ event: ConnectionEvent) {
        guard self.phase != .ended, self.phase != .closing, self.lost == nil else { return }
        self.phase = .open
        self.lost = event
        self.pump()
    }

    private func beginClosing() {
        self.phase = .closing
        self.endBackend()
        guard let context = self.context, context.channel.isActive, self.lost == nil else { return self.close() }
        self.write()
        self.timer.set(self.loop.now + .seconds(2), on: self.loop, for: self)
        context.close(promise: nil)
    }

    private func close() {
        guard self.phase != .ended else { return }
        self.phase = .ended
        self.context?.close(promise: nil)
        if !self.isPumping { self.finish() }
    }

    private func finish() {
        self.endBackend()
        self.timer.cancel()
        self.input = ByteBuffer()
        self.output = ByteBuffer()
    }

    private func endBackend() {
        guard let backend = self.backend else { return }
        self.backend = nil
        self.openTicket = 0
        backend.ended()
    }

    /// Finish what is in hand, then leave. On the loop.
    func drain() {
        guard self.phase == .open else { return }
        self.tell { $0.shuttingDown(&$1) }
        self.pump()
    }

    /// Ends at once; what is in hand counts as lost. On the loop.
    func cut() { self.lose("the server is stopping") }
}

extension ClientDriver: OutcomeTaker {
    typealias Outcome = Machine.Outcome

    func take(_ outcome: Machine.Outcome, ticket: UInt64) {
        if self.loop.inEventLoop { self.taken(outcome, ticket) } else { self.loop.execute { self.taken(outcome, ticket) } }
    }

    private func taken(_ outcome: Machine.Outcome, _ ticket: UInt64) {
        guard ticket == self.openTicket, ticket != 0 else { return }
        self.openTicket = 0
        self.arrived = outcome
        self.pump()
    }
}

extension ClientDriver: NIOScheduledCallbackHandler {
    package func handleScheduledCallback(eventLoop: some EventLoop) {
        if self.timer.fired(on: eventLoop, for: self) { self.deadlinePassed() }
    }
}

// SAFETY: an answer holds the driver on other threads, but touches nothing of it there beside `loop`, which never changes;
// everything else happens on the loop.
extension ClientDriver: @unchecked Sendable {}
