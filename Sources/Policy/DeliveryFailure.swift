package import Vocabulary

/// Why an attempt to deliver to one recipient did not succeed: the facts as the channel saw them. What follows (try again, return, hold)
/// is derived from them here and nowhere else.
package struct DeliveryFailure: Sendable, Hashable {
    package enum Cause: Error, Sendable, Hashable {
        /// A reply of the other host, to the command of that stage.
        case reply(Reply, Stage)
        /// The domain does not exist.
        case noSuchDomain
        /// The domain exists and has neither MX nor address.
        case noMailHost
        /// The domain says that it takes no mail. [RFC7505-3]
        case nullMX
        /// DNS gave no answer that can be used.
        case dnsFailed
        /// We are the best MX of a domain that is not local here. [RFC5321-5.1]
        case mxLoop
        /// No host of the domain took a connection: the words of the system or a time-out.
        case unreachable(String)
        /// The connection ended in the middle.
        case connectionLost(Stage)
        /// TLS that DANE, MTA-STS, REQUIRETLS or the route ask for did not come about.
        case tlsRequired(String)
        /// The login that the route asks for did not succeed.
        case loginFailed(Reply?)
        /// The same, with the route that is at fault: somebody has to set it right.
        case routeLogin(RouteLoginFault)
        /// Too many Received fields, or our own Delivered-To.
        case tooManyHops
        /// Larger than the other host's SIZE, in bytes. [RFC1870-6.3]
        case tooLarge(limit: Int64)
        /// The message has 8-bit text and the other host takes none. [RFC6152-3]
        case needsEightBit
        /// The message has international addresses and the other host takes none. [RFC6531-3.5]
        case needsInternational
        /// REQUIRETLS was asked for and no host offers it. [RFC8689-4.2.1]
        case needsRequireTLS
        /// REQUIRETLS was asked for and no host can be talked to as it demands. [RFC8689-4.2.1]
        case needsEncryption(TLSGap)
        /// The form of the address is not one that can be sent to.
        case badAddress(String)
        /// Nobody here has the address (any more).
        case unknownHere
        /// The account's mailboxes are full.
        case overQuota
        /// A program ended with this status, or was ended; what it wrote, cut.
        case program(status: Int32, isTransient: Bool, text: String)
        /// A trouble of our own: disk, database. Words for the log.
        case local(String)
        /// The postmaster did not want to wait longer; the last trouble that is known, or nothing.
        case returnedByHand(String)
    }

    /// Where in the conversation with the other host.
    package enum Stage: String, Sendable, Hashable, CaseIterable { case connect, hello, tls, auth, mail, rcpt, data, message }

    /// What a connection lacks that REQUIRETLS demands. [RFC8689-2]
    package enum TLSGap: Sendable, Hashable, CaseIterable {
        /// There is no encryption.
        case noTLS
        /// It was begun and did not come about.
        case handshake
        /// The certificate does not prove the host.
        case certificate
        /// Nobody vouches for the name of the host.
        case name
    }

    package var cause: Cause
    /// Host that was talked to, as it was looked up; nil where there was none.
    package var remoteHost: String?
    package var remoteAddress: IPAddress?

    package init(_ cause: Cause, remoteHost: String? = nil, remoteAddress: IPAddress? = nil) {
        self.cause = cause
        self.remoteHost = remoteHost
        self.remoteAddress = remoteAddress
    }
}

extension DeliveryFailure {
    /// True when trying again cannot help.
    package var isPermanent: Bool {
        switch self.cause {
        case .reply(let reply, let stage): Self.isPermanent(reply, stage)
        case .noSuchDomain, .noMailHost, .nullMX, .mxLoop, .tooManyHops, .tooLarge, .needsEightBit, .needsInternational, .needsRequireTLS,
            .needsEncryption, .badAddress, .unknownHere, .returnedByHand:
            true
        case .program(_, let isTransient, _): !isTransient
        case .dnsFailed, .unreachable, .connectionLost, .tlsRequired, .loginFailed, .routeLogin, .overQuota, .local: false
        }
    }

    /// What is refused before MAIL concerns the host, not the message: another host of the domain, or the same later, may take it.
    /// 552 with "too many recipients" is older servers' 452. [RFC5321-4.5.3.1.10]
    private static func isPermanent(_ reply: Reply, _ stage: Stage) -> Bool {
        switch stage {
        case .connect, .hello, .tls, .auth: false
        case .mail, .rcpt, .data, .message: reply.isPermanent && reply.status != EnhancedStatus(5, 5, 3)
        }
    }

    /// Status for reports: the other host's, or ours for the cause.
    package var status: EnhancedStatus {
        switch self.cause {
        case .reply(let reply, _): Self.status(of: reply)
        case .noSuchDomain, .noMailHost: EnhancedStatus(5, 1, 2)
        case .nullMX: EnhancedStatus(5, 1, 10)
        case .dnsFailed: EnhancedStatus(4, 4, 3)
        case .mxLoop: EnhancedStatus(5, 4, 6)
        case .unreachable: EnhancedStatus(4, 4, 1)
        case .connectionLost: EnhancedStatus(4, 4, 2)
        case .tlsRequired: EnhancedStatus(4, 7, 5)
        case .loginFailed, .routeLogin: EnhancedStatus(4, 7, 8)
        case .tooManyHops: EnhancedStatus(5, 4, 6)
        case .tooLarge: EnhancedStatus(5, 3, 4)
        case .needsEightBit: EnhancedStatus(5, 6, 3)
        case .needsInternational: EnhancedStatus(5, 6, 7)
        case .needsRequireTLS: EnhancedStatus(5, 7, 30)
        case .needsEncryption: EnhancedStatus(5, 7, 10)
        case .badAddress: EnhancedStatus(5, 1, 3)
        case .unknownHere: EnhancedStatus(5, 1, 1)
        case .overQuota: EnhancedStatus(4, 2, 2)
        case .program(let status, let isTransient, _): Self.status(ofProgram: status, isTransient)
        case .local: EnhancedStatus(4, 3, 0)
        case .returnedByHand: EnhancedStatus(5, 7, 1)
        }
    }

    /// Exit statuses of <sysexits.h>.
    private static func status(ofProgram status: Int32, _ isTransient: Bool) -> EnhancedStatus {
        let (subject, detail): (UInt16, UInt16) =
            switch status {
            case 65: (6, 0)  // EX_DATAERR
            case 67: (1, 1)  // EX_NOUSER
            case 68: (1, 2)  // EX_NOHOST
            case 76: (5, 0)  // EX_PROTOCOL
            case 77: (7, 0)  // EX_NOPERM
            case 78: (3, 5)  // EX_CONFIG
            default: (3, 0)
            }
        return EnhancedStatus(isTransient ? 4 : 5, subject, detail)
    }

    /// The code decides the first digit where the status contradicts it. [RFC2034-4]
    private static func status(of reply: Reply) -> EnhancedStatus {
        EnhancedStatus(reply.isPermanent ? 5 : 4, reply.status?.subject ?? 0, reply.status?.detail ?? 0)
    }
}
