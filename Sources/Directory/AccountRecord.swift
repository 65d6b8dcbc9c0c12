internal import Forms
internal import Policy
internal import Routing
internal import Text
internal import Vocabulary

/// What serving mail needs of one account, in memory. Everything else is read from the file when somebody looks at it.
final class AccountRecord: Sendable {
    let id: AccountID
    let primary: Address
    let login: String
    let state: State
    /// Days since 1970-01-01 of the last day on which the account is in use; `Int32.max` without an end.
    let lastDay: Int32
    let delivery: DeliveryMethods
    let services: ServiceSet
    /// The account's own limit in bytes, 0 for none; -1 where domain or system decide.
    let quota: Int64
    /// Grows with each new password; 0 is no password.
    let passwordVersion: Int64
    /// What few accounts have.
    let extras: Extras?

    enum State: UInt8, Sendable { case active, locked, expired, reserved }

    struct Extras: Sendable, Equatable {
        var access = AccessList()
        var webAccess = AccessList()
        var forwarding: [Address] = []
        /// Keys of addresses (`*@domain` too) that the account may send from besides its own.
        var granted: Set<String> = []
        var isUsingOSPassword = false
    }

    init(_ id: AccountID, primary: Address, login: String, passwordVersion: Int64, values: [FieldKey: FieldValue]) {
        self.id = id
        self.primary = primary
        self.login = login
        self.passwordVersion = passwordVersion
        func text(_ field: Field) -> String { field.effective(values[field.key] ?? .none).text ?? "" }
        func flag(_ field: Field) -> Bool { field.effective(values[field.key] ?? .none).flag ?? false }
        switch (text(AccountField.type), text(AccountField.state)) {
        case ("reserved", _): self.state = .reserved
        case (_, "locked"): self.state = .locked
        case (_, "expired"): self.state = .expired
        default: self.state = .active
        }
        self.lastDay = Day.number(text(AccountField.expiryDate)) ?? Int32.max
        self.quota = values[DeliveryField.quota.key]?.integer ?? -1
        self.services = ServiceSet(values[DeliveryField.services.key]?.list ?? [])
        var delivery: DeliveryMethods = []
        if flag(DeliveryField.mailboxDelivery) { delivery.insert(.mailbox) }
        if flag(DeliveryField.maildropDelivery) { delivery.insert(.maildrop) }
        if flag(DeliveryField.programDelivery) { delivery.insert(.program) }
        if text(DeliveryField.autoReply) != "off" { delivery.insert(.reply) }
        var extras = Extras()
        extras.forwarding = Self.addresses(values[DeliveryField.forwarding.key])
        if !extras.forwarding.isEmpty { delivery.insert(.forward) }
        extras.access = AccessList(lines: values[AccountSecurityField.access.key]?.list ?? [])
        extras.webAccess = AccessList(lines: values[AccountSecurityField.webAccess.key]?.list ?? [])
        extras.granted = Set(Self.addresses(values[AccountField.grantedSenders.key]).compactMap { AddressKey($0)?.text })
        extras.isUsingOSPassword = flag(AccountField.useOSPassword)
        self.delivery = delivery
        self.extras = extras == Extras() ? nil : extras
    }

    private static func addresses(_ value: FieldValue?) -> [Address] { (value?.list ?? []).compactMap { try? Address(parsing: $0) } }

    /// The state on a day: an account past its last day is expired.
    func state(on day: Int32) -> State { self.state != .reserved && day > self.lastDay ? .expired : self.state }
}

/// Services that an account may log in to, as bits; empty on the form means all.
struct ServiceSet: OptionSet, Sendable {
    let rawValue: UInt8
    static let all = ServiceSet(rawValue: .max)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ names: [String]) {
        self = names.isEmpty ? .all : names.reduce(into: ServiceSet(rawValue: 0)) { $0.formUnion(Self.byName[$1] ?? []) }
    }

    init(_ service: ListenerRole.Service) {
        switch service {
        case .smtp, .submission, .lmtp: self = Self.byName["submission"] ?? []
        case .http: self = Self.byName["web"] ?? []
        case .pop3, .imap, .ldap, .finger, .password, .sieve: self = Self.byName[service.rawValue] ?? []
        }
    }

    private static let byName: [String: ServiceSet] = [
        "pop3": ServiceSet(rawValue: 1), "imap": ServiceSet(rawValue: 2), "submission": ServiceSet(rawValue: 4),
        "web": ServiceSet(rawValue: 8),
        "password": ServiceSet(rawValue: 16), "ldap": ServiceSet(rawValue: 32), "sieve": ServiceSet(rawValue: 64),
    ]
}
