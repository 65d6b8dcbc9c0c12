package import Vocabulary

// Invariants of this target:
// 1. Pure: an address and a table of facts in, a resolution out; no clock, no database, no network.
// 2. Every resolution can be explained: the same code that decides writes the steps.
// 3. A route changes the next host only, never envelope or headers.

/// What is to be done with a recipient address.
package enum Resolution: Sendable, Hashable {
    /// A mailbox here.
    case account(LocalRecipient)
    /// Mail for the postmaster: goes to everybody on the Postmaster account's delivery list, or waits on disk until there is one.
    case postmaster(PostmasterRecipient)
    /// An address that a program of ours answers.
    case handler(Handler)
    /// Another host's. `domain` is the comparable form of the recipient's domain.
    case remote(domain: String)
    /// A channel alias, or a sender that this host wrote for forwarded mail, leads to another host's address, which takes the recipient's
    /// place. It is this host's own word: whoever may write to the address may use it.
    case redirected(Address, domain: String)
    /// A bang path of the sender's: the address takes the recipient's place, and sending there is relaying.
    case bangPath(Address, domain: String)
    /// One of the four refusal switches says no.
    case refused(RefusedCharacter)
    /// The domain is ours (or there is none) and nothing here has this address.
    case unknown(UnknownReason)
}

/// An account that takes a message.
package struct LocalRecipient: Sendable, Hashable {
    package let account: AccountID
    /// First address of the account, as its owner spells it.
    package let primary: Address
    /// What stood behind the `+`, as typed; nil without one.
    package var detail: String?
    /// How the address led here.
    package var match: Match
    package let delivery: DeliveryMethods
    /// Most bytes over all mailboxes of the account; nil is no limit.
    package let quota: Int64?
    /// Command lines that its mail is handed to, where program delivery is on.
    package let programs: [String]

    package enum Match: Sendable, Hashable { case exact, detailStripped, catchAll }

    package init(
        account: AccountID, primary: Address, detail: String? = nil, match: Match = .exact, delivery: DeliveryMethods, quota: Int64?,
        programs: [String] = []
    ) {
        self.account = account
        self.primary = primary
        self.detail = detail
        self.match = match
        self.delivery = delivery
        self.quota = quota
        self.programs = programs
    }
}

/// How an account gets its mail; several at once are allowed, and at least one is required.
package struct DeliveryMethods: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Into the mailbox that POP3 and IMAP4 read.
    package static let mailbox = DeliveryMethods(rawValue: 1)
    package static let forward = DeliveryMethods(rawValue: 2)
    package static let maildrop = DeliveryMethods(rawValue: 4)
    package static let program = DeliveryMethods(rawValue: 8)
    package static let reply = DeliveryMethods(rawValue: 16)
}

package struct PostmasterRecipient: Sendable, Hashable {
    /// The Postmaster account itself: owns what waits. It is no mailbox to log in to.
    package let account: AccountID
    package let primary: Address
    /// Accounts here on its delivery list.
    package let local: [LocalRecipient]
    /// Other hosts' addresses on its delivery list.
    package let remote: [Address]

    package init(account: AccountID, primary: Address, local: [LocalRecipient], remote: [Address]) {
        self.account = account
        self.primary = primary
        self.local = local
        self.remote = remote
    }

    /// Nobody is on the delivery list.
    package var isEmpty: Bool { self.local.isEmpty && self.remote.isEmpty }
    /// Everybody on the list has an account here, and what each gets stays here.
    package var isPlain: Bool {
        !self.local.isEmpty && self.remote.isEmpty && self.local.allSatisfy { !$0.delivery.isEmpty && !$0.delivery.contains(.forward) }
    }
}

/// Programs of ours that answer to a literal name in the host's own name and the main domain.
package enum Handler: String, Sendable, Hashable, CaseIterable {
    case accounts, configuration, listManager = "list.manager"
}

/// The local parts that the relay restrictions refuse, one switch each.
package enum RefusedCharacter: String, Sendable, Hashable, CaseIterable {
    case percent = "%"
    case exclamation = "!"
    case quote = "\""
    case at = "@"
}

package enum UnknownReason: String, Sendable, Hashable {
    /// The domain is local and no account, handler or alias has the address.
    case noSuchAddress = "no-such-address"
    /// The domain is no valid name.
    case badDomain = "bad-domain"
    /// No domain, and no completion domain is set.
    case noDomain = "no-domain"
    /// The account is there but takes no mail (expired).
    case expired
    /// Channel aliases lead in a circle.
    case aliasLoop = "alias-loop"
}
