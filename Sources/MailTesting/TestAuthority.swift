internal import Glibc
internal import NetKit
internal import Vocabulary

/// A self-signed certificate for tests, in files as a server wants them and as text for clients that are to trust it.
package final class TestAuthority: Sendable {
    package let certificate: String
    package let key: String
    private let directory: TemporaryDirectory

    package init(names: [String] = ["localhost", "mail.example.test"], addresses: [String] = ["127.0.0.1", "::1"], days: Int = 30) throws {
        let made = try CertificateMaker.selfSigned(
            names: names, addresses: addresses.compactMap { IPAddress($0) }, validFor: days, now: Int64(time(nil)))
        self.certificate = made.chainPEM
        self.key = made.keyPEM
        self.directory = TemporaryDirectory("tls")
        self.directory.write("chain.pem", made.chainPEM)
        self.directory.write("key.pem", made.keyPEM)
    }

    package var chainFile: String { self.directory("chain.pem") }
    package var keyFile: String { self.directory("key.pem") }
}
