internal import Crypto
internal import SwiftASN1
package import Vocabulary
internal import X509

// swift-certificates speaks of times as Foundation dates; only their number of seconds is used.
internal import struct Foundation.Date

/// Makes certificates and requests for our own hosts: P-256 keys, all names and addresses as subject alternative names.
package enum CertificateMaker {
    /// Clients refuse certificates that live longer.
    package static let longestValidity = 825

    /// The certificate could not be made; says why.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    /// A key of its own and a certificate that it signed itself. The first name becomes the common name. `now` in Unix seconds.
    package static func selfSigned(
        names: [String],
        addresses: [IPAddress],
        validFor days: Int = longestValidity,
        now: Int64
    ) throws(Failure) -> (chainPEM: String, keyPEM: String) {
        try Self.reporting {
            let key = P256.Signing.PrivateKey()
            let signer = Certificate.PrivateKey(key)
            let subject = try Self.subject(names, addresses, organization: nil)
            let lifetime = Int64(min(max(1, days), Self.longestValidity)) * 86_400
            let certificate = try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: signer.publicKey,
                // An hour back, for clocks that are not quite right; the last second counts, hence one less. [RFC5280-4.1.2.5]
                notValidBefore: Date(timeIntervalSince1970: Double(now - 3600)),
                notValidAfter: Date(timeIntervalSince1970: Double(now - 3600 + lifetime - 1)),
                issuer: subject,
                subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Self.extensions(names, addresses, isOwnAuthority: true),
                issuerPrivateKey: signer
            )
            return (try certificate.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
        }
    }

    /// A signing request for an authority. Without `keyPEM` (PKCS#8, SEC 1 or PKCS#1) a new key is made.
    package static func request(
        names: [String],
        addresses: [IPAddress],
        organization: String?,
        keyPEM: String?
    ) throws(Failure) -> (csrPEM: String, keyPEM: String) {
        try Self.reporting {
            let keyText = keyPEM ?? P256.Signing.PrivateKey().pemRepresentation + "\n"
            let key = try Certificate.PrivateKey(pemEncoded: keyText)
            let wanted = ExtensionRequest(extensions: try Self.extensions(names, addresses, isOwnAuthority: false))
            let request = try CertificateSigningRequest(
                version: .v1,
                subject: try Self.subject(names, addresses, organization: organization),
                privateKey: key,
                attributes: CertificateSigningRequest.Attributes([.init(wanted)])
            )
            return (try request.serializeAsPEM().pemString + "\n", keyText)
        }
    }

    /// `CN` is for people; clients look at the alternative names. [RFC6125-6.4.4]
    private static func subject(_ names: [String], _ addresses: [IPAddress], organization: String?) throws -> DistinguishedName {
        guard let first = names.first ?? addresses.first?.description else { throw Failure(description: "no name and no address") }
        return try DistinguishedName {
            if let organization { OrganizationName(organization) }
            // A common name has at most 64 characters.
            CommonName(String(first.prefix(64)))
        }
    }

    private static func extensions(_ names: [String], _ addresses: [IPAddress], isOwnAuthority: Bool) throws -> Certificate.Extensions {
        let alternatives =
            names.map { GeneralName.dnsName($0) }
            + addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0.bytes[...])) }
        return try Certificate.Extensions {
            // As its own authority it can be given to clients as the root to trust.
            if isOwnAuthority { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) }
            Critical(KeyUsage(digitalSignature: true, keyCertSign: isOwnAuthority))
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(alternatives)
        }
    }

    private static func reporting<Result>(_ body: () throws -> Result) throws(Failure) -> Result {
        do {
            return try body()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(error)")
        }
    }
}
