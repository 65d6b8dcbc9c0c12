internal import IMAPWire
package import NIOCore
internal import NIOSSL
internal import POP3Wire
internal import SMTPWire
package import Vocabulary

/// Runs one session of any protocol on one channel: bytes to the machine, calls to the backend, replies to the peer.
///
/// The machine is asked only while no call is open and the peer takes our replies, so a peer that does not read stops
/// itself, and nothing that came before a TLS handshake or a login can leak behind it. The channel must have automatic
/// reading off: the driver reads when it has room.
package final class SessionDriver<Machine: SessionMachine>: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Not connected yet, or the handshake of implicit TLS is going on.
        case opening
        case open
        /// The handshake after STARTTLS is going on.
        case upgrading
        /// The last reply is on its way; nothing that comes in counts any more.
        case closing
        /// Our side is shut; waiting for the peer's, so that a reset does not overtake the last reply.
        case lingering
        case ended
    }

    var machine: Machine
    /// nil once the session is over.
    var backend: (any SessionBackend<Machine>)?
    let tls: TLSStore?
    let options: DriverOptions
    let observer: SessionObserver
    let loop: any EventLoop

    var context: ChannelHandlerContext?
    var phase = Phase.opening
    /// Bytes that the machine has not taken. Empty (without storage) when idle.
    var input = ByteBuffer()
    /// Replies not yet written. Empty (without storage) when idle.
    var replies = ByteBuffer()
    /// What the machine has asked for and cannot be performed yet.
    var heldCall: Machine.Call?
    /// Outcome that came while the pump was running.
    var arrived: Machine.Outcome?
    /// Number of the open call; 0 when none is.
    var openTicket: UInt64 = 0
    var lastTicket: UInt64 = 0

    var hasTLS = false
    var wantsTLS = false
    var wantsCompression = false
    var isPumping = false
    /// The pump was called while it ran.
    var mustPumpAgain = false
    /// Between `channelRead` and `channelReadComplete`: replies wait for the latter.
    var isInRead = false
    /// `read()` was asked for and has not been answered by bytes.
    var isReadPending = false
    /// The machine has seen all of `input` and wants more.
    var needsBytes = false
    /// Bytes of the last read.
    var lastRead = 0
    /// The peer will send no more.
    var inputEnded = false
    var wantsClose = false
    /// The server stops.
    var isDraining = false
    /// The deadline passed while the backend was at work.
    var isOverdue = false
    var timer = SessionTimer()

    /// `tls` is what STARTTLS shakes hands with. With `implicitTLS` a TLS handler is already in the pipeline before this one.
    package init(
        loop: any EventLoop,
        machine: Machine,
        backend: any SessionBackend<Machine>,
        tls: TLSStore? = nil,
        implicitTLS: Bool = false,
        options: DriverOptions = DriverOptions(),
        observer: SessionObserver = SessionObserver()
    ) {
        self.loop = loop
        self.machine = machine
        self.backend = backend
        self.tls = tls
        self.hasTLS = implicitTLS
        self.options = options
        self.observer = observer
    }

    // MARK: The pump

    /// Does everything that can be done now, then writes. Never runs inside itself: answers that come at once and writes that
    /// make room at once only ask for another turn, so a long answer cannot dig into the stack.
    ///
    /// The machines are named for the compiler alone: generic code would look up their types again and again, 6 % of a session's work.
    @_specialize(where Machine == SMTPSession)
    @_specialize(where Machine == POP3Machine)
    @_specialize(where Machine == IMAPMachine)
    func pump() {
        guard !self.isPumping, let context = self.context else {
            self.mustPumpAgain = true
            return
        }
        self.isPumping = true
        self.observer.enter()
        repeat {
            self.mustPumpAgain = false
            while self.phase == .open, self.step(context) {}
            if !self.isInRead { self.finishTurn(context) }
        } while self.mustPumpAgain && self.phase == .open
        self.observer.leave()
        self.isPumping = false
    }

    /// One event for the machine or one call for the backend; false when there is nothing to do but wait.
    private func step(_ context: ChannelHandlerContext) -> Bool {
        if let outcome = self.arrived {
            self.arrived = nil
            self.tell { $0.completed(outcome, &$1) }
            self.catchUpDeadline()
            return true
        }
        if self.openTicket != 0 { return false }
        if self.wantsTLS {
            self.wantsTLS = false
            self.startTLS(context)
            return false
        }
        if self.wantsCompression {
            self.wantsCompression = false
            self.startCompression(context)
            return self.phase == .open
        }
        if self.wantsClose {
            self.beginClosing(context)
            return false
        }
        if self.isBlocked(context) { return false }
        if let call = self.heldCall {
            self.heldCall = nil
            self.perform(call)
            return true
        }
        return self.feed(context)
    }

    /// True while the peer does not take what we have written for it.
    private func isBlocked(_ context: ChannelHandlerContext) -> Bool {
        // Before a call sooner: it may be a pause that waits for just this, and would be answered and asked for again without end.
        let most = self.heldCall == nil ? SessionDriverConstants.replyBatch : SessionDriverConstants.replyBatchBeforeCall
        if self.replies.readableBytes >= most { self.writeReplies(context) }
        return !context.channel.isWritable
    }

    /// Gives the machine its input.
    private func feed(_ context: ChannelHandlerContext) -> Bool {
        if self.input.readableBytes == 0 || self.needsBytes {
            if self.inputEnded { self.wantsClose = true }
            return self.inputEnded
        }
        // Taken out, so that the machine changes the only reference and nothing is copied.
        var bytes = self.input
        self.input = ByteBuffer()
        let before = bytes.readableBytes
        let wasFull = self.tell { $0.received(&bytes, &$1) }
        self.input = bytes.readableBytes == 0 ? ByteBuffer() : bytes
        // A machine that stopped of itself (call, TLS, full) is asked again; otherwise it wants more bytes.
        let stopped = wasFull || self.heldCall != nil || self.wantsTLS || self.wantsCompression || self.wantsClose
        self.needsBytes = !stopped
        if self.needsBytes, before == bytes.readableBytes, before > self.options.inputCeiling {
            self.observer.record("input-overflow")
            self.abort()
            return false
        }
        return true
    }

    /// Runs one event of the machine and carries out what it wants. True when the machine was cut short by full replies.
    @discardableResult
    func tell(_ event: (inout Machine, inout SessionOutput<Machine.Call>) -> Void) -> Bool {
        var out = SessionOutput<Machine.Call>(replies: self.replies)
        self.replies = ByteBuffer()
        event(&self.machine, &out)
        let wasFull = out.isFull
        if let amount = out.takeDeadline() { self.setDeadline(amount) }
        if let call = out.takeCall() {
            if self.heldCall != nil {  // two calls at once: the machine is wrong, and only this session may suffer
                self.observer.record("machine-error")
                self.wantsClose = true
            }
            self.heldCall = call
        }
        self.wantsClose = self.wantsClose || out.wantsClose
        self.wantsTLS = out.takeTLS() || self.wantsTLS
        self.wantsCompression = out.takeCompression() || self.wantsCompression
        self.replies = out.replies
        return wasFull
    }

    private func perform(_ call: Machine.Call) {
        guard let backend = self.backend else { return }
        self.lastTicket &+= 1
        self.openTicket = self.lastTicket
        backend.perform(call, SessionAnswer(self, ticket: self.openTicket))
    }

    // MARK: The end of a turn

    /// Writes what has gathered, lets go of memory, reads on if there is room.
    func finishTurn(_ context: ChannelHandlerContext) {
        if self.mayWriteNow { self.writeReplies(context) }
        self.trimInput()
        self.readIfRoom(context)
    }

    /// Replies wait while a call is open and more commands of the same batch are here: the client has sent them without
    /// waiting, so one write (one TLS record) for all is what it expects. [RFC2920-3.2]
    private var mayWriteNow: Bool {
        self.openTicket == 0 || self.input.readableBytes == 0 || self.replies.readableBytes >= SessionDriverConstants.replyBatch
    }

    func writeReplies(_ context: ChannelHandlerContext) {
        guard self.replies.readableBytes > 0 else { return }
        let bytes = self.replies
        self.replies = ByteBuffer()
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// A few bytes left over must not keep a large receive buffer alive.
    private func trimInput() {
        let count = self.input.readableBytes
        if count > 0, count < SessionDriverConstants.smallLeftover, self.input.storageCapacity > 4 * SessionDriverConstants.smallLeftover {
            self.input = self.input.detached(count)
        }
    }

    func readIfRoom(_ context: ChannelHandlerContext) {
        guard !self.isReadPending, !self.inputEnded, self.phase != .ended else { return }
        if self.phase == .open, !self.needsBytes, self.input.readableBytes >= self.options.inputWatermark { return }
        self.isReadPending = true
        context.read()
    }
}

/// Sizes that are nobody's setting.
enum SessionDriverConstants {
    /// Replies are written once they are this long, even when more could be gathered.
    static let replyBatch = 64 << 10
    /// The same where a call waits to be performed.
    static let replyBatchBeforeCall = 8 << 10
    static let smallLeftover = 2048
    /// How long a server that stops waits for a peer that was told goodbye and does not close.
    static let drainingLinger = TimeAmount.seconds(3)
    /// A read below this did not fill the smallest receive buffer, so the kernel had no more.
    static let shortRead = 256
    /// Bytes taken and thrown away while the peer has not noticed that we have said goodbye.
    static let lingerBytes = 4 << 20
}

extension ByteBuffer {
    /// The same bytes in storage of their own size.
    fileprivate func detached(_ count: Int) -> ByteBuffer {
        var copy = ByteBufferAllocator().buffer(capacity: count)
        copy.writeImmutableBuffer(self)
        return copy
    }
}
