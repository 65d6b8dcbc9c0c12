import Bytes
import NIOCore
import Vocabulary

/// A small protocol with one command of each kind that a driver must cope with.
struct EchoMachine: SessionMachine {
    enum Call: Sendable, Equatable { case wait(String), chunk(Int) }
    enum Outcome: Sendable, Equatable { case waited(String), chunk(Int, more: Bool) }
    typealias Event = String

    static let maximumLine = 4096
    private var isGathering = false
    private var gathered = 0
    private var isWaiting = false
    private var isDraining = false
    private var tls: TLSFacts?
    private(set) var commands = 0

    mutating func connected(tls: TLSFacts?, _ out: inout SessionOutput<Call>) {
        self.tls = tls
        out.replies.writeString("hello\(tls == nil ? "" : " secure")\r\n")
        out.setDeadline(.seconds(60))
    }

    mutating func received(_ input: inout ByteBuffer, _ out: inout SessionOutput<Call>) {
        while !self.isWaiting, !out.isFull {
            guard let end = input.readableBytesView.firstIndex(of: .lf) else {
                if input.readableBytes > Self.maximumLine {
                    out.replies.writeString("too long\r\n")
                    out.close()
                }
                return
            }
            guard let line = input.readString(length: end + 1 - input.readerIndex) else { return }
            self.command(String(decoding: line.utf8.dropLast(2), as: UTF8.self), &out)
            if out.wantsClose || self.isWaiting { return }
        }
    }

    private mutating func command(_ line: String, _ out: inout SessionOutput<Call>) {
        self.commands += 1
        if self.isGathering {
            self.gathered += line.utf8.count + 2
            if line == "." {
                out.replies.writeString("got \(self.gathered)\r\n")
                (self.isGathering, self.gathered) = (false, 0)
            }
            return
        }
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        switch parts.first {
        case "ECHO": out.replies.writeString("\(rest)\r\n")
        case "WAIT": self.ask(.wait(rest), &out)
        case "BIG": self.ask(.chunk(Int(rest) ?? 0), &out)
        case "FILL": out.replies.writeString(String(repeating: "x", count: 1000) + "\r\n")
        case "DATA": self.isGathering = true
        case "STARTTLS":
            out.replies.writeString("go\r\n")
            out.startTLS()
            self.isWaiting = true
        case "QUIT":
            out.replies.writeString("bye\r\n")
            out.close()
        default: out.replies.writeString("unknown \(line.prefix(20))\r\n")
        }
    }

    private mutating func ask(_ call: Call, _ out: inout SessionOutput<Call>) {
        self.isWaiting = true
        out.perform(call)
    }

    mutating func completed(_ outcome: Outcome, _ out: inout SessionOutput<Call>) {
        switch outcome {
        case .waited(let text):
            out.replies.writeString("waited \(text)\r\n")
            self.isWaiting = false
        case .chunk(let left, let more):
            out.replies.writeRepeatingByte(UInt8(ascii: "b"), count: 16 << 10)
            self.isWaiting = more
            if more { out.perform(.chunk(left)) } else { out.replies.writeString("\r\n") }
        }
        if self.isDraining, !self.isWaiting { self.shuttingDown(&out) }
    }

    mutating func tlsEstablished(_ tls: TLSFacts, _ out: inout SessionOutput<Call>) {
        self = EchoMachine()
        self.tls = tls
    }

    mutating func notified(_ event: String, _ out: inout SessionOutput<Call>) { out.replies.writeString("* \(event)\r\n") }

    mutating func timedOut(_ out: inout SessionOutput<Call>) {
        out.replies.writeString("too slow\r\n")
        out.close()
    }

    mutating func shuttingDown(_ out: inout SessionOutput<Call>) {
        self.isDraining = true
        if self.isWaiting { return }
        out.replies.writeString("going down\r\n")
        out.close()
    }
}
