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
    /// Counts against the seat limit: administrative and reserved accounts do not.
    let takesSeat: Bool
    /// For From fields; empty where there is none.
    let realName: String
    let rewrite: FromRewrite
    /// nil is the system's.
    let language: Language?
    /// It may send no mail.
    let isSuspended: Bool
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
        /// Whose password it is; empty is the login name.
        var osUser = ""
        /// Owner of the maildrop; empty is the login name.
        var maildropUser = ""
        /// Whom the programs run as; empty is nobody, so that none runs.
        var programUser = ""
        /// Command lines.
        var programs: [String] = []
        /// Of an hour; 0 is no limit, nil the system's.
        var messageRate: Int?
        var recipientRate: Int?
        /// For the order of the list of accounts.
        var reading = ""
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
        self.takesSeat = text(AccountField.type) == "general"
        self.lastDay = Day.number(text(AccountField.expiryDate)) ?? Int32.max
        self.quota = values[DeliveryField.quota.key]?.integer ?? -1
        self.realName = text(AccountField.realName)
        self.rewrite = FromRewrite(rawValue: text(AccountField.fromRewrite)) ?? .quoted
        self.language = Language(rawValue: text(AccountField.language))
        self.isSuspended = text(AccountField.sending) == "suspended"
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
        if extras.isUsingOSPassword { extras.osUser = text(AccountField.osUser) }
        if delivery.contains(.maildrop) { extras.maildropUser = text(DeliveryField.maildropUser) }
        if delivery.contains(.program) {
            extras.programUser = text(DeliveryField.programAccount)
            extras.programs = Self.lines(text(DeliveryField.programs))
        }
        extras.messageRate = values[AccountField.messageRate.key]?.integer.map { Int(clamping: $0) }
        extras.recipientRate = values[AccountField.recipientRate.key]?.integer.map { Int(clamping: $0) }
        extras.reading = text(DirectoryField.reading)
        self.delivery = delivery
        self.extras = extras == Extras() ? nil : extras
    }

    /// The user of the operating system whose password is the account's; nil where it has one of its own.
    var osUser: String? {
        guard let extras, extras.isUsingOSPassword else { return nil }
        return extras.osUser.isEmpty ? self.login : extras.osUser
    }

    /// Rows that say something, each once.
    static func lines(_ text: String) -> [String] {
        var seen: Set<String> = []
        return text.split(whereSeparator: \.isNewline).map { Self.trimmed($0) }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    private static func trimmed(_ line: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let end = line.lastIndex { !isBlank($0) }.map { line.index(after: $0) } ?? line.startIndex
        return String(line[..<end].drop(while: isBlank))
    }

    private static func addresses(_ value: FieldValue?) -> [Address] { (value?.list ?? []).compactMap { try? Address(parsing: $0) } }

    /// The domain whose seat the account takes.
    var seatDomain: String { DomainName.normalized(self.primary.domain) ?? self.primary.domain }

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
