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

    /// The certificates in use, leaves only, default first.
    package var facts: [CertificateFacts] { self.loaded.withLock { $0.facts } }

    /// For the next handshake of a service that speaks `name`.
    func context(for name: TLSProtocolName?) -> NIOSSLContext {
        self.loaded.withLock { loaded in name.flatMap { loaded.contexts[$0] } ?? loaded.fallback }
    }

    // MARK: Building

    private static func load(_ files: [CertificateFiles], _ now: Int64) throws(TLSFailure) -> Loaded {
        guard !files.isEmpty else { throw TLSFailure(file: "", problem: .noCertificate, detail: "no files are named") }
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

/// A pair of files that was read and checked.
private struct CertificatePair: Sendable {
    let files: CertificateFiles
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKey
    let facts: CertificateFacts

    init(_ files: CertificateFiles, _ now: Int64) throws(TLSFailure) {
        self.files = files
        let chainText = try Self.read(files.chain)
        let keyText = try Self.read(files.key)
        do {
            let all = try CertificateFacts.read(chainPEM: chainText)
            guard let leaf = all.first else { throw TLSFailure(file: files.chain, problem: .noCertificate, detail: "no certificate") }
            self.facts = leaf
            self.chain = try NIOSSLCertificate.fromPEMBytes(Array(chainText.utf8)).map { .certificate($0) }
        } catch let failure as TLSFailure {
            throw failure
        } catch {
            throw TLSFailure(file: files.chain, problem: .noCertificate, detail: "\(error)")
        }
        // A server that starts with an expired certificate is better than none, since clients may go on; one that has not begun is a mistake.
        guard self.facts.notBefore <= now else {
            throw TLSFailure(file: files.chain, problem: .unusable, detail: "not valid yet")
        }
        do {
            self.key = try NIOSSLPrivateKey(bytes: Array(keyText.utf8), format: .pem)
        } catch {
            throw TLSFailure(file: files.key, problem: .noKey, detail: "\(error)")
        }
        guard (try? CertificateFacts.matches(keyPEM: keyText, chainPEM: chainText)) ?? false else {
            throw TLSFailure(file: files.key, problem: .keyDoesNotMatch, detail: "the key does not belong to \(files.chain)")
        }
    }

    /// Certificates and keys are small; a file of more than 1 MiB is something else.
    private static func read(_ path: String) throws(TLSFailure) -> String {
        let file = fopen(path, "re")
        guard let file else { throw TLSFailure(file: path, problem: .unreadable, detail: String(cString: strerror(errno))) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0, count < bytes.count else { throw TLSFailure(file: path, problem: .unreadable, detail: "not a PEM file") }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

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
