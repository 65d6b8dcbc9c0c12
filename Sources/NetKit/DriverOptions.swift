package import NIOCore

/// Bounds of one session that have nothing to do with its protocol.
package struct DriverOptions: Sendable, Equatable {
    /// Unconsumed input above which reading stops while a call is open or replies wait for a slow reader.
    package var inputWatermark = 64 << 10
    /// Unconsumed input above which the session ends: no machine needs that much for one command.
    package var inputCeiling = 1 << 20
    /// Replies waiting in the channel: above `high` no call is performed and no command taken until they fall below `low`.
    package var writeWatermark = (low: 32 << 10, high: 128 << 10)
    /// From the first byte of the handshake to its end; a peer that never finishes holds a slot.
    package var handshakeTimeout: TimeAmount = .seconds(30)
    /// For the last reply to leave and the peer to take leave, once the machine has asked to close.
    package var closeTimeout: TimeAmount = .seconds(30)
    /// A whole session; nil is without end. At its end the machine is told `timedOut`.
    package var sessionTimeout: TimeAmount?
    /// What STARTTLS tells clients that ask with ALPN.
    var tlsProtocol: TLSProtocolName?

    package init() {}

    package static func == (a: Self, b: Self) -> Bool {
        a.inputWatermark == b.inputWatermark && a.inputCeiling == b.inputCeiling && a.writeWatermark == b.writeWatermark
            && a.handshakeTimeout == b.handshakeTimeout && a.closeTimeout == b.closeTimeout && a.sessionTimeout == b.sessionTimeout
    }
}
