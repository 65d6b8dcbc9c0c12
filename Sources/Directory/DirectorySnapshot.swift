package import Bounces
internal import Bytes
internal import Policy
package import Routing
package import SASL
package import Text
package import Vocabulary

/// Everything that serving mail asks of the directory, as of one commit. Immutable; shared by all threads without locks.
/// Take it once for a run of lookups, so that they agree with each other.
package final class DirectorySnapshot: RoutingTable {
    /// Grows with each change; caches keep it beside what they remember.
    package let version: Int64
    package let configuration: Configuration
    let contents: Contents
    private let now: @Sendable () -> Int64

    /// What an address belongs to: one word a table entry.
    enum Entry: Sendable {
        case account(AccountRecord)
        case alias(AliasRecord)
    }

    final class AliasRecord: Sendable {
        let target: Address
        init(_ target: Address) { self.target = target }
    }

    struct Contents: Sendable {
        /// By text of the address key.
        var addresses = ShardedTable<String, Entry>()
        /// By folded login name.
        var logins = ShardedTable<String, AccountRecord>()
        var accounts = ShardedTable<AccountID, AccountRecord>()
        var accountCount = 0
        /// General accounts by the domain of their primary address.
        var seats = ShardedTable<String, Int>()
        var seatCount = 0
        /// Accounts whose access lists name hosts: while there are any, peers' names are looked up before a login.
        var namingHosts: Set<AccountID> = []
        var namesHosts: Bool { !self.namingHosts.isEmpty }
        /// Accounts that log in with a password of the operating system.
        var linked: Set<AccountID> = []
        var postmaster: AccountRecord?
        /// Accounts that published themselves, by whatever they are found.
        var published = ShardedTable<AccountID, PublishedName>()
        /// The words of these.
        var names = NameIndex()
        /// App passwords that are not revoked, of accounts that have some.
        var appPasswords = ShardedTable<AccountID, [AppPasswordID: AppPasswordScope]>()
        /// Normalised names.
        var domains: Set<Substring> = []
        /// Signs what this host writes for itself: senders of forwarded mail, answers to action messages.
        var returnKey = Secret([])
        /// Passwords of `route-logins`, by the name under which they are kept.
        var routePasswords: [String: Secret] = [:]
        /// Keys of the channel aliases among `addresses`.
        var aliasKeys: [String] = []
    }

    init(version: Int64, configuration: Configuration, contents: Contents, now: @escaping @Sendable () -> Int64) {
        self.version = version
        self.configuration = configuration
        self.contents = contents
        self.now = now
    }

    // MARK: Routing

    package var routes: RouteTable { self.configuration.routes }

    /// How to log in at next hops, in the order of the form.
    package var routeLogins: [RouteLogin] {
        self.configuration.routeLogins.map { $0.with(self.contents.routePasswords[$0.secretName]) }
    }

    /// Senders of forwarded mail and of list mail, in the domain that stands for this host.
    package var returnAddresses: ReturnAddresses {
        let rules = self.configuration.routing
        let domain = self.contents.domains.contains(Substring(rules.mainDomain)) ? rules.mainDomain : rules.hostName
        return self.contents.returnKey.withBytes { ReturnAddresses(key: $0, domain: domain) }
    }

    /// Secrets of action messages.
    package var actionSecret: ActionSecret { self.contents.returnKey.withBytes { ActionSecret(key: $0) } }

    package func returned(_ localPart: String) -> ReturnedSender? {
        guard ReturnAddresses.looksLike(localPart) else { return nil }
        switch self.returnAddresses.found(localPart, now: self.now()) {
        case .forwarded(let sender)?: return .to(sender)
        case .forged?: return .forged
        case .expired?: return .expired
        case nil: return nil
        }
    }

    package var rules: RoutingRules { self.configuration.routing }

    package func isLocal(_ domain: Substring) -> Bool {
        self.contents.domains.contains(domain) || domain == self.configuration.routing.hostName
    }

    package func entry(_ key: AddressKey) -> RoutingEntry? {
        switch self.contents.addresses[key.text] {
        case .account(let record)?: self.takesMail(record) ? .account(self.recipient(record)) : .closed(record.id)
        case .alias(let alias)?: .alias(alias.target)
        case nil: nil
        }
    }

    package var postmaster: LocalRecipient? { self.contents.postmaster.map { self.recipient($0) } }

    /// The Delivery list of the Postmaster account: everybody there is a postmaster.
    package var postmasters: [Address] { self.contents.postmaster?.extras?.forwarding ?? [] }

    /// Where mail for the postmaster goes: to those who answer inquiries, else to the postmasters.
    package var postmasterDelivery: [Address] {
        let inquiries = self.configuration.inquiryAddresses
        return inquiries.isEmpty ? self.postmasters : inquiries
    }

    /// What to do with a recipient. `ownAddress` is ours in the connection: its literal means this host.
    package func resolve(_ address: Address, ownAddress: IPAddress? = nil) -> Resolution {
        Resolver(self, ownAddress: ownAddress).resolve(address)
    }

    /// For an address that we or our people wrote, such as a forwarding address: see `Resolver.resolveTarget`.
    package func resolveTarget(_ address: Address) -> Resolution { Resolver(self).resolveTarget(address) }

    package func resolve(_ addresses: [Address], ownAddress: IPAddress? = nil) -> [Resolution] {
        let resolver = Resolver(self, ownAddress: ownAddress)
        return addresses.map { resolver.resolve($0) }
    }

    // MARK: Accounts

    package var accountCount: Int { self.contents.accountCount }

    /// The account that has exactly this address, also when it may not log in or get mail now.
    package func account(holding address: Address) -> AccountID? {
        guard let key = AddressKey(address), case .account(let record)? = self.contents.addresses[key.text] else { return nil }
        return record.id
    }

    /// As a recipient; nil when there is no such account (any more).
    package func recipient(_ account: AccountID) -> LocalRecipient? { self.contents.accounts[account].map { self.recipient($0) } }

    /// The same of one that gets mail now: neither expired nor reserved.
    package func recipientOfMail(_ account: AccountID) -> LocalRecipient? {
        self.contents.accounts[account].flatMap { self.takesMail($0) ? self.recipient($0) : nil }
    }

    /// Users of the operating system that an account's deliveries concern.
    package func osUsers(of account: AccountID) -> (maildrop: String, programs: String) {
        guard let record = self.contents.accounts[account] else { return ("", "") }
        let named = record.extras?.maildropUser ?? ""
        return (named.isEmpty ? record.login : named, record.extras?.programUser ?? "")
    }

    /// What the account logs in with; nil when there is no such account (any more).
    package func loginName(_ account: AccountID) -> String? { self.contents.accounts[account]?.login }

    /// Where an account's mail is sent on to.
    package func forwarding(of account: AccountID) -> [Address] { self.contents.accounts[account]?.extras?.forwarding ?? [] }

    /// True when the account may still be logged in: asked by long sessions, so that a lock reaches them too.
    package func isActive(_ account: AccountID) -> Bool { self.contents.accounts[account].map { self.state($0) == .active } ?? false }

    /// Grows with each new password of the account; nil when there is no such account.
    package func passwordVersion(_ account: AccountID) -> Int64? { self.contents.accounts[account]?.passwordVersion }

    /// As `isActive`, and the service is still one of the account's.
    package func mayUse(_ service: ListenerRole.Service, _ account: AccountID) -> Bool {
        guard let record = self.contents.accounts[account] else { return false }
        return self.state(record) == .active && record.services.contains(ServiceSet(service))
    }

    /// As `mayUse` for whoever has logged in: what an app password opened ends with it.
    package func mayUse(_ service: ListenerRole.Service, _ identity: Identity) -> Bool {
        guard self.mayUse(service, identity.account) else { return false }
        guard let id = identity.appPassword else { return true }
        guard let scope = self.contents.appPasswords[identity.account]?[id] else { return false }
        return scope.allows(service, on: Day.number(at: self.now()))
    }

    /// True when `address` is the account's own (with or without detail), or one it was granted for sending.
    package func mayUse(_ address: Address, _ account: AccountID) -> Bool {
        guard let record = self.contents.accounts[account] else { return false }
        if case .account(let recipient) = self.resolve(address), recipient.account == account { return true }
        // Addresses in domains that are not local belong to the account all the same (host-name hiding).
        if self.account(holding: address) == account { return true }
        guard let granted = record.extras?.granted, let key = AddressKey(address) else { return false }
        return granted.contains(key.text) || granted.contains("*@\(key.domain)")
    }

    /// How mail of the account says who sends it; nil when there is no such account (any more).
    package func author(_ account: AccountID) -> AccountAuthor? {
        self.contents.accounts[account].map { AccountAuthor(address: $0.primary, name: $0.realName, rewrite: $0.rewrite) }
    }

    /// In which words the server writes to the account.
    package func language(_ account: AccountID) -> Language {
        self.contents.accounts[account]?.language ?? self.configuration.language
    }

    /// The account may send no mail, though it may log in.
    package func isSuspended(_ account: AccountID) -> Bool { self.contents.accounts[account]?.isSuspended ?? false }

    /// Messages and recipients at other hosts an hour; nil is no limit.
    package func sendingLimits(_ account: AccountID) -> (messages: Int?, recipients: Int?) {
        let (extras, system) = (self.contents.accounts[account]?.extras, self.configuration.rates)
        func limit(_ own: Int?, _ system: Int?) -> Int? { own.map { $0 == 0 ? nil : $0 } ?? system }
        return (limit(extras?.messageRate, system.userMessages), limit(extras?.recipientRate, system.user))
    }

    /// By login name or any of the account's addresses.
    func record(login name: String) -> AccountRecord? {
        if let record = self.contents.logins[UnicodeText.folded(name)] { return record }
        guard name.contains("@"), let address = try? Address(parsing: name), let key = AddressKey(address) else { return nil }
        guard address.localPart != "*", case .account(let record)? = self.contents.addresses[key.text] else { return nil }
        return record
    }

    func state(_ record: AccountRecord) -> AccountRecord.State {
        record.lastDay == Int32.max ? record.state : record.state(on: Day.number(at: self.now()))
    }

    private func takesMail(_ record: AccountRecord) -> Bool {
        switch self.state(record) {
        case .active, .locked: true
        case .expired, .reserved: false
        }
    }

    private func recipient(_ record: AccountRecord) -> LocalRecipient {
        let quota = record.quota >= 0 ? record.quota : self.configuration.storage.quota(domain: record.primary.domain)
        return LocalRecipient(
            account: record.id, primary: record.primary, delivery: record.delivery, quota: quota == 0 ? nil : quota,
            programs: record.extras?.programs ?? [])
    }
}
