package import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Vocabulary

// What the channel tells the driver.
extension SessionDriver {
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.opened(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.gone()
        self.context = nil
        self.observer.left(self)
    }

    package func channelActive(context: ChannelHandlerContext) {
        self.opened(context)
        context.fireChannelActive()
    }

    private func opened(_ context: ChannelHandlerContext) {
        guard self.phase == .opening, !self.timer.isSet else { return }
        if let session = self.options.sessionTimeout { self.timer.sessionEnd = self.loop.now + session }
        if self.hasTLS {
            self.setDeadline(self.options.handshakeTimeout)
            self.readIfRoom(context)
        } else {
            self.phase = .open
            self.tell { $0.connected(tls: nil, &$1) }
            self.pump()
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReadPending = false
        var bytes = self.unwrapInboundIn(data)
        switch self.phase {
        case .open:
            self.isInRead = true
            self.needsBytes = false
            self.lastRead = bytes.readableBytes
            self.append(&bytes)
            if self.input.readableBytes > self.options.inputCeiling + self.options.inputWatermark, self.isWaitingForOurselves {
                // Only a peer that shuts its side makes the channel read without being asked.
                self.observer.record("input-overflow")
                return self.abort()
            }
            self.pump()
        case .closing, .lingering: self.discard(bytes.readableBytes)
        case .opening, .upgrading, .ended: break
        }
    }

    /// A read becomes the input as it is; behind a rest it is copied once, and what was consumed before it is forgotten.
    private func append(_ bytes: inout ByteBuffer) {
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            self.input.discardReadBytes()
            self.input.writeBuffer(&bytes)
        }
    }

    /// The machine cannot be asked now, so input can only grow.
    private var isWaitingForOurselves: Bool { self.openTicket != 0 || self.heldCall != nil }

    package func channelReadComplete(context: ChannelHandlerContext) {
        self.isInRead = false
        if self.phase == .open { self.finishTurn(context) } else { self.readIfRoom(context) }
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.pump() }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.inputClosed(context)
        } else if case .handshakeCompleted = event as? TLSUserEvent {
            self.handshakeCompleted(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The peer has shut its side, as clients do that send QUIT and are done: it still gets all its replies.
    private func inputClosed(_ context: ChannelHandlerContext) {
        self.inputEnded = true
        switch self.phase {
        case .open: self.pump()
        case .lingering: context.close(promise: nil)
        case .opening, .upgrading: self.abort()
        case .closing, .ended: break
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        self.gone()
        context.fireChannelInactive()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // End of the stream without TLS's own goodbye: commands are whole lines, so nothing can be cut unnoticed.
        if let tlsError = error as? NIOSSLError, tlsError == .uncleanShutdown { return }
        if self.phase == .upgrading || (self.phase == .opening && self.hasTLS) { self.observer.record("tls-failed", cause: "\(error)") }
        self.abort()
    }
}

// What comes from elsewhere.
extension SessionDriver: OutcomeTaker {
    typealias Outcome = Machine.Outcome

    func take(_ outcome: Machine.Outcome, ticket: UInt64) {
        if self.loop.inEventLoop { self.taken(outcome, ticket) } else { self.loop.execute { self.taken(outcome, ticket) } }
    }

    private func taken(_ outcome: Machine.Outcome, _ ticket: UInt64) {
        guard ticket == self.openTicket, ticket != 0 else { return }  // second answer, or too late
        self.openTicket = 0
        self.arrived = outcome
        self.pump()
    }

    /// On the loop.
    func notify(_ event: Machine.Event) {
        guard self.phase == .open else { return }
        self.tell { $0.notified(event, &$1) }
        self.pump()
    }
}

// SAFETY: an answer holds the driver on other threads, but touches nothing of it there beside `loop`, which never changes;
// everything else happens on the loop.
extension SessionDriver: @unchecked Sendable {}

extension SessionDriver: DrainableSession {
    package func drain() {
        self.isDraining = true
        switch self.phase {
        case .open:
            self.tell { $0.shuttingDown(&$1) }
            self.pump()
        case .opening, .upgrading: self.abort()
        case .closing, .lingering: self.setDeadline(SessionDriverConstants.drainingLinger)
        case .ended: break
        }
    }

    package func cut() { self.abort() }
}
