package import NIOCore
internal import NIOSSL
internal import Vocabulary

// TLS, deadlines and the ways a session ends.
extension SessionDriver {
    // MARK: TLS

    /// The machine has written its go-ahead and waits for the handshake.
    ///
    /// Whatever plaintext is here already was put behind STARTTLS by somebody who could not know our answer: an attacker in the
    /// middle (the class of CVE-2011-0411), or a client that breaks RFC 3207 4, which lets STARTTLS only end a group. It is dropped and
    /// counted; the session goes on, since closing would only let the same attacker choose between injection and refusal,
    /// while dropping makes the injection worth nothing. [RFC3207-4.2]
    func startTLS(_ context: ChannelHandlerContext) {
        guard let tls = self.tls, !self.hasTLS else { return self.abort() }
        self.phase = .upgrading
        self.dropPlaintext()
        self.writeReplies(context)  // past every handler, so it leaves before the first byte of the handshake
        do {
            try context.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: tls.context(for: self.options.tlsProtocol)), position: .first)
        } catch {
            self.observer.record("tls-failed", cause: "\(error)")
            return self.abort()
        }
        self.hasTLS = true
        self.isInRead = false  // its end will not come through to us while the handshake goes on
        self.setDeadline(self.options.handshakeTimeout)
    }

    private func dropPlaintext() {
        if self.input.readableBytes > 0 { self.observer.plaintextDropped(self.input.readableBytes) }
        self.input = ByteBuffer()
    }

    func handshakeCompleted(_ context: ChannelHandlerContext) {
        let version = (try? context.pipeline.syncOperations.nioSSL_tlsVersion()) ?? nil
        // NIOSSL tells neither the cipher nor the server name that was asked for.
        let facts = TLSFacts(version: version.map(\.wireName) ?? "", cipher: "", serverName: nil)
        let wasUpgrading = self.phase == .upgrading
        guard wasUpgrading || self.phase == .opening else { return }
        self.phase = .open
        self.timer.deadline = .distantFuture
        self.tell { if wasUpgrading { $0.tlsEstablished(facts, &$1) } else { $0.connected(tls: facts, &$1) } }
        self.pump()
    }

    // MARK: Compression

    /// From here on both ways are deflated: the replies written so far leave as they are, what the machine has not taken is compressed.
    func startCompression(_ context: ChannelHandlerContext) {
        self.writeReplies(context)
        do {
            let handler = try DeflateHandler(left: self.input, isReadPending: self.isReadPending)
            self.input = ByteBuffer()
            self.needsBytes = true
            self.isInRead = false  // its end will not come through to us: the handler makes ends of its own
            try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        } catch {
            self.observer.record("compression-failed", cause: "\(error)")
            self.abort()
        }
    }

    // MARK: Deadlines

    func setDeadline(_ amount: TimeAmount) {
        self.isOverdue = false
        self.timer.set(self.loop.now + amount, on: self.loop, for: self)
    }

    /// A deadline that passed during a call is made good after it, unless the machine has set a new one.
    func catchUpDeadline() {
        guard self.isOverdue, self.phase == .open else { return }
        self.isOverdue = false
        self.tell { $0.timedOut(&$1) }
    }

    private func deadlinePassed() {
        switch self.phase {
        case .open where self.openTicket != 0: self.isOverdue = true  // the peer is not to blame
        case .open:
            self.tell { $0.timedOut(&$1) }
            self.pump()
        case .opening, .upgrading:
            self.observer.record("tls-failed", cause: "deadline")
            self.abort()
        case .closing, .lingering: self.abort()
        case .ended: break
        }
    }

    // MARK: The end

    /// Sends the last replies and closes once they have left.
    func beginClosing(_ context: ChannelHandlerContext) {
        // With bytes unread a close would answer them with a reset, which can overtake the last reply.
        let isClean = !self.hasTLS && self.input.readableBytes == 0 && self.lastRead < SessionDriverConstants.shortRead
        self.phase = .closing
        self.endBackend()
        self.setDeadline(self.closeTimeout)
        self.input = ByteBuffer()
        let last = self.replies
        self.replies = ByteBuffer()
        context.writeAndFlush(self.wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in
            self.lastReplyLeft(mayCloseNow: isClean || self.inputEnded)
        }
    }

    private var closeTimeout: TimeAmount {
        self.isDraining ? min(self.options.closeTimeout, SessionDriverConstants.drainingLinger) : self.options.closeTimeout
    }

    private func lastReplyLeft(mayCloseNow: Bool) {
        guard self.phase == .closing, let context = self.context else { return }
        self.phase = .lingering
        if mayCloseNow { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        self.readIfRoom(context)
    }

    /// Bytes that nobody will look at any more.
    func discard(_ count: Int) {
        self.timer.discarded += count
        if self.timer.discarded > SessionDriverConstants.lingerBytes { self.abort() }
    }

    /// Ends at once: nothing can be said to this peer any more.
    func abort() {
        guard self.phase != .ended else { return }
        let context = self.context
        self.gone()
        context?.channel.close(mode: .all, promise: nil)
    }

    /// The connection is no more, or is treated so.
    func gone() {
        self.phase = .ended
        self.endBackend()
        self.timer.cancel()
        self.input = ByteBuffer()
        self.replies = ByteBuffer()
    }

    private func endBackend() {
        guard let backend = self.backend else { return }
        self.backend = nil
        self.openTicket = 0
        self.arrived = nil
        self.heldCall = nil
        backend.ended()
    }
}

extension SessionDriver: NIOScheduledCallbackHandler {
    package func handleScheduledCallback(eventLoop: some EventLoop) {
        if self.timer.fired(on: eventLoop, for: self) { self.deadlinePassed() }
    }
}

extension TLSVersion {
    /// As the registry of TLS and other mail servers write it in trace fields.
    var wireName: String {
        switch self {
        case .tlsv1: "TLSv1"
        case .tlsv11: "TLSv1.1"
        case .tlsv12: "TLSv1.2"
        case .tlsv13: "TLSv1.3"
        }
    }
}
