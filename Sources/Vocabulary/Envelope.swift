/// What SMTP says about a message beside its bytes. Kept with the message for repair and for the queue.
package struct Envelope: Hashable, Sendable {
    /// nil is the null reverse-path `<>`. [RFC5321-4.5.5]
    package var sender: Address?
    package var recipients: [Recipient]
    /// BODY=8BITMIME was said. [RFC6152-2]
    package var isEightBit = false
    /// SMTPUTF8 was said. [RFC6531-3.4]
    package var isInternationalized = false
    /// REQUIRETLS was said. [RFC8689-2]
    package var requiresTLS = false
    /// The header says `TLS-Required: No`, and REQUIRETLS was not said: rather in clear than not at all. [RFC8689-4.1]
    package var isTLSOptional = false
    /// RET of DSN; nil leaves the choice to us. [RFC3461-4.3]
    package var dsnReturn: DSNReturn?
    /// ENVID of DSN, still in xtext. [RFC3461-4.4]
    package var envelopeID: String?

    package init(sender: Address?, recipients: [Recipient] = []) {
        self.sender = sender
        self.recipients = recipients
    }

    package struct Recipient: Hashable, Sendable {
        package var address: Address
        /// NOTIFY of DSN; nil when not said. [RFC3461-4.1]
        package var notify: DSNNotify?
        /// ORCPT of DSN, `type;xtext` as received. [RFC3461-4.2]
        package var originalRecipient: String?

        package init(_ address: Address, notify: DSNNotify? = nil, originalRecipient: String? = nil) {
            self.address = address
            self.notify = notify
            self.originalRecipient = originalRecipient
        }
    }
}

package enum DSNReturn: UInt8, Sendable { case full = 1, headers = 2 }

/// NOTIFY values; `never` stands alone, which is the empty set. [RFC3461-4.1]
package struct DSNNotify: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let never: DSNNotify = []
    package static let success = DSNNotify(rawValue: 1)
    package static let failure = DSNNotify(rawValue: 2)
    package static let delay = DSNNotify(rawValue: 4)
}
