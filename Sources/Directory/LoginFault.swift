internal import Vocabulary

/// Why a login was refused in truth. For the log of the postmaster, never for the peer, who gets an `AuthRefusal`.
enum LoginFault: String, CaseIterable {
    case unknownName = "unknown-name"
    case wrongPassword = "wrong-password"
    /// The account has no password, or an OS password that cannot be checked here.
    case noPassword = "no-password"
    case locked, expired, reserved
    case serviceOff = "service-off"
    /// An app password for other services, or past its last day, or revoked in this moment.
    case appPasswordScope = "app-password-scope"
    case serviceList = "access-list-of-service"
    case accountList = "access-list-of-account"
    /// A list names hosts, and DNS did not say who the peer is.
    case nameUnknown = "host-name-unknown"
    case needsTLS = "needs-tls"
    case overBudget = "too-many-failures"
    /// Too many failures for this account, from many peers; this one is none that was right before.
    case accountGuarded = "account-guarded"
    /// Our own: too many logins wait, or the directory cannot be read.
    case busy, directory
    /// Our own: the operating system could not be asked.
    case system = "operating-system"

    /// Says that somebody tried to come in. The others are our own troubles, or an attempt more of somebody who is noted already.
    var concernsOwner: Bool {
        switch self {
        case .wrongPassword, .noPassword, .locked, .expired, .reserved, .serviceOff, .appPasswordScope, .accountList, .needsTLS: true
        case .unknownName, .serviceList, .nameUnknown, .overBudget, .accountGuarded, .busy, .directory, .system: false
        }
    }
}

extension EventSink {
    func recordLoginRefused(_ login: String, _ fault: LoginFault, _ context: LoginContext) {
        let facts = context.facts
        self.record(
            TrailEvent(
                context.module, "login-refused", trace: facts.trace,
                [
                    ("login", login), ("reason", fault.rawValue), ("peer", "\(facts.peer)"), ("mechanism", context.mechanism),
                    ("tls", context.hasTLS ? "yes" : "no"),
                ]),
            switchedBy: context.module == .smtpAccept ? .auth : nil)
    }
}

extension LoginContext {
    /// The module in whose name a login is recorded.
    fileprivate var module: TrailEvent.Module {
        switch self.facts.listener.service {
        case .smtp, .submission, .lmtp: .smtpAccept
        case .pop3: .pop3Server
        case .imap: .imapServer
        case .finger: .fingerServer
        case .password: .passwordServer
        case .http: .webServer
        case .ldap, .sieve: .accountManager
        }
    }
}
