internal import Crypto

/// A passkey as its device has just made it.
package struct MadePasskey: Sendable {
    package let id: [UInt8]
    package let key: [UInt8]
    package let signCount: UInt32
    package let isBackupEligible: Bool
    package let isBackedUp: Bool
}

/// What is known of a passkey from before.
package struct KnownPasskey: Sendable {
    package let key: [UInt8]
    /// The host name that it was made for.
    package let host: String
    package let signCount: UInt32
    package let isBackupEligible: Bool

    package init(key: [UInt8], host: String, signCount: UInt32, isBackupEligible: Bool) {
        self.key = key
        self.host = host
        self.signCount = signCount
        self.isBackupEligible = isBackupEligible
    }
}

/// What a proof tells beside that it is right.
package struct PasskeyProof: Sendable {
    package let signCount: UInt32
    package let isBackedUp: Bool
    package let isVerified: Bool
}

/// What this server asked for, and where.
package struct PasskeyCheck: Sendable {
    /// The name that the browser used; passkeys are bound to it.
    package let host: String
    /// `https://mail.example.test:8443`
    package let origin: String
    /// Whether a challenge was given to this very browser, lately, for this.
    private let isOurs: @Sendable (_ challenge: [UInt8]) -> Bool

    package init(host: String, origin: String, isOurs: @escaping @Sendable (_ challenge: [UInt8]) -> Bool) {
        self.host = host
        self.origin = origin
        self.isOurs = isOurs
    }

    /// A passkey was made. [WebAuthn-7.1]
    package func made(clientData: [UInt8], attestation: [UInt8]) throws(PasskeyProblem) -> MadePasskey {
        _ = try self.client(clientData, .make)
        let data = try AttestationObject(attestation).data
        try self.device(data, needsVerification: false)
        guard let made = data.made else { throw .malformed }
        _ = try COSEKey(made.key)
        return MadePasskey(
            id: made.id, key: made.key, signCount: data.signCount, isBackupEligible: data.isBackupEligible, isBackedUp: data.isBackedUp)
    }

    /// Somebody has the passkey. [WebAuthn-7.2]
    /// - Parameter needsVerification: the passkey stands for the password too, so that the device must know who holds it.
    package func proved(
        clientData: [UInt8], data: [UInt8], signature: [UInt8], by known: KnownPasskey, needsVerification: Bool
    ) throws(PasskeyProblem) -> PasskeyProof {
        _ = try self.client(clientData, .prove)
        guard known.host == self.host else { throw .host }
        let device = try AuthenticatorData(data)
        try self.device(device, needsVerification: needsVerification)
        // Whether it can be copied never changes in the life of a passkey.
        guard device.isBackupEligible == known.isBackupEligible else { throw .malformed }
        let hash = Array(SHA256.hash(data: clientData))
        guard try COSEKey(known.key).isSignature(signature, of: data + hash) else { throw .signature }
        // Devices that count at all count each signature; those that are copied to others do not count and say 0.
        guard device.signCount > known.signCount || (device.signCount == 0 && known.signCount == 0) else { throw .copied }
        return PasskeyProof(signCount: device.signCount, isBackedUp: device.isBackedUp, isVerified: device.isVerified)
    }

    /// The challenge that the browser signed for us.
    package static func challenge(in clientData: [UInt8]) -> [UInt8]? { try? ClientData(clientData).challenge }

    private func client(_ bytes: [UInt8], _ kind: ClientData.Kind) throws(PasskeyProblem) -> ClientData {
        let client = try ClientData(bytes)
        guard client.kind == kind else { throw .type }
        guard self.isOurs(client.challenge) else { throw .challenge }
        guard client.origin == self.origin, !client.isFramed else { throw .origin }
        return client
    }

    private func device(_ data: AuthenticatorData, needsVerification: Bool) throws(PasskeyProblem) {
        guard data.hostHash == Array(SHA256.hash(data: Array(self.host.utf8))) else { throw .host }
        guard data.isPresent else { throw .notPresent }
        guard data.isVerified || !needsVerification else { throw .notVerified }
    }
}
