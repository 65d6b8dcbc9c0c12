package import Forms
internal import NIOCore
package import Policy
package import Routing
internal import Text
package import Vocabulary

/// All settings, typed and ready for use; made from the table of fields whenever one changes.
package struct Configuration: Sendable {
    package let routing: RoutingRules
    /// The mail routing table.
    package let routes: RouteTable
    /// How to log in at next hops, without the passwords.
    let routeLogins: [RouteLogin]
    /// Where connections to next hops come from.
    package let sources: SourceAddresses
    /// When mail that waits is tried, and how long it is kept.
    package let queue: QueuePolicy
    /// Who may send through this host to others.
    package let relay: RelayRules
    /// Who gets mail in domains that are passed on.
    package let relayRecipients: RelayRecipients
    /// Whose mail is not taken.
    package let blocking: BlockRules
    package let rates: SendingLimits
    package let filters: FilterRules
    package let errorResponses: ErrorResponses
    package let forwardRewrite: ForwardRewrite
    /// Who gets mail for the postmaster in place of the postmasters; empty is nobody.
    package let inquiryAddresses: [Address]
    /// New accounts get a greeting message.
    package let greets: Bool
    /// False: mail for hosts beyond this computer is held.
    package let sendsAnywhere: Bool
    package let smtp: SMTPLimits
    package let pop3: POP3Limits
    /// Seconds between two POP3 logins of one account; 0 is no delay. [RFC2449-6.5]
    package let pop3LoginDelay: Int
    package let imap: IMAPLimits
    package let connections: ConnectionSettings
    package let storage: StorageSettings
    package let security: SecuritySettings
    /// Events of SMTP-Accept that are logged.
    package let logged: Set<LogSwitch>
    /// Days that logs are kept; nil is for ever.
    package let logDays: Int?
    /// Servers to ask for DNS; empty means those of the operating system.
    package let nameServers: [NameServer]
    package let transport: TransportSettings
    /// What program delivery may run.
    package let programs: ProgramSettings
    /// What the fields hold, without defaults; for forms and exports.
    package let values: [FieldKey: FieldValue]

    package var hostName: String { self.routing.hostName }
    package var mainDomain: String { self.routing.mainDomain }
    package var showsVersion: Bool { self.security.showsVersion }
    /// Of the server's own words to people whose language is not known.
    package var language: Language { self.security.language }

    /// What a field says in effect: its value, or its default.
    package func value(_ field: Field) -> FieldValue { field.effective(self.values[field.key] ?? .none) }

    package init(_ values: [FieldKey: FieldValue]) {
        let reader = SettingReader(values: values)
        self.values = values
        self.routing = Self.routing(reader)
        self.routes = RouteTable(reader.value(RoutingField.mailRoutingTable).rows.compactMap(Route.init(cells:)))
        self.routeLogins = Self.routeLogins(reader)
        self.sources = SourceAddresses(rows: reader.value(NextHopField.sources).rows)
        self.queue = QueuePolicy(reader)
        self.relay = RelayRules(reader)
        self.relayRecipients = RelayRecipients(reader)
        self.blocking = BlockRules(reader)
        self.rates = SendingLimits(reader)
        // Checked when it was written; text that cannot be read any more filters nothing.
        self.filters = (try? FilterRules.parse(reader.text(FilterField.rules))) ?? FilterRules()
        self.errorResponses = ErrorResponses(reader)
        self.forwardRewrite = ForwardRewrite(rawValue: reader.text(QueueField.forwardRewrite)) ?? .auto
        self.inquiryAddresses = reader.list(RoutingField.inquiries).compactMap { try? Address(parsing: $0) }
        self.greets = reader.flag(RoutingField.greetingMail)
        self.sendsAnywhere = reader.text(QueueField.reach) != "this-host"
        self.smtp = Self.smtp(reader)
        self.pop3 = Self.pop3(reader)
        self.pop3LoginDelay = reader.int(LimitField.pop3LoginDelay)
        self.imap = Self.imap(reader)
        self.connections = ConnectionSettings(reader)
        self.storage = StorageSettings(reader)
        self.programs = ProgramSettings(reader)
        self.security = SecuritySettings(reader)
        self.logged = Set(
            LogSwitch.allCases.filter { event in LogField.switches.first { $0.key == LogField.key(event) }.map(reader.flag) ?? true })
        self.logDays = reader.positive(LogField.retention)
        self.nameServers = reader.list(RoutingField.nameServers).compactMap(NameServer.init)
        self.transport = TransportSettings(reader)
    }

    private static func routing(_ reader: SettingReader) -> RoutingRules {
        let domain = reader.text(RoutingField.mainDomain)
        let completion = reader.text(RoutingField.completionDomain)
        var refusals: Set<RefusedCharacter> = []
        if reader.flag(RoutingField.refusesPercent) { refusals.insert(.percent) }
        if reader.flag(RoutingField.refusesExclamation) { refusals.insert(.exclamation) }
        if reader.flag(RoutingField.refusesQuotes) { refusals.insert(.quote) }
        if reader.flag(RoutingField.refusesAt) { refusals.insert(.at) }
        let separator = reader.text(RoutingField.detailSeparator)
        var rules = RoutingRules(
            hostName: reader.text(RoutingField.hostName), mainDomain: domain,
            completionDomain: !completion.isEmpty ? completion : domain.isEmpty ? nil : domain, refusals: refusals,
            detailSeparator: separator == "none" ? nil : separator.first, checksRecipients: reader.flag(RoutingField.checksRecipients))
        rules.reservedNames = Set(reader.list(RoutingField.reservedNames)).subtracting(["none"])
        return rules
    }

    private static func smtp(_ reader: SettingReader) -> SMTPLimits {
        var limits = SMTPLimits()
        limits.messageSize = reader.int64(LimitField.messageSize)
        limits.recipients = reader.int(LimitField.recipients)
        limits.hops = reader.int(LimitField.hops)
        limits.errors = reader.int(LimitField.smtpErrors)
        limits.authFailures = reader.int(LimitField.authFailures)
        limits.refusedRecipients = reader.int(LimitField.refusedRecipients)
        limits.transactions = reader.int(LimitField.transactions)
        limits.commandTimeout = reader.time(LimitField.smtpCommandTimeout)
        limits.dataTimeout = reader.time(LimitField.smtpDataTimeout)
        limits.sessionTimeout = reader.time(LimitField.smtpSessionTimeout)
        return limits
    }

    private static func pop3(_ reader: SettingReader) -> POP3Limits {
        var limits = POP3Limits()
        limits.authFailures = reader.int(LimitField.authFailures)
        limits.inactivity = reader.time(LimitField.pop3Timeout)
        limits.loginTimeout = reader.time(LimitField.pop3LoginTimeout)
        return limits
    }

    private static func imap(_ reader: SettingReader) -> IMAPLimits {
        var limits = IMAPLimits()
        limits.messageSize = reader.int64(LimitField.messageSize)
        limits.authFailures = reader.int(LimitField.authFailures)
        limits.sessionsPerAccount = reader.int(LimitField.imapSessionsPerAccount)
        limits.inactivity = reader.time(LimitField.imapTimeout)
        limits.loginTimeout = reader.time(LimitField.imapLoginTimeout)
        return limits
    }
}

/// Reads fields with their defaults.
struct SettingReader {
    let values: [FieldKey: FieldValue]

    func value(_ field: Field) -> FieldValue { field.effective(self.values[field.key] ?? .none) }
    func text(_ field: Field) -> String { self.value(field).text ?? "" }
    func flag(_ field: Field) -> Bool { self.value(field).flag ?? false }
    func int64(_ field: Field) -> Int64 { self.value(field).integer ?? 0 }
    func int(_ field: Field) -> Int { Int(clamping: self.int64(field)) }
    /// nil for 0, which stands for "none".
    func positive(_ field: Field) -> Int? { self.int(field) == 0 ? nil : self.int(field) }
    func time(_ field: Field) -> TimeAmount { .seconds(self.int64(field)) }
    func list(_ field: Field) -> [String] { self.value(field).list }
}

package struct ConnectionSettings: Sendable, Equatable {
    package let maximumSMTP: Int
    /// To other hosts.
    package let maximumOutgoing: Int
    package let maximumPOP3: Int
    package let maximumIMAP: Int
    package let maximumPerAddress: Int
    /// New connections from one address in a minute.
    package let ratePerMinute: Int
    /// Unknown recipients from one address in ten minutes, before it is shut out.
    package let unknownRecipients: Int
    /// Failed logins from one address in ten minutes, before it is shut out.
    package let loginFailures: Int
    /// Failed logins of one account in ten minutes, before peers that it does not know are refused.
    package let accountLoginFailures: Int
    /// Seconds that a peer is shut out.
    package let blockTime: Int64
    private let access: [String: AccessList]

    init(_ reader: SettingReader) {
        self.maximumSMTP = reader.int(LimitField.smtpConnections)
        self.maximumOutgoing = reader.int(LimitField.outgoingConnections)
        self.maximumPOP3 = reader.int(LimitField.pop3Connections)
        self.maximumIMAP = reader.int(LimitField.imapConnections)
        self.maximumPerAddress = reader.int(LimitField.connectionsPerAddress)
        self.ratePerMinute = reader.int(LimitField.connectionRate)
        self.unknownRecipients = reader.int(LimitField.unknownRecipients)
        self.loginFailures = reader.int(LimitField.loginFailureBudget)
        self.accountLoginFailures = reader.int(LimitField.accountLoginFailureBudget)
        self.blockTime = reader.int64(LimitField.blockTime)
        var access: [String: AccessList] = [:]
        for (service, field) in Self.fields { access[service.rawValue] = AccessList(lines: reader.list(field)) }
        self.access = access
    }

    /// Who may connect to a service; empty lets everybody in.
    package func access(_ service: ListenerRole.Service) -> AccessList { self.access[service.rawValue] ?? AccessList() }

    private static let fields: [(ListenerRole.Service, Field)] = [
        (.smtp, SecurityField.smtpAccess), (.submission, SecurityField.submissionAccess), (.lmtp, SecurityField.lmtpAccess),
        (.pop3, SecurityField.pop3Access),
        (.imap, SecurityField.imapAccess), (.http, SecurityField.webAccess), (.finger, SecurityField.fingerAccess),
        (.password, SecurityField.passwordAccess),
    ]
}

package struct StorageSettings: Sendable, Equatable {
    /// Bytes for an account where neither it nor its domain says a limit; nil is none.
    package let defaultQuota: Int64?
    /// By normalised domain; 0 is no limit.
    private let domainQuotas: [String: Int64]
    /// Below so many free bytes senders get 452.
    package let minimumFree: Int64
    /// Per cent of the quota from which the owner is warned; nil is never.
    package let warnFrom: Int?
    /// Seconds for which mail for a full mailbox is put off before it is refused: 0 refuses at once, nil never.
    package let overQuotaGrace: Int64?

    init(_ reader: SettingReader) {
        let quota = reader.int64(LimitField.defaultQuota)
        self.defaultQuota = quota == 0 ? nil : quota
        self.minimumFree = reader.int64(LimitField.minimumFree)
        self.warnFrom = reader.positive(LimitField.quotaWarning)
        switch reader.text(LimitField.overQuota) {
        case "later": self.overQuotaGrace = nil
        case "refuse": self.overQuotaGrace = 0
        default: self.overQuotaGrace = reader.int64(LimitField.overQuotaGrace)
        }
        var quotas: [String: Int64] = [:]
        for row in reader.value(LimitField.domainQuotas).rows where row.count == 2 { quotas[row[0]] = Int64(row[1]) }
        self.domainQuotas = quotas
    }

    /// What holds for accounts of a domain without a limit of their own; 0 is none.
    func quota(domain: String) -> Int64 {
        if !self.domainQuotas.isEmpty, let name = DomainName.normalized(domain), let quota = self.domainQuotas[name] { return quota }
        return self.defaultQuota ?? 0
    }
}

package struct SecuritySettings: Sendable, Equatable {
    /// Characters that a new password needs at least.
    package let passwordLength: Int
    /// False: greetings and Received fields show the product's name without version.
    package let showsVersion: Bool
    package let language: Language
    /// Accounts at most; nil is no limit.
    package let seats: Int?
    /// Last day (days since 1970) on which accounts may be added; nil is no end.
    package let seatsUntil: Int32?
    /// By normalised domain.
    package let domainSeats: [String: SeatGrant]
    /// SCRAM is listed also where a password may travel as it is.
    package let listsSCRAM: Bool
    private let plaintextNetworks: [IPNetwork]
    private let bareNewlineNetworks: [IPNetwork]

    init(_ reader: SettingReader) {
        self.passwordLength = reader.int(SecurityField.passwordLength)
        self.showsVersion = reader.flag(SecurityField.showsVersion)
        self.language = Language(rawValue: reader.text(SecurityField.language)) ?? .english
        self.seats = reader.value(SecurityField.seats).integer.map { Int(clamping: $0) }
        self.seatsUntil = Day.number(reader.text(SecurityField.seatsUntil))
        self.domainSeats = Dictionary(reader.value(SecurityField.domainSeats).rows.compactMap(SeatGrant.row)) { $1 }
        self.listsSCRAM = reader.flag(SecurityField.listsSCRAM)
        self.bareNewlineNetworks = reader.list(SecurityField.bareNewlines).compactMap { IPNetwork(line: $0) }
        self.plaintextNetworks = reader.list(SecurityField.plaintextLogins).compactMap { IPNetwork(line: $0) }
    }

    /// True when an LF alone in this peer's messages is made a CRLF.
    package func repairsNewlines(from peer: IPAddress) -> Bool { self.bareNewlineNetworks.contains { $0.contains(peer) } }

    /// True when a password may come without TLS from there: this host itself, and the networks the postmaster lists.
    package func takesPlaintextLogin(from peer: IPAddress) -> Bool {
        peer.isLoopback || self.plaintextNetworks.contains { $0.contains(peer) }
    }
}

/// A DNS server: address and port.
package struct NameServer: Sendable, Equatable {
    package let address: IPAddress
    package let port: Int

    /// From the canonical text of the field: `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:5353`.
    init?(_ text: String) {
        if let address = IPAddress(text) {
            (self.address, self.port) = (address, 53)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port) else {
            return nil
        }
        let host = text[..<colon]
        guard let address = IPAddress(host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)) else { return nil }
        (self.address, self.port) = (address, port)
    }
}
