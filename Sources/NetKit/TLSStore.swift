internal import Bytes
internal import Glibc
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

/// The certificates that all services shake hands with. The first pair is the default; the others are chosen by server name (SNI).
package final class TLSStore: Sendable {
    /// What one handshake needs.
    private struct Loaded: Sendable {
        let files: [CertificateFiles]
        let contexts: [TLSProtocolName: NIOSSLContext]
        let fallback: NIOSSLContext
        let facts: [CertificateFacts]
    }

    private let loaded: Mutex<Loaded>

    /// Reads the files now; blocks, so not from an event loop. `now` in Unix seconds.
    package init(_ files: [CertificateFiles], now: Int64 = Int64(time(nil))) throws(TLSFailure) {
        self.loaded = Mutex(try Self.load(files, now))
    }

    /// Reads everything anew and swaps it in only when all of it is good; otherwise the old set stays. Running sessions keep what they
    /// have. Blocks like `init`.
    package func reload(_ files: [CertificateFiles]? = nil, now: Int64 = Int64(time(nil))) throws(TLSFailure) {
        let fresh = try Self.load(files ?? self.loaded.withLock { $0.files }, now)
        self.loaded.withLock { $0 = fresh }
    }

    /// Looks whether a pair could be served, before it becomes one of the files: all that a reload would find. `names` are for complaints.
    package static func check(
        chainPEM: String, keyPEM: String, names: CertificateFiles, now: Int64 = Int64(time(nil))
    ) throws(TLSFailure) -> CertificateFacts {
        let pair = try CertificatePair(names, chain: chainPEM, key: keyPEM, now)
        _ = try Self.context(pair, ServerNameTable([pair]), [])
        guard pair.facts.notAfter >= now else { throw TLSFailure(file: names.chain, problem: .expired) }
        return pair.facts
    }

    /// The certificates in use, leaves only, default first.
    package var facts: [CertificateFacts] { self.loaded.withLock { $0.facts } }

    /// For the next handshake of a service that speaks `name`.
    func context(for name: TLSProtocolName?) -> NIOSSLContext {
        self.loaded.withLock { loaded in name.flatMap { loaded.contexts[$0] } ?? loaded.fallback }
    }

    // MARK: Building

    private static func load(_ files: [CertificateFiles], _ now: Int64) throws(TLSFailure) -> Loaded {
        guard !files.isEmpty else { throw TLSFailure(file: "certificates", problem: .empty) }
        var pairs: [CertificatePair] = []
        for file in files { pairs.append(try CertificatePair(file, now)) }
        var contexts: [TLSProtocolName: NIOSSLContext] = [:]
        let names = ServerNameTable(pairs)
        for name in TLSProtocolName.allCases { contexts[name] = try Self.context(pairs[0], names, [name.rawValue]) }
        return Loaded(files: files, contexts: contexts, fallback: try Self.context(pairs[0], names, []), facts: pairs.map(\.facts))
    }

    private static func context(_ first: CertificatePair, _ names: ServerNameTable, _ protocols: [String]) throws(TLSFailure)
        -> NIOSSLContext
    {
        var settings = TLSConfiguration.makeServerConfiguration(certificateChain: first.chain, privateKey: .privateKey(first.key))
        settings.minimumTLSVersion = .tlsv12  // [RFC8996-2]
        settings.applicationProtocols = protocols
        // The driver has already given the peer its time to take leave when it closes; nothing is gained by waiting again.
        settings.shutdownTimeout = .milliseconds(10)
        if names.isNeeded { settings.sslContextCallback = { values, promise in promise.succeed(names.choose(values.serverHostname)) } }
        do {
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw TLSFailure(file: first.files.chain, problem: .unusable, detail: "\(error)")
        }
    }
}

/// What a client may ask for in ALPN at our ports, as IANA registers it. A client that offers only other names is served all the same:
/// it is told no name, and the machines close on the verbs of HTTP.
enum TLSProtocolName: String, CaseIterable, Sendable { case imap, pop3, managesieve }

/// Which pair answers for which server name. [RFC6066-3]
private struct ServerNameTable: Sendable {
    private var exact: [String: NIOSSLContextConfigurationOverride] = [:]
    /// `*.example.com` under `example.com`.
    private var wild: [String: NIOSSLContextConfigurationOverride] = [:]
    let isNeeded: Bool

    init(_ pairs: [CertificatePair]) {
        self.isNeeded = pairs.count > 1
        for pair in pairs {
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = pair.chain
            override.privateKey = .privateKey(pair.key)
            for name in pair.facts.names.map(\.asciiLowercased) {
                // The first pair that names it wins.
                if name.hasPrefix("*.") {
                    self.wild[String(name.dropFirst(2))] = self.wild[String(name.dropFirst(2))] ?? override
                } else {
                    self.exact[name] = self.exact[name] ?? override
                }
            }
        }
    }

    /// Unknown names and none get the default pair: mail servers connect by names of MX records that nobody told us.
    func choose(_ name: String?) -> NIOSSLContextConfigurationOverride {
        guard let name = name?.asciiLowercased else { return .noChanges }
        if let found = self.exact[name] { return found }
        guard let dot = name.firstIndex(of: ".") else { return .noChanges }
        return self.wild[String(name[name.index(after: dot)...])] ?? .noChanges
    }
}
