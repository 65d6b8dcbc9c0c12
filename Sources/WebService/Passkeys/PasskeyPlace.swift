internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// Where the browser is, as passkeys see it: they are bound to a name, and browsers have them under TLS and on their own computer only.
struct PasskeyPlace {
    /// One of the web's names: `WebDesk` answers under no other.
    let host: String
    let origin: String

    /// nil where browsers have no passkeys: at an address without a name, and without TLS.
    init?(_ request: WebRequest) {
        guard !request.host.isEmpty, !request.host.contains(":"), IPAddress(request.host) == nil else { return nil }
        guard request.isTLS || request.host == "localhost" else { return nil }
        let port = request.authority.split(separator: ":").dropFirst().first.flatMap { UInt16($0) }
        self.host = request.host
        let usual: UInt16 = request.isTLS ? 443 : 80
        let end = port.map { $0 == usual ? "" : ":\($0)" } ?? ""
        self.origin = (request.isTLS ? "https://" : "http://") + request.host + end
    }

    func check(_ purpose: PasskeyChallenges.Purpose, _ binding: String, _ host: WebHost) -> PasskeyCheck {
        let (name, now, sessions) = (self.host, host.now(), host.sessions)
        return PasskeyCheck(host: name, origin: self.origin) { challenge in
            sessions?.challenges.isOurs(challenge, purpose, for: name, binding, at: now) ?? false
        }
    }

    private func challenge(_ purpose: PasskeyChallenges.Purpose, _ binding: String, _ host: WebHost) -> JSONValue {
        let challenge = host.sessions?.challenges.make(purpose, for: self.host, binding, chance: host.random(16), at: host.now())
        return .text(Base64URL.encode(challenge ?? []))
    }

    private static func named(_ passkeys: [Passkey]) -> JSONValue {
        .list(passkeys.map { .object([("type", .text("public-key")), ("id", .text(Base64URL.encode($0.credential)))]) })
    }

    /// Milliseconds that a browser waits for a person.
    private static let patience = JSONValue.number(PasskeyChallenges.life * 1000)

    /// What a device is asked for a new one. [WebAuthn-5.4]
    func making(_ session: WebSession, besides: [Passkey], _ host: WebHost) -> String {
        let algorithms = COSEKey.Algorithm.allCases.map {
            JSONValue.object([("type", .text("public-key")), ("alg", .number($0.rawValue))])
        }
        return JSONValue.object([
            ("challenge", self.challenge(.make, "\(session.id)", host)),
            ("rp", .object([("id", .text(self.host)), ("name", .text(self.host))])),
            (
                "user",
                .object([
                    ("id", .text(Self.handle(session.account, host))), ("name", .text(session.address)),
                    ("displayName", .text(session.name)),
                ])
            ),
            ("pubKeyCredParams", .list(algorithms)), ("timeout", Self.patience), ("attestation", .text("none")),
            ("excludeCredentials", Self.named(besides)),
            (
                "authenticatorSelection",
                .object([("residentKey", .text("preferred")), ("userVerification", .text("preferred"))])
            ),
        ]).description
    }

    /// What a device is asked for a proof. [WebAuthn-5.5]
    /// - Parameter passkeys: of whom it must be; nil for a login without a name, for which the device must know whose it is.
    func proving(_ binding: String, by passkeys: [Passkey]?, _ host: WebHost) -> String {
        JSONValue.object([
            ("challenge", self.challenge(passkeys == nil ? .login : .step, binding, host)), ("rpId", .text(self.host)),
            ("timeout", Self.patience), ("userVerification", .text(passkeys == nil ? "required" : "preferred")),
            ("allowCredentials", Self.named(passkeys ?? [])),
        ]).description
    }

    /// What devices know an account by; tells nobody else who it is. [WebAuthn-5.4.3]
    static func handle(_ account: AccountID, _ host: WebHost) -> String { host.sessions?.keys.mac(.handle, "\(account.rawValue)") ?? "" }
}
