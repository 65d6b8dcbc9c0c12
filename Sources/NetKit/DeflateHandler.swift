internal import NIOCore

/// Deflates what passes through a channel, both ways. Stands before the session's driver and gives it a piece for each of its reads, however
/// much the peer's bytes stand for, so that the driver's bounds hold as they do without compression. [RFC4978-3]
final class DeflateHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Between two pieces of what came at once.
    private static let pause = TimeAmount.microseconds(50)

    private let deflater: Deflater
    private let inflater: Inflater
    /// What came and was not inflated yet.
    private var input: ByteBuffer
    /// The driver has asked for bytes and has not got them.
    private var isAsked: Bool
    /// The channel was asked and has not answered.
    private var isAsking: Bool
    /// What has been inflated may go on without more input.
    private var mayHaveMore = true
    private var isGiving = false
    /// The loop will come back for the next piece, when it has served others.
    private var isPostponed = false
    private var isGone = false
    /// The peer will send no more; told when all that it sent has been given.
    private var hasEnded = false

    /// `left` came behind the command that began this.
    init(left: ByteBuffer, isReadPending: Bool) throws {
        self.deflater = try Deflater()
        self.inflater = try Inflater()
        self.input = left
        self.isAsked = isReadPending
        self.isAsking = isReadPending
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if self.input.readableBytes > 0 { self.give(context) }
    }

    // MARK: In

    func read(context: ChannelHandlerContext) {
        self.isAsked = true
        self.give(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.isAsking = false
        if self.input.readableBytes == 0 { self.input = bytes } else { self.input.writeBuffer(&bytes) }
        self.mayHaveMore = true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isAsking = false
        self.give(context)
    }

    /// A piece for each question; the channel is asked when there is none left. One piece at a time: a peer's few octets can stand for
    /// commands without end, and the other sessions of this loop are served in between.
    private func give(_ context: ChannelHandlerContext) {
        guard !self.isGiving, !self.isPostponed else { return }
        if self.isAsked, self.mayHaveMore, let piece = self.next(context) {
            self.isAsked = false
            self.isGiving = true
            context.fireChannelRead(self.wrapInboundOut(piece))
            context.fireChannelReadComplete()
            self.isGiving = false
            if self.isAsked, self.mayHaveMore { return self.postpone(context) }
        }
        if self.hasEnded, self.isAsked {
            self.hasEnded = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        guard self.isAsked, !self.isAsking else { return }
        self.isAsking = true
        context.read()
    }

    private func postpone(_ context: ChannelHandlerContext) {
        self.isPostponed = true
        // A moment later, not `execute`: what is ready at once is run before the loop looks at its sockets again.
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPostponed = false
            if !self.isGone { self.give(context) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard self.isPostponed, case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        self.hasEnded = true
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.isGone = true }

    private func next(_ context: ChannelHandlerContext) -> ByteBuffer? {
        do {
            let piece = try self.inflater.inflate(&self.input)
            if self.input.readableBytes == 0 { self.input = ByteBuffer() }
            if piece.readableBytes > 0 { return piece }
        } catch {
            context.fireErrorCaught(error)
        }
        self.mayHaveMore = false
        return nil
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = self.unwrapOutboundIn(data)
        guard bytes.readableBytes > 0 else { return context.write(data, promise: promise) }
        do {
            context.write(self.wrapOutboundOut(try self.deflater.deflate(bytes)), promise: promise)
        } catch {
            promise?.fail(error)
            context.fireErrorCaught(error)
        }
    }
}
