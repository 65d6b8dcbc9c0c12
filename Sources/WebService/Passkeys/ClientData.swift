internal import Forms

/// What the browser says of the page that asked; the signature covers its hash. [WebAuthn-5.8.1]
package struct ClientData: Sendable {
    package enum Kind: String, Sendable {
        case make = "webauthn.create"
        case prove = "webauthn.get"
    }

    package let kind: Kind?
    package let challenge: [UInt8]
    package let origin: String
    /// The page stood in a frame of another site.
    package let isFramed: Bool

    package init(_ bytes: [UInt8]) throws(PasskeyProblem) {
        guard bytes.count <= PasskeyLimits.clientData, let value = try? JSONValue(reading: bytes), let type = value["type"]?.text,
            let challenge = value["challenge"]?.text, let origin = value["origin"]?.text, let decoded = Base64URL.decode(challenge)
        else { throw .malformed }
        self.kind = Kind(rawValue: type)
        self.challenge = decoded
        self.origin = origin
        switch value["crossOrigin"] {
        case nil, .bool(false)?: self.isFramed = value["topOrigin"] != nil
        case .bool(true)?: self.isFramed = true
        default: throw .malformed
        }
    }
}
