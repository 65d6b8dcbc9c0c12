internal import SASL
package import Vocabulary

/// What all sessions of a listener share: made once for a configuration, never changed.
package final class SMTPProfile: Sendable {
    /// Own host name, in the EHLO reply and at the end of a session.
    package let hostName: String
    /// Submission: mail only after AUTH, bare local parts are taken. [RFC6409-4.3]
    package let isSubmission: Bool
    /// LMTP: LHLO in place of HELO and EHLO, a reply for each recipient behind the message. [RFC2033-4]
    package let isLMTP: Bool
    /// TLS can be had here by STARTTLS.
    package let offersStartTLS: Bool
    /// BURL takes content from here by URLs of IMAP.
    package let resolvesURLs: Bool
    /// ETRN releases waiting mail here.
    package let offersQueueRelease: Bool
    package let limits: SMTPLimits
    /// Fresh unguessable text for each SCRAM exchange: printable ASCII without comma.
    package let makeNonce: @Sendable () -> String
    /// AUTH and what it lists; it is only there where a password may travel.
    let authKeyword: String
    /// Bytes of a body that are kept in one piece before the backend gets it in parts.
    package let bodyInMemory: Int

    package init(
        hostName: String, isSubmission: Bool, isLMTP: Bool = false, offersStartTLS: Bool, offersQueueRelease: Bool = false,
        resolvesURLs: Bool = false, limits: SMTPLimits, listsSCRAM: Bool = false,
        bodyInMemory: Int = 256 << 10, makeNonce: @escaping @Sendable () -> String
    ) {
        self.hostName = hostName
        self.isSubmission = isSubmission
        self.isLMTP = isLMTP
        self.offersStartTLS = offersStartTLS
        self.offersQueueRelease = offersQueueRelease
        self.resolvesURLs = resolvesURLs && isSubmission && !isLMTP
        self.limits = limits
        let mechanisms = SASLMechanism.allCases.listed(passwordsMayTravel: true, withSCRAM: listsSCRAM)
        self.authKeyword = "AUTH " + mechanisms.map(\.rawValue).joined(separator: " ")
        self.bodyInMemory = bodyInMemory
        self.makeNonce = makeNonce
    }
}
