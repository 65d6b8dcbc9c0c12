/// Which TLSA records say something about a mail host. [RFC7672-3.1]
package enum DANE {
    /// What DNS says of a host, once every answer was validated.
    package enum Finding: Sendable, Hashable {
        /// No record, or nothing that was validated: DANE says nothing of this host.
        case none
        /// The host's certificate must match one of these. `base` is the name under which they were found.
        case records([TLSARecord], base: String)
        /// There are records, and none that can be used: encryption is demanded, and nothing can be checked. [RFC7672-2.2]
        case unusable(base: String)
        /// They are there or not, nobody knows: the host is left alone for now. [RFC7672-2.1.2]
        case unknown(base: String)
    }

    /// Records taken from one answer.
    package static let mostRecords = 32

    /// The finding of a validated answer.
    package static func finding(_ records: [TLSARecord], base: String) -> Finding {
        if records.isEmpty { return .none }
        let usable = self.usable(records)
        return usable.isEmpty ? .unusable(base: base) : .records(usable, base: base)
    }

    /// Records that a mail client can use. Of digests of one kind the strongest alone counts, so that a weak one opens no door.
    /// [RFC7672-3.1] [RFC7671-9]
    static func usable(_ records: [TLSARecord]) -> [TLSARecord] {
        let usable = records.prefix(Self.mostRecords).filter(\.isUsable)
        return usable.filter { record in
            record.matchingType != 1
                || !usable.contains { $0.usage == record.usage && $0.selector == record.selector && $0.matchingType == 2 }
        }
    }
}

extension TLSARecord {
    /// Usages 2 (an authority of theirs) and 3 (this certificate): 0 and 1 ask for authorities that SMTP does not agree on. [RFC7672-3.1.3]
    var isUsable: Bool {
        guard self.usage == 2 || self.usage == 3, self.selector <= 1 else { return false }
        return switch self.matchingType {
        case 0: !self.data.isEmpty
        case 1: self.data.count == 32
        case 2: self.data.count == 64
        default: false
        }
    }
}
