import Glibc
import LoadKit

/// `run load smtp|pop3|idle --port N …`: one load against a server that already runs, for profiling.
struct LoadCommand {
    private var port: UInt16 = 0
    private var numbers = [
        "sessions": 10, "messages": 100, "size": 1024, "accounts": 10, "first": 0, "recipients": 1, "repeat": 1, "seconds": 0,
    ]
    private var switches: Set<String> = []
    private let kind: String

    static let usage = """
        usage: run load smtp --port N [--sessions 10] [--messages 100] [--size 1024] [--accounts 10] [--first 0] [--recipients 1] [--repeat 1]
                             [--pipelining]
               run load pop3 --port N [--sessions 10] [--messages 100 (RETR; 0: only STAT)] [--accounts 10] [--list]
               run load idle --port N [--sessions 10] [--tls] [--seconds 0]
        """

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        self.kind = rest.popFirst() ?? ""
        while let argument = rest.popFirst() {
            let name = String(argument.drop { $0 == "-" })
            if ["pipelining", "tls", "list"].contains(name) {
                self.switches.insert(name)
            } else if let value = rest.popFirst().flatMap({ Int($0) }), name == "port" || self.numbers[name] != nil {
                if name == "port" { self.port = UInt16(clamping: value) } else { self.numbers[name] = value }
            } else {
                throw BenchError(Self.usage)
            }
        }
    }

    private func number(_ name: String) -> Int { self.numbers[name] ?? 0 }
    private var accounts: [String] { (0..<self.number("accounts")).map { Accounts.address(self.number("first") + $0) } }

    func execute() throws {
        guard self.port > 0 else { throw BenchError(Self.usage) }
        for _ in 0..<self.number("repeat") {
            switch self.kind {
            case "smtp": try self.smtp()
            case "pop3": try self.pop3()
            case "idle": try self.idle()
            default: throw BenchError(Self.usage)
            }
        }
    }

    private func smtp() throws {
        var load = SMTPLoad(
            server: Endpoint(port: self.port), sessions: self.number("sessions"), messagesPerSession: self.number("messages"),
            size: self.number("size"), recipients: self.accounts)
        load.pipelining = self.switches.contains("pipelining")
        load.recipientsPerMessage = self.number("recipients")
        load.sources = load.sessions
        load.timeLimit = 300_000_000_000
        let result = try load.run()
        let latency = result.transaction.summary()
        let share = Double(result.clientCPU) / 1e9 / result.seconds
        print(
            "\(result.accepted) accepted, \(result.failed) failed \(result.firstFailure ?? ""), \(Int(Double(result.accepted) / result.seconds))/s, "
                + "p50 \(latency.p50) p99 \(latency.p99) max \(latency.maximum) ms, client \((share * 100).rounded() / 100) cores")
    }

    private func pop3() throws {
        let messages = self.number("messages")
        let script: POP3Load.Script = self.switches.contains("list") ? .list : messages > 0 ? .retrieve(messages) : .stat
        let load = POP3Load(
            server: Endpoint(port: self.port), accounts: self.accounts, password: Accounts.password, sessions: self.number("sessions"),
            parallel: 10, script: script)
        let result = try load.run()
        let latency = result.session.summary()
        print(
            "\(result.completed) sessions, \(result.failed) failed \(result.firstFailure ?? ""), \(Int(Double(result.completed) / result.seconds))/s, "
                + "\(result.bytes >> 20) MiB, p50 \(latency.p50) p99 \(latency.p99) ms, in the mailboxes: \(result.counts.values.reduce(0, +))"
        )
    }

    private func idle() throws {
        let load = IdleLoad()
        defer { load.close() }
        let started = monotonicNow()
        try load.open(self.number("sessions"), to: Endpoint(port: self.port), tls: self.switches.contains("tls"), sources: 1000)
        print("\(load.count) connections in \(Double((monotonicNow() - started) / 1_000_000) / 1000) s")
        for _ in 0..<self.number("seconds") { sleepMilliseconds(1000) }
    }
}
