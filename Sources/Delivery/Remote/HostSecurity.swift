internal import NetKit
internal import Routing
internal import SMTPWire

/// What a host must prove before it gets a message.
struct HostSecurity: Sendable {
    enum Level: Sendable {
        /// TLS where it is offered and works.
        case opportunistic
        /// TLS, whoever it is: DANE says so, or the host could do it before. Words for the log.
        case encrypted(String)
        /// A certificate that matches TLSA records. [RFC7672-2.2]
        case dane([TLSARecord])
        /// A certificate that trusted authorities vouch for. [RFC8461-4.2]
        case authority(isEnforced: Bool)
    }

    var level = Level.opportunistic
    /// For the handshake, and first of the names that count.
    var serverName: String
    var names: [String]

    init(_ level: Level = .opportunistic, serverName: String, names: [String] = []) {
        self.level = level
        self.serverName = serverName
        self.names = names
    }

    /// When this host cannot do TLS, or not as it must, the message may still go in clear.
    var mayGoInClear: Bool {
        switch self.level {
        case .opportunistic, .authority(isEnforced: false): true
        case .encrypted, .dane, .authority(isEnforced: true): false
        }
    }

    /// What a session must do.
    var use: SMTPClientSettings.TLSUse {
        switch self.level {
        case .opportunistic, .authority(isEnforced: false): .opportunistic
        case .encrypted(let why): .required(why)
        case .dane: .required("DANE")
        case .authority(isEnforced: true): .required("MTA-STS")
        }
    }

    /// For one connection.
    func check(_ authorities: TrustedAuthorities) -> PeerCheck? {
        switch self.level {
        case .opportunistic, .encrypted: nil
        case .dane(let records): PeerCheck(.records(records), names: self.names)
        case .authority(let isEnforced): PeerCheck(.authority(authorities), names: self.names, isBinding: isEnforced)
        }
    }
}

extension PeerCheck.Verdict {
    /// Why the certificate does not do; nil when it does.
    var words: String? {
        switch self {
        case .right: nil
        case .expired: "the certificate has expired or is not valid yet"
        case .wrongName: "the certificate is for another name"
        case .untrusted: "no trusted authority vouches for the certificate"
        case .broken: "the certificate cannot be read"
        case .noMatch: "the certificate matches no TLSA record"
        }
    }
}
