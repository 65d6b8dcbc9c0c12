package import NIOCore
package import Routing
package import Vocabulary

/// The record types we ask for.
package enum DNSType: UInt16, Sendable { case a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, dnskey = 48, tlsa = 52 }

/// What DNS said. Everything in it was chosen by a stranger and is capped (`DNSLimits`).
package struct DNSAnswer: Sendable, Equatable {
    package enum Records: Sendable, Equatable {
        case addresses([IPAddress])
        /// Lower-case, without the final dot.
        case names([String])
        /// In no order that means anything.
        case exchanges([MXRecord])
        /// Each with its pieces joined. [RFC7208-3.3]
        case texts([[UInt8]])
        case associations([TLSARecord])
        /// Of a zone, as they are: what counts is whether they are secure.
        case keys([[UInt8]])
    }
    package var records: Records
    /// Validated by DNSSEC.
    package var isSecure: Bool
    /// The name at the end of the chain of CNAMEs, lower-case; nil when the name asked for has the records itself.
    package var canonicalName: String?
    /// Seconds for which the answer may be kept.
    package var lifetime: Int

    package init(records: Records, isSecure: Bool = false, canonicalName: String? = nil, lifetime: Int = 0) {
        self.records = records
        self.isSecure = isSecure
        self.canonicalName = canonicalName
        self.lifetime = lifetime
    }
}

package enum DNSFailure: Error, Equatable, Sendable {
    /// NXDOMAIN, or the name has no record of this type.
    case noName, noRecords
    /// Worth another try: SERVFAIL, no answer, our deadline.
    case temporary, timedOut
    /// DNSSEC says that the answer is forged.
    case bogus
    case cancelled
}

/// Bounds on answers, which are hostile.
package enum DNSLimits {
    /// Records taken from one answer; the rest is ignored.
    package static let records = 32
    /// Octets of one record.
    package static let recordSize = 4096
    /// Names tried for one reverse lookup.
    package static let reverseNames = 4
}

/// Asks DNS. Completions come on any thread, exactly once.
package protocol Resolver: Sendable {
    func ask(
        _ name: String,
        _ type: DNSType,
        within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery
}

/// A question under way. `cancel` makes its completion `.cancelled`, if it has not come yet.
package struct DNSQuery: Sendable {
    private let onCancel: @Sendable () -> Void
    package init(_ onCancel: @escaping @Sendable () -> Void) { self.onCancel = onCancel }
    package func cancel() { self.onCancel() }
}
