import Glibc
import NetKit
package import Vocabulary

/// The ports of an instance in the order of the contract: `--port-base N` gives them N, N+1, …; each is a line `NAME_PORT=` of
/// instance.env, services that do not exist yet included. Names and order are never changed, only added to at the end.
package enum InstancePort: String, CaseIterable, Sendable {
    case smtp = "SMTP", submission = "SUBMISSION", smtps = "SMTPS", pop3 = "POP3", pop3s = "POP3S", imap = "IMAP", imaps = "IMAPS"
    case http = "HTTP", https = "HTTPS", ldap = "LDAP", ldaps = "LDAPS", finger = "FINGER", password = "PASSWORD", lmtp = "LMTP"
    case sieve = "SIEVE"
    /// The password server under TLS from the first byte; nobody registered a port for it.
    case passwords = "PASSWORDS"

    package var variable: String { self.rawValue + "_PORT" }

    /// Served where somebody asks for it: most hosts have no use for it.
    package var isOptional: Bool { self == .lmtp || self == .passwords }

    /// For this computer only, unless the start file is edited: it is trusted with mail, or passwords pass without TLS.
    package var isLoopbackOnly: Bool { self == .lmtp || self == .password }

    /// Where the service listens on a real installation.
    package var standard: Int {
        switch self {
        case .smtp: 25
        case .submission: 587
        case .smtps: 465
        case .pop3: 110
        case .pop3s: 995
        case .imap: 143
        case .imaps: 993
        case .http: 80
        case .https: 443
        case .ldap: 389
        case .ldaps: 636
        case .finger: 79
        case .password: 106
        case .lmtp: 24
        case .sieve: 4190
        case .passwords: 1106
        }
    }

    /// What listens there; nil while this version has no such service.
    package var role: ListenerRole? {
        switch self {
        case .smtp: ListenerRole(name: "smtp", service: .smtp)
        case .submission: ListenerRole(name: "submission", service: .submission)
        case .smtps: ListenerRole(name: "smtps", service: .submission, implicitTLS: true)
        case .pop3: ListenerRole(name: "pop3", service: .pop3)
        case .pop3s: ListenerRole(name: "pop3s", service: .pop3, implicitTLS: true)
        case .imap: ListenerRole(name: "imap", service: .imap)
        case .imaps: ListenerRole(name: "imaps", service: .imap, implicitTLS: true)
        case .lmtp: ListenerRole(name: "lmtp", service: .lmtp)
        case .finger: ListenerRole(name: "finger", service: .finger)
        case .password: ListenerRole(name: "password", service: .password)
        case .passwords: ListenerRole(name: "passwords", service: .password, implicitTLS: true)
        case .http: ListenerRole(name: "http", service: .http)
        case .https: ListenerRole(name: "https", service: .http, implicitTLS: true)
        case .ldap, .ldaps, .sieve: nil
        }
    }
}

/// Looks for ports that nobody uses.
package enum FreePorts {
    /// Below what the kernel gives to outgoing connections (32768), so that none takes one of ours between setup and start.
    private static let range = 20_000..<32_000

    package static func isFree(_ port: Int, on address: IPAddress?) -> Bool {
        guard let listener = try? BoundListener.bind(address, port: port, backlog: 1) else { return false }
        close(listener.descriptor)
        return true
    }

    /// `count` free ports in a row on loopback; nil when the whole range is taken.
    package static func block(of count: Int) -> Int? {
        let loopback = IPAddress(bytes: [127, 0, 0, 1])
        for _ in 0..<200 {
            let base = Int.random(in: Self.range.lowerBound..<(Self.range.upperBound - count))
            if (base..<(base + count)).allSatisfy({ Self.isFree($0, on: loopback) }) { return base }
        }
        return nil
    }

    /// A port near `wanted` to propose when that one is busy: 81 for 80, 10443 for 443, as the product always did.
    package static func proposal(for wanted: Int, on address: IPAddress?) -> Int? {
        [wanted + 1, wanted + 10_000, wanted + 20_000].first { $0 <= 65_535 && Self.isFree($0, on: address) }
    }
}
