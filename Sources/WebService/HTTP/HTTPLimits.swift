package import NIOCore

/// What a client of the web may cost. One connection is at most one request at work and one read of what comes behind it.
package struct HTTPLimits: Sendable {
    /// From the start of the connection, or the end of the last reply, until the header of the next request is whole, TLS handshake included.
    package var header: TimeAmount = .seconds(30)
    /// The whole body, beside the time that its size takes at `slowest`.
    package var body: TimeAmount = .seconds(30)
    /// The reply is taken, beside the time that its size takes at `slowest`.
    package var reply: TimeAmount = .seconds(60)
    /// Bytes a second; who is slower is cut off.
    package var slowest = 4096
    /// Making a reply. A page that takes this long is a fault of ours; some actions of a postmaster take a while.
    package var work: TimeAmount = .seconds(600)
    /// A streamed reply that says nothing for so long gives a sign of life.
    package var sign: TimeAmount = .seconds(20)
    /// Reading on behind a last reply that came early, so that a reset does not overtake it.
    package var linger: TimeAmount = .seconds(5)
    /// Request line and header fields together.
    package var headerBytes = 64 << 10
    package var fields = 100
    /// Requests of one connection.
    package var requests = 1000
    /// No body of any route is larger.
    package var largest = 64 << 20
    /// Bytes of bodies in memory, all connections together.
    package var bodyMemory = 128 << 20

    package init() {}
}
