import Glibc
import MailTesting
import Testing

/// What the dispatcher has to do with the world around it: root, service manager, certificates, traps.
@Suite(.serialized) struct DispatcherWorldTests {
    private static func ids(_ pid: pid_t) -> [String] {
        ChildProcess.text(of: "/proc/\(pid)/status").split(separator: "\n").filter { $0.hasPrefix("Uid:") || $0.hasPrefix("Gid:") }
            .flatMap { $0.split(separator: "\t").dropFirst().map(String.init) }
    }

    /// A whole installation as root makes it, on a port that only root may bind.
    @Test(
        "must-have 82, 84: X2 root binds the low port, is given up by all threads for good, and a restarted mta still serves the port",
        .enabled(if: geteuid() == 0))
    func rootIsGivenUpForGood() throws {
        let place = TemporaryDirectory("root")
        defer { withExtendedLifetime(place) {} }
        chmod(place.path, 0o755)
        place.write("password", "secret-1\n")
        // Every port is named: none may fall on another's, or on what else the computer has on a usual port.
        let low = try #require(PortBases(in: 640..<960).next())
        let configuration = place("post.office.conf")
        let setup = try ChildProcess.run(
            try QuickInstance.program,
            [
                "setup", "--unattended", "--config", configuration, "--domain", "example.test", "--postmaster-password-file",
                place("password"),
                "--spool", place("spool"), "--mailbox", place("mailbox"), "--address", "127.0.0.1", "--user", "nobody", "--group",
                "nogroup",
                "--port", "smtp=\(low)", "--port", "submission=\(low + 1)", "--port", "smtps=\(low + 2)", "--port", "pop3=\(low + 3)",
                "--port", "pop3s=\(low + 4)", "--port", "imap=\(low + 5)", "--port", "imaps=\(low + 6)",
            ], seconds: 60)
        #expect(setup.ending == .exited(0), "\(setup.output)")
        let server = try ChildProcess(
            try QuickInstance.program, ["run", "--config", configuration], output: place("out"), errors: place("err"))
        defer { server.end() }
        func mta() -> pid_t? { pid_t(ChildProcess.text(of: place("spool/mta.pid")).filter(\.isNumber)) }
        try DispatcherTests.wait("the greeting") {
            if let ending = server.poll() { throw EndedEarly(description: "\(ending): \(ChildProcess.text(of: place("err")))") }
            return (try? LineConnection(port: low, timeout: 5).line().hasPrefix("220")) ?? false
        }
        let first = try #require(mta())
        for pid in [server.id, first] {
            for task in Self.tasks(pid) { #expect(Set(Self.ids(task)) == ["65534"], "\(pid) \(task) \(Self.ids(task))") }
        }
        #expect(kill(first, SIGKILL) == 0)
        try DispatcherTests.wait("a new mta") { mta().map { $0 != first && kill($0, 0) == 0 } ?? false }
        try DispatcherTests.wait("the greeting again") { (try? LineConnection(port: low, timeout: 5).line().hasPrefix("220")) ?? false }
        let check = try ChildProcess.run(try QuickInstance.program, ["permissions", "--check", "--config", configuration], seconds: 30)
        #expect(check.ending == .exited(0), "\(check.output)")
        // A command of root while the server is up, and one while it is down, leave nothing behind that belongs to root.
        #expect(try ChildProcess.run(try QuickInstance.program, ["reload", "--config", configuration], seconds: 30).ending == .exited(0))
        server.end()
        #expect(server.poll() == .exited(0), "\(ChildProcess.text(of: place("err")))")
        let cert = try ChildProcess.run(try QuickInstance.program, ["cert", "self-signed", "--config", configuration], seconds: 30)
        #expect(cert.ending == .exited(0), "\(cert.output)")
        let again = try ChildProcess.run(try QuickInstance.program, ["permissions", "--check", "--config", configuration], seconds: 30)
        #expect(again.ending == .exited(0), "\(again.output)")
    }

    private static func tasks(_ pid: pid_t) -> [pid_t] {
        guard let stream = opendir("/proc/\(pid)/task") else { return [] }
        defer { closedir(stream) }
        var found: [pid_t] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if let number = pid_t(name) { found.append(number) }
        }
        return found
    }

    @Test("sockets of a service manager are taken, not bound again (LISTEN_FDS)")
    func socketsOfTheServiceManagerAreTaken() throws {
        let instance = try QuickInstance()
        let port = try instance.port("SMTP_PORT")
        let place = TemporaryDirectory("listen")
        defer { withExtendedLifetime(place) {} }
        place.write(
            "launch.py",
            """
            import os, socket, sys
            listener = socket.socket()
            listener.bind(("127.0.0.1", int(sys.argv[1])))
            listener.listen(16)
            spare = os.dup(listener.fileno())
            os.dup2(spare, 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="smtp")
            os.execv(sys.argv[2], [sys.argv[2], "run", "--config", sys.argv[3]])
            """)
        let server = try ChildProcess(
            "/usr/bin/env", ["python3", place("launch.py"), "\(port)", try QuickInstance.program, instance.configuration],
            output: place("out"),
            errors: place("err"))
        defer { server.end() }
        // Had it bound the port itself, it would have found it in use, for the launcher's socket is this very one.
        try DispatcherTests.wait("the greeting") { (try? LineConnection(port: port, timeout: 5).line().hasPrefix("220")) ?? false }
        let other = try instance.port("POP3_PORT")
        try DispatcherTests.wait("POP3") { (try? LineConnection(port: other, timeout: 5).line().hasPrefix("+OK")) ?? false }
        server.end()
        #expect(server.poll() == .exited(0), "\(ChildProcess.text(of: place("err")))")
    }

    @Test("sd_notify: READY, RELOADING, READY, WATCHDOG, STOPPING")
    func theServiceManagerIsTold() throws {
        let place = TemporaryDirectory("notify")
        defer { withExtendedLifetime(place) {} }
        let receiver = try DatagramReceiver(place("socket"))
        let instance = try QuickInstance(environment: ["NOTIFY_SOCKET": place("socket"), "WATCHDOG_USEC": "200000"])
        try instance.start()
        try DispatcherTests.wait("READY=1") { receiver.read().contains("READY=1") }
        try DispatcherTests.wait("WATCHDOG=1") { receiver.read().contains("WATCHDOG=1") }
        receiver.clear()
        #expect(kill(try #require(instance.dispatcherID), SIGHUP) == 0)
        try DispatcherTests.wait("RELOADING=1, then READY=1") {
            let text = receiver.read()
            guard let reloading = text.firstRange(of: "RELOADING=1\nMONOTONIC_USEC=") else { return false }
            return text[reloading.upperBound...].contains("READY=1")
        }
        receiver.clear()
        #expect(instance.stop() == .exited(0))
        #expect(receiver.read().contains("STOPPING=1"))
    }

    @Test("SIGHUP takes a new certificate without ending a session; a broken one changes nothing")
    func reloadSwapsTheCertificate() throws {
        let instance = try QuickInstance()
        try instance.start()
        let tls = try instance.port("SMTPS_PORT")
        let session = try LineConnection(port: try instance.port("SMTP_PORT"))
        #expect(try session.replyCode() == 220)
        let dispatcher = try #require(instance.dispatcherID)
        let old = try Self.fingerprint(tls)
        let directory = instance.directory + "/spool/certificates/main"
        let made = try ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                "/CN=new.example.test",
                "-keyout", directory + "/key.pem", "-out", directory + "/chain.pem",
            ], seconds: 30)
        #expect(made.ending == .exited(0), "\(made.output)")
        #expect(kill(dispatcher, SIGHUP) == 0)
        try DispatcherTests.wait("the new certificate") { try Self.fingerprint(tls) != old }
        let new = try Self.fingerprint(tls)
        try writeFile(directory + "/chain.pem", "broken\n")
        #expect(kill(dispatcher, SIGHUP) == 0)
        try DispatcherTests.wait("the complaint") { DispatcherTests.trail(instance).contains("MTA reload-failed") }
        #expect(try Self.fingerprint(tls) == new)
        let reload = try instance.command(["reload"])
        #expect(reload.ending == .exited(1) && reload.output.contains("old configuration"), "\(reload.output)")
        #expect(try session.command("NOOP") == 250, "the session of before lives")
        #expect(instance.stop() == .exited(0))
    }

    private static func fingerprint(_ port: Int) throws -> String {
        let result = try ChildProcess.run(
            "/bin/sh",
            ["-c", "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"],
            seconds: 30)
        return result.output
    }

    @Test("R4 a planted trap ends the mta twice and never again; other mail goes on")
    func aTrapIsMetTwiceAndNeverAgain() throws {
        let instance = try QuickInstance(environment: ["POSTOFFICE_TEST_TRAP": "pull-the-trap"])
        try instance.start(["--pause", "10"])
        let port = try instance.port("SMTP_PORT")
        var answers: [Int] = []
        for _ in 0..<4 { answers.append(try Self.send("Subject: pull-the-trap\r\n\r\nx\r\n", port)) }
        #expect(answers == [0, 0, 451, 451])
        #expect(try Self.send("Subject: harmless\r\n\r\nx\r\n", port) == 250)
        let trail = DispatcherTests.trail(instance)
        #expect(trail.components(" Dispatcher crashed ") == 2)
        #expect(trail.components(" Dispatcher blamed ") == 2)
        #expect(instance.stop() == .exited(0))
    }

    @Test("R4 a trap while a message is read by POP3 ends the mta twice; then that one is given out as it is, to everybody it is for")
    func aTrapWhileReadingIsMetTwice() throws {
        let instance = try QuickInstance()
        try instance.start()
        try instance.addAccounts(["taro@example.test", "hana@example.test"], password: "right-1")
        let port = try instance.port("SMTP_PORT")
        let both = ["taro@example.test", "hana@example.test"]
        #expect(try Self.send("Subject: one\r\n\r\n1\r\n", port, to: both) == 250)
        #expect(try Self.send("Subject: pull-the-trap\r\n\r\n2\r\n", port, to: both) == 250)
        #expect(try Self.send("Subject: three\r\n\r\n3\r\n", port, to: both) == 250)
        #expect(instance.stop() == .exited(0))

        instance.environment = ["POSTOFFICE_TEST_TRAP": "pull-the-trap"]
        try instance.start(["--pause", "10"])
        let reading = try instance.port("POP3_PORT")
        // One by TOP, one by RETR, by two people: it is the same body.
        #expect(try Self.read("TOP 2 0", "taro", reading) == nil)
        #expect(try Self.read("RETR 2", "hana", reading) == nil)
        for name in ["taro", "hana"] {
            #expect(try Self.read("TOP 2 1", name, reading)?.hasPrefix("-ERR [SYS/PERM] ") == true)
            for number in [1, 2, 3] { #expect(try Self.read("RETR \(number)", name, reading)?.hasPrefix("+OK ") == true) }
        }
        #expect(instance.stop() == .exited(0))
        let trail = DispatcherTests.trail(instance)
        #expect(trail.components(" Dispatcher crashed ") == 2)
    }

    @Test(
        "R4 a trap while a message is sent to another host ends the mta twice; then it is held, the postmaster is asked, and other mail goes"
    )
    func aTrapWhileSendingIsMetTwice() throws {
        let peer = EvilServer()
        defer { peer.stop() }
        let instance = try QuickInstance()
        try instance.addAccounts(["boss@example.test"], password: "right-1")
        _ = try instance.command(["account", "set", "postmaster", "forwarding-addresses=boss@example.test"])
        try instance.start()
        let place = TemporaryDirectory("trap")
        for (name, subject) in [("one", "pull-the-trap"), ("two", "harmless")] {
            place.write(name, "Subject: \(subject)\n\nx\n")
            let sent = try ChildProcess.run(
                try QuickInstance.program, ["sendmail", "x@\(name).test"], environment: ["POSTOFFICE_CONFIG": instance.configuration],
                input: place(name))
            #expect(sent.ending == .exited(0), "\(sent.output)")
        }
        func queue() -> String { (try? instance.command(["queue", "list"]).output) ?? "" }
        #expect(eventually(within: 60) { queue().contains("x@one.test") && queue().contains("x@two.test") })
        #expect(instance.stop() == .exited(0))

        instance.environment = ["POSTOFFICE_TEST_TRAP": "pull-the-trap"]
        try instance.start(["--pause", "10"])
        let routes = ["one", "two"].map { "[\($0).test:127.0.0.1:\(peer.port)]" }.joined(separator: " ")
        _ = try instance.command(["config", "set", "mail-routing-table", routes])
        _ = try instance.command(["queue", "release", "--all"])
        #expect(eventually(within: 120) { queue().contains("ended the server twice") }, "\(queue())")
        // What was in hand beside it may come twice.
        #expect(eventually(within: 60) { !queue().contains("x@two.test") })
        #expect(!peer.taken.isEmpty && peer.taken.allSatisfy { $0.recipients == ["RCPT TO:<x@two.test>"] })
        // Sent back by hand it stays unread as well.
        let number = try #require(queue().split(separator: "\n").first { $0.contains("x@one.test") }?.split(separator: " ").first)
        #expect(try instance.command(["queue", "return", String(number)]).ending == .exited(0))
        #expect(eventually(within: 60) { !queue().contains("x@one.test") })
        #expect(instance.stop() == .exited(0))
        let trail = DispatcherTests.trail(instance)
        #expect(trail.components(" Dispatcher crashed ") == 2)
        #expect(trail.components(" asked ") == 1)
    }

    /// The first line of the answer to one command of a session of its own; nil when the connection ended before it.
    private static func read(_ command: String, _ name: String, _ port: Int) throws -> String? {
        let connection = try LineConnection(port: port, timeout: 30)
        _ = try connection.line()
        // After a restart the lock of the session before is gone with it; after a lost connection it may take a moment.
        for _ in 0..<100 {
            try connection.send(line: "USER \(name)")
            _ = try connection.line()
            try connection.send(line: "PASS right-1")
            let answer = try connection.line()
            if answer.hasPrefix("+OK") { break }
            usleep(50_000)
        }
        try connection.send(line: command)
        return try? connection.line()
    }

    /// The code of the answer to DATA; 0 when the connection ended before it.
    private static func send(_ message: String, _ port: Int, to recipients: [String] = ["postmaster@example.test"]) throws -> Int {
        let connection = try LineConnection(port: port, timeout: 30)
        _ = try connection.reply()
        for line in ["EHLO client.example", "MAIL FROM:<a@client.example>"] + recipients.map({ "RCPT TO:<\($0)>" }) + ["DATA"] {
            _ = try connection.command(line)
        }
        try connection.send(Array(message.utf8))
        return (try? connection.command(".")) ?? 0
    }
}

/// A server that ended before it served.
private struct EndedEarly: Error, CustomStringConvertible { let description: String }

/// A datagram socket as a service manager has it; keeps what came.
final class DatagramReceiver {
    private let fd: Int32
    private var text = ""

    init(_ path: String) throws {
        self.fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(self.fd, $0, size) } }
        guard bound == 0 else { throw CannotWrite(path: path) }
    }

    deinit { close(self.fd) }

    func clear() {
        _ = self.read()
        self.text = ""
    }

    func read() -> String {
        var block = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(self.fd, &block, block.count, Int32(MSG_DONTWAIT)), count > 0 {
            self.text += String(decoding: block[..<count], as: UTF8.self) + "\n"
        }
        return self.text
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(_ part: String) -> Int { self.split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
