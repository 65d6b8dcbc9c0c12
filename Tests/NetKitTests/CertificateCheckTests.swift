import MailTesting
import NetKit
import Testing

/// What a person hears of files that are not the certificate and key he meant.
@Suite struct CertificateCheckTests {
    private static let now: Int64 = 1_800_000_000
    private static let names = CertificateFiles(chain: "chain.pem", key: "key.pem")

    private static func check(_ chain: String, _ key: String, now: Int64 = Self.now) -> TLSFailure? {
        do {
            _ = try TLSStore.check(chainPEM: chain, keyPEM: key, names: self.names, now: now)
            return nil
        } catch { return error }
    }

    private static func block(_ label: String, _ body: String = "MIIB") -> String {
        "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----\n"
    }

    @Test("each kind of wrong file is told with its name, what it is and the cure, in both languages; never in words of a library")
    func wrongFiles() throws {
        let made = try CertificateMaker.selfSigned(names: ["mail.example.test"], addresses: [], now: Self.now)
        let other = try CertificateMaker.selfSigned(names: ["x.test"], addresses: [], now: Self.now)
        let cut = String(made.chainPEM.prefix(made.chainPEM.count / 2))
        let chains: [(String, TLSFailure.Problem)] = [
            ("", .empty), (" \n", .empty), ("root:x:0:0\n", .notPEM), ("0\u{FFFD}\u{01}\u{FFFD}", .isDER), (made.keyPEM, .isKey),
            (Self.block("CERTIFICATE REQUEST"), .isRequest), (Self.block("PKCS7"), .isBundle),
            (Self.block("CERTIFICATE"), .damagedCertificate),
            (cut, .damagedCertificate), (Self.block("CERTIFICATE", "!!!"), .damagedCertificate),
            (made.chainPEM + Self.block("CERTIFICATE"), .damagedCertificate),
        ]
        let keys: [(String, TLSFailure.Problem)] = [
            ("", .empty), ("junk", .notPEM), ("0\u{FFFD}\u{01}\u{FFFD}", .isDER), (made.chainPEM, .isCertificate),
            (Self.block("PUBLIC KEY"), .isPublicKey),
            (Self.block("ENCRYPTED PRIVATE KEY"), .isEncrypted),
            (Self.block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB"), .isEncrypted),
            (Self.block("OPENSSH PRIVATE KEY"), .kindOfKey), (Self.block("DSA PRIVATE KEY"), .kindOfKey),
            (Self.block("PRIVATE KEY"), .damagedKey),
            (String(made.keyPEM.prefix(100)), .damagedKey), (other.keyPEM, .keyDoesNotMatch),
        ]
        for (text, problem) in chains { self.expect(Self.check(text, made.keyPEM), "chain.pem", problem, text) }
        for (text, problem) in keys { self.expect(Self.check(made.chainPEM, text), "key.pem", problem, text) }
        #expect(Self.check(made.chainPEM, made.keyPEM) == nil)
        // Both in one file, with words of the authority between, as many are delivered.
        #expect(Self.check("Bag Attributes\n\(made.keyPEM)\n\(made.chainPEM)", "\(made.chainPEM)\(made.keyPEM)") == nil)
        self.expect(Self.check(made.chainPEM, made.keyPEM, now: Self.now - 100_000), "chain.pem", .notYetValid, "early")
        self.expect(Self.check(made.chainPEM, made.keyPEM, now: Self.now + 900 * 86_400), "chain.pem", .expired, "late")
    }

    private func expect(_ failure: TLSFailure?, _ file: String, _ problem: TLSFailure.Problem, _ text: String) {
        #expect(failure?.problem == problem && failure?.file == file, "\(text.prefix(60)): \(failure.map { "\($0)" } ?? "taken")")
        let words = failure?.text
        #expect(words?.english.hasPrefix("\(file): ") == true && words?.japanese.hasPrefix("\(file): ") == true)
        for inner in ["ASN1", "Error", "BoringSSL", "NIOSSL"] { #expect(words?.english.contains(inner) == false) }
    }

    @Test("every problem has words of its own in both languages") func everyProblemIsWorded() {
        let texts = TLSFailure.Problem.allCases.map { TLSFailure(file: "f", problem: $0).text }
        #expect(Set(texts.map(\.english)).count == texts.count && Set(texts.map(\.japanese)).count == texts.count)
        #expect(texts.allSatisfy { text in text.japanese.unicodeScalars.contains { $0.value >= 0x3040 } })
    }
}
