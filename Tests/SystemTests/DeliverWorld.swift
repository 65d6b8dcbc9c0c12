import Glibc
import MailTesting

/// A whole installation as root makes it, in a mount namespace with an `/etc` and a `/var/mail` of its own: with users of the operating
/// system that exist nowhere else. Everything runs in there by `inside`.
final class DeliverWorld {
    struct Failure: Error { let description: String }

    static let password = "own secret"
    /// Of the users `ann` and `ben`, in `/etc/shadow`.
    static let systemPassword = "system secret"

    let place = TemporaryDirectory("deliver")
    let low: Int
    private let holder: ChildProcess
    private var server: ChildProcess?
    var configuration: String { self.place("post.office.conf") }

    /// - Parameter mailSize: `/var/mail` is a disk of its own, of this size (`64k`).
    init(systemDelivery: Bool = true, mailSize: String? = nil) throws {
        chmod(self.place.path, 0o755)
        for name in ["mail", "home"] { mkdir(self.place(name), 0o755) }
        for name in ["mail", "home"] { chmod(self.place(name), 0o755) }
        self.place.write("password", Self.password + "\n")
        self.place.write("postmaster", "the master's\n")
        guard let base = PortBases.shared.next() else { throw Failure(description: "no free ports") }
        self.low = base
        let mail = mailSize.map { "mount -t tmpfs -o size=\($0) tmpfs /var/mail" } ?? "mount --bind '\(self.place("mail"))' /var/mail"
        let script = """
            cp -a /etc '\(self.place("etc"))' && mount --bind '\(self.place("etc"))' /etc && \(mail) && chown root:mail /var/mail && \
            chmod 2775 /var/mail && touch '\(self.place("ready"))' && exec sleep 1200
            """
        self.holder = try ChildProcess(
            "/usr/bin/unshare", ["--mount", "--propagation", "private", "/bin/sh", "-c", script], errors: self.place("holder"))
        guard eventually({ access(self.place("ready"), F_OK) == 0 }) else {
            throw Failure(description: "no namespace: \(ChildProcess.text(of: self.place("holder")))")
        }
        try self.addUsers()
        try self.setUp(systemDelivery)
    }

    deinit {
        self.server?.end()
        self.holder.end()
    }

    private func addUsers() throws {
        let hash = try self.sh("openssl passwd -6 '\(Self.systemPassword)'").output.split(separator: "\n").last.map(String.init) ?? ""
        for (name, uid) in [("ann", 4001), ("ben", 4002)] {
            try self.must(
                """
                echo '\(name):x:\(uid):\(uid)::\(self.place("home"))/\(name):/bin/sh' >> /etc/passwd
                echo '\(name):x:\(uid):' >> /etc/group
                echo '\(name):\(hash):19000:0:99999:7:::' >> /etc/shadow
                install -d -o \(uid) -g \(uid) -m 755 '\(self.place("home"))/\(name)'
                """)
        }
    }

    private func setUp(_ systemDelivery: Bool) throws {
        let names = ["smtp", "submission", "smtps", "pop3", "pop3s", "imap", "imaps", "finger", "password", "http", "https"]
        let ports = names.enumerated().flatMap { ["--port", "\($1)=\(self.low + $0)"] }
        let setup = try self.postoffice(
            [
                "setup", "--unattended", "--domain", "example.test", "--postmaster-password-file", self.place("postmaster"), "--spool",
                self.place("spool"), "--mailbox", self.place("mailbox"), "--address", "127.0.0.1", "--user", "nobody", "--group", "nogroup",
                "--system-delivery", systemDelivery ? "yes" : "no",
            ] + ports)
        guard setup.status == 0 else { throw Failure(description: "setup: \(setup.output)") }
        // Messages are counted here.
        let greeting = try self.postoffice(["config", "set", "greeting-mail", "no"])
        guard greeting.status == 0 else { throw Failure(description: "config set: \(greeting.output)") }
    }

    // MARK: Processes

    private var entry: [String] { ["--mount=/proc/\(self.holder.id)/ns/mnt", "--"] }

    /// Runs a program in the world, as root.
    func inside(_ words: [String], input: String? = nil, seconds: Double = 60) throws -> (status: Int32, output: String) {
        let result = try ChildProcess.run(
            "/usr/bin/nsenter", self.entry + words, environment: ["LC_ALL": "C.UTF-8"], input: input, seconds: seconds)
        guard case .exited(let status) = result.ending else { return (-1, result.output) }
        return (status, result.output)
    }

    func sh(_ script: String, seconds: Double = 60) throws -> (status: Int32, output: String) {
        try self.inside(["/bin/sh", "-c", script], seconds: seconds)
    }

    func must(_ script: String) throws {
        let result = try self.sh(script)
        guard result.status == 0 else { throw Failure(description: "\(script): \(result.output)") }
    }

    /// As one of the users.
    func asUser(_ name: String, _ words: [String], seconds: Double = 60) throws -> (status: Int32, output: String) {
        try self.inside(
            [
                "/usr/bin/setpriv", "--reuid=\(name)", "--regid=\(name)", "--init-groups", "/usr/bin/env", "TMPDIR=/tmp",
                "HOME=\(self.place("home"))/\(name)",
            ]
                + words, seconds: seconds)
    }

    func postoffice(_ words: [String], input: String? = nil) throws -> (status: Int32, output: String) {
        try self.inside([try QuickInstance.program] + words + ["--config", self.configuration], input: input)
    }

    func start() throws {
        let server = try ChildProcess(
            "/usr/bin/nsenter", self.entry + [try QuickInstance.program, "run", "--config", self.configuration], output: self.place("out"),
            errors: self.place("err"))
        self.server = server
        let isUp = eventually { (try? LineConnection(port: self.low, timeout: 5).line().hasPrefix("220")) ?? false }
        guard isUp else { throw Failure(description: "no greeting: \(ChildProcess.text(of: self.place("err")))") }
    }

    func stop() -> ChildProcess.Ending? {
        self.server?.end()
        defer { self.server = nil }
        return self.server?.poll()
    }

    /// As a crash of the machine would, but for the kernel.
    func killDispatcher() throws {
        guard let server = self.server else { return }
        server.kill()
        self.server = nil
        try self.wait("the end of the mta") { (try? LineConnection(port: self.low, timeout: 5)) == nil }
    }

    /// Processes can be put into this world's mount namespace by it.
    var holderID: pid_t { self.holder.id }

    var mtaID: pid_t? { pid_t(ChildProcess.text(of: self.place("spool/mta.pid")).filter(\.isNumber)) }

    /// Processes of this instance's helper: who keeps it there, who listens, then its children.
    func helpers() throws -> [pid_t] {
        let output = try self.inside([
            "/usr/bin/pgrep", "-f", "^postoffice-deliver 3 65534 /var/mail", "--ns", "\(self.holder.id)", "--nslist", "mnt",
        ]).output
        return output.split(separator: "\n").compactMap { pid_t($0) }.sorted()
    }

    // MARK: Mail

    func account(_ name: String, _ fields: [String]) throws {
        let address = "\(name)@example.test"
        let added = try self.postoffice(["account", "add", address, "--password-file", self.place("password")])
        guard added.status == 0 else { throw Failure(description: "account add: \(added.output)") }
        guard !fields.isEmpty else { return }
        let set = try self.postoffice(["account", "set", address] + fields)
        guard set.status == 0 else { throw Failure(description: "account set: \(set.output)") }
    }

    func config(_ field: String, _ value: String) throws {
        let result = try self.postoffice(["config", "set", field, value])
        guard result.status == 0 else { throw Failure(description: "config set: \(result.output)") }
    }

    /// A file with the bits of a program, in the directory of programs.
    func program(_ name: String, _ text: String) throws {
        self.place.write("etc/post.office.programs/\(name)", text)
        chmod(self.place("etc/post.office.programs/\(name)"), 0o755)
    }

    /// Hands a message over by SMTP; the reply to its end.
    @discardableResult
    func send(to recipient: String, from sender: String = "stranger@client.example", _ lines: [String]) throws -> Int {
        let connection = try LineConnection(port: self.low)
        _ = try connection.replyCode()
        for line in ["EHLO client.example", "MAIL FROM:<\(sender)>", "RCPT TO:<\(recipient)>"] {
            let code = try connection.command(line)
            guard code == 250 else { return code }
        }
        guard try connection.command("DATA") == 354 else { return 0 }
        let body = (lines.isEmpty ? [""] : lines).map { $0.hasPrefix(".") ? ".\($0)" : $0 }.joined(separator: "\r\n")
        try connection.send(Array("\(body)\r\n".utf8))
        return try connection.command(".")
    }

    /// The maildrop of a user.
    func maildrop(_ user: String) -> String { (try? self.inside(["/bin/cat", "/var/mail/\(user)"]).output) ?? "" }

    /// What is not so in time is shown with what the server says of it.
    func wait(_ what: String, until isSo: () throws -> Bool) throws {
        do { try DispatcherTests.wait(what, until: isSo) } catch {
            throw Failure(description: "\(error)\n\(self.trail.suffix(6000))\n\(self.queue)")
        }
    }

    var trail: String { (try? self.sh("cat '\(self.place("spool"))'/log/*").output) ?? "" }
    var queue: String { (try? self.postoffice(["queue", "list"]).output) ?? "" }
}
