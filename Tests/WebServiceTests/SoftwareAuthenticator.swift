import Crypto
import CryptoExtras
import WebService

/// A device that makes passkeys and signs with them, and can be told to do it wrong.
struct SoftwareAuthenticator {
    enum Key {
        case es256(P256.Signing.PrivateKey)
        case edDSA(Curve25519.Signing.PrivateKey)
        case rs256(_RSA.Signing.PrivateKey)
    }

    struct Flags: OptionSet {
        let rawValue: UInt8
        static let present = Flags(rawValue: 0x01)
        static let verified = Flags(rawValue: 0x04)
        static let eligible = Flags(rawValue: 0x08)
        static let backedUp = Flags(rawValue: 0x10)
        static let made = Flags(rawValue: 0x40)
        static let extensions = Flags(rawValue: 0x80)
    }

    var key = Key.es256(P256.Signing.PrivateKey())
    var id: [UInt8] = (0..<32).map { _ in .random(in: .min ... .max) }
    var host = "mail.example.test"
    var origin = "https://mail.example.test"
    var flags: Flags = [.present, .verified]
    var signCount: UInt32 = 0
    var format = "none"
    /// Pairs of the statement, as CBOR.
    var statement: [UInt8] = [0xA0]
    /// CBOR behind everything else.
    var extensions: [UInt8] = []
    /// Further members of the client data.
    var saying = ",\"crossOrigin\":false"
    var userHandle: [UInt8] = []

    // MARK: What it writes

    func client(_ type: String, _ challenge: [UInt8]) -> [UInt8] {
        Array("{\"type\":\"\(type)\",\"challenge\":\"\(Base64URL.encode(challenge))\",\"origin\":\"\(self.origin)\"\(self.saying)}".utf8)
    }

    var publicKey: [UInt8] {
        switch self.key {
        case .es256(let key):
            let raw = Array(key.publicKey.rawRepresentation)
            return CBOR.map([
                (CBOR.int(1), CBOR.int(2)), (CBOR.int(3), CBOR.int(-7)), (CBOR.int(-1), CBOR.int(1)),
                (CBOR.int(-2), CBOR.bytes(Array(raw[..<32]))), (CBOR.int(-3), CBOR.bytes(Array(raw[32...]))),
            ])
        case .edDSA(let key):
            return CBOR.map([
                (CBOR.int(1), CBOR.int(1)), (CBOR.int(3), CBOR.int(-8)), (CBOR.int(-1), CBOR.int(6)),
                (CBOR.int(-2), CBOR.bytes(Array(key.publicKey.rawRepresentation))),
            ])
        case .rs256(let key):
            guard let parts = try? key.publicKey.getKeyPrimitives() else { return [] }
            return CBOR.rsa(n: Array(parts.modulus), e: Array(parts.publicExponent))
        }
    }

    func data(making: Bool, key: [UInt8]? = nil) -> [UInt8] {
        var flags = self.flags
        if making { flags.insert(.made) }
        if !self.extensions.isEmpty { flags.insert(.extensions) }
        var out = Array(SHA256.hash(data: Array(self.host.utf8))) + [flags.rawValue]
        out += withUnsafeBytes(of: self.signCount.bigEndian) { Array($0) }
        if making {
            out += [UInt8](repeating: 0, count: 16) + [UInt8(self.id.count >> 8), UInt8(self.id.count & 255)] + self.id
            out += key ?? self.publicKey
        }
        return out + self.extensions
    }

    func attestation(data: [UInt8]? = nil) -> [UInt8] {
        [0xA3] + CBOR.text("fmt") + CBOR.text(self.format) + CBOR.text("attStmt") + self.statement + CBOR.text("authData")
            + CBOR.bytes(data ?? self.data(making: true))
    }

    func signature(_ data: [UInt8], _ client: [UInt8]) throws -> [UInt8] {
        let message = data + Array(SHA256.hash(data: client))
        switch self.key {
        case .es256(let key): return Array(try key.signature(for: message).derRepresentation)
        case .edDSA(let key): return Array(try key.signature(for: message))
        case .rs256(let key): return Array(try key.signature(for: message, padding: .insecurePKCS1v1_5).rawRepresentation)
        }
    }

    /// As it is kept by a server that it was registered at.
    var known: KnownPasskey {
        KnownPasskey(
            key: self.publicKey, host: self.host, signCount: self.signCount, isBackupEligible: self.flags.contains(.eligible))
    }

    // MARK: As the script sends it

    func registering(_ challenge: [UInt8]) -> [(String, String)] {
        [
            ("client-data", Base64URL.encode(self.client("webauthn.create", challenge))),
            ("attestation", Base64URL.encode(self.attestation())),
        ]
    }

    mutating func proving(_ challenge: [UInt8]) throws -> [(String, String)] {
        if self.signCount > 0 { self.signCount += 1 }
        let (client, data) = (self.client("webauthn.get", challenge), self.data(making: false))
        return [
            ("credential", Base64URL.encode(self.id)), ("client-data", Base64URL.encode(client)),
            ("device-data", Base64URL.encode(data)), ("signature", Base64URL.encode(try self.signature(data, client))),
            ("user-handle", Base64URL.encode(self.userHandle)),
        ]
    }
}

/// Writes CBOR, as little of it as devices need.
enum CBOR {
    static func head(_ major: UInt8, _ argument: UInt64) -> [UInt8] {
        let bytes = withUnsafeBytes(of: argument.bigEndian) { Array($0) }
        switch argument {
        case 0..<24: return [major << 5 | UInt8(argument)]
        case 24..<256: return [major << 5 | 24] + bytes[7...]
        case 256..<65536: return [major << 5 | 25] + bytes[6...]
        case 65536..<(1 << 32): return [major << 5 | 26] + bytes[4...]
        default: return [major << 5 | 27] + bytes
        }
    }

    static func int(_ number: Int) -> [UInt8] { number < 0 ? self.head(1, UInt64(~number)) : self.head(0, UInt64(number)) }
    static func bytes(_ bytes: [UInt8]) -> [UInt8] { self.head(2, UInt64(bytes.count)) + bytes }
    static func text(_ text: String) -> [UInt8] { self.head(3, UInt64(text.utf8.count)) + Array(text.utf8) }
    static func map(_ pairs: [([UInt8], [UInt8])]) -> [UInt8] { self.head(5, UInt64(pairs.count)) + pairs.flatMap { $0.0 + $0.1 } }

    static func rsa(n: [UInt8], e: [UInt8]) -> [UInt8] {
        self.map([
            (self.int(1), self.int(3)), (self.int(3), self.int(-257)), (self.int(-1), self.bytes(n)), (self.int(-2), self.bytes(e)),
        ])
    }
}
