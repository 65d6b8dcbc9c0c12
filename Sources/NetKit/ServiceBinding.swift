internal import NIOCore
internal import Vocabulary

/// A service as a listener sees it: how to put a session on a fresh channel, and what to say when there is no room.
package struct ServiceBinding: Sendable {
    /// Sent without waiting before a connection over the limits is closed; empty says nothing. For example `421 4.7.0 …` with CRLF.
    package var busyLine: String
    let install: @Sendable (any Channel, ConnectionFacts) throws -> Void

    /// `tls` nil: neither implicit TLS nor STARTTLS works on this listener.
    package init<Service: SessionService>(
        _ service: Service,
        tls: TLSStore?,
        options: DriverOptions = DriverOptions(),
        busyLine: String = ""
    ) {
        self.busyLine = busyLine
        self.install = { _, _ in }
    }
}
