internal import Forms

/// How other hosts are found, and how sure the server makes of them.
package struct TransportSettings: Sendable, Equatable {
    /// File with the root's keys; nil takes the system's.
    package let trustAnchor: String?
    /// False: DNS answers are not validated.
    package let validatesDNS: Bool
    package let unsignedDomains: [String]
    package let usesDANE: Bool
    package let usesSTS: Bool
    /// Seconds; 0 waits for nothing.
    package let downgradePatience: Int64
    package let sendsReports: Bool
    /// PEM; nil for none beside the system's.
    package let authorities: String?

    init(_ reader: SettingReader) {
        let anchor = reader.text(TransportField.trustAnchor)
        self.validatesDNS = anchor != "none"
        self.trustAnchor = anchor.isEmpty || anchor == "none" ? nil : anchor
        self.unsignedDomains = reader.list(TransportField.unsignedDomains)
        self.usesDANE = reader.flag(TransportField.dane)
        self.usesSTS = reader.flag(TransportField.sts)
        self.downgradePatience = reader.int64(TransportField.patience)
        self.sendsReports = reader.flag(TransportField.reports)
        let authorities = reader.text(TransportField.authorities)
        self.authorities = authorities.isEmpty ? nil : authorities
    }
}
