internal import NetKit
internal import Routing
internal import SMTPWire

/// What a host must prove before it gets a message.
struct HostSecurity: Sendable {
    /// Why encryption alone is demanded.
    enum Reason: Sendable {
        /// There are TLSA records, and none that can be used. [RFC7672-2.2]
        case unusableRecords
        /// The domain could do it before.
        case memory

        var words: String {
            switch self {
            case .unusableRecords: "DANE without a usable record"
            case .memory: "this domain could do TLS before"
            }
        }
    }

    enum Level: Sendable {
        /// TLS where it is offered and works.
        case opportunistic
        /// TLS, whoever it is.
        case encrypted(Reason)
        /// A certificate that matches TLSA records. [RFC7672-2.2]
        case dane([TLSARecord])
        /// A certificate that trusted authorities vouch for. [RFC8461-4.2]
        case authority(isEnforced: Bool)
        /// A password goes over it: TLS, and where the setting says so with a certificate for the host.
        case login(isVerified: Bool)
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

    /// TLSA records as in a zone file.
    var recordLines: [String] {
        guard case .dane(let records) = self.level else { return [] }
        return records.map { record in
            let data = record.data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "\(record.usage) \(record.selector) \(record.matchingType) \(data)"
        }
    }

    /// When this host cannot do TLS, or not as it must, the message may still go in clear.
    var mayGoInClear: Bool {
        switch self.level {
        case .opportunistic, .authority(isEnforced: false): true
        case .encrypted, .dane, .authority(isEnforced: true), .login: false
        }
    }

    /// What a session must do.
    var use: SMTPClientSettings.TLSUse {
        switch self.level {
        case .opportunistic, .authority(isEnforced: false): .opportunistic
        case .encrypted(let why): .required(why.words)
        case .dane: .required("DANE")
        case .authority(isEnforced: true): .required("MTA-STS")
        case .login: .required("the login")
        }
    }

    /// The name that the certificate is for does not come from DNS alone. [RFC8689-4.2.1]
    var hasTrustedName: Bool {
        switch self.level {
        case .dane, .authority(isEnforced: true), .login(isVerified: true): true
        case .opportunistic, .encrypted, .authority(isEnforced: false), .login(isVerified: false): false
        }
    }

    /// In the words of reports. [RFC8460-4.4]
    var policyType: String {
        switch self.level {
        case .opportunistic, .encrypted(.memory), .login: "no-policy-found"
        case .encrypted(.unusableRecords), .dane: "tlsa"
        case .authority: "sts"
        }
    }

    /// For one connection.
    /// - Parameter wantsProof: the message asks for a host that proves itself; whether it does is looked at, and stops no other message.
    func check(_ authorities: TrustedAuthorities, wantsProof: Bool) -> PeerCheck? {
        switch self.level {
        case .opportunistic, .encrypted, .login(isVerified: false):
            wantsProof ? PeerCheck(.authority(authorities), names: self.names, isBinding: false) : nil
        case .dane(let records): PeerCheck(.records(records), names: self.names)
        case .login(isVerified: true): PeerCheck(.authority(authorities), names: self.names)
        case .authority(let isEnforced): PeerCheck(.authority(authorities), names: self.names, isBinding: isEnforced)
        }
    }
}

extension PeerCheck.Verdict {
    /// In the words of reports. [RFC8460-4.3.1]
    var resultType: String {
        switch self {
        case .right: ""
        case .expired: "certificate-expired"
        case .wrongName: "certificate-host-mismatch"
        case .untrusted: "certificate-not-trusted"
        case .broken, .noMatch: "validation-failure"
        }
    }

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
