package import SASL
package import Vocabulary

/// What a session must know before it begins; the service makes it anew for each connection.
package struct IMAPSettings: Sendable {
    /// Text of the greeting behind the capabilities, for example `mail.example.test IMAP4 server (Post.Office v1.0 release 1) ready`.
    package var greeting: String
    /// Our host name, for the farewell.
    package var hostName: String
    /// What ID tells of us; nil tells nothing. [RFC2971-3.3]
    package var product: (name: String, version: String)?
    package var limits = IMAPLimits()
    /// Messages that one command takes. Far more than a mailbox has: a client that does not know of it would take the others for gone.
    package var messageLimit = 10_000_000
    package var mechanisms: [SASLMechanism] = SASLMechanism.allCases
    /// SCRAM is listed also where a password may travel as it is.
    package var listsSCRAM = false
    /// STARTTLS can be offered: a certificate is there.
    package var offersTLS = false
    /// Passwords may be sent in clear: the peer is loopback or in a network that the postmaster lists. Under TLS they always may.
    package var allowsPlaintextLogin = false
    package var language = Language.english
    /// What works through to the store. Commands and capabilities of the others do not exist for the client.
    package var features: IMAPFeatures = .ready
    package var makeNonce: @Sendable () -> String
    /// Asked before each command behind the login, and before anything is told unasked: whether the account may still be here. Must answer
    /// at once.
    package var mayStay: @Sendable (Identity) -> Bool = { _ in true }
    /// URL of the postmaster for ALERTs and METADATA's /shared/admin; nil without. [RFC5464-6.2]
    package var supportURL: String?

    package init(greeting: String, hostName: String, makeNonce: @escaping @Sendable () -> String) {
        self.greeting = greeting
        self.hostName = hostName
        self.makeNonce = makeNonce
    }
}
