package import NIOCore
package import Vocabulary

// Invariants of this target:
// 1. One line comes, one answer goes, the connection ends. What comes behind the line is not read. [RFC1288-2.1]
// 2. Nothing goes out but text: no control character of any kind, whoever wrote it. [RFC1288-3.3]
// 3. Nobody is asked on behalf of the peer: a query that names another host is refused. [RFC1288-3.2.1]
// 4. Line, answer and time are bounded; an answer is cut between two accounts, never inside a character.

/// A finger session as a value.
package struct FingerMachine: SessionMachine {
    package typealias Call = FingerCall
    package typealias Outcome = FingerOutcome
    package typealias Event = Never

    private enum Phase: Sendable {
        case query
        case asking
        case closed
    }

    private let limits: FingerLimits
    /// Stands in brackets over what is told of accounts.
    private let hostName: String
    private var phase: Phase = .query
    /// Octets of the line that were searched for its end already.
    private var searched = 0

    package init(hostName: String, limits: FingerLimits = FingerLimits()) {
        self.hostName = hostName
        self.limits = limits
    }

    /// The server says nothing before it is asked.
    package mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<FingerCall>) { out.setDeadline(self.limits.time) }

    package mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<FingerCall>) {}

    package mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<FingerCall>) {
        guard case .query = self.phase else {
            // What follows the query is nobody's business; it must not gather either.
            return input.moveReaderIndex(to: input.writerIndex)
        }
        let view = input.readableBytesView
        guard let end = view[(view.startIndex + min(self.searched, view.count))...].firstIndex(of: 0x0A) else {
            self.searched = view.count
            if view.count >= self.limits.line { self.answer(&out) { $0.writeLine(FingerWords.tooLong) } }
            return
        }
        guard end + 1 - view.startIndex <= self.limits.line else { return self.answer(&out) { $0.writeLine(FingerWords.tooLong) } }
        // People ask by hand too, with LF alone: nothing can be smuggled into a protocol of one line.
        let query = FingerQuery(line: view[view.startIndex..<end])
        input.moveReaderIndex(to: input.writerIndex)
        self.ask(query, &out)
    }

    private mutating func ask(_ query: FingerQuery, _ out: inout SessionOutput<FingerCall>) {
        switch query {
        case .elsewhere: self.answer(&out) { $0.writeLine(FingerWords.noForwarding) }
        case .unreadable: self.answer(&out) { $0.writeLine(FingerWords.nothing) }
        case .host, .name:
            self.phase = .asking
            out.perform(.lookUp(query))
        }
    }

    package mutating func completed(_ outcome: FingerOutcome, _ out: inout SessionOutput<FingerCall>) {
        guard case .asking = self.phase else { return self.close(&out) }
        let (host, limit) = (self.hostName, self.limits.answer)
        self.answer(&out) { $0.writeAnswer(outcome, host: host, limit: limit) }
    }

    package mutating func timedOut(_ out: inout SessionOutput<FingerCall>) { self.close(&out) }

    package mutating func shuttingDown(_ out: inout SessionOutput<FingerCall>) {
        if case .asking = self.phase { return }
        self.close(&out)
    }

    private mutating func answer(_ out: inout SessionOutput<FingerCall>, _ write: (inout ByteBuffer) -> Void) {
        write(&out.replies)
        self.close(&out)
    }

    private mutating func close(_ out: inout SessionOutput<FingerCall>) {
        self.phase = .closed
        out.close()
    }
}
