internal import Bytes
internal import NIOCore
internal import NIOHTTP1
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// Stands between the parser and everything behind it. What it lets through are whole requests within the limits, one at a time; what comes behind
/// one waits here, and the client is not read while it does. It keeps the deadlines, says when a connection ends, and ends it.
final class HTTPGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// For a header.
        case waiting
        /// The body of `head`.
        case reading
        /// The request is with the pages, or the reply on its way.
        case answering
        /// The last reply is out; what still comes is thrown away, so that a reset does not overtake the reply.
        case lingering
        case ended
    }

    private let meter: HTTPMeter
    private let observer: SessionObserver
    private let limits: HTTPLimits
    private let bodyLimit: HTTPSession.BodyLimit
    private let isTLS: Bool
    private var phase = Phase.waiting
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    /// What the client sent behind a request that is being answered.
    private var held = CircularBuffer<HTTPServerRequestPart>()
    private var wantsRead = false
    private var requests = 0
    /// The reply to the present request is the last.
    private var isLast = false
    /// The client speaks HTTP/1.0, where a connection lives on only when both say so.
    private var isOld = false
    private var inputEnded = false
    private var isDraining = false
    /// Bytes of the body counted in `memory`.
    private var reserved = 0
    private var replied = 0
    /// The task that serves this connection; ends with it.
    var work: Task<Void, Never>?

    /// Bytes of bodies in memory, all connections together.
    private static let memory = Atomic<Int>(0)

    init(
        _ meter: HTTPMeter, _ observer: SessionObserver, _ limits: HTTPLimits, isTLS: Bool, _ bodyLimit: @escaping HTTPSession.BodyLimit
    ) {
        self.meter = meter
        self.isTLS = isTLS
        self.observer = observer
        self.limits = limits
        self.bodyLimit = bodyLimit
    }

    // MARK: What the client sends

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.setDeadline(self.limits.header)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.phase = .ended
        self.deadline?.cancel()
        self.deadline = nil
        self.release()
        self.held.removeAll()
        self.context = nil
        self.observer.left(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        if case .answering = self.phase { return self.held.append(part) }
        self.take(part, context)
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (self.phase, part) {
        case (.waiting, .head(let head)): self.begin(head, context)
        case (.reading, .body(let more)): self.add(more, context)
        case (.reading, .end): self.passOn(context)
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.meter.isCounting = false
        self.requests += 1
        self.isOld = head.version.isOld
        self.isLast = !head.isKeepAlive || self.requests >= self.limits.requests || self.isDraining || Self.endsParsing(head)
        if let refusal = HTTPRefusal(head) { return self.refuse(refusal, context) }
        let limit = self.bodyLimit(head.method.rawValue, head.uri)
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= limit else { return self.refuse(.tooLarge, context) }
        self.setDeadline(self.limits.body + self.time(for: length))
        self.phase = .reading
        self.head = head
        // Who asks first whether he may send is told so. [RFC9110-10.1.1]
        if !self.isOld, head.headers.first(name: "expect")?.asciiLowercased == "100-continue" {
            context.writeAndFlush(self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
        }
    }

    /// Behind these the parser reads no more requests.
    private static func endsParsing(_ head: HTTPRequestHead) -> Bool { head.method == .CONNECT || head.headers.contains(name: "upgrade") }

    private func add(_ more: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let head = self.head else { return }
        guard self.body.readableBytes + more.readableBytes <= self.bodyLimit(head.method.rawValue, head.uri) else {
            return self.refuse(.tooLarge, context)
        }
        guard self.reserve(more.readableBytes) else { return self.refuse(.busy, context) }
        self.body.writeImmutableBuffer(more)
    }

    private func passOn(_ context: ChannelHandlerContext) {
        guard let head = self.head else { return }
        let body = self.body
        self.head = nil
        self.body = ByteBuffer()
        self.phase = .answering
        self.replied = 0
        self.setDeadline(self.limits.work)
        self.observer.enter()
        context.fireChannelRead(self.wrapInboundOut(.head(head)))
        if body.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(.body(body))) }
        context.fireChannelRead(self.wrapInboundOut(.end(nil)))
        context.fireChannelReadComplete()
        self.observer.leave()
    }

    func read(context: ChannelHandlerContext) {
        if case .answering = self.phase { self.wantsRead = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
        self.inputEnded = true
        switch self.phase {
        // Who shuts his side and waits gets the reply.
        case .answering: if self.held.isEmpty { self.isLast = true }
        case .waiting, .reading, .lingering: context.close(promise: nil)
        case .ended: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError: self.misread(error == .headerOverflow ? .headerTooLarge : .malformed, context)
        case is HTTPMeter.TooMuch: self.misread(.headerTooLarge, context)
        default:
            // Before the first byte of HTTP it is the handshake that failed.
            if self.isTLS, !self.meter.hasSeen { self.observer.record("tls-failed", cause: "\(error)") }
            context.close(promise: nil)
        }
    }

    private func misread(_ refusal: HTTPRefusal, _ context: ChannelHandlerContext) {
        switch self.phase {
        case .waiting, .reading: self.refuse(refusal, context)
        case .answering: self.isLast = true
        case .lingering, .ended: break
        }
    }

    // MARK: What is answered

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .answering = self.phase else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch self.unwrapOutboundIn(data) {
        case .head(var head):
            if head.headers.first(name: "connection") == "close" || self.isDraining { self.isLast = true }
            head.headers.remove(name: "connection")
            if self.isLast { head.headers.add(name: "Connection", value: "close") }
            if !self.isLast, self.isOld { head.headers.add(name: "Connection", value: "keep-alive") }
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body(let data):
            self.replied += data.readableBytes
            // A reply that is made while it is read takes as long as it takes.
            self.setDeadline(self.limits.work)
            context.write(self.wrapOutboundOut(.body(data)), promise: promise)
        case .end(let fields):
            self.release()
            self.setDeadline(self.limits.reply + self.time(for: self.replied))
            let written = promise ?? context.eventLoop.makePromise()
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in bound.value.0.finished(bound.value.1) }
            context.writeAndFlush(self.wrapOutboundOut(.end(fields)), promise: written)
        }
    }

    /// The reply has left. The next request may have come already.
    private func finished(_ context: ChannelHandlerContext) {
        guard case .answering = self.phase else { return }
        if self.isLast { return self.linger(context) }
        self.phase = .waiting
        self.meter.isCounting = true
        self.setDeadline(self.limits.header)
        while let part = self.held.popFirst() {
            self.take(part, context)
            if case .answering = self.phase { return }
        }
        if self.inputEnded { return context.close(promise: nil) }
        if self.wantsRead {
            self.wantsRead = false
            context.read()
        }
    }

    /// Answers instead of the pages, and ends the connection: what comes next cannot be told from what was refused.
    private func refuse(_ refusal: HTTPRefusal, _ context: ChannelHandlerContext) {
        self.release()
        self.observer.record("request-refused", cause: "\(refusal.status.code)")
        context.write(self.wrapOutboundOut(.head(refusal.head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(refusal.body))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.linger(context)
    }

    private func linger(_ context: ChannelHandlerContext) {
        guard !self.inputEnded else { return context.close(promise: nil) }
        self.phase = .lingering
        self.held.removeAll()
        self.meter.isCounting = false
        self.setDeadline(self.limits.linger)
        context.close(mode: .output, promise: nil)
        context.read()
    }

    // MARK: Time and memory

    private func time(for bytes: Int) -> TimeAmount { .seconds(Int64(bytes / max(1, self.limits.slowest))) }

    private func setDeadline(_ amount: TimeAmount) {
        self.deadline?.cancel()
        guard let context = self.context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: amount) { bound.value.overdue() }
    }

    private func overdue() {
        guard let context = self.context else { return }
        switch self.phase {
        case .waiting where self.requests > 0 && !self.meter.hasBegun: context.close(promise: nil)
        case .waiting, .reading: self.refuse(.slow, context)
        case .answering:
            self.observer.record("reply-overdue")
            context.close(promise: nil)
        case .lingering, .ended: context.close(promise: nil)
        }
    }

    private func reserve(_ count: Int) -> Bool {
        let sum = Self.memory.wrappingAdd(count, ordering: .relaxed).newValue
        self.reserved += count
        return sum <= self.limits.bodyMemory
    }

    private func release() {
        self.head = nil
        self.body = ByteBuffer()
        Self.memory.wrappingSubtract(self.reserved, ordering: .relaxed)
        self.reserved = 0
    }
}

extension HTTPGuard: DrainableSession {
    func drain() {
        self.isDraining = true
        switch self.phase {
        case .waiting: self.context?.close(promise: nil)
        case .reading, .answering: self.isLast = true
        case .lingering, .ended: break
        }
    }

    func cut() { self.context?.close(promise: nil) }
}
