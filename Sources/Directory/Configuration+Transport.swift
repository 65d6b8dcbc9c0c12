internal import Forms

/// How other hosts are found, and how sure the server makes of them.
package struct TransportSettings: Sendable, Equatable {
    /// File with the root's keys; nil takes the system's.
    package let trustAnchor: String?
    /// False: DNS answers are not validated.
    package let validatesDNS: Bool
    package let unsignedDomains: [String]

    init(_ reader: SettingReader) {
        let anchor = reader.text(TransportField.trustAnchor)
        self.validatesDNS = anchor != "none"
        self.trustAnchor = anchor.isEmpty || anchor == "none" ? nil : anchor
        self.unsignedDomains = reader.list(TransportField.unsignedDomains)
    }
}
