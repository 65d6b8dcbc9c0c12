package import Vocabulary

/// What kind of thing a field holds. From the type follow input widget, check, spelling in export, and how it is stored.
package enum FieldType: Sendable, Hashable {
    /// One line of at most so many characters.
    case text(maximum: Int)
    /// Several lines of at most so many characters together.
    case paragraph(maximum: Int)
    case integer(ClosedRange<Int64>)
    /// Bytes; people write `50 MiB`, `100000`, `2G`. Stored in bytes.
    case bytes(ClosedRange<Int64>)
    /// Seconds; people write `5 min`, `1h`, `90`. Stored in seconds.
    case duration(ClosedRange<Int64>)
    case flag
    case choice([Choice])
    /// A day, `2026-11-21`.
    case date
    /// A mail address of RFC 5321/6531 with a domain.
    case address
    case addresses(maximum: Int)
    /// A local part without domain.
    case loginName
    case domain
    case domains(maximum: Int)
    /// Entries of an access list: address, network, name, `*.name`, each with an optional `!` in front.
    case accessList(maximum: Int)
    case networks(maximum: Int)
    /// Domains, each exact or `*.domain`.
    case domainPatterns(maximum: Int)
    /// `a@domain`, `domain`, `*.domain`, `user@`.
    case mailPatterns(maximum: Int)
    /// Addresses of name servers, with an optional port.
    case servers(maximum: Int)
    case words([Choice])
    case url
    case telephone
    /// Base64 of a JPEG or PNG of at most so many bytes.
    case picture(maximum: Int)
    /// Never stored, never shown, never exported: becomes a verifier.
    case password
    case table(Table)
}

/// One of the values a choice field may have.
package struct Choice: Sendable, Hashable {
    /// As in commands, exports and the database.
    package let name: String
    package let label: Localized

    package init(_ name: String, _ english: String, _ japanese: String) {
        self.name = name
        self.label = Localized(english, japanese)
    }
}

/// A field that holds rows of fields, written `[a:b]` or `[a b]`, one row a bracket.
package struct Table: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package let key: FieldKey
        package let label: Localized
        package let kind: Kind
        package let isOptional: Bool

        package init(_ key: FieldKey, _ label: Localized, _ kind: Kind, isOptional: Bool = false) {
            self.key = key
            self.label = label
            self.kind = kind
            self.isOptional = isOptional
        }
    }

    /// What a cell holds.
    package enum Kind: Sendable, Hashable {
        case text, routePattern, routeHost, port, address, domain, bytes, duration, date, integer
        /// A host as in the routing table, perhaps with a port behind it; `*` for all of them where that makes sense.
        case nextHost(takesAll: Bool)
        case ipAddress
        /// One of these words.
        case word([String])
    }

    package let columns: [Column]
    /// Between cells of a row in the bracket notation.
    package let separator: Character
    package let maximumRows: Int

    package init(_ columns: [Column], separator: Character, maximumRows: Int) {
        self.columns = columns
        self.separator = separator
        self.maximumRows = maximumRows
    }
}
