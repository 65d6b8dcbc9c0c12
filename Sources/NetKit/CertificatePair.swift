internal import Glibc
internal import NIOSSL

/// A certificate chain and its key that were read and checked.
struct CertificatePair: Sendable {
    let files: CertificateFiles
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKey
    let facts: CertificateFacts

    /// Reads both files; blocks.
    init(_ files: CertificateFiles, _ now: Int64) throws(TLSFailure) {
        try self.init(files, chain: try Self.read(files.chain), key: try Self.read(files.key), now)
    }

    /// The same from texts; `files` is named in complaints.
    init(_ files: CertificateFiles, chain: String, key: String, _ now: Int64) throws(TLSFailure) {
        self.files = files
        (self.facts, self.chain) = try Self.chain(chain, files.chain)
        // A server that starts with an expired certificate is better than none, since clients may go on; one that has not begun is a mistake.
        guard self.facts.notBefore <= now else { throw TLSFailure(file: files.chain, problem: .notYetValid) }
        let block = try Self.keyBlock(key, files.key)
        do {
            self.key = try NIOSSLPrivateKey(bytes: Array(block.utf8), format: .pem)
        } catch {
            throw TLSFailure(file: files.key, problem: .damagedKey, detail: "\(error)")
        }
        let matches: Bool
        do {
            matches = try CertificateFacts.matches(keyPEM: block, chainPEM: chain)
        } catch {
            throw TLSFailure(file: files.key, problem: .kindOfKey, detail: "\(error)")
        }
        guard matches else { throw TLSFailure(file: files.key, problem: .keyDoesNotMatch, detail: files.chain) }
    }

    private static func chain(_ text: String, _ file: String) throws(TLSFailure) -> (CertificateFacts, [NIOSSLCertificateSource]) {
        let pem = PEMText(text)
        guard !pem.certificates.isEmpty else { throw TLSFailure(file: file, problem: pem.whyNoCertificate) }
        do {
            let all = try CertificateFacts.read(chainPEM: pem.certificates.map(\.text).joined(separator: "\n"))
            guard let leaf = all.first else { throw TLSFailure(file: file, problem: .damagedCertificate) }
            return (leaf, try NIOSSLCertificate.fromPEMBytes(Array(text.utf8)).map { .certificate($0) })
        } catch let failure as TLSFailure {
            throw failure
        } catch {
            // What the TLS library can read is whole: it is a kind that cannot be used, such as RSA with too few bits.
            let isWhole = (try? NIOSSLCertificate.fromPEMBytes(Array(text.utf8)))?.isEmpty == false
            throw TLSFailure(file: file, problem: isWhole ? .kindOfKey : .damagedCertificate, detail: "\(error)")
        }
    }

    private static func keyBlock(_ text: String, _ file: String) throws(TLSFailure) -> String {
        let pem = PEMText(text)
        guard let block = pem.key else { throw TLSFailure(file: file, problem: pem.whyNoKey) }
        // [RFC7468-11], and the older way of RFC 1421 that OpenSSL wrote.
        guard block.label != "ENCRYPTED PRIVATE KEY", !block.text.contains("4,ENCRYPTED") else {
            throw TLSFailure(file: file, problem: .isEncrypted)
        }
        guard ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"].contains(block.label) else {
            throw TLSFailure(file: file, problem: .kindOfKey, detail: "\(block.label)")
        }
        return String(block.text) + "\n"
    }

    /// Certificates and keys are small; a file of more than 1 MiB is something else.
    private static func read(_ path: String) throws(TLSFailure) -> String {
        guard let file = fopen(path, "re") else {
            throw TLSFailure(file: path, problem: .unreadable, detail: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw TLSFailure(file: path, problem: .unreadable, detail: String(cString: strerror(errno))) }
        guard count < bytes.count else { throw TLSFailure(file: path, problem: .tooLarge) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
