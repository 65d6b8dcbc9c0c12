import Glibc
import MailTesting
import Testing

/// How a whole setup ends: with a server that serves, and the way to the browser.
@Suite(.serialized) struct SetupStartTests {
    /// An installation on ports of its own; root's becomes one of nobody's.
    private final class Installation {
        let place = TemporaryDirectory("install")
        let base: Int
        var configuration: String { self.place("post.office.conf") }
        private static let services = [
            "smtp", "submission", "smtps", "pop3", "pop3s", "imap", "imaps", "http", "https", "finger", "password",
        ]

        init() throws {
            self.base = try #require(PortBases.shared.next())
            chmod(self.place.path, 0o755)
            self.place.write("password", "secret-1\n")
        }

        func port(_ name: String) -> Int { self.base + (Self.services.firstIndex(of: name) ?? 0) }

        func setup(_ more: [String]) throws -> (ending: ChildProcess.Ending, output: String) {
            let user = geteuid() == 0 ? ["--user", "nobody", "--group", "nogroup"] : []
            let ports = Self.services.flatMap { ["--port", "\($0)=\(self.port($0))"] }
            let words = [
                "setup", "--unattended", "--config", self.configuration, "--domain", "example.test", "--host", "mail.example.test",
                "--postmaster-password-file", self.place("password"), "--spool", self.place("spool"), "--mailbox", self.place("mailbox"),
                "--address", "127.0.0.1",
            ]
            return try ChildProcess.run(try QuickInstance.program, words + user + ports + more, seconds: 120)
        }

        /// What was started in the background is no child of the tests.
        func end() {
            _ = try? ChildProcess.run(try QuickInstance.program, ["shutdown", "--config", self.configuration], seconds: 60)
            let holder = pid_t(ChildProcess.text(of: self.place("spool/post.office.pid")).filter(\.isNumber))
            if let holder, holder > 1, !eventually(within: 30, { kill(holder, 0) != 0 }) { kill(holder, SIGKILL) }
        }
    }

    @Test("must-have 116, 156: setup starts the server, says what there is, and shows the way to the browser, where the wrap-up waits")
    func startsAndShowsTheWay() throws {
        let office = try Installation()
        defer { office.end() }
        let made = try office.setup(["--start", "yes"])
        #expect(made.ending == .exited(0), "\(made.output)")
        let place = "https://mail.example.test:\(office.port("https"))/"
        for words in ["Domain: example.test", "https \(office.port("https"))", office.place("spool"), place, "postmaster@example.test"] {
            #expect(made.output.contains(words), "\(words): \(made.output)")
        }
        #expect(made.output.contains("started it") && !made.output.contains("Start the server"))
        // It serves at once, as the service user, and outlives who started it.
        let page = try ChildProcess.run(
            "/usr/bin/curl",
            ["-sSk", "--resolve", "mail.example.test:\(office.port("https")):127.0.0.1", place], seconds: 30)
        #expect(page.ending == .exited(0) && page.output.contains("<html"), "\(page.output)")
        #expect(try LineConnection(port: office.port("smtp")).line().hasPrefix("220"))
        let check = try ChildProcess.run(
            try QuickInstance.program, ["permissions", "--check", "--config", office.configuration], seconds: 30)
        #expect(check.ending == .exited(0), "\(check.output)")
        let again = try office.setup(["--start", "yes", "--lang", "ja"])
        #expect(again.ending == .exited(1) && again.output.contains("動作中です") && !again.output.contains("使用中"), "\(again.output)")
    }

    @Test("a server that does not start: setup says why, fails, and what was set up stays")
    func cannotStart() throws {
        let office = try Installation()
        defer { office.end() }
        let taken = try ChildProcess(
            "/usr/bin/env",
            ["python3", "-c", "import socket,time; s=socket.create_server(('127.0.0.1', \(office.port("imaps")))); time.sleep(120)"])
        defer { taken.end() }
        #expect(eventually { (try? LineConnection(port: office.port("imaps"), timeout: 1)) != nil })
        let made = try office.setup(["--start", "yes"])
        #expect(made.ending == .exited(1), "\(made.output)")
        #expect(made.output.contains("did not start") && made.output.contains("\(office.port("imaps"))"), "\(made.output)")
        let later = try office.setup(["--lang", "ja"])
        #expect(later.ending == .exited(0) && later.output.contains("そのまま") && later.output.contains("サーバを起動"), "\(later.output)")
    }
}
