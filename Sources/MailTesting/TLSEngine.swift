internal import NIOCore
internal import NIOEmbedded
internal import NIOSSL
internal import NIOTLS

/// NIOSSL's client without a socket: bytes in, bytes out.
final class TLSEngine {
    private let channel: EmbeddedChannel
    private let watcher = HandshakeWatcher()
    private let handler: NIOSSLClientHandler

    init(trust: String?, serverName: String?, minimum: TestTLSVersion, maximum: TestTLSVersion) throws {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = minimum.version
        settings.maximumTLSVersion = maximum.version
        if let trust {
            settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(trust.utf8)))
            settings.certificateVerification = serverName == nil ? .noHostnameVerification : .fullVerification
        } else {
            settings.certificateVerification = .none
        }
        self.handler = try NIOSSLClientHandler(context: try NIOSSLContext(configuration: settings), serverHostname: serverName)
        self.channel = EmbeddedChannel()
        try self.channel.pipeline.syncOperations.addHandlers([self.handler, self.watcher])
    }

    /// The first flight.
    func hello() throws -> [UInt8] {
        try self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return try self.outbound()
    }

    var isDone: Bool { self.watcher.isDone }

    func encrypt(_ bytes: [UInt8]) throws -> [UInt8] {
        try self.channel.writeOutbound(ByteBuffer(bytes: bytes))
        return try self.outbound()
    }

    /// What the peer said, and what must be sent to it for that.
    func decrypt(_ bytes: [UInt8]) throws -> (plain: [UInt8], answer: [UInt8]) {
        do {
            try self.channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            throw TestClient.Failure.tls("\(error)")
        }
        var plain: [UInt8] = []
        while let buffer = try self.channel.readInbound(as: ByteBuffer.self) { plain += buffer.readableBytesView }
        return (plain, try self.outbound())
    }

    var peerCertificate: [UInt8]? { self.handler.peerCertificate.flatMap { try? $0.toDERBytes() } }
    var version: String? { self.handler.tlsVersion.map { "\($0)" } }

    private func outbound() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }
}

private final class HandshakeWatcher: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    private(set) var isDone = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { self.isDone = true }
        context.fireUserInboundEventTriggered(event)
    }
}

extension TestTLSVersion {
    fileprivate var version: TLSVersion {
        switch self {
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}
