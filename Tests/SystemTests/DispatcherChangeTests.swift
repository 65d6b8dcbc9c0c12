import Glibc
import MailTesting
import Testing

/// What changes under a running server, and who may start one.
@Suite(.serialized) struct DispatcherChangeTests {
    private static func greets(_ port: Int) -> Bool { (try? LineConnection(port: port, timeout: 10).line().hasPrefix("220")) ?? false }

    /// Below the ports that the kernel gives to clients: one of those may be taken at any moment.
    private static func freePort() throws -> Int {
        for port in (10_000..<20_000).shuffled() where (try? LineConnection(port: port, timeout: 5)) == nil { return port }
        throw CannotWrite(path: "no free port")
    }

    @Test("SIGHUP opens new listeners and closes those that are gone; sessions live on; a new mta has the same")
    func listenersFollowTheStartFile() throws {
        let instance = try QuickInstance(environment: [:])
        instance.arguments = ["--pause", "50"]
        try instance.start()
        let dispatcher = try #require(instance.dispatcherID)
        let submission = try instance.port("SUBMISSION_PORT")
        let session = try LineConnection(port: submission)
        #expect(try session.replyCode() == 220)
        let before = ChildProcess.text(of: instance.configuration)
        let added = try Self.freePort()

        // The listener for submission moves to another port.
        try writeFile(instance.configuration, before.replacing("port: \(submission)\n", with: "port: \(added)\n"))
        #expect(kill(dispatcher, SIGHUP) == 0)
        try DispatcherTests.wait("the new port") { Self.greets(added) }
        try DispatcherTests.wait("the end of the old port") { (try? LineConnection(port: submission, timeout: 5)) == nil }
        #expect(try session.command("NOOP") == 250, "the session of before lives")
        #expect(Self.greets(try instance.port("SMTP_PORT")))

        // A file that cannot be read changes nothing.
        try writeFile(instance.configuration, "nonsense\n")
        #expect(kill(dispatcher, SIGHUP) == 0)
        try DispatcherTests.wait("the complaint") { instance.trail.contains("MTA reload-failed") }
        #expect(Self.greets(added))

        // The next mta inherits what is open now.
        try writeFile(instance.configuration, before.replacing("port: \(submission)\n", with: "port: \(added)\n"))
        let old = try #require(instance.mtaID)
        #expect(kill(old, SIGKILL) == 0)
        try DispatcherTests.wait("a new mta") { instance.mtaID.map { $0 != old } ?? false }
        try DispatcherTests.wait("the new port again") { Self.greets(added) }

        // And back.
        try writeFile(instance.configuration, before)
        #expect(try instance.command(["reload"]).ending == .exited(0))
        try DispatcherTests.wait("the old port again") { Self.greets(submission) }
        #expect(instance.stop() == .exited(0))
    }

    @Test("without a control socket mail is served all the same, and the log says why there are no commands")
    func mailWithoutControlSocket() throws {
        let instance = try QuickInstance()
        // Nobody can make a socket where a directory lies that is not empty.
        mkdir("\(instance.directory)/spool/control.sock", 0o700)
        mkdir("\(instance.directory)/spool/control.sock/in-the-way", 0o700)
        try instance.start()
        #expect(Self.greets(try instance.port("SMTP_PORT")))
        try DispatcherTests.wait("the word in the log") { instance.trail.contains("MTA no-control-socket") }
        #expect(instance.stop() == .exited(0))
    }

    @Test("a user who is not the service user is refused in one sentence that says who may", .enabled(if: geteuid() == 0))
    func otherUsersAreRefused() throws {
        let place = TemporaryDirectory("user")
        defer { withExtendedLifetime(place) {} }
        chmod(place.path, 0o755)
        let instance = try QuickInstance(in: place("var"))
        let text = ChildProcess.text(of: instance.configuration)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter {
            !$0.hasPrefix("user:") && !$0.hasPrefix("group:")
        }
        place.write("post.office.conf", lines.joined(separator: "\n") + "user: daemon\n")
        chmod(place("post.office.conf"), 0o644)
        for verb in [["run"], ["check"]] {
            let result = try ChildProcess.run(
                "/usr/bin/setpriv",
                ["--reuid=65534", "--regid=65534", "--clear-groups", try QuickInstance.program] + verb + [
                    "--config", place("post.office.conf"),
                ],
                seconds: 60)
            #expect(result.ending != .exited(0))
            #expect(result.output.split(separator: "\n").count == 1, "\(verb): \(result.output)")
            #expect(result.output.contains("daemon"), "\(verb): \(result.output)")
        }
    }

    @Test("the unit for systemd says what the server keeps to, and systemd reads it without complaint")
    func theUnitIsSound() throws {
        let path = "\(try Self.repository())/Packaging/systemd/post.office.service"
        let unit = ChildProcess.text(of: path)
        for line in [
            "Type=notify", "ExecStart=/usr/local/bin/postoffice run --config /etc/post.office.conf", "ExecReload=/bin/kill -HUP $MAINPID",
            "RestartPreventExitStatus=2", "WatchdogSec=60", "TimeoutStopSec=45", "KillMode=mixed", "WantedBy=multi-user.target",
        ] { #expect(unit.contains("\n\(line)\n"), "\(line) is missing") }
        guard access("/usr/bin/systemd-analyze", X_OK) == 0 else { return }
        let place = TemporaryDirectory("unit")
        defer { withExtendedLifetime(place) {} }
        // It looks whether the program is there.
        place.write("post.office.service", unit.replacing("/usr/local/bin/postoffice", with: try QuickInstance.program))
        mkdir(place("post.office.service.d"), 0o755)
        let more = ChildProcess.text(of: "\(path).d/system-delivery.conf")
        #expect(more.contains("\nRestrictNamespaces=pid\n") && more.contains("\nProtectHome=no\n"))
        // The last one shows that what stands beside the unit is read.
        for (addition, isSound) in [("", true), (more, true), (more + "Nonsense=x\n", false)] {
            place.write("post.office.service.d/system-delivery.conf", addition)
            let result = try ChildProcess.run(
                "/usr/bin/systemd-analyze", ["verify", "--man=no", place("post.office.service")], seconds: 60)
            let complaints = result.output.split(separator: "\n").filter { $0.contains("post.office.service") }
            #expect(complaints.isEmpty == isSound, "\(result.output)")
        }
    }

    /// The tests run in the repository, or below it.
    private static func repository() throws -> String {
        var place = try ChildProcess.buildDirectory()
        while !place.isEmpty, access("\(place)/Package.swift", R_OK) != 0 {
            place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
        }
        return place
    }
}
