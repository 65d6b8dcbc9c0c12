internal import Crypto
internal import Glibc
internal import SwiftASN1
internal import X509

internal import struct Foundation.Date

/// A certificate with its key, as a server shows it.
package struct TestCertificate: Sendable {
    /// Its own first.
    package var chainPEM: String
    package var keyPEM: String
    /// As DER, in the same order.
    package var chain: [[UInt8]]
    /// SubjectPublicKeyInfo of its own, as DER.
    package var publicKey: [UInt8]

    /// Data of TLSA records.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
    package static func sha512(_ bytes: [UInt8]) -> [UInt8] { Array(SHA512.hash(data: bytes)) }
}

/// An authority for tests, with whatever dates and names a test wants.
package final class TestCA: Sendable {
    package let pem: String
    package let der: [UInt8]
    /// SubjectPublicKeyInfo as DER.
    package let publicKey: [UInt8]
    private let key: P256.Signing.PrivateKey
    private let name: DistinguishedName

    package init(_ name: String = "Test Authority") throws {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Self.certificate(
            key: key.publicKey, subject: subject, issuer: subject, signer: key, days: -1...365,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            })
        (self.key, self.name) = (key, subject)
        self.pem = try certificate.serializeAsPEM().pemString + "\n"
        self.der = try certificate.serializeAsPEM().derBytes
        self.publicKey = Array(key.publicKey.derRepresentation)
    }

    /// A server's certificate; `days` from now in which it is valid. The authority's own follows in the chain when it is wanted there.
    package func issue(_ names: [String], days: ClosedRange<Int> = -1...30, withAuthority: Bool = true) throws -> TestCertificate {
        let key = P256.Signing.PrivateKey()
        let certificate = try Self.certificate(
            key: key.publicKey, subject: try DistinguishedName { CommonName(names.first ?? "nobody") }, issuer: self.name, signer: self.key,
            days: days,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names.map { GeneralName.dnsName($0) })
            })
        let document = try certificate.serializeAsPEM()
        return TestCertificate(
            chainPEM: document.pemString + "\n" + (withAuthority ? self.pem : ""), keyPEM: key.pemRepresentation + "\n",
            chain: [document.derBytes] + (withAuthority ? [self.der] : []), publicKey: Array(key.publicKey.derRepresentation))
    }

    private static func certificate(
        key: P256.Signing.PublicKey, subject: DistinguishedName, issuer: DistinguishedName, signer: P256.Signing.PrivateKey,
        days: ClosedRange<Int>, extensions: Certificate.Extensions
    ) throws -> Certificate {
        let now = Double(time(nil))
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key),
            notValidBefore: Date(timeIntervalSince1970: now + Double(days.lowerBound) * 86_400),
            notValidAfter: Date(timeIntervalSince1970: now + Double(days.upperBound) * 86_400), issuer: issuer, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: Certificate.PrivateKey(signer))
    }
}
