internal import Crypto
internal import NIOSSL
package import Routing
internal import SwiftASN1
internal import Synchronization
internal import Vocabulary
internal import X509

internal import struct Foundation.Date

/// What the certificate of a host must prove, and whether it has. One for each connection; asked by the handshake, off the event loops.
package final class PeerCheck: Sendable {
    package enum Demand: Sendable {
        /// One of these records matches. [RFC7672-3]
        case records([TLSARecord])
        /// Authorities that this system trusts vouch for one of the names. [RFC8461-4.1]
        case authority(TrustedAuthorities)
    }

    package enum Verdict: Sendable, Hashable {
        case right
        case expired
        /// The certificate is good, for others.
        case wrongName
        /// No trusted authority vouches for it.
        case untrusted
        /// It cannot be read.
        case broken
        /// It matches no TLSA record.
        case noMatch
    }

    /// Certificates of a chain that are looked at.
    static let longestChain = 10

    private let demand: Demand
    /// Lower-case; one of them must be in the certificate, where names count.
    private let names: [String]
    /// False: what is wrong is only remembered.
    let isBinding: Bool
    private let result = Mutex<Verdict?>(nil)

    package init(_ demand: Demand, names: [String], isBinding: Bool = true) {
        self.demand = demand
        self.names = names
        self.isBinding = isBinding
    }

    /// nil before there was a certificate.
    package var verdict: Verdict? { self.result.withLock { $0 } }

    /// What a peer showed: certificates as DER, its own first, and the public key of that.
    struct Shown: Sendable {
        var certificates: [[UInt8]]
        var key: [UInt8]

        init(_ chain: [NIOSSLCertificate]) {
            self.certificates = chain.prefix(PeerCheck.longestChain).compactMap { try? $0.toDERBytes() }
            self.key = (try? chain.first?.extractPublicKey().toSPKIBytes()) ?? []
        }
    }

    /// Whether the handshake may go on.
    func examine(_ shown: Shown) async -> Bool {
        let verdict = await self.judge(shown)
        self.result.withLock { $0 = verdict }
        return verdict == .right || !self.isBinding
    }

    private func judge(_ shown: Shown) async -> Verdict {
        guard let own = shown.certificates.first else { return .broken }
        switch self.demand {
        case .records(let records):
            // Usage 3: the certificate itself; neither its names nor its dates count. [RFC7672-3.1.1]
            if records.contains(where: { $0.usage == 3 && Self.matches($0, own, shown.key) }) { return .right }
            let anchors = Self.anchors(records.filter { $0.usage == 2 }, shown)
            guard let leaf = Self.certificate(own) else { return .broken }
            return anchors.isEmpty ? .noMatch : await self.verify(leaf, shown, CertificateStore(anchors))
        case .authority(let authorities):
            guard let leaf = Self.certificate(own) else { return .broken }
            return await self.verify(leaf, shown, authorities.store)
        }
    }

    private func verify(_ leaf: Certificate, _ shown: Shown, _ roots: CertificateStore) async -> Verdict {
        let others = CertificateStore(shown.certificates.dropFirst().compactMap(Self.certificate))
        for name in self.names {
            var verifier = Verifier(rootCertificates: roots) {
                RFC5280Policy()
                if IPAddress(name) == nil {
                    ServerIdentityPolicy(serverHostname: name, serverIP: nil)
                } else {
                    ServerIdentityPolicy(serverHostname: nil, serverIP: name)
                }
            }
            if case .validCertificate = await verifier.validate(leaf: leaf, intermediates: others) { return .right }
        }
        // Why not, for those who want to mend it.
        let now = Date()
        if leaf.notValidAfter < now || leaf.notValidBefore > now { return .expired }
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
        if case .validCertificate = await verifier.validate(leaf: leaf, intermediates: others) { return .wrongName }
        return .untrusted
    }

    // MARK: Records

    // RFC 6698 2.1: selector 0 is the whole certificate, 1 its SubjectPublicKeyInfo; matching type 0 the thing itself, 1 its SHA-256, 2 its SHA-512
    private static func matches(_ record: TLSARecord, _ certificate: [UInt8], _ key: [UInt8]) -> Bool {
        let selected = record.selector == 0 ? certificate : key
        guard !selected.isEmpty else { return false }
        return switch record.matchingType {
        case 0: record.data == selected
        case 1: record.data == Array(SHA256.hash(data: selected))
        case 2: record.data == Array(SHA512.hash(data: selected))
        default: false
        }
    }

    /// Usage 2: certificates that the records name as authority, out of the chain or out of a record that has it whole. [RFC7672-3.1.2]
    private static func anchors(_ records: [TLSARecord], _ shown: Shown) -> [Certificate] {
        guard !records.isEmpty else { return [] }
        let whole = records.filter { $0.selector == 0 && $0.matchingType == 0 }.compactMap { self.certificate($0.data) }
        let fromChain = shown.certificates.filter { der in
            let key = self.key(der)
            return records.contains { self.matches($0, der, key) }
        }
        return whole + fromChain.compactMap(self.certificate)
    }

    private static func certificate(_ der: [UInt8]) -> Certificate? { try? Certificate(derEncoded: der) }

    private static func key(_ der: [UInt8]) -> [UInt8] {
        (try? NIOSSLCertificate(bytes: der, format: .der).extractPublicKey().toSPKIBytes()) ?? []
    }
}

/// Authorities whose word counts: those of the system, and those that the operator adds. Read from disk at the first use, which may block.
package final class TrustedAuthorities: Sendable {
    private struct State {
        var files: [String]
        var loaded: CertificateStore?
    }
    private let state: Mutex<State>

    /// `files`: PEM, beside what the system trusts. What cannot be read adds nothing.
    package init(files: [String] = []) { self.state = Mutex(State(files: files)) }

    /// From the next check on these files.
    package func setFiles(_ files: [String]) {
        self.state.withLock { state in if state.files != files { state = State(files: files) } }
    }

    /// The files are read again at the next check.
    package func forget() { self.state.withLock { $0.loaded = nil } }

    var store: CertificateStore {
        self.state.withLock { state in
            if let loaded = state.loaded { return loaded }
            var store = CertificateStore.systemTrustRoots
            for file in state.files {
                let documents = SmallFile.text(of: file).flatMap { try? PEMDocument.parseMultiple(pemString: $0) } ?? []
                store.append(contentsOf: documents.compactMap { try? Certificate(pemDocument: $0) })
            }
            state.loaded = store
            return store
        }
    }
}
