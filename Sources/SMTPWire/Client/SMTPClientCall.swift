package import NIOCore
package import Policy
package import SASL
package import Vocabulary

/// What a conversation with another server asks of its backend. Each call is answered by exactly one `SMTPClientOutcome`.
package enum SMTPClientCall: Sendable {
    /// Messages can be sent. Answer `.send` or `.quit`.
    case ready(SMTPPeer)
    /// The next piece of the message at hand. Answer `.piece`, `.bodyEnded` or `.bodyFailed`.
    case read
    /// A transaction is over. Answer `.send` or `.quit`; where `canGoOn` is false only `.quit`.
    case finished(SMTPClientReport, canGoOn: Bool)
    /// The conversation ended and no message was in hand. Answer `.quit`.
    case failed(DeliveryFailure.Cause, note: String)
}

package enum SMTPClientOutcome: Sendable {
    case send(SMTPClientMessage)
    case quit
    case piece(ByteBuffer)
    case bodyEnded
    /// The body cannot be read: the message must not arrive in part.
    case bodyFailed
}

/// A message for some recipients of one server.
package struct SMTPClientMessage: Sendable {
    package enum Body: Sendable {
        /// All of it.
        case whole(ByteBuffer)
        /// By `SMTPClientCall.read`.
        case streamed
    }

    /// Its recipients are those of this transaction.
    package var envelope: Envelope
    /// Octets, as told to the server.
    package var size: Int64
    package var body: Body
    /// Under which it is noted while it is in hand; nil notes nothing.
    package var name: ContentHash?
    /// Only whether the recipients are taken is of interest: nothing follows RCPT. Who is taken counts as delivered in the report.
    package var isQuestion = false

    /// Whether this host would take mail for these recipients.
    package static func question(_ recipients: [Address]) -> SMTPClientMessage {
        var envelope = Envelope(sender: nil)
        envelope.recipients = recipients.map { Envelope.Recipient($0) }
        var message = SMTPClientMessage(envelope: envelope, size: 0, body: .whole(ByteBuffer()))
        message.isQuestion = true
        return message
    }

    package init(envelope: Envelope, size: Int64, body: Body) {
        self.envelope = envelope
        self.size = size
        self.body = body
    }
}

/// What became of a transaction.
package struct SMTPClientReport: Sendable, Hashable {
    package enum Result: Sendable, Hashable {
        case delivered(Reply)
        case failed(DeliveryFailure.Cause)
    }

    /// One for each recipient, in order.
    package var results: [Result]
    /// The server closed a connection that had served before, and had not answered to this message: it was not tried.
    package var isUntouched = false
    /// The server relays the request for notifications of success; otherwise whoever handed over the message tells the sender. [RFC3461-5.2.2]
    package var passedDSN: Bool
    /// More about how the connection ended, for the log.
    package var note = ""
}

/// How a conversation is to be held.
package struct SMTPClientSettings: Sendable {
    package enum TLSUse: Sendable, Hashable {
        /// Not even when it is offered (it failed with this host a moment ago).
        case never
        /// When it is offered, whatever the certificate. [RFC7435-3]
        case opportunistic
        /// Or nothing is sent. Words for the log.
        case required(String)
    }

    package struct Credentials: Sendable {
        package var login: String
        package var password: Secret
        /// Also without TLS.
        package var inClear: Bool

        package init(login: String, password: Secret, inClear: Bool = false) {
            self.login = login
            self.password = password
            self.inClear = inClear
        }
    }

    /// Our name for EHLO.
    package var helloName: String
    package var tls: TLSUse
    package var credentials: Credentials?
    package var timeouts: Timeouts
    /// BDAT is used where it is offered.
    package var usesChunking = true
    /// Notes which message is in hand.
    package var crashGuard: any CrashGuard = NoCrashGuard()
    /// LMTP: LHLO, and a reply for each recipient behind the message. [RFC2033-4]
    package var isLMTP = false

    package init(
        helloName: String, tls: TLSUse = .opportunistic, credentials: Credentials? = nil, timeouts: Timeouts = Timeouts()
    ) {
        self.helloName = helloName
        self.tls = tls
        self.credentials = credentials
        self.timeouts = timeouts
    }

    /// How long a server may take. [RFC5321-4.5.3.2]
    package struct Timeouts: Sendable, Hashable {
        package var greeting: TimeAmount = .minutes(5)  // [RFC5321-4.5.3.2.1]
        package var command: TimeAmount = .minutes(5)  // [RFC5321-4.5.3.2.2] [RFC5321-4.5.3.2.3]
        package var data: TimeAmount = .minutes(2)  // [RFC5321-4.5.3.2.4]
        package var block: TimeAmount = .minutes(3)  // [RFC5321-4.5.3.2.5]
        package var message: TimeAmount = .minutes(10)  // [RFC5321-4.5.3.2.6]
        package var quit: TimeAmount = .seconds(10)

        package init() {}
    }
}
