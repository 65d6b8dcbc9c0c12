import Crypto
import Testing
import Vocabulary
import WebService

@Suite struct PasskeyCheckTests {
    private static let challenge = [UInt8](repeating: 5, count: 56)

    private static func check(host: String = "mail.example.test", origin: String = "https://mail.example.test") -> PasskeyCheck {
        PasskeyCheck(host: host, origin: origin) { $0 == Self.challenge }
    }

    private static func made(_ device: SoftwareAuthenticator, type: String = "webauthn.create", key: [UInt8]? = nil) throws -> MadePasskey {
        try self.check().made(
            clientData: device.client(type, Self.challenge), attestation: device.attestation(data: device.data(making: true, key: key)))
    }

    @Test("[WebAuthn-7.1] a passkey that was asked for here is taken, whoever built its device; who says what about it is not trusted")
    func making() throws {
        var device = SoftwareAuthenticator(flags: [.present, .verified, .eligible, .backedUp], signCount: 7)
        let made = try Self.made(device)
        #expect(made.id == device.id && made.key == device.publicKey && made.signCount == 7 && made.isBackupEligible && made.isBackedUp)
        // A statement of another format, with certificates, is passed over.
        device.format = "packed"
        device.statement = CBOR.map([
            (CBOR.text("alg"), CBOR.int(-7)), (CBOR.text("sig"), CBOR.bytes([1])), (CBOR.text("x5c"), [0x81] + CBOR.bytes([2, 3])),
        ])
        #expect(throws: Never.self) { try Self.made(device) }
        device.format = "none"
        #expect(throws: PasskeyProblem.malformed) { try Self.made(device) }
    }

    @Test(
        "[WebAuthn-7.1] made for another page, another name, another challenge or purpose, without a touch, or with an unknown key: refused"
    )
    func makingWrong() throws {
        let right = SoftwareAuthenticator()
        for (problem, change) in [
            (PasskeyProblem.origin, { $0.origin = "https://mail.example.test:8443" }),
            (.origin, { $0.origin = "http://mail.example.test" }),
            (.origin, { $0.origin = "https://evil.test" }), (.origin, { $0.origin = "https://mail.example.test.evil.test" }),
            (.origin, { $0.saying = ",\"crossOrigin\":true" }), (.host, { $0.host = "evil.test" }), (.host, { $0.host = "example.test" }),
            (.notPresent, { $0.flags = [.verified] }),
        ] as [(PasskeyProblem, (inout SoftwareAuthenticator) -> Void)] {
            var device = right
            change(&device)
            #expect(throws: problem) { try Self.made(device) }
        }
        #expect(throws: PasskeyProblem.type) { try Self.made(right, type: "webauthn.get") }
        #expect(throws: PasskeyProblem.algorithm) { try Self.made(right, key: [0xA0]) }
        #expect(throws: PasskeyProblem.challenge) {
            try Self.check().made(clientData: right.client("webauthn.create", [5]), attestation: right.attestation())
        }
        // Nothing was made.
        #expect(throws: PasskeyProblem.malformed) {
            try Self.check().made(
                clientData: right.client("webauthn.create", Self.challenge), attestation: right.attestation(data: right.data(making: false))
            )
        }
        let whole = right.attestation()
        for count in 0..<whole.count {
            #expect(throws: PasskeyProblem.malformed) {
                try Self.check().made(
                    clientData: right.client("webauthn.create", Self.challenge), attestation: Array(whole.prefix(count)))
            }
        }
        for huge in [whole + [0], [UInt8](repeating: 0xA1, count: 1 << 20), CBOR.bytes([UInt8](repeating: 0, count: 1 << 20))] {
            #expect(throws: PasskeyProblem.malformed) {
                try Self.check().made(clientData: right.client("webauthn.create", Self.challenge), attestation: huge)
            }
        }
    }

    private static func proved(
        _ device: SoftwareAuthenticator, by known: KnownPasskey? = nil, type: String = "webauthn.get", challenge: [UInt8] = challenge,
        verified: Bool = true, breaking: (inout [UInt8], inout [UInt8], inout [UInt8]) -> Void = { _, _, _ in }
    ) throws -> PasskeyProof {
        var (client, data) = (device.client(type, challenge), device.data(making: false))
        var signature = try device.signature(data, client)
        breaking(&client, &data, &signature)
        return try self.check().proved(
            clientData: client, data: data, signature: signature, by: known ?? device.known, needsVerification: verified)
    }

    @Test("[WebAuthn-7.2] who has the passkey proves it; every flipped bit, another's key, page, name, challenge and purpose are refused")
    func proving() throws {
        for key in [SoftwareAuthenticator.Key.es256(P256.Signing.PrivateKey()), .edDSA(Curve25519.Signing.PrivateKey())] {
            let device = SoftwareAuthenticator(key: key)
            #expect(try Self.proved(device).isVerified)
            for place in 0..<37 {
                for bit in 0..<8 {
                    #expect(throws: PasskeyProblem.self) { try Self.proved(device) { _, data, _ in data[place] ^= 1 << UInt8(bit) } }
                }
            }
            // Blanks between the members of JSON mean nothing, and are signed all the same.
            #expect(throws: PasskeyProblem.signature) { try Self.proved(device) { client, _, _ in client.insert(0x20, at: 1) } }
            #expect(throws: PasskeyProblem.signature) { try Self.proved(device) { _, _, signature in signature.removeLast() } }
            #expect(throws: PasskeyProblem.signature) { try Self.proved(device, by: SoftwareAuthenticator().known) }
        }
        let right = SoftwareAuthenticator()
        for (problem, change) in [
            (PasskeyProblem.origin, { $0.origin = "https://evil.test" }), (.host, { $0.host = "evil.test" }),
            (.origin, { $0.saying = ",\"topOrigin\":\"https://evil.test\",\"crossOrigin\":true" }),
            (.notPresent, { $0.flags = [.verified] }),
            (.notVerified, { $0.flags = [.present] }), (.malformed, { $0.flags = [.present, .verified, .eligible] }),
        ] as [(PasskeyProblem, (inout SoftwareAuthenticator) -> Void)] {
            var device = right
            change(&device)
            #expect(throws: problem) { try Self.proved(device, by: right.known) }
        }
        #expect(throws: PasskeyProblem.type) { try Self.proved(right, type: "webauthn.create") }
        #expect(throws: PasskeyProblem.challenge) { try Self.proved(right, challenge: [UInt8](repeating: 6, count: 56)) }
        // Beside a password a touch is enough.
        var touched = right
        touched.flags = [.present]
        #expect(try !Self.proved(touched, by: right.known, verified: false).isVerified)
        // Registered under another name of this server: the browser would not have offered it.
        let elsewhere = KnownPasskey(key: right.publicKey, host: "localhost", signCount: 0, isBackupEligible: false)
        #expect(throws: PasskeyProblem.host) { try Self.proved(right, by: elsewhere) }
    }

    @Test("[WebAuthn-7.2] a device that counts must have counted on; one that never counts stays at nothing")
    func counting() throws {
        for (known, now, isGood) in [(0, 0, true), (0, 1, true), (1, 2, true), (1, 900, true), (5, 5, false), (5, 4, false), (5, 0, false)]
        {
            let device = SoftwareAuthenticator(signCount: UInt32(now))
            let before = KnownPasskey(
                key: device.publicKey, host: device.host, signCount: UInt32(known), isBackupEligible: false)
            if isGood {
                #expect(try Self.proved(device, by: before).signCount == UInt32(now))
            } else {
                #expect(throws: PasskeyProblem.copied, "\(known) \(now)") { try Self.proved(device, by: before) }
            }
        }
    }

    @Test("a challenge is good for one browser, name and purpose, for five minutes, once; a restart ends all")
    func challenges() throws {
        let challenges = PasskeyChallenges()
        let chance = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        let now: Int64 = 1_800_000_000
        let one = challenges.make(.login, for: "mail.example.test", "cookie", chance: chance, at: now)
        func isOurs(
            _ challenge: [UInt8], _ purpose: PasskeyChallenges.Purpose = .login, host: String = "mail.example.test",
            binding: String = "cookie",
            at time: Int64 = now
        ) -> Bool { challenges.isOurs(challenge, purpose, for: host, binding, at: time) }
        #expect(one.count == 56 && isOurs(one) && isOurs(one, at: now + 300))
        #expect(!isOurs(one, at: now + 301) && !isOurs(one, at: now - 1) && !isOurs(one, .step) && !isOurs(one, .make))
        #expect(!isOurs(one, host: "localhost") && !isOurs(one, binding: "another") && !isOurs([]) && !isOurs(Array(one.dropLast())))
        for place in one.indices {
            var other = one
            other[place] ^= 1
            #expect(!isOurs(other), "\(place)")
        }
        #expect(!PasskeyChallenges().isOurs(one, .login, for: "mail.example.test", "cookie", at: now))
        let (taro, jiro) = (AccountID(rawValue: 1), AccountID(rawValue: 2))
        #expect(challenges.spend(one, of: taro, at: now) && !challenges.spend(one, of: taro, at: now + 300))
        #expect(challenges.spend(one, of: jiro, at: now))
        // Who answers without end is stopped, alone, and for five minutes.
        for number in 0..<200 {
            let next = challenges.make(.login, for: "mail.example.test", "\(number)", chance: chance, at: now)
            #expect(challenges.spend(next, of: taro, at: now) == (number < PasskeyChallenges.mostOfAccount - 1))
        }
        let later = challenges.make(.login, for: "mail.example.test", "later", chance: chance, at: now + 301)
        #expect(challenges.spend(later, of: taro, at: now + 301))
    }
}
