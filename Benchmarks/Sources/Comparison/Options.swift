import Glibc
import LoadKit

/// The command line, and what it asks for.
struct Options {
    private var quick = false
    private var rounds: Int?
    private var slowSync: Int?
    private var wanted: [String] = ["ours", "dovecot", "virtual"]
    private var program = ".build/release/postoffice"
    private var markdown: String?
    private var keep = false
    private var workloads: [Workload] = []

    static let usage = """
        usage: run [--quick] [--rounds N] [--slow-sync MS] [--servers ours,dovecot,virtual] [--postoffice PROGRAM]
                   [--markdown FILE] [--keep] [WORKLOAD …]
               run load smtp|pop3|idle --port N …     one load against a server that already runs
               run disk        what the disk can do: appends with a sync after each group
               run sink        what the client can do: against a server that answers at once and keeps nothing
        --quick      a fifth of the work, one round
        --slow-sync  each fsync of the servers takes MS milliseconds longer, as real disks do
        --keep       leave the servers' directories for a look
        workloads:

        """
        + (Workload.all + Workload.large).map { "  \($0.name)\(String(repeating: " ", count: max(1, 15 - $0.name.count)))\($0.title)\n" }
        .joined()

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let argument = rest.popFirst() {
            func value() throws -> String {
                guard let value = rest.popFirst() else { throw BenchError("\(argument) needs a value\n\n\(Self.usage)") }
                return value
            }
            func count() throws -> Int {
                guard let number = Int(try value()), number > 0 else { throw BenchError("\(argument) needs a number") }
                return number
            }
            switch argument {
            case "--quick": self.quick = true
            case "--rounds": self.rounds = try count()
            case "--slow-sync": self.slowSync = try count()
            case "--servers": self.wanted = try value().split(separator: ",").map(String.init)
            case "--postoffice": self.program = try value()
            case "--markdown": self.markdown = try value()
            case "--keep": self.keep = true
            default: try self.workload(argument)
            }
        }
    }

    private mutating func workload(_ name: String) throws {
        if let workload = Workload.named(name) {
            self.workloads.append(workload)
        } else {
            throw BenchError(Self.usage)
        }
    }

    func execute() throws {
        let directory = try temporaryDirectory()
        print("servers in \(directory); load average \(readFile("/proc/loadavg")?.prefix(14) ?? "")")
        defer { if !self.keep { remove(directory) } }
        let slow = self.slowSync.map { ", each sync \($0) ms slower" } ?? ""
        var report = Report("Rounds: \(self.measuredRounds)\(slow).")
        let chosen = self.workloads.isEmpty ? Workload.all : self.workloads
        for workload in chosen.map({ self.quick ? $0.quick : $0 }) {
            print("\(workload.title)")
            let wanted = workload.isIMAP ? self.wanted.filter { $0 == "ours" } + ["mdbox"] : self.wanted
            let servers = try wanted.map { try self.server($0, "\(directory)/\(workload.name)/\($0)") }
            let driver = Driver(servers: servers, rounds: self.measuredRounds) { print($0) }
            do {
                if case .imap(let kind, let messages, let size) = workload.kind {
                    let work = IMAPWork(kind: kind, messages: messages, size: size, rounds: self.measuredRounds)
                    print(report.add(workload, servers, try driver.imap(work)))
                } else {
                    print(report.add(workload, try driver.run(workload)))
                }
            } catch {
                print("  not measured: \(error)")
            }
            if !self.keep { remove("\(directory)/\(workload.name)") }
        }
        if let markdown { try writeFile(markdown, report.markdown) }
    }

    private var measuredRounds: Int { self.rounds ?? (self.quick ? 1 : 5) }

    private func server(_ name: String, _ directory: String) throws -> any Server {
        try makeDirectory(String(directory[..<(directory.lastIndex(of: "/") ?? directory.endIndex)]))
        var environment: [String: String] = [:]
        if let slowSync {
            let library = try slowSyncLibrary()
            environment = ["LD_PRELOAD": library, "PO_SLOW_SYNC_MS": String(slowSync)]
        }
        switch name {
        case "ours": return PostOffice(directory: directory, program: self.program, environment: environment)
        case "dovecot": return try Postfix(directory: directory, .dovecot, environment: environment)
        case "mdbox": return try DovecotMdbox(directory: directory, environment: environment)
        case "virtual": return try Postfix(directory: directory, .virtual, environment: environment)
        default: throw BenchError("no such server: \(name)\n\n\(Self.usage)")
        }
    }
}

/// Built with this program, in the same directory.
private func slowSyncLibrary() throws -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count - 1)
    let program = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let library = program[..<(program.lastIndex(of: "/") ?? program.startIndex)] + "/libSlowSync.so"
    guard access(String(library), R_OK) == 0 else { throw BenchError("\(library) is missing: swift build --product SlowSync") }
    return String(library)
}

private func remove(_ directory: String) {
    guard directory.hasPrefix("/tmp/po-bench-") else { return }
    try? ChildProcess.run("/bin/rm", ["-rf", directory], log: "/dev/null")
}

/// The ceiling of all SMTP figures on this machine: the client against a server that does nothing.
func measureSink() throws {
    let sink = try SinkThread()
    defer { sink.stop() }
    for workload in Workload.all {
        guard case .smtp(let sessions, let messages, let size, let pipelining) = workload.kind else { continue }
        var load = SMTPLoad(
            server: Endpoint(port: sink.port), sessions: sessions, messagesPerSession: messages * (size > 500_000 ? 1 : 10), size: size,
            recipients: [Accounts.address(0)])
        load.pipelining = pipelining
        let result = try load.run()
        let cores = Double(result.clientCPU) / 1e9 / result.seconds
        print(
            "\(workload.title): \(Int(Double(result.accepted) / result.seconds)) messages/s, client \((cores * 100).rounded() / 100) cores")
    }
}
