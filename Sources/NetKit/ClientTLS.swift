internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Vocabulary

/// How we shake hands with other servers. Made once, off the event loops: a context reads the trust store from disk.
package final class ClientTLS: Sendable {
    package enum Verification: Sendable, Hashable {
        /// Encrypts, whoever it is: better than nothing, and no name could be checked that DNS did not make up. [RFC7435-3]
        case none
        /// The certificate must be valid for the name and come from an authority that this system trusts.
        case full
    }

    private let context: NIOSSLContext
    private let verification: Verification

    package init(_ verification: Verification = .none, trust: [String] = []) throws {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12  // [RFC8996-2]
        settings.shutdownTimeout = .milliseconds(10)
        switch verification {
        case .none: settings.certificateVerification = .none
        case .full:
            settings.certificateVerification = .fullVerification
            if !trust.isEmpty { settings.trustRoots = .certificates(try trust.flatMap { try NIOSSLCertificate.fromPEMFile($0) }) }
        }
        self.verification = verification
        self.context = try NIOSSLContext(configuration: settings)
    }

    /// Addresses are no names: TLS knows no server name indication for them. [RFC6066-3]
    func handler(for serverName: String) throws -> NIOSSLClientHandler {
        let isName = !serverName.isEmpty && IPAddress(serverName) == nil && !serverName.hasPrefix("[")
        return try NIOSSLClientHandler(context: self.context, serverHostname: isName ? serverName : nil)
    }
}
