import Bytes
import Glibc
package import NetKit
import Vocabulary

/// The certificate files of an instance: `SPOOL/certificates/NAME/chain.pem` and `key.pem`. `main` is the default, the other
/// directories are further pairs, chosen by server name.
package struct CertificateStore: Sendable {
    private let directory: String

    package init(spool: String) { self.directory = spool + "/certificates" }

    package static let mainName = "main"

    package var main: CertificateFiles { self.files(Self.mainName) }

    package func files(_ name: String) -> CertificateFiles {
        CertificateFiles(chain: "\(self.directory)/\(name)/chain.pem", key: "\(self.directory)/\(name)/key.pem")
    }

    /// All pairs, the default first.
    package var all: [CertificateFiles] { self.names.map(self.files) }

    package var names: [String] {
        let found = (SetupChecks.entries(of: self.directory) ?? []).filter { name in
            access(self.files(name).chain, F_OK) == 0 && access(self.files(name).key, F_OK) == 0
        }
        return found.filter { $0 == Self.mainName } + found.filter { $0 != Self.mainName }
    }

    /// A new key and a certificate for the host, the domain's usual mail names, and this machine itself.
    package func makeSelfSigned(host: String, domain: String, now: Int64 = Int64(time(nil))) throws {
        var names: [String] = []
        for name in [host, domain, "localhost"] where !names.contains(name) { names.append(name) }
        let made = try CertificateMaker.selfSigned(names: names, addresses: Self.loopback, now: now)
        try self.install(Self.mainName, chainPEM: made.chainPEM, keyPEM: made.keyPEM)
    }

    /// This machine itself, so that a trial by address can be verified too.
    static let loopback = [IPAddress(bytes: [127, 0, 0, 1]), IPAddress("::1")].compactMap { $0 }

    static var now: Int64 { Int64(time(nil)) }

    /// Of a directory for one pair.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 100 && !text.hasPrefix(".")
            && text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    // The key of a request waits here until its certificate comes; a second request is made for the same key.
    private var pendingPath: String { "\(self.directory)/pending-key.pem" }

    var pendingKey: String? {
        (try? FileAccess.contents(of: self.pendingPath, limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
    }

    func keepPendingKey(_ pem: String) throws(SystemFailure) {
        try FileAccess.replace(self.pendingPath, with: Array(pem.utf8), mode: 0o600)
    }

    /// Replaces a pair. The key comes first: a server that reloads in between sees a pair that does not match, and keeps the old one.
    package func install(_ name: String, chainPEM: String, keyPEM: String) throws(SystemFailure) {
        let files = self.files(name)
        for path in [self.directory, "\(self.directory)/\(name)"] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw SystemFailure("mkdir \(path)")
        }
        try FileAccess.replace(files.key, with: Array(keyPEM.utf8), mode: 0o600)
        try FileAccess.replace(files.chain, with: Array(chainPEM.utf8), mode: 0o600)
    }
}
