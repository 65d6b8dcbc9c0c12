internal import Forms
internal import Policy

extension RelayRules {
    init(_ reader: SettingReader) {
        self.init()
        self.logins = Logins(rawValue: reader.text(RelayField.logins)) ?? .none
        self.users = MailPatterns(reader.list(RelayField.users))
        self.networks = reader.list(RelayField.networks).compactMap { IPNetwork(line: $0) }
        self.deniedNetworks = reader.list(RelayField.deniedNetworks).compactMap { IPNetwork(line: $0) }
        self.popWindow = reader.int64(RelayField.popBeforeSMTP)
        self.recipientDomains = DomainSet(reader.list(RelayField.recipientDomains))
        self.senderDomains = DomainSet(reader.list(RelayField.senderDomains))
    }
}

extension RelayRecipients {
    init(_ reader: SettingReader) {
        self.init()
        self.check = Check(rawValue: reader.text(RelayField.recipientCheck)) ?? .none
        self.list = MailPatterns(reader.list(RelayField.recipients))
        self.takesUnchecked = reader.text(RelayField.recipientsUnknown) != "later"
    }
}

extension BlockRules {
    init(_ reader: SettingReader) {
        self.init(
            hosts: AccessList(lines: reader.list(BlockField.hosts)), exceptions: AccessList(lines: reader.list(BlockField.exceptions)),
            senders: MailPatterns(reader.list(BlockField.senders)), helloNames: DomainSet(reader.list(BlockField.helloNames)))
    }
}

/// Messages and recipients an hour; nil is no limit.
package struct SendingLimits: Sendable, Hashable {
    /// Messages of one address that has not logged in.
    package let client: Int?
    /// Of its /24, or /56 of IPv6.
    package let network: Int?
    /// Recipients at other hosts of one account.
    package let user: Int?
    /// Messages of one account.
    package let userMessages: Int?
    /// Recipients an hour from which an account may be stopped that sends far more than it ever did; nil is never.
    package let anomalyFloor: Int?
    /// Refused recipients within ten minutes from which an account is stopped that has half of its recipients refused; nil is never.
    package let refusalFloor: Int?

    init(_ reader: SettingReader) {
        self.client = reader.positive(BlockField.clientRate)
        self.network = reader.positive(BlockField.networkRate)
        self.user = reader.positive(BlockField.userRate)
        self.userMessages = reader.positive(BlockField.userMessageRate)
        self.anomalyFloor = reader.positive(BlockField.anomalyFloor)
        self.refusalFloor = reader.positive(BlockField.refusalFloor)
    }
}
