package import NIOCore

// Invariants of a protocol session (all protocols; the driver in NetKit runs them):
// 1. A machine is a value. It knows no socket, no clock, no thread; it is fuzzed and drip-fed as it stands.
// 2. One call is open at a time. While it is open the driver reads on only up to its watermark and hands nothing to the machine.
// 3. `received` consumes whole commands or nothing; how the bytes were cut into packets must not matter.
// 4. Plaintext behind STARTTLS never reaches the machine: the driver drops it and counts it.
// 5. Replies of one read leave in one write. A call is performed only while the channel is writable: that is the back-pressure.

/// A protocol session: bytes and outcomes in, replies and calls out.
package protocol SessionMachine: Sendable {
    /// What the backend is asked to do (look up, verify, store, read).
    associatedtype Call: Sendable
    /// What the backend answers to a call.
    associatedtype Outcome: Sendable
    /// What may come from outside at any time (mailbox changes); `Never` where nothing does.
    associatedtype Event: Sendable

    /// The connection stands (for implicit TLS: the handshake is done and `tls` is set). Most machines greet here.
    mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<Call>)
    /// Consume whole commands from `input`. Called again after each completed call, with what is left.
    mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<Call>)
    mutating func completed(_ outcome: Outcome, _ out: inout SessionOutput<Call>)
    /// The handshake after `out.startTLS()` is done. Start from a fresh value: nothing said before counts.
    mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<Call>)
    mutating func notified(_ event: Event, _ out: inout SessionOutput<Call>)
    /// The deadline last asked for has passed.
    mutating func timedOut(_ out: inout SessionOutput<Call>)
    /// The server drains: say goodbye if idle and close; otherwise finish what is in hand and close then.
    mutating func shuttingDown(_ out: inout SessionOutput<Call>)
}

extension SessionMachine where Event == Never {
    package mutating func notified(_ event: Never, _ out: inout SessionOutput<Call>) {}
}

/// What the driver of an outgoing connection tells its machine beside bytes.
package enum ConnectionEvent: Sendable, Hashable {
    /// The connection is gone, or nobody at the other end speaks any more. Nothing that is said from now on arrives.
    case lost(reason: String)
    /// The handshake that was asked for failed; the connection is as good as lost.
    case tlsFailed(reason: String)
}

/// What a machine wants done. Filled by one event, carried out by the driver in this order: write, start TLS or compression or call, close.
package struct SessionOutput<Call: Sendable>: Sendable {
    /// Replies; the machine appends, the driver writes and clears.
    package var replies: ByteBuffer
    package private(set) var call: Call?
    package private(set) var wantsTLS = false
    package private(set) var wantsCompression = false
    package private(set) var wantsClose = false
    /// New deadline from now; nil leaves the running one.
    package private(set) var deadline: TimeAmount?
    /// Bytes that had come and were not consumed when this event began; the driver sets it before each event. A machine that has not
    /// greeted yet learns from it that the peer talks too early.
    package var unreadInput = 0

    package init(replies: ByteBuffer = ByteBuffer()) { self.replies = replies }

    /// So much waits to be written that `received` should return before its next command; it is called again when the peer has read.
    /// Without this a packet of commands with long answers (HELP) would be worth a hundred times its size in memory.
    package var isFull: Bool { self.replies.readableBytes >= 64 << 10 }

    /// Ask the backend. The machine must stop consuming input until `completed`.
    package mutating func perform(_ call: Call) { self.call = call }
    /// After the replies written so far, shake hands. The machine must stop consuming input.
    package mutating func startTLS() { self.wantsTLS = true }
    /// Behind the replies written so far everything is deflated, both ways. The machine must stop consuming input: what is left of it is
    /// compressed already. [RFC4978-3]
    package mutating func startCompression() { self.wantsCompression = true }
    /// Close once everything written has left.
    package mutating func close() { self.wantsClose = true }
    package mutating func setDeadline(_ amount: TimeAmount) { self.deadline = amount }

    /// Something waits to be carried out.
    package var hasWork: Bool { self.call != nil || self.wantsTLS || self.wantsCompression || self.wantsClose }

    package mutating func takeCall() -> Call? {
        defer { self.call = nil }
        return self.call
    }
    package mutating func takeDeadline() -> TimeAmount? {
        defer { self.deadline = nil }
        return self.deadline
    }
    package mutating func takeTLS() -> Bool {
        defer { self.wantsTLS = false }
        return self.wantsTLS
    }
    package mutating func takeCompression() -> Bool {
        defer { self.wantsCompression = false }
        return self.wantsCompression
    }
}
