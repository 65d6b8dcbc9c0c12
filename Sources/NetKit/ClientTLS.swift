internal import NIOCore
internal import NIOSSL
internal import Vocabulary

/// How we shake hands with other servers. Made once, off the event loops.
package final class ClientTLS: Sendable {
    /// Encrypts, whoever it is: better than nothing, and no name could be checked that DNS did not make up. [RFC7435-3]
    private let unchecked: NIOSSLContext
    /// Asks a `PeerCheck`, and nobody else.
    private let checked: NIOSSLContext

    package init() throws {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12  // [RFC8996-2]
        settings.shutdownTimeout = .milliseconds(10)
        settings.certificateVerification = .none
        self.unchecked = try NIOSSLContext(configuration: settings)
        // What the library would verify is replaced as a whole; no authority is read from disk for it.
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates([])
        self.checked = try NIOSSLContext(configuration: settings)
    }

    /// Addresses are no names: TLS knows no server name indication for them. [RFC6066-3]
    func handler(for serverName: String, _ check: PeerCheck?) throws -> NIOSSLClientHandler {
        let isName = !serverName.isEmpty && IPAddress(serverName) == nil && !serverName.hasPrefix("[")
        let name = isName ? serverName : nil
        guard let check else { return try NIOSSLClientHandler(context: self.unchecked, serverHostname: name) }
        return try NIOSSLClientHandler(
            context: self.checked, serverHostname: name,
            customVerificationCallback: { chain, promise in
                let shown = PeerCheck.Shown(chain)
                Task(executorPreference: CheckingExecutor.shared) {
                    promise.succeed(await check.examine(shown) ? .certificateVerified : .failed)
                }
            })
    }
}
