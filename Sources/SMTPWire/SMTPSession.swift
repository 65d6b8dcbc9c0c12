package import NIOCore
package import Vocabulary

/// One SMTP session on the server's side.
package struct SMTPSession: SessionMachine {
    package typealias Call = SMTPCall
    package typealias Outcome = SMTPOutcome
    package typealias Event = Never

    let profile: SMTPProfile
    /// Passwords may be sent without TLS here: loopback, or a network that the postmaster listed.
    let allowsClearAuth: Bool

    package init(_ profile: SMTPProfile, allowsClearAuth: Bool) {
        self.profile = profile
        self.allowsClearAuth = allowsClearAuth
    }

    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<SMTPCall>) { out.perform(.connect(tls: tls)) }
    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {}
    package mutating func completed(_ outcome: SMTPOutcome, _ out: inout SessionOutput<SMTPCall>) {}
    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<SMTPCall>) {}
    package mutating func timedOut(_ out: inout SessionOutput<SMTPCall>) {}
    package mutating func shuttingDown(_ out: inout SessionOutput<SMTPCall>) {}
}
