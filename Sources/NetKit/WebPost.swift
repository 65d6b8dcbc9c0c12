internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization
internal import Vocabulary

/// One request of a command to another host's administration: HTTPS, the certificate checked, the answer read piece by piece. Blocks the
/// caller; not for the server, where `WebFetch` is.
package struct WebPost: Sendable {
    package enum Failure: Error, Sendable, Hashable {
        /// No connection. Words of the system.
        case unreachable(String)
        /// The certificate is not one that may be believed, or is for another name.
        case untrusted(String)
        /// The authorities that were named cannot be read.
        case authorities(String)
        case broken(String)
        case tooLarge
        case timedOut
        /// The port speaks something else.
        case noTLS
    }

    package struct Target: Sendable, Hashable {
        package var host: String
        package var port: Int
        package var path: String

        package init(host: String, port: Int, path: String) {
            self.host = host
            self.port = port
            self.path = path
        }
    }

    package var target: Target
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8] = []
    /// PEM file of who may vouch for the host, instead of those of the system.
    package var authorities: String?
    /// Bytes of the answer.
    package var limit = 256 << 20
    /// Seconds without a byte.
    package var patience: Int64 = 120

    package init(_ target: Target) { self.target = target }

    /// The status. `piece` gets the body as it comes, on a thread of ours.
    package func send(_ piece: @escaping @Sendable ([UInt8]) -> Void) throws(Failure) -> UInt {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let result: Result<UInt, Failure>
        do {
            let tls = try self.tls()
            let promise = group.next().makePromise(of: UInt.self)
            let isName = IPAddress(self.target.host) == nil
            let bootstrap = ClientBootstrap(group: group).connectTimeout(.seconds(15)).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    // Without a name the address of the peer must stand in the certificate.
                    try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isName ? self.target.host : nil))
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(PostHandler(self, promise, piece))
                }
            }
            bootstrap.connect(host: self.target.host, port: self.target.port).whenFailure { error in
                promise.fail(Failure.unreachable(Self.words(error)))
            }
            result = .success(try promise.futureResult.wait())
        } catch {
            result = .failure((error as? Failure) ?? .broken("\(error)"))
        }
        return try result.get()
    }

    /// What went wrong, without the library's own words about itself.
    fileprivate static func words(_ error: any Error) -> String {
        switch error {
        case let failure as NIOConnectionError:
            if let first = failure.connectionErrors.first { return Self.words(first.error) }
            return (failure.dnsAError ?? failure.dnsAAAAError).map { "the name is not known: \($0)" } ?? "the name has no address"
        case let failure as IOError: return String(cString: strerror(failure.errnoCode))
        default: break
        }
        let text = "\(error)"
        // BoringSSL names its reason between this mark and the line of its source.
        if let reason = text.firstRange(of: "OPENSSL_internal:") { return String(text[reason.upperBound...].prefix { !$0.isWhitespace }) }
        if text == "failedToLoadCertificate" { return "it has no certificate in PEM form" }
        return text
    }

    /// The peer answered with something that is no TLS.
    fileprivate static func isNoTLS(_ cause: String) -> Bool { cause == "WRONG_VERSION_NUMBER" || cause == "HTTP_REQUEST" }

    private func tls() throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12  // [RFC8996-2]
        settings.certificateVerification = .fullVerification
        if let authorities {
            do {
                settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
            } catch { throw Failure.authorities(Self.words(error)) }
        }
        return try NIOSSLContext(configuration: settings)
    }
}

/// The request and its answer on the one connection. Loop-bound.
private final class PostHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let post: WebPost
    private let promise: EventLoopPromise<UInt>
    private let piece: @Sendable ([UInt8]) -> Void
    private var status: UInt?
    private var count = 0
    private var timer: Scheduled<Void>?

    init(_ post: WebPost, _ promise: EventLoopPromise<UInt>, _ piece: @escaping @Sendable ([UInt8]) -> Void) {
        self.post = post
        self.promise = promise
        self.piece = piece
    }

    func channelActive(context: ChannelHandlerContext) {
        self.arm(context)
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: self.post.target.path)
        let host = self.post.target.host.contains(":") ? "[\(self.post.target.host)]" : self.post.target.host
        head.headers.add(name: "Host", value: self.post.target.port == 443 ? host : "\(host):\(self.post.target.port)")
        head.headers.add(name: "Connection", value: "close")
        head.headers.add(name: "Content-Length", value: "\(self.post.body.count)")
        for header in self.post.headers { head.headers.add(name: header.name, value: header.value) }
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: self.post.body)))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    /// The peer must say something within the patience, again and again.
    private func arm(_ context: ChannelHandlerContext) {
        self.timer?.cancel()
        let (channel, promise) = (context.channel, self.promise)
        self.timer = context.eventLoop.scheduleTask(in: .seconds(self.post.patience)) {
            promise.fail(WebPost.Failure.timedOut)
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.arm(context)
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            // 1xx is not the answer yet.
            if !(100..<200).contains(head.status.code) { self.status = head.status.code }
        case .body(let bytes):
            self.count += bytes.readableBytes
            guard self.count <= self.post.limit else {
                self.promise.fail(WebPost.Failure.tooLarge)
                return context.close(promise: nil)
            }
            self.piece(Array(bytes.readableBytesView))
        case .end:
            if let status { self.promise.succeed(status) }
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let tlsError = error as? NIOSSLError, tlsError == .uncleanShutdown { return }
        switch error {
        case let failure as NIOSSLError:
            if case .handshakeFailed(let cause) = failure {
                let words = WebPost.words(cause)
                self.promise.fail(WebPost.isNoTLS(words) ? WebPost.Failure.noTLS : .untrusted(words))
            }
            self.promise.fail(WebPost.Failure.broken(WebPost.words(failure)))
        case is NIOSSLExtraError: self.promise.fail(WebPost.Failure.untrusted("\(error)"))
        default: self.promise.fail(WebPost.Failure.broken(WebPost.words(error)))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.promise.fail(WebPost.Failure.broken("the connection ended"))
        context.fireChannelInactive()
    }
}
