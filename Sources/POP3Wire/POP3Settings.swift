package import SASL
package import Vocabulary

/// What a session must know before it begins; the service makes it anew for each connection.
package struct POP3Settings: Sendable {
    /// Text of the greeting, for example `mail.example.test POP3 server (Post.Office v1.0 release 1) ready`.
    /// Without angle brackets, which would offer APOP. [RFC1939-7]
    package var greeting: String
    /// Our host name, for the farewell.
    package var hostName: String
    /// Value of IMPLEMENTATION; nil hides it.
    package var implementation: String?
    package var limits = POP3Limits()
    package var mechanisms: [SASLMechanism] = SASLMechanism.allCases
    /// SCRAM is listed also where a password may travel as it is.
    package var listsSCRAM = false
    /// STLS can be offered: a certificate is there.
    package var offersTLS = false
    /// Passwords may be sent in clear: the peer is loopback or in a network that the postmaster lists. Under TLS they always may.
    package var allowsPlaintextLogin = false
    package var language = Language.english
    /// Days for which messages are kept at least; nil is NEVER. [RFC2449-6.7]
    package var retentionDays: Int?
    /// Seconds between logins of one account; 0 is no bound. [RFC2449-6.5]
    package var loginDelay = 0
    package var makeNonce: @Sendable () -> String
    /// Notes the content that is being taken apart.
    package var crashGuard: any CrashGuard = NoCrashGuard()
    /// Asked before each command behind the login: whether the account may still be here. Must answer at once.
    package var mayStay: @Sendable (Identity) -> Bool = { _ in true }

    package init(greeting: String, hostName: String, makeNonce: @escaping @Sendable () -> String) {
        self.greeting = greeting
        self.hostName = hostName
        self.makeNonce = makeNonce
    }
}
