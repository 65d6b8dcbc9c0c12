package import Vocabulary

/// One setting that a person can see. Everything that shows, asks, checks, stores or exports it works from this value.
package struct Field: Sendable, Hashable {
    package let key: FieldKey
    package let form: Form
    /// Name in e-mail forms (`Field-Name: [value]`); the original's own where it had one.
    package let mailName: String
    package let label: Localized
    package let help: Localized
    package let type: FieldType
    /// Checks beyond the type's own; by name, so that those which need the directory can be asked there.
    package let checks: [Check]
    package let defaultValue: FieldValue
    package let unit: Unit?
    package let viewers: Audience
    package let editors: Audience
    /// For a directory field: the flag that publishes it by finger and LDAP.
    package let publishedBy: FieldKey?

    package init(
        _ key: FieldKey, _ form: Form, mail mailName: String? = nil, _ label: Localized, help: Localized, _ type: FieldType,
        checks: [Check] = [],
        default defaultValue: FieldValue = .none, unit: Unit? = nil, viewers: Audience = .postmaster, editors: Audience = .postmaster,
        publishedBy: FieldKey? = nil
    ) {
        self.key = key
        self.form = form
        self.mailName = mailName ?? Self.mailName(of: key)
        self.label = label
        self.help = help
        self.type = type
        self.checks = checks
        self.defaultValue = defaultValue
        self.unit = unit
        self.viewers = viewers
        self.editors = editors
        self.publishedBy = publishedBy
    }

    package static func == (a: Field, b: Field) -> Bool { a.key == b.key && a.form == b.form }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.key) }

    /// True for what a password is: taken, never given back.
    package var isSecret: Bool { self.type == .password }

    /// `forwarding-addresses` -> `Forwarding-Addresses`.
    private static func mailName(of key: FieldKey) -> String {
        key.text.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}

/// The forms, in the product's own words.
package enum Form: String, Sendable, Hashable, CaseIterable {
    case account, accountDirectory = "account-directory", accountSecurity = "account-security", domain
    case mailRouting = "mail-routing", relayRestrictions = "relay-restrictions", systemSecurity = "system-security", limits, storage,
        logging
    case smtp, pop3, network, endUserOptions = "end-user-options"
    case errorResponses = "error-responses", queue
    case mailBlocking = "mail-blocking", filters
    case finger
    case defaultMessages = "default-messages"
}

/// Who may see or change a field.
package enum Audience: Int, Sendable, Hashable, Comparable {
    /// Nobody: the server itself sets it.
    case system = 0
    case postmaster = 1
    /// The account's owner, where the end-user options allow it, and the postmaster.
    case owner = 2
    case everybody = 3
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

package enum Unit: String, Sendable, Hashable { case bytes, seconds, count }

/// A check beyond the type's own.
package enum Check: Sendable, Hashable {
    /// A value must be there.
    case required
    /// The address belongs to nothing else. Asked of Directory.
    case uniqueAddress
    /// The login name belongs to nobody else. Asked of Directory.
    case uniqueLoginName
    /// No blank or tab at either end.
    case noBlankAtEnds
    /// Every line is a rule of the filters. Asked of Directory.
    case filterRules
    /// Every row is the name of a file in the directory of programs. Asked of Directory.
    case programNames
    /// Nothing else stands between braces than these.
    case placeholders([String])
}

/// Why a value cannot be taken: one sentence that names the field and the cure.
package struct FieldProblem: Error, Sendable, Hashable {
    package let field: FieldKey
    package let message: Localized

    package init(field: FieldKey, message: Localized) {
        self.field = field
        self.message = message
    }
}
