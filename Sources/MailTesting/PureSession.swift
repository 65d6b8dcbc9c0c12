package import NIOCore
package import Vocabulary

/// Runs a protocol machine without socket, thread and clock, as the driver would: one call at a time, leftovers handed in again,
/// plaintext behind STARTTLS dropped.
package struct PureSession<Machine: SessionMachine> {
    package private(set) var machine: Machine
    /// Replies not yet taken.
    package private(set) var output = ByteBuffer()
    package private(set) var isClosed = false
    /// The machine asked for a handshake; go on with `establishTLS`.
    package private(set) var wantsTLS = false
    /// The machine asked for compression; bytes pass through here as they are.
    package private(set) var isCompressed = false
    /// Calls so far, as text, for looking at afterwards.
    package private(set) var calls: [Machine.Call] = []
    /// Bytes of plaintext dropped at STARTTLS.
    package private(set) var dropped = 0
    /// The deadline last asked for.
    package private(set) var deadline: TimeAmount?
    /// How often a deadline was asked for.
    package private(set) var deadlines = 0
    /// False leaves the next call open until `complete`.
    package var answersCalls = true
    package private(set) var openCall: Machine.Call?
    /// The most that was ever handed over for writing at once.
    package private(set) var largestWrite = 0
    /// What came and was not consumed yet.
    package private(set) var input = ByteBuffer()
    private let answer: (Machine.Call) -> Machine.Outcome

    package init(_ machine: Machine, answer: @escaping (Machine.Call) -> Machine.Outcome) {
        self.machine = machine
        self.answer = answer
    }

    /// - Parameter early: bytes that the peer sends before it could have seen a greeting.
    package mutating func connect(tls: TLSFacts? = nil, early: [UInt8] = []) {
        self.input.writeBytes(early)
        self.run { machine, out in machine.connected(tls: tls, &out) }
    }

    package mutating func send(_ bytes: some Sequence<UInt8>) {
        guard !self.isClosed else { return }
        self.input.writeBytes(bytes)
        guard !self.wantsTLS else {
            self.dropInput()
            return
        }
        self.run(nil)
    }

    package mutating func send(_ text: String) { self.send(text.utf8) }

    package mutating func establishTLS(_ facts: TLSFacts = TLSFacts(version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", serverName: nil))
    {
        self.wantsTLS = false
        self.run { machine, out in machine.tlsEstablished(facts, &out) }
    }

    /// Answers the call that was left open.
    package mutating func complete(_ outcome: Machine.Outcome) {
        self.openCall = nil
        self.run { machine, out in machine.completed(outcome, &out) }
    }

    package mutating func timeOut() { self.run { machine, out in machine.timedOut(&out) } }
    package mutating func shutDown() { self.run { machine, out in machine.shuttingDown(&out) } }
    package mutating func notify(_ event: Machine.Event) { self.run { machine, out in machine.notified(event, &out) } }

    /// All replies so far, as text; they are forgotten.
    package mutating func takeOutput() -> String {
        defer { self.output.clear() }
        return String(buffer: self.output)
    }

    /// Sends and gives the replies.
    package mutating func exchange(_ text: String) -> String {
        self.send(text)
        return self.takeOutput()
    }

    /// One event, then calls and leftovers until nothing moves.
    private mutating func run(_ event: ((inout Machine, inout SessionOutput<Machine.Call>) -> Void)?) {
        var out = SessionOutput<Machine.Call>()
        out.unreadInput = self.input.readableBytes
        if let event { event(&self.machine, &out) }
        while true {
            self.flush(&out)
            if self.openCall != nil { break }
            if let call = out.takeCall() {
                self.calls.append(call)
                guard self.answersCalls else {
                    self.openCall = call
                    break
                }
                let outcome = self.answer(call)
                out.unreadInput = self.input.readableBytes
                self.machine.completed(outcome, &out)
                continue
            }
            if out.takeCompression() { self.isCompressed = true }
            if out.takeTLS() {
                self.wantsTLS = true
                self.dropInput()
                break
            }
            if out.wantsClose { break }
            let before = self.input.readableBytes
            guard before > 0 else { break }
            out.unreadInput = before
            self.machine.received(&self.input, &out)
            if self.input.readableBytes == before, !out.hasWork { break }
        }
        self.flush(&out)
        if let deadline = out.takeDeadline() {
            self.deadline = deadline
            self.deadlines += 1
        }
        if out.wantsClose { self.isClosed = true }
        self.input.discardReadBytes()
    }

    /// What the driver does before each call, each handshake and each wait: the replies leave.
    private mutating func flush(_ out: inout SessionOutput<Machine.Call>) {
        self.largestWrite = max(self.largestWrite, out.replies.readableBytes)
        self.output.writeBuffer(&out.replies)
        out.replies.clear()
    }

    private mutating func dropInput() {
        self.dropped += self.input.readableBytes
        self.input.clear()
    }
}
