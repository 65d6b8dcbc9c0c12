package import NIOCore
package import SASL
package import Vocabulary

/// What an SMTP session asks of its backend. Each call is answered by exactly one `SMTPOutcome`; which ones fit is said at each.
/// Any reply with code 421 ends the session after it is written.
package enum SMTPCall: Sendable {
    /// The peer is connected (with TLS already, on an implicit TLS port). Answer `.reply`: 220 is the greeting, anything else ends the session.
    case connect(tls: TLSFacts?)
    /// STARTTLS succeeded; everything known of the peer before is void. Answer `.done`.
    case secured(TLSFacts)
    /// Answer `.done` to accept, or a negative `.reply`.
    case hello(SMTPHello)
    /// Answer `.auth`.
    case authenticate(AuthRequest, SASLMechanism)
    /// A transaction begins. Answer `.done` for 250, or a negative `.reply`.
    case mail(SMTPMail)
    /// A run of pipelined RCPTs. Answer `.recipients` with one entry each, in order; nil accepts.
    case recipients([Envelope.Recipient])
    /// The body is larger than most: may it take up to so many octets of memory? Answer `.done` when it may; `.toDisk` when it is to come
    /// by `.body` in pieces instead; or a negative `.reply`. Given back when the transaction is over.
    case memory(Int)
    /// A piece of a body that is larger than what is kept in memory. Answer `.done` when it may go on (that is the back-pressure), or a
    /// negative `.reply`, with which the whole message is refused at its end.
    case body(ByteBuffer)
    /// What a URL opens is to be a part of the message. Answer `.content` with its beginning, or a negative `.reply`, which ends the
    /// transaction. [RFC4468-3.2]
    case url(String)
    /// The next piece of it. Answer as to `.url`.
    case urlOn
    /// The message is complete. Answer `.reply`.
    case finish(SMTPMessage)
    /// The transaction is off: RSET, a new EHLO, or a message refused by the session itself (the reply is given for the log). Answer `.done`.
    case reset(refused: Reply?)
    /// With who has logged in. Answer `.reply`.
    case special(SMTPSpecialCommand, identity: Identity?)
}

/// What may come from outside at any time.
package enum SMTPEvent: Sendable, Hashable {
    /// The account that has logged in may not be here any more: `mayStay` knows.
    case accountChanged
}

package enum SMTPOutcome: Sendable {
    case done
    case reply(Reply)
    case recipients([Reply?])
    case auth(AuthOutcome)
    case toDisk
    /// A piece of what a URL opens.
    case content(ByteBuffer, isLast: Bool)
}

/// How the peer named itself. Says nothing about who it is.
package struct SMTPHello: Hashable, Sendable {
    /// Printable, at most 255 octets.
    package var name: String
    /// EHLO rather than HELO.
    package var isExtended: Bool

    package init(name: String, isExtended: Bool) {
        self.name = name
        self.isExtended = isExtended
    }
}

/// What MAIL said.
package struct SMTPMail: Hashable, Sendable {
    /// Without recipients still.
    package var envelope: Envelope
    /// SIZE=, in octets; nil when not said. [RFC1870-6]
    package var declaredSize: Int64?
    /// Who has logged in; nil is a stranger.
    package var identity: Identity?
}

/// A complete message.
package struct SMTPMessage: Sendable {
    package enum Content: Sendable {
        /// All of it.
        case whole(ByteBuffer)
        /// The last piece; earlier ones went by `SMTPCall.body`.
        case tail(ByteBuffer)
    }

    /// With the recipients that were accepted, in order.
    package var envelope: Envelope
    /// CRLF lines, dots unstuffed, ends with CRLF unless it is empty.
    package var content: Content
    /// Octets of the whole.
    package var size: Int64
}

package enum SMTPSpecialCommand: Hashable, Sendable {
    case verify(String)
    case expand(String)
    /// ETRN: deliver what waits for this name. [RFC1985-5]
    case releaseQueue(String)
    /// QSND of the original product: the same for the asking host.
    case sendQueue(String)
}
