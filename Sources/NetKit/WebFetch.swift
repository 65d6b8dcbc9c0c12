internal import Glibc
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization
package import Vocabulary

/// Fetches one small document by HTTPS, or hands one over: for policies and reports. The host must prove its name; redirections are not
/// followed [RFC8461-3.3]; size and time are bounded; addresses of private networks are not connected to.
package struct WebFetch: Sendable {
    package enum Failure: Error, Sendable, Hashable {
        /// No address, or none that answers. Words for the log.
        case unreachable(String)
        case certificate(PeerCheck.Verdict)
        /// Anything but 200.
        case status(UInt)
        /// Not the kind of document that was asked for.
        case kind(String)
        case tooLarge
        case timedOut
        case broken(String)
    }

    /// What is sent.
    package struct Request: Sendable {
        package var host: String
        package var path: String
        package var port = 443
        /// nil asks for the document.
        package var body: (bytes: ByteBuffer, kind: String)?
        /// Of the answer, without parameters; nil takes any.
        package var wantedKind: String?
        package var limit: Int
        package var deadline: TimeAmount

        package init(host: String, path: String, wantedKind: String? = nil, limit: Int, deadline: TimeAmount = .seconds(30)) {
            self.host = host
            self.path = path
            self.wantedKind = wantedKind
            self.limit = limit
            self.deadline = deadline
        }
    }

    private let loops: EventLoops
    private let resolver: any Resolver
    private let authorities: TrustedAuthorities
    private let tls: ClientTLS
    private let product: String
    /// Addresses that may be connected to.
    private let mayConnect: @Sendable (IPAddress) -> Bool

    /// Addresses of a host that are tried.
    private static let mostAddresses = 4

    package init(
        loops: EventLoops, resolver: any Resolver, authorities: TrustedAuthorities, product: String,
        mayConnect: @escaping @Sendable (IPAddress) -> Bool = { $0.isPublic }
    ) throws {
        self.loops = loops
        self.resolver = resolver
        self.authorities = authorities
        self.tls = try ClientTLS()
        self.product = product
        self.mayConnect = mayConnect
    }

    /// The completion comes on any thread, once.
    package func fetch(_ request: Request, _ completion: @escaping @Sendable (Result<[UInt8], Failure>) -> Void) {
        let once = Once(completion)
        let loop = self.loops.next()
        let deadline = loop.now + request.deadline
        loop.scheduleTask(deadline: deadline) { once(.failure(.timedOut)) }
        _ = self.resolver.ask(request.host, .a, within: request.deadline) { four in
            _ = self.resolver.ask(request.host, .aaaa, within: request.deadline) { six in
                let found = [four, six].flatMap { result -> [IPAddress] in
                    guard case .success(let answer) = result, case .addresses(let addresses) = answer.records else { return [] }
                    return addresses.filter(self.mayConnect)
                }
                self.connect(request, found.prefix(Self.mostAddresses), "no address that may be connected to", loop, deadline, once)
            }
        }
    }

    private func connect(
        _ request: Request, _ addresses: ArraySlice<IPAddress>, _ last: String, _ loop: any EventLoop, _ deadline: NIODeadline, _ once: Once
    ) {
        guard let address = addresses.first, !once.isDone else { return once(.failure(.unreachable(last))) }
        let check = PeerCheck(.authority(self.authorities), names: [request.host])
        let (tls, product) = (self.tls, self.product)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(try tls.handler(for: request.host, check))
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(FetchHandler(request, product, check, deadline, once))
                }
            }
        do {
            let target = try SocketAddress(ipAddress: "\(address)", port: request.port)
            bootstrap.connect(to: target).whenFailure { error in
                self.connect(request, addresses.dropFirst(), "\(error)", loop, deadline, once)
            }
        } catch {
            once(.failure(.unreachable("\(error)")))
        }
    }

    /// Gives the first result and no other.
    fileprivate final class Once: Sendable {
        private let completion: Mutex<(@Sendable (Result<[UInt8], Failure>) -> Void)?>
        init(_ completion: @escaping @Sendable (Result<[UInt8], Failure>) -> Void) { self.completion = Mutex(completion) }

        var isDone: Bool { self.completion.withLock { $0 == nil } }

        func callAsFunction(_ result: Result<[UInt8], Failure>) {
            let completion = self.completion.withLock { held in
                defer { held = nil }
                return held
            }
            completion?(result)
        }
    }
}

/// One request and its answer on one connection. Loop-bound.
private final class FetchHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: WebFetch.Request
    private let product: String
    private let check: PeerCheck
    private let deadline: NIODeadline
    private let once: WebFetch.Once
    private var body: [UInt8] = []
    private var hasHead = false

    init(_ request: WebFetch.Request, _ product: String, _ check: PeerCheck, _ deadline: NIODeadline, _ once: WebFetch.Once) {
        self.request = request
        self.product = product
        self.check = check
        self.deadline = deadline
        self.once = once
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        context.eventLoop.scheduleTask(deadline: self.deadline) { channel.close(promise: nil) }
        var head = HTTPRequestHead(version: .http1_1, method: self.request.body == nil ? .GET : .POST, uri: self.request.path)
        let port = self.request.port == 443 ? "" : ":\(self.request.port)"
        head.headers.add(name: "Host", value: self.request.host + port)
        head.headers.add(name: "User-Agent", value: self.product)
        head.headers.add(name: "Accept", value: "*/*")
        head.headers.add(name: "Connection", value: "close")
        if let body = self.request.body {
            head.headers.add(name: "Content-Type", value: body.kind)
            head.headers.add(name: "Content-Length", value: "\(body.bytes.readableBytes)")
        }
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if let body = self.request.body { context.write(self.wrapOutboundOut(.body(.byteBuffer(body.bytes))), promise: nil) }
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            // 1xx is not the answer yet.
            if (100..<200).contains(head.status.code) { return }
            self.hasHead = true
            let accepted: ClosedRange<UInt> = self.request.body == nil ? 200...200 : 200...299
            guard accepted.contains(head.status.code) else { return self.end(.failure(.status(head.status.code)), context) }
            let kind = head.headers.first(name: "Content-Type")?.split(separator: ";").first.map { $0.lowercased() } ?? ""
            let bare = String(kind.filter { $0 != " " })
            if let wanted = self.request.wantedKind, bare != wanted { self.end(.failure(.kind(String(bare.prefix(100)))), context) }
        case .body(let piece):
            guard self.hasHead else { return }
            guard self.body.count + piece.readableBytes <= self.request.limit else { return self.end(.failure(.tooLarge), context) }
            self.body += piece.readableBytesView
        case .end: if self.hasHead { self.end(.success(self.body), context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let tlsError = error as? NIOSSLError, tlsError == .uncleanShutdown { return }
        if let verdict = self.check.verdict, verdict != .right { return self.end(.failure(.certificate(verdict)), context) }
        self.end(.failure(.broken("\(error)")), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end(.failure(.broken("the connection ended")), context)
        context.fireChannelInactive()
    }

    private func end(_ result: Result<[UInt8], WebFetch.Failure>, _ context: ChannelHandlerContext) {
        self.once(result)
        context.close(promise: nil)
    }
}
