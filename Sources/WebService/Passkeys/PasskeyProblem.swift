/// Why something that a passkey is said to have made is not taken. Goes to the log; the person reads less.
package enum PasskeyProblem: String, Error, Sendable, CaseIterable {
    /// Not of the form that the specifications give it, or larger than is read.
    case malformed
    /// Made for another ceremony: registered where a login was asked for, or the other way round.
    case type = "wrong-type"
    /// Not asked by this server, of this browser, lately; or answered before.
    case challenge = "wrong-challenge"
    /// Made for a page of another place.
    case origin = "wrong-origin"
    /// Made for another name than the one that the browser used.
    case host = "wrong-host"
    /// Nobody touched the device.
    case notPresent = "not-present"
    /// The device did not ask who it is, where that was wanted.
    case notVerified = "not-verified"
    /// A kind of key that was not offered.
    case algorithm = "unknown-algorithm"
    /// A key that can be broken, or is none.
    case weakKey = "weak-key"
    case signature = "wrong-signature"
    /// It has signed before what it signs now: there are two of it.
    case copied = "copied"
    /// No passkey of this account.
    case unknown = "unknown-passkey"
}

/// What is read of what browsers send; larger things are none of any device.
package enum PasskeyLimits {
    /// Bytes of a credential id. [WebAuthn-7.1]
    package static let credentialID = 1023
    /// Bytes of the client data, which a browser makes from type, challenge and origin.
    package static let clientData = 8192
    /// Bytes of authenticator data: fixed fields, credential id, key and outputs of extensions.
    package static let authenticatorData = 8192
    /// Bytes of an attestation object; certificates within are not looked at.
    package static let attestation = 32_768
    /// Bytes of a signature: RSA of 4096 bits has 512.
    package static let signature = 512
    /// Bytes of a user handle. [WebAuthn-5.4.3]
    package static let userHandle = 64
    /// Bits of RSA keys.
    package static let rsaBits = 2048...4096
    /// Lists and maps within one another in CBOR; devices are held to four.
    package static let depth = 8
    /// Values of a CBOR item, those within it included.
    package static let values = 500
}
