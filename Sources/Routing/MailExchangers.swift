/// Which hosts take mail for a domain, and in which order they are tried. [RFC5321-5.1]
package enum MailExchangers {
    package enum Outcome: Sendable, Hashable {
        /// Names in the order of trying.
        case hosts([String])
        /// A single MX that names the root: the domain takes no mail. [RFC7505-3]
        case nullMX
        /// We are ourselves the best of them. [RFC5321-5.1]
        case loop
        /// There are MX records, and none of them names a host.
        case none
    }

    /// Hosts tried for one message; a domain that lists more has them for nothing.
    package static let maximumHosts = 20

    /// - Parameters:
    ///   - records: what DNS said, in any order. Must not be empty: no record means the domain itself, which is the caller's to try.
    ///   - isOurs: true for names of this host.
    ///   - generator: shuffles equal preferences, so that load is shared. [RFC5321-5.1]
    package static func ordered(
        _ records: [MXRecord], isOurs: (String) -> Bool, using generator: inout some RandomNumberGenerator
    ) -> Outcome {
        if records.count == 1, records[0].host == nil { return .nullMX }
        var known: Set<String> = []
        let named = records.sorted { $0.preference < $1.preference }.filter { record in
            // The same host at a worse preference again says nothing; the root beside others is an error of theirs.
            record.host.map { known.insert($0).inserted } ?? false
        }
        guard !named.isEmpty else { return .none }
        let ours = named.first { $0.host.map(isOurs) ?? false }?.preference
        let usable = named.filter { record in ours.map { record.preference < $0 } ?? true }
        guard !usable.isEmpty else { return .loop }
        var hosts: [String] = []
        for preference in Set(usable.map(\.preference)).sorted() {
            hosts += usable.filter { $0.preference == preference }.compactMap(\.host).shuffled(using: &generator)
        }
        return .hosts(Array(hosts.prefix(Self.maximumHosts)))
    }
}
