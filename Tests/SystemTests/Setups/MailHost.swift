import Glibc
import MailTesting

/// A mail host of a set-up: Post.Office as `setup --unattended` installs it, on the usual ports, with the settings and accounts that
/// `docs/examples` has for it.
final class MailHost {
    struct Failure: Error, CustomStringConvertible { let description: String }

    static let password = "secret word"
    let name: String
    let address: String
    private let machine: ChildProcess
    private let place: TemporaryDirectory
    private var server: ChildProcess?

    /// - Parameters:
    ///   - machine: where it runs; the first card's `address` is what it listens on besides all others.
    ///   - domain: of `setup`.
    ///   - folder: with `NAME.yaml` and `NAME.csv`; nil for one without settings of its own.
    init(_ name: String, on machine: ChildProcess, address: String, domain: String, nameServer: String?, folder: String?) throws {
        self.name = name
        self.address = address
        self.machine = machine
        self.place = TemporaryDirectory("host")
        chmod(self.place.path, 0o755)
        self.place.write("password", "\(Self.password) of the postmaster\n")
        try self.command(
            [
                "setup", "--unattended", "--domain", domain, "--host", name, "--postmaster-password-file", self.place("password"),
                "--spool", self.place("spool"), "--mailbox", self.place("mailbox"), "--user", "nobody", "--group", "nogroup",
            ] + (nameServer.map { ["--name-server", $0] } ?? []))
        guard let folder else { return }
        try self.command(["config", "apply", "\(folder)/\(name).yaml"])
        let accounts = ChildProcess.text(of: "\(folder)/\(name).csv")
        if !accounts.isEmpty { try self.addAccounts(accounts) }
    }

    /// `table` as in `docs/examples`: without passwords; all get the same.
    func addAccounts(_ table: String) throws {
        let lines = table.split(separator: "\n")
        let full = lines.enumerated().map { "\($1),\($0 == 0 ? "password" : Self.password)\n" }.joined()
        self.place.write("accounts.csv", full)
        try self.command(["account", "import", self.place("accounts.csv")])
    }

    @discardableResult
    func command(_ words: [String]) throws -> String {
        let result = try self.run([try QuickInstance.program] + words + ["--config", self.place("post.office.conf")])
        guard result.ending == .exited(0) else { throw Failure(description: "\(self.name): \(words.prefix(3)): \(result.output)") }
        return result.output
    }

    /// Any program on this machine.
    func run(_ words: [String], seconds: Double = 60) throws -> (ending: ChildProcess.Ending, output: String) {
        let all = Networks.enter(self.machine) + words
        return try ChildProcess.run(all[0], Array(all.dropFirst()), environment: ["LC_ALL": "C.UTF-8"], seconds: seconds)
    }

    func start() throws {
        let words = Networks.enter(self.machine) + [try QuickInstance.program, "run", "--config", self.place("post.office.conf")]
        self.server = try ChildProcess(words[0], Array(words.dropFirst()), output: self.place("log"), errors: self.place("log"))
        guard eventually(within: 60, { self.trail.contains(" MTA serving ") }) else {
            throw Failure(
                description: "\(self.name) does not serve: \(ChildProcess.tail(of: self.place("log"))) \(self.trail.suffix(1000))")
        }
    }

    func stop() {
        let began = monotonicSeconds()
        self.server?.end()
        self.server = nil
        if monotonicSeconds() - began > 20 { print("\(self.name) took long to end: \(self.trail.suffix(4000))") }
    }

    /// The log of the host.
    var trail: String {
        let folder = self.place("spool/log")
        return directoryEntries(folder).filter { $0.hasSuffix(".log") }.sorted().map { ChildProcess.text(of: "\(folder)/\($0)") }.joined()
    }

    /// Lines of the log with these words.
    func events(_ words: String...) -> [Substring] {
        self.trail.split(separator: "\n").filter { line in words.allSatisfy { line.contains($0) } }
    }

    /// Connections that other hosts opened to this one's port 25.
    var connections: Int { self.events("SMTP-Accept opened", "listener=smtp").count }

    // MARK: What people do

    /// Sends with swaks from a mail program on this machine, as `login`.
    func send(from sender: String, login: String, to recipient: String, subject: String) throws {
        let result = try self.run([
            "/usr/bin/swaks", "--server", self.address, "--port", "587", "--from", sender, "--to", recipient, "--tls", "--auth", "PLAIN",
            "--auth-user", login, "--auth-password", Self.password, "--header", "Subject: \(subject)", "--timeout", "30",
        ])
        guard result.ending == .exited(0) else { throw Failure(description: "swaks: \(result.output.suffix(2000))") }
    }

    /// The mailbox's only message, once it is there, read with curl over POP3S.
    func message(of login: String, number: Int = 1) throws -> String {
        var output = ""
        let found = eventually(within: 40) {
            let words = [
                "/usr/bin/curl", "--silent", "--show-error", "--insecure", "--user", "\(login):\(Self.password)",
                "pop3s://\(self.address)/\(number)",
            ]
            guard let result = try? self.run(words) else { return false }
            output = result.output
            if result.ending != .exited(0) { usleep(100_000) }
            return result.ending == .exited(0)
        }
        guard found else {
            throw Failure(description: "no message \(number) for \(login) on \(self.name): \(output)\n\(self.trail.suffix(3000))")
        }
        return output
    }

    deinit { self.stop() }
}

/// A name server (nsd) for the zone files of a folder.
final class NameServer {
    private let place = TemporaryDirectory("names")
    private let server: ChildProcess

    /// `zones`: name to file.
    init(on machine: ChildProcess, address: String, zones: [String: String]) throws {
        var text = """
            server:
              ip-address: \(address)
              username: ""
              database: ""
              server-count: 1
              zonesdir: "\(self.place.path)"
              pidfile: "\(self.place("pid"))"
              xfrdfile: "\(self.place("xfrd"))"
              zonelistfile: "\(self.place("zonelist"))"
              xfrdir: "\(self.place.path)"
            remote-control:
              control-enable: no

            """
        for (name, content) in zones {
            self.place.write("\(name).zone", content)
            text += "zone:\n  name: \(name)\n  zonefile: \(name).zone\n"
        }
        self.place.write("nsd.conf", text)
        let words = Networks.enter(machine) + ["/usr/sbin/nsd", "-d", "-c", self.place("nsd.conf")]
        self.server = try ChildProcess(words[0], Array(words.dropFirst()), output: self.place("log"), errors: self.place("log"))
        let log = self.place("log")
        guard eventually(within: 30, { ChildProcess.text(of: log).contains("nsd started") }) else {
            throw MailHost.Failure(description: "nsd: \(ChildProcess.tail(of: log))")
        }
    }

    /// With its helpers: the first process passes over SIGTERM while it reads zones.
    deinit {
        var family = [self.server.id]
        var next = 0
        while next < family.count {
            let parent = family[next]
            next += 1
            let children = ChildProcess.text(of: "/proc/\(parent)/task/\(parent)/children")
            family += children.split(separator: " ").compactMap { pid_t($0) }
        }
        for one in family.dropFirst() { kill(one, SIGKILL) }
        self.server.kill()
    }
}
