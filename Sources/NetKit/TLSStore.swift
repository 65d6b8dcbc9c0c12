internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// A certificate chain and its key as two PEM files. The leaf comes first in the chain.
package struct CertificateFiles: Hashable, Sendable {
    package var chain: String
    package var key: String
    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}

/// Why a certificate cannot be used: which file and what is wrong with it.
package struct TLSFailure: Error, Equatable, CustomStringConvertible {
    package enum Problem: String, Sendable { case unreadable, noCertificate, noKey, keyDoesNotMatch, expired, unusable }
    package var file: String
    package var problem: Problem
    package var detail: String
    package init(file: String, problem: Problem, detail: String) {
        self.file = file
        self.problem = problem
        self.detail = detail
    }
    package var description: String { "\(self.file): \(self.problem.rawValue): \(self.detail)" }
}

/// The certificates that all services shake hands with. The first pair is the default; the others are chosen by server name (SNI).
package final class TLSStore: Sendable {
    private struct Loaded: Sendable {
        let files: [CertificateFiles]
        let context: NIOSSLContext
    }
    private let loaded: Mutex<Loaded>

    /// Reads the files now; blocks, so not from an event loop.
    package init(_ files: [CertificateFiles]) throws(TLSFailure) {
        self.loaded = Mutex(Loaded(files: files, context: try Self.build(files)))
    }

    /// Reads everything anew and swaps it in only when all of it is good; otherwise the old set stays. Running sessions keep what they have.
    package func reload(_ files: [CertificateFiles]? = nil) throws(TLSFailure) {
        let files = files ?? self.loaded.withLock { $0.files }
        let fresh = Loaded(files: files, context: try Self.build(files))
        self.loaded.withLock { $0 = fresh }
    }

    /// For the next handshake.
    var context: NIOSSLContext { self.loaded.withLock { $0.context } }

    private static func build(_ files: [CertificateFiles]) throws(TLSFailure) -> NIOSSLContext {
        guard let first = files.first else { throw TLSFailure(file: "", problem: .noCertificate, detail: "no files named") }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(first.chain).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: first.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.shutdownTimeout = .milliseconds(10)
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFailure(file: first.chain, problem: .unusable, detail: "\(error)")
        }
    }
}
