import Glibc
import LoadKit

/// A quick instance of ours: `postoffice setup --quick`, accounts by import, `postoffice run`.
final class PostOffice: Server {
    let name = "Post.Office"
    let directory: String
    private let program: String
    private let environment: [String: String]
    private var process: ChildProcess?
    private var settings: [String: String] = [:]
    /// Messages that are in the index before anything is measured.
    var index: Prefill?
    var relay: Relay?

    init(directory: String, program: String, environment: [String: String]) {
        self.directory = directory
        self.program = program
        self.environment = environment
    }

    var smtp: Endpoint { self.endpoint("SMTP_PORT") }
    var pop3: Endpoint? { self.endpoint("POP3_PORT") }
    var imap: Endpoint? { self.endpoint("IMAP_PORT") }
    var imaps: Endpoint? { self.endpoint("IMAPS_PORT") }
    var smtps: Endpoint? { self.endpoint("SMTPS_PORT") }
    var processes: [pid_t] { [self.process?.pid].compactMap { $0 } }

    private func endpoint(_ name: String) -> Endpoint { Endpoint(port: self.settings[name].flatMap { UInt16($0) } ?? 0) }
    private var configuration: [String] { ["--config", "\(self.directory)/post.office.conf"] }
    private var log: String { "\(self.directory).log" }

    func start(accounts: Int) throws {
        try ChildProcess.run(self.program, ["setup", "--quick", self.directory, "--domain", Accounts.domain], log: self.log)
        for line in (readFile("\(self.directory)/instance.env") ?? "").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { self.settings[String(parts[0])] = String(parts[1]) }
        }
        let rows = (0..<accounts).map { "\(Accounts.address($0)),\(Accounts.name($0)),\(Accounts.password)\n" }.joined()
        try writeFile("\(self.directory).accounts.csv", "address,name,password\n" + rows)
        try ChildProcess.run(self.program, ["account", "import", "\(self.directory).accounts.csv"] + self.configuration, log: self.log)
        if let relay = self.relay { try self.route(relay) }
        if let index = self.index {
            // The first start makes the databases.
            try self.run()
            self.stop()
            try index.fill(self.directory, log: self.log)
        }
        try self.run()
        try self.warmLogins(accounts)
    }

    /// The load needs no login, as Postfix asks for none from loopback.
    private func route(_ relay: Relay) throws {
        let routes = (0..<relay.destinations).map { "[\(Relay.domain($0)):\(Relay.host($0)):\(relay.port)]" }
        for (field, values) in [("relay-networks", ["127.0.0.0/8"]), ("mail-routing-table", routes)] {
            try ChildProcess.run(self.program, ["config", "set", field] + self.configuration + values, log: self.log)
        }
    }

    private func run() throws {
        let process = try ChildProcess(self.program, ["run"] + self.configuration, environment: self.environment, log: self.log)
        self.process = process
        try waitForGreeting(self.smtp, seconds: 30) { process.poll() == nil }
    }

    /// The first login of each account costs a password hash by design; later ones do not. What is measured is the latter.
    private func warmLogins(_ accounts: Int) throws { _ = try self.visible(Array(0..<accounts)) }

    func stop() { self.process?.stop() }

    func visible(_ accounts: [Int]) throws -> Int {
        guard let pop3 = self.pop3 else { return 0 }
        var load = POP3Load(
            server: pop3, accounts: accounts.map(Accounts.address), password: Accounts.password, sessions: accounts.count, parallel: 10,
            script: .stat)
        load.timeLimit = 300_000_000_000
        let result = try load.run()
        guard result.failed == 0, result.completed == accounts.count else {
            throw BenchError("POP3: \(result.firstFailure ?? "sessions missing")\n\(tailOfFile(self.log))")
        }
        return result.counts.values.reduce(0, +)
    }

    func expect(_ accounts: [Int]) throws -> any Arrivals {
        PolledArrivals(server: self, accounts: accounts, before: try self.visible(accounts))
    }
}

/// Asks over POP3 again and again. The time of an arrival is the end of the first question that shows it.
private struct PolledArrivals: Arrivals {
    let server: any Server
    let accounts: [Int]
    let before: Int

    func wait(for count: Int, seconds: Double) throws -> Int64 {
        let deadline = monotonicNow() + Int64(seconds * 1e9)
        while true {
            let now = try self.server.visible(self.accounts) - self.before
            if now >= count { return monotonicNow() }
            guard monotonicNow() < deadline else { throw BenchError("only \(now) of \(count) messages became visible") }
            usleep(1000)
        }
    }
}
