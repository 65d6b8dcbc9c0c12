internal import Bytes
internal import Crypto
internal import CryptoExtras

/// What is stored of a password: enough to check it and to serve SCRAM-SHA-256, not enough to log in. [RFC5802-3] [RFC7677-3]
package struct SCRAMVerifier: Hashable, Sendable {
    package var salt: [UInt8]
    package var iterations: Int
    /// H(ClientKey), 32 bytes.
    package var storedKey: [UInt8]
    /// 32 bytes; proves the server to the client.
    package var serverKey: [UInt8]

    /// What a thief of the database pays for each guess; RFC 7677 asks for at least 4,096 and for more as machines get faster.
    package static let defaultIterations = 210_000  // [RFC7677-4]
    /// A stored count is bounded, so that a damaged row cannot occupy a worker for ever.
    package static let iterationBounds = 4096...10_000_000
    package static let saltLength = 16

    package init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Derives the verifier of a password. Takes tens of milliseconds of CPU: never on an event loop.
    /// `password` is already prepared (`PasswordPreparation`), `salt` fresh randomness of `saltLength` bytes.
    package init(password: Secret, salt: [UInt8], iterations: Int = Self.defaultIterations) {
        let keys = SCRAM.keys(password: password, salt: salt, iterations: iterations)
        self.init(salt: salt, iterations: iterations, storedKey: keys.stored, serverKey: keys.server)
    }

    /// True when `password` (prepared) is the one this was made of. Takes tens of milliseconds of CPU: never on an event loop.
    package func matches(_ password: Secret) -> Bool {
        let keys = SCRAM.keys(password: password, salt: self.salt, iterations: self.iterations)
        return constantTimeEqual(keys.stored, self.storedKey)
    }

    /// The verifier of nobody: the same for the same name and key, so that asking twice does not tell an unknown name from a known one.
    /// No password matches it. `key` is a secret of the instance; `login` is folded by the caller as for a real look-up.
    package static func decoy(login: String, key: Secret, iterations: Int = Self.defaultIterations) -> SCRAMVerifier {
        let bytes = Array(login.utf8)
        func derived(_ label: String) -> [UInt8] { key.withBytes { SCRAM.hmac($0, Array(label.utf8) + bytes) } }
        return SCRAMVerifier(
            salt: Array(derived("salt:").prefix(Self.saltLength)), iterations: iterations,
            storedKey: derived("stored:"), serverKey: derived("server:"))
    }
}

// MARK: Text for storage

extension SCRAMVerifier {
    /// `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, the three in base64; the form other servers use too.
    package var stored: String {
        "SCRAM-SHA-256$\(self.iterations):\(Base64.encode(self.salt))$\(Base64.encode(self.storedKey)):\(Base64.encode(self.serverKey))"
    }

    /// Reads `stored`; nil for anything that is not one.
    package init?(stored text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("SCRAM-SHA-256".utf8) else { return nil }
        let cost = parts[1].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let keys = parts[2].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard cost.count == 2, keys.count == 2, let iterations = Int(String(Substring(cost[0]))),
            Self.iterationBounds.contains(iterations), let salt = Base64.decode(cost[1]), !salt.isEmpty,
            let storedKey = Base64.decode(keys[0]), storedKey.count == SCRAM.hashLength,
            let serverKey = Base64.decode(keys[1]), serverKey.count == SCRAM.hashLength
        else { return nil }
        self.init(salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey)
    }
}

extension SCRAMVerifier: CustomStringConvertible {
    package var description: String { "SCRAM-SHA-256 verifier, \(self.iterations) rounds" }
}

/// The arithmetic of SCRAM with SHA-256.
package enum SCRAM {
    static let hashLength = 32

    /// StoredKey and ServerKey of a password. [RFC5802-3]
    static func keys(password: Secret, salt: [UInt8], iterations: Int) -> (stored: [UInt8], server: [UInt8]) {
        let salted = password.withBytes { self.pbkdf2($0, salt: salt, iterations: iterations) }
        let clientKey = self.hmac(salted, Array("Client Key".utf8))
        return (self.hash(clientKey), self.hmac(salted, Array("Server Key".utf8)))
    }

    package static func hmac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    package static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// Hi() of RFC 5802. The library throws for absurd parameters only; those cannot pass `SCRAMVerifier.init(stored:)`.
    package static func pbkdf2(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        let key = try? KDF.Insecure.PBKDF2.deriveKey(
            from: password, salt: salt, using: .sha256, outputByteCount: self.hashLength, unsafeUncheckedRounds: max(1, iterations))
        // SAFETY: at least one round, 32 octets and a salt of any length are parameters that it takes; no peer chooses any of them.
        guard let key else { preconditionFailure("PBKDF2 refused \(iterations) rounds") }
        return key.withUnsafeBytes { Array($0) }
    }
}
