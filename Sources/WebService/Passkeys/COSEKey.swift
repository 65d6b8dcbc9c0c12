internal import Crypto
internal import CryptoExtras

/// The public half of a passkey, as its device wrote it. [RFC9052-7]
package struct COSEKey: Sendable {
    /// Kinds that are taken, by their numbers in the register of COSE; the first is liked best.
    package enum Algorithm: Int64, CaseIterable, Sendable {
        /// ECDSA on P-256 with SHA-256. [RFC9053-2.1]
        case es256 = -7
        /// Ed25519. [RFC9053-2.2]
        case edDSA = -8
        /// RSA, PKCS #1 v1.5, with SHA-256. [RFC8812-2]
        case rs256 = -257
    }

    private enum Key: Sendable {
        case es256(P256.Signing.PublicKey)
        case edDSA(Curve25519.Signing.PublicKey)
        case rs256(_RSA.Signing.PublicKey)
    }

    package let algorithm: Algorithm
    private let key: Key

    package init(_ bytes: [UInt8]) throws(PasskeyProblem) { try self.init(CBORReader.whole(bytes)) }

    package init(_ value: CBORValue) throws(PasskeyProblem) {
        let kinds: [(algorithm: Algorithm, type: Int)] = [(.es256, 2), (.edDSA, 1), (.rs256, 3)]
        guard case .map = value else { throw .malformed }
        guard let kind = kinds.first(where: { value[3] == .int(Int($0.algorithm.rawValue)) }), value[1] == .int(kind.type) else {
            throw .algorithm
        }
        self.algorithm = kind.algorithm
        switch kind.algorithm {
        case .es256: self.key = .es256(try Self.p256(value))
        case .edDSA: self.key = .edDSA(try Self.ed25519(value))
        case .rs256: self.key = .rs256(try Self.rsa(value))
        }
    }

    /// Curve 1, both coordinates, each in full length; a point that is not on the curve is none. [RFC9053-7.1.1]
    private static func p256(_ value: CBORValue) throws(PasskeyProblem) -> P256.Signing.PublicKey {
        guard value[-1] == .int(1), let x = value[-2]?.bytes, let y = value[-3]?.bytes, x.count == 32, y.count == 32 else {
            throw .weakKey
        }
        guard let key = try? P256.Signing.PublicKey(rawRepresentation: x + y) else { throw .weakKey }
        return key
    }

    /// Curve 6. [RFC9053-7.2]
    private static func ed25519(_ value: CBORValue) throws(PasskeyProblem) -> Curve25519.Signing.PublicKey {
        guard value[-1] == .int(6), let x = value[-2]?.bytes, x.count == 32,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x)
        else { throw .weakKey }
        return key
    }

    /// Modulus and exponent without zeros in front; an exponent of more than four bytes only costs time. [RFC8230-4]
    private static func rsa(_ value: CBORValue) throws(PasskeyProblem) -> _RSA.Signing.PublicKey {
        guard let n = value[-1]?.bytes, let e = value[-2]?.bytes, let first = n.first, first != 0, let last = n.last, last & 1 == 1,
            (1...4).contains(e.count), e.first != 0, e.last.map({ $0 & 1 == 1 }) ?? false, e != [1],
            PasskeyLimits.rsaBits.contains(n.count * 8 - first.leadingZeroBitCount)
        else { throw .weakKey }
        guard let key = try? _RSA.Signing.PublicKey(n: n, e: e), PasskeyLimits.rsaBits.contains(key.keySizeInBits) else { throw .weakKey }
        return key
    }

    /// Whether this key's owner has signed the message.
    package func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count <= PasskeyLimits.signature else { return false }
        switch self.key {
        case .es256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        case .edDSA(let key): return signature.count == 64 && key.isValidSignature(signature, for: message)
        case .rs256(let key):
            return key.isValidSignature(_RSA.Signing.RSASignature(rawRepresentation: signature), for: message, padding: .insecurePKCS1v1_5)
        }
    }
}
