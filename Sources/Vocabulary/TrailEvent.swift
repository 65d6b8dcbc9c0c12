/// One step in the life of a connection or message, written to the log and, where it concerns a message, to the trail.
/// Constant words, facts in fields; never a secret, never content of a message.
package struct TrailEvent: Sendable {
    /// Product's module name, first in the line: SMTP-Accept, SMTP-Deliver, Mailbox-Deliver, POP3-Server, Account-Manager, Dispatcher …
    package var module: Module
    /// Constant name of the event, for example `opened`, `recipient-accepted`.
    package var event: String
    package var trace: TraceID?
    /// Facts in order of writing. Values are escaped by the writer.
    package var facts: [(key: String, value: String)]

    package init(_ module: Module, _ event: String, trace: TraceID?, _ facts: [(key: String, value: String)] = []) {
        self.module = module
        self.event = event
        self.trace = trace
        self.facts = facts
    }

    package enum Module: String, Sendable, CaseIterable {
        case dispatcher = "Dispatcher"
        case mta = "MTA"
        case smtpAccept = "SMTP-Accept"
        case smtpDeliver = "SMTP-Deliver"
        case mailboxDeliver = "Mailbox-Deliver"
        case pop3Server = "POP3-Server"
        case imapServer = "IMAP4-Server"
        case fingerServer = "Finger-Server"
        case passwordServer = "Password-Server"
        case webServer = "WWW-Server"
        case accountManager = "Account-Manager"
        case configurationManager = "Configuration-Manager"
        case store = "Message-Store"
    }
}

/// Takes events; must return at once and never fail (the writer behind it is bounded and counts what it drops).
package protocol EventSink: Sendable {
    func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?)
}

/// The SMTP-Accept events that the postmaster switches one by one.
package enum LogSwitch: String, Sendable, CaseIterable {
    case opened, refusedAtConnect = "refused-at-connect", helo, tls, auth, mail, recipientAccepted = "recipient-accepted"
    case recipientRefused = "recipient-refused", relayRefused = "relay-refused", messageAccepted = "message-accepted"
    case messageRefused = "message-refused", specialCommand = "special-command", closed
}

/// Drops everything; for tests and benchmarks.
package struct NullSink: EventSink {
    package init() {}
    package func record(_ event: @autoclosure () -> TrailEvent, switchedBy gate: LogSwitch?) {}
}
