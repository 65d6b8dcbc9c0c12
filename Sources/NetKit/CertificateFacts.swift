internal import Crypto
internal import SwiftASN1
internal import Vocabulary
internal import X509

internal import struct Foundation.Date

/// What a person wants to know of a certificate.
package struct CertificateFacts: Sendable, Equatable {
    package var subject: String
    package var issuer: String
    /// Host names and addresses that it stands for.
    package var names: [String]
    /// Unix seconds, both inclusive.
    package var notBefore: Int64
    package var notAfter: Int64
    /// SHA-256 of the whole, as hexadecimal pairs with colons: what people compare.
    package var fingerprint: String
    package var isSelfSigned: Bool

    /// All certificates of a PEM text in order; throws when there is none or one cannot be read.
    package static func read(chainPEM: String) throws(CertificateMaker.Failure) -> [CertificateFacts] {
        do {
            let documents = try PEMDocument.parseMultiple(pemString: chainPEM).filter {
                $0.discriminator == Certificate.defaultPEMDiscriminator
            }
            guard !documents.isEmpty else { throw CertificateMaker.Failure(description: "no certificate in the text") }
            return try documents.map { try Self($0) }
        } catch let failure as CertificateMaker.Failure {
            throw failure
        } catch {
            throw CertificateMaker.Failure(description: "\(error)")
        }
    }

    /// One certificate in DER, as a peer shows it.
    package static func read(der: [UInt8]) throws(CertificateMaker.Failure) -> CertificateFacts {
        do {
            return try Self(PEMDocument(type: Certificate.defaultPEMDiscriminator, derBytes: der))
        } catch {
            throw CertificateMaker.Failure(description: "\(error)")
        }
    }

    /// Whether the private key belongs to the first certificate of the chain.
    package static func matches(keyPEM: String, chainPEM: String) throws(CertificateMaker.Failure) -> Bool {
        do {
            let key = try Certificate.PrivateKey(pemEncoded: keyPEM)
            let documents = try PEMDocument.parseMultiple(pemString: chainPEM).filter {
                $0.discriminator == Certificate.defaultPEMDiscriminator
            }
            guard let first = documents.first else { throw CertificateMaker.Failure(description: "no certificate in the text") }
            return try Certificate(pemDocument: first).publicKey == key.publicKey
        } catch let failure as CertificateMaker.Failure {
            throw failure
        } catch {
            throw CertificateMaker.Failure(description: "\(error)")
        }
    }

    private init(_ document: PEMDocument) throws {
        let certificate = try Certificate(pemDocument: document)
        self.subject = "\(certificate.subject)"
        self.issuer = "\(certificate.issuer)"
        self.names = try certificate.extensions.subjectAlternativeNames?.map(Self.text) ?? []
        self.notBefore = Int64(certificate.notValidBefore.timeIntervalSince1970)
        self.notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        self.fingerprint = SHA256.hash(data: document.derBytes).map { byte in
            let text = String(byte, radix: 16, uppercase: true)
            return byte < 16 ? "0" + text : text
        }.joined(separator: ":")
        self.isSelfSigned =
            certificate.issuer == certificate.subject && certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    private static func text(_ name: GeneralName) -> String {
        switch name {
        case .dnsName(let name): name
        case .ipAddress(let octets): IPAddress(bytes: Array(octets.bytes))?.description ?? "?"
        case .rfc822Name(let address): address
        case .uniformResourceIdentifier(let uri): uri
        default: "?"
        }
    }
}
