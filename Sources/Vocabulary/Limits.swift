package import NIOCore

/// Everything of an SMTP session that a peer controls, with its bound. All configurable within safe bounds (Forms).
package struct SMTPLimits: Sendable, Equatable {
    /// Command line, CRLF included. RFC 5321 says 512, MAIL and AUTH grow with extensions.
    package var commandLine = 2048  // [RFC5321-4.5.3.1.4] [RFC6531-3.3] [RFC4954-4]
    /// A line of an AUTH exchange: RFC 4954 asks for 12,288.
    package var authLine = 12_288  // [RFC4954-4]
    package var messageSize: Int64 = 50 << 20
    package var recipients = 1000
    /// Received fields before a message counts as looping.
    package var hops = 30
    /// Text line of a message, without CRLF; longer ones are refused.
    package var textLine = 998  // [RFC5321-4.5.3.1.6]
    /// Bad or unknown commands before 421.
    package var errors = 10
    /// Failed logins before 421.
    package var authFailures = 3
    /// Refused recipients in one session before 421.
    package var refusedRecipients = 50
    /// Transactions in one session before 421.
    package var transactions = 10_000
    /// Waiting for a command. [RFC5321-4.5.3.2.7]
    package var commandTimeout: TimeAmount = .minutes(5)
    /// Waiting for the next block of a body. [RFC5321-4.5.3.2.5]
    package var dataTimeout: TimeAmount = .minutes(3)
    /// A whole session.
    package var sessionTimeout: TimeAmount = .hours(2)

    package init() {}
}

/// Everything of a POP3 session that a peer controls, with its bound.
package struct POP3Limits: Sendable, Equatable {
    /// Command line, CRLF included. [RFC2449-4]
    package var commandLine = 255
    package var authLine = 12_288
    package var errors = 10
    package var authFailures = 3
    /// Inactivity before logout: at least ten minutes. [RFC1939-3]
    package var inactivity: TimeAmount = .minutes(10)
    /// Before login.
    package var loginTimeout: TimeAmount = .minutes(1)

    package init() {}
}

/// Everything of a finger query that a peer controls, with its bound.
package struct FingerLimits: Sendable, Equatable {
    /// The one line of a query, its end included.
    package var line = 512
    /// From the first moment to the answer: who asks by hand needs some time.
    package var time: TimeAmount = .seconds(60)
    /// Accounts in one answer.
    package var entries = 20
    /// Octets of one answer.
    package var answer = 64 << 10

    package init() {}
}

/// Everything of a session with the password server that a peer controls, with its bound.
package struct PasswordLimits: Sendable, Equatable {
    /// A line, its end included: a password has at most 1,024 octets.
    package var line = 2048
    package var errors = 10
    package var authFailures = 3
    /// New passwords that break a rule, in one session.
    package var refusedPasswords = 5
    /// A whole session: nobody needs longer for four lines.
    package var time: TimeAmount = .minutes(3)

    package init() {}
}

/// Everything of an IMAP session that a peer controls, with its bound.
package struct IMAPLimits: Sendable, Equatable {
    /// A line of a command, CRLF included: who has not logged in has little to say. [RFC7162-4]
    package var lineBeforeLogin = 8192
    /// Sets of UIDs and lists of names are long. [RFC2683-3.2.1.5]
    package var line = 64 << 10
    package var authLine = 12_288
    /// A literal that is an argument and no message.
    package var literalBeforeLogin = 4096
    package var literal = 64 << 10
    /// All lines and literals of one command together, messages apart.
    package var command = 1 << 20
    /// A message of APPEND. [RFC7889-3]
    package var messageSize: Int64 = 50 << 20
    /// Parentheses within parentheses.
    package var nesting = 40
    /// Keys of one search.
    package var searchKeys = 1000
    /// Octets of commands and answers that one session may have in memory.
    package var sessionMemory = 4 << 20
    /// Bad commands before BYE.
    package var errors = 20
    package var authFailures = 3
    /// Sessions of one account at a time.
    package var sessionsPerAccount = 100
    /// Inactivity before BYE: at least thirty minutes. [RFC9051-5.4]
    package var inactivity: TimeAmount = .minutes(30)
    /// In IDLE: how often a word is said, so that nobody between the two forgets the connection, and a peer that is gone is noticed.
    package var idleNotice: TimeAmount = .minutes(4)
    /// From the beginning of IDLE to the first that is told in it.
    package var idleStart: TimeAmount = .milliseconds(100)
    /// Before login.
    package var loginTimeout: TimeAmount = .minutes(1)

    package init() {}
}
