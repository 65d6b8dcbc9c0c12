internal import NIOCore
internal import NIOEmbedded
internal import NIOSSL

/// NIOSSL's server without a socket: bytes in, bytes out.
final class TLSServerEngine {
    private let channel = EmbeddedChannel()

    init(_ certificate: TestCertificate) throws {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.chainPEM.utf8)).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(bytes: Array(certificate.keyPEM.utf8), format: .pem)
        let settings = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        try self.channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: try NIOSSLContext(configuration: settings)))
        try self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func encrypt(_ bytes: [UInt8]) throws -> [UInt8] {
        try self.channel.writeOutbound(ByteBuffer(bytes: bytes))
        return try self.outbound()
    }

    /// What the peer said, and what must be sent to it for that.
    func decrypt(_ bytes: [UInt8]) throws -> (plain: [UInt8], answer: [UInt8]) {
        try self.channel.writeInbound(ByteBuffer(bytes: bytes))
        var plain: [UInt8] = []
        while let buffer = try self.channel.readInbound(as: ByteBuffer.self) { plain += buffer.readableBytesView }
        return (plain, try self.outbound())
    }

    private func outbound() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }
}
