import Crypto
import CryptoExtras
import Testing
import WebService

@Suite struct PasskeyFormatTests {
    private static func hex(_ text: String) -> [UInt8] {
        let digits = text.filter { $0 != " " }
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits.dropFirst($0).prefix(2)), radix: 16) }
    }

    @Test("[RFC8949-3.1] numbers, strings, lists, maps and simple values are read, each in its one form")
    func values() throws {
        let cases: [(String, CBORValue)] = [
            ("00", .unsigned(0)), ("17", .unsigned(23)), ("1818", .unsigned(24)), ("18ff", .unsigned(255)), ("190100", .unsigned(256)),
            ("1a00010000", .unsigned(65536)), ("1b0000000100000000", .unsigned(1 << 32)), ("1bffffffffffffffff", .unsigned(.max)),
            ("20", .negative(0)), ("26", .int(-7)), ("390100", .int(-257)), ("3bffffffffffffffff", .negative(.max)),
            ("40", .bytes([])), ("43010203", .bytes([1, 2, 3])), ("60", .text("")), ("63e38391", .text("パ")),
            ("80", .list([])), ("820120", .list([.unsigned(1), .negative(0)])), ("a0", .map([])), ("f4", .bool(false)), ("f5", .bool(true)),
            ("f6", .null),
        ]
        for (bytes, value) in cases { #expect(try CBORReader.whole(Self.hex(bytes)) == value, "\(bytes)") }
        let map = try CBORReader.whole(Self.hex("a3 01 02 20 f5 6161 41ff"))
        #expect(map[1] == .int(2) && map[-1] == .bool(true) && map["a"]?.bytes == [0xFF] && map[7] == nil)
        #expect(try CBORReader.whole([0xFF as UInt8].prefix(0) + CBOR.int(-257)) == .int(-257))
    }

    @Test(
        "[RFC8949-4.2.1] long numbers, open lengths, tags, fractions, keys twice, what is cut or follows, and what is too deep are refused")
    func wrongValues() throws {
        let wrong = [
            "", "1817", "190001", "1900ff", "1a0000ffff", "1b00000000ffffffff", "18", "19 01", "1c", "1d", "1e", "1f", "5f4100ff",
            "7f6100ff",
            "9f00ff", "bf0000ff", "ff", "c000", "d81800", "f7", "f800", "f818", "f93c00", "fa3f800000", "fb3ff0000000000000", "e0", "f3",
            "41", "420f", "61", "61ff", "62c0af", "81", "8201", "a1", "a101", "a2010201", "a201020103", "a1410100", "a1800100", "a1f500",
            "0000", "a000", "5b7fffffffffffffff", "5bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff", "9affffffff",
            "9a00010000",
        ]
        for bytes in wrong { #expect(throws: PasskeyProblem.malformed, "\(bytes)") { try CBORReader.whole(Self.hex(bytes)) } }
        // So deep and so many, and no deeper and no more.
        let deepest = PasskeyLimits.depth - 1
        #expect(throws: Never.self) { try CBORReader.whole([UInt8](repeating: 0x81, count: deepest) + [0x01]) }
        for count in [deepest + 1, 1000, 100_000] {
            #expect(throws: PasskeyProblem.malformed) { try CBORReader.whole([UInt8](repeating: 0x81, count: count) + [0x01]) }
        }
        let most = PasskeyLimits.values - 1
        #expect(throws: Never.self) { try CBORReader.whole(CBOR.head(4, UInt64(most)) + [UInt8](repeating: 0, count: most)) }
        #expect(throws: PasskeyProblem.malformed) {
            try CBORReader.whole(CBOR.head(4, UInt64(most + 1)) + [UInt8](repeating: 0, count: most + 1))
        }
    }

    @Test("[RFC9053-2.1] [RFC9053-2.2] [RFC8812-2] keys of the three kinds check what their owners signed, and nothing else")
    func keys() throws {
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let keys: [(SoftwareAuthenticator.Key, COSEKey.Algorithm)] = [
            (.es256(P256.Signing.PrivateKey()), .es256), (.edDSA(Curve25519.Signing.PrivateKey()), .edDSA), (.rs256(rsa), .rs256),
        ]
        for (key, algorithm) in keys {
            let device = SoftwareAuthenticator(key: key)
            let read = try COSEKey(device.publicKey)
            let (data, client) = (device.data(making: false), device.client("webauthn.get", [1, 2, 3]))
            let signature = try device.signature(data, client)
            let message = data + Array(SHA256.hash(data: client))
            #expect(read.algorithm == algorithm && read.isSignature(signature, of: message))
            for place in [0, signature.count / 2, signature.count - 1] {
                var broken = signature
                broken[place] ^= 1
                #expect(!read.isSignature(broken, of: message), "\(algorithm) \(place)")
            }
            var other = message
            other[40] ^= 0x80
            #expect(!read.isSignature(signature, of: other) && !read.isSignature([], of: message))
            #expect(!read.isSignature(signature + [0], of: message) && !read.isSignature(Array(signature.dropLast()), of: message))
            #expect(!read.isSignature([UInt8](repeating: 7, count: 100_000), of: message))
            // A byte less or more is no key.
            for count in 0..<device.publicKey.count {
                #expect(throws: PasskeyProblem.self) { try COSEKey(Array(device.publicKey.prefix(count))) }
            }
            #expect(throws: PasskeyProblem.malformed) { try COSEKey(device.publicKey + [0]) }
        }
    }

    @Test("weak keys: RSA below 2048 bits or with a strange exponent, points off the curve, other curves; unknown kinds are not offered")
    func weakKeys() throws {
        let modulus = Array(try _RSA.Signing.PrivateKey(keySize: .bits2048).publicKey.getKeyPrimitives().modulus)
        let short: [UInt8] = [0x7F] + modulus.dropFirst()
        let weak = [
            CBOR.rsa(n: short, e: [1, 0, 1]), CBOR.rsa(n: Array(modulus.dropFirst(128)), e: [1, 0, 1]), CBOR.rsa(n: [], e: [1, 0, 1]),
            CBOR.rsa(n: [0] + modulus, e: [1, 0, 1]), CBOR.rsa(n: modulus + modulus + modulus, e: [1, 0, 1]), CBOR.rsa(n: modulus, e: []),
            CBOR.rsa(n: modulus, e: [1]), CBOR.rsa(n: modulus, e: [2]), CBOR.rsa(n: modulus, e: [0, 3]),
            CBOR.rsa(n: modulus, e: [1, 0, 0, 0, 1]), CBOR.rsa(n: Array(modulus.dropLast()) + [0], e: [1, 0, 1]),
        ]
        for key in weak { #expect(throws: PasskeyProblem.weakKey) { try COSEKey(key) } }
        func ec(_ curve: Int, _ x: [UInt8], _ y: [UInt8], type: Int = 2, algorithm: Int = -7) -> [UInt8] {
            CBOR.map([
                (CBOR.int(1), CBOR.int(type)), (CBOR.int(3), CBOR.int(algorithm)), (CBOR.int(-1), CBOR.int(curve)),
                (CBOR.int(-2), CBOR.bytes(x)), (CBOR.int(-3), CBOR.bytes(y)),
            ])
        }
        let raw = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
        let (x, y) = (Array(raw[..<32]), Array(raw[32...]))
        #expect(throws: Never.self) { try COSEKey(ec(1, x, y)) }
        var off = y
        off[31] ^= 1
        for key in [ec(1, x, off), ec(2, x, y), ec(1, x, []), ec(1, x + [0], y), ec(1, [UInt8](repeating: 0, count: 32), y), ec(8, x, y)] {
            #expect(throws: PasskeyProblem.weakKey) { try COSEKey(key) }
        }
        for key in [ec(1, x, y, type: 1), ec(1, x, y, algorithm: -35), ec(1, x, y, algorithm: 7), ec(1, x, y, algorithm: -8), [0xA0]] {
            #expect(throws: PasskeyProblem.algorithm) { try COSEKey(key) }
        }
        #expect(throws: PasskeyProblem.malformed) { try COSEKey([0x01]) }
    }

    @Test("[WebAuthn-6.1] data of a device: every flag, credential ids up to 1023 octets, extensions; nothing cut, nothing behind it")
    func deviceData() throws {
        var device = SoftwareAuthenticator()
        device.flags = [.present, .verified, .eligible, .backedUp]
        device.signCount = 0xFFFF_FFFF
        let plain = try AuthenticatorData(device.data(making: false))
        #expect(plain.isPresent && plain.isVerified && plain.isBackupEligible && plain.isBackedUp && plain.signCount == .max)
        #expect(plain.made == nil && plain.hostHash == Array(SHA256.hash(data: Array("mail.example.test".utf8))))
        device.flags = []
        #expect(try !AuthenticatorData(device.data(making: false)).isPresent)
        device.extensions = CBOR.map([(CBOR.text("credProtect"), CBOR.int(2))])
        device.id = [UInt8](repeating: 9, count: PasskeyLimits.credentialID)
        let made = try #require(try AuthenticatorData(device.data(making: true)).made)
        #expect(made.id == device.id && made.key == device.publicKey)
        for whole in [device.data(making: true), device.data(making: false)] {
            for count in 0..<whole.count {
                #expect(throws: PasskeyProblem.malformed, "\(count)") { try AuthenticatorData(Array(whole.prefix(count))) }
            }
            #expect(throws: PasskeyProblem.malformed) { try AuthenticatorData(whole + [0]) }
            #expect(throws: PasskeyProblem.malformed) { try AuthenticatorData(whole + [UInt8](repeating: 0, count: 100_000)) }
        }
        for length in [0, PasskeyLimits.credentialID + 1, 0xFFFF] {
            device.id = [UInt8](repeating: 9, count: length)
            #expect(throws: PasskeyProblem.malformed) { try AuthenticatorData(device.data(making: true)) }
        }
        device.id = [1]
        device.extensions = CBOR.int(1)
        #expect(throws: PasskeyProblem.malformed) { try AuthenticatorData(device.data(making: false)) }
        device.extensions = []
        // A copy of what cannot be copied.
        device.flags = [.present, .backedUp]
        #expect(throws: PasskeyProblem.malformed) { try AuthenticatorData(device.data(making: false)) }
    }

    @Test("[WebAuthn-5.8.1] what the browser says: JSON with type, challenge and origin; frames of other sites are seen")
    func clientData() throws {
        let good = try ClientData(SoftwareAuthenticator().client("webauthn.get", [1, 2, 255]))
        #expect(good.kind == .prove && good.challenge == [1, 2, 255] && good.origin == "https://mail.example.test" && !good.isFramed)
        for (saying, isFramed) in [
            ("", false), (",\"crossOrigin\":true", true), (",\"topOrigin\":\"https://x\"", true), (",\"other\":[{}]", false),
        ] {
            var device = SoftwareAuthenticator()
            device.saying = saying
            #expect(try ClientData(device.client("webauthn.create", [])).isFramed == isFramed, "\(saying)")
        }
        #expect(try ClientData(SoftwareAuthenticator().client("payment.get", [])).kind == nil)
        let wrong = [
            "", "{}", "[]", "1", "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\"}", "{\"type\":1,\"challenge\":\"AQ\",\"origin\":\"x\"}",
            "{\"type\":\"t\",\"challenge\":\"A+==\",\"origin\":\"x\"}", "{\"type\":\"t\",\"challenge\":\"AQ==\",\"origin\":\"x\"}",
            "{\"type\":\"t\",\"challenge\":\"AQ\",\"origin\":\"x\",\"crossOrigin\":\"no\"}",
            "{\"type\":\"t\",\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":\"x\"}", "\u{FEFF}{}",
        ]
        for text in wrong { #expect(throws: PasskeyProblem.malformed, "\(text)") { try ClientData(Array(text.utf8)) } }
        let whole = SoftwareAuthenticator().client("webauthn.get", [1, 2, 3])
        for count in 0..<whole.count { #expect(throws: PasskeyProblem.malformed) { try ClientData(Array(whole.prefix(count))) } }
        let huge = Array(
            "{\"type\":\"t\",\"challenge\":\"AQ\",\"origin\":\"\(String(repeating: "x", count: PasskeyLimits.clientData))\"}".utf8)
        #expect(throws: PasskeyProblem.malformed) { try ClientData(huge) }
    }
}
