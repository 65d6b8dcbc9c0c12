import Glibc
import MailTesting
import Synchronization
import Testing

/// The dispatcher with real processes. Every wait is bounded; a bound is never the measure of success, only of patience.
@Suite(.serialized) struct DispatcherTests {
    static func wait(_ what: String, seconds: Int = 60, until isSo: () throws -> Bool) throws {
        let deadline = monotonicSeconds() + Double(seconds)
        repeat {
            if try isSo() { return }
            usleep(20_000)
        } while monotonicSeconds() < deadline
        // A process that was stopped for a while has not looked since.
        if try isSo() { return }
        throw InVain(what, seconds: Double(seconds))
    }

    /// Log of the instance, not of its standard output.
    static func trail(_ instance: QuickInstance) -> String { instance.trail }

    @Test("R7 kill -9 of the mta under load refuses no connection; it comes back, then with growing pauses")
    func killingTheMTARefusesNoConnection() throws {
        let instance = try QuickInstance()
        try instance.start(["--pause", "300"])
        let port = try instance.port("SMTP_PORT")
        let isOver = Atomic<Bool>(false)
        let refused = Atomic<Int>(0)
        let greeted = Atomic<Int>(0)
        let threads = (0..<4).map { _ in
            TestThread {
                while !isOver.load(ordering: .relaxed) {
                    do {
                        let connection = try LineConnection(port: port, timeout: 20)
                        // A connection that the dead mta had taken ends without greeting; that is no refusal.
                        if let line = try? connection.line(), line.hasPrefix("220") { greeted.add(1, ordering: .relaxed) }
                    } catch let failure as LineConnection.Failure where failure.isRefused {
                        refused.add(1, ordering: .relaxed)
                    } catch {}
                }
            }
        }
        for _ in 0..<3 {
            let before = greeted.load(ordering: .relaxed)
            try Self.wait("greetings") { greeted.load(ordering: .relaxed) > before + 20 }
            let old = try #require(instance.mtaID)
            #expect(kill(old, SIGKILL) == 0)
            try Self.wait("a new mta") { instance.mtaID.map { $0 != old } ?? false }
        }
        let before = greeted.load(ordering: .relaxed)
        try Self.wait("greetings at the end") { greeted.load(ordering: .relaxed) > before + 20 }
        isOver.store(true, ordering: .relaxed)
        for thread in threads { try thread.join() }
        #expect(refused.load(ordering: .relaxed) == 0)
        #expect(instance.stop() == .exited(0))
        let trail = Self.trail(instance)
        #expect(trail.contains("Dispatcher restarting milliseconds=0 crashes=1"))
        #expect(trail.contains("Dispatcher restarting milliseconds=300 crashes=2"))
        #expect(trail.contains("Dispatcher restarting milliseconds=600 crashes=3"))
    }

    @Test("R6 an mta that falls silent is killed and replaced")
    func aSilentMTAIsReplaced() throws {
        let instance = try QuickInstance()
        try instance.start(["--silence", "1"])
        let old = try #require(instance.mtaID)
        #expect(kill(old, SIGSTOP) == 0)
        try Self.wait("a new mta") { instance.mtaID.map { $0 != old } ?? false }
        #expect(kill(old, 0) != 0, "the silent one is gone")
        let connection = try LineConnection(port: try instance.port("SMTP_PORT"), timeout: 20)
        #expect(try connection.line().hasPrefix("220"))
        #expect(Self.trail(instance).contains("Dispatcher silent"))
        #expect(instance.stop() == .exited(0))
    }

    @Test("R6 while the mta does not answer, status says so; when it answers again, all goes on")
    func statusOfASilentMTA() throws {
        let instance = try QuickInstance()
        try instance.start(["--silence", "60"])
        let mta = try #require(instance.mtaID)
        #expect(kill(mta, SIGSTOP) == 0)
        let status = try instance.command(["status"])
        #expect(status.output.contains("the mta does not answer") && instance.mtaID == mta, "\(status)")
        #expect(try instance.command(["status", "--lang", "ja"]).output.contains("mta が応答しません"))
        #expect(kill(mta, SIGCONT) == 0)
        try Self.wait("an answer") { try !instance.command(["status"]).output.contains("does not answer") }
        #expect(instance.mtaID == mta)
        #expect(instance.stop() == .exited(0))
    }

    @Test("R6 a command for a silent mta waits for its successor and is carried out once")
    func commandForASilentMTA() throws {
        let instance = try QuickInstance()
        try instance.start(["--silence", "5"])
        let old = try #require(instance.mtaID)
        let place = TemporaryDirectory("input")
        place.write("password", "long enough\n")
        #expect(kill(old, SIGSTOP) == 0)
        let added = try instance.command(["account", "add", "late@example.test", "--password-stdin"], input: place("password"))
        #expect(added.ending == .exited(0), "\(added)")
        #expect(instance.mtaID.map { $0 != old } == true)
        #expect(try instance.command(["account", "list"]).output.components(separatedBy: "late@example.test").count == 2)
        #expect(instance.stop() == .exited(0))
    }

    @Test("a drain lets a DATA in hand finish, then says goodbye and ends with 0")
    func drainFinishesWhatIsInHand() throws {
        let instance = try QuickInstance()
        try instance.start()
        let busy = try LineConnection(port: try instance.port("SMTP_PORT"))
        let idle = try LineConnection(port: try instance.port("SMTP_PORT"))
        for connection in [busy, idle] { #expect(try connection.replyCode() == 220) }
        for line in ["EHLO client.example", "MAIL FROM:<a@client.example>", "RCPT TO:<postmaster@example.test>"] {
            #expect(try busy.command(line) == 250)
        }
        #expect(try busy.command("DATA") == 354)
        let dispatcher = try #require(instance.dispatcherID)
        #expect(kill(dispatcher, SIGTERM) == 0)
        #expect(try idle.replyCode() == 421)
        try busy.send(Array("Subject: in hand\r\n\r\nfinish me\r\n".utf8))
        #expect(try busy.command(".") == 250)
        #expect(try busy.replyCode() == 421)
        try Self.wait("the end") { !instance.isRunning }
        #expect(instance.stop() == .exited(0))
        #expect(instance.mtaID == nil)
    }

    @Test("a second SIGTERM ends open sessions at once")
    func theSecondSignalHurries() throws {
        let instance = try QuickInstance()
        try instance.start()
        let busy = try LineConnection(port: try instance.port("SMTP_PORT"))
        #expect(try busy.replyCode() == 220)
        for line in ["EHLO client.example", "MAIL FROM:<a@client.example>", "RCPT TO:<postmaster@example.test>"] {
            #expect(try busy.command(line) == 250)
        }
        #expect(try busy.command("DATA") == 354)
        let dispatcher = try #require(instance.dispatcherID)
        #expect(kill(dispatcher, SIGTERM) == 0)
        try Self.wait("the drain") { Self.trail(instance).contains("MTA draining") }
        #expect(kill(dispatcher, SIGTERM) == 0)
        try Self.wait("the end", seconds: 8) { !instance.isRunning }
        #expect(instance.stop() == .exited(0))
    }

    @Test("a dispatcher that is killed takes its mta with it, so that a new one can start")
    func theMTADoesNotOutliveItsDispatcher() throws {
        let instance = try QuickInstance()
        try instance.start()
        let mta = try #require(instance.mtaID)
        #expect(kill(try #require(instance.dispatcherID), SIGKILL) == 0)
        try Self.wait("the end of the mta") { kill(mta, 0) != 0 }
        _ = instance.stop()
        try instance.start()
        #expect(instance.stop() == .exited(0))
    }

    @Test("a second instance on the same directories is refused with the reason")
    func runningTwiceIsRefused() throws {
        let instance = try QuickInstance()
        try instance.start()
        let second = try instance.command(["run"])
        #expect(second.ending == .exited(1))
        #expect(second.output.contains("already running"))
        #expect(instance.stop() == .exited(0))
    }

    @Test("a busy port is named, with the cure")
    func aBusyPortIsNamed() throws {
        let instance = try QuickInstance()
        let other = try QuickInstance(in: instance.directory + "-other")
        defer { unlinkTree(other.directory) }
        try instance.start()
        let port = try instance.port("POP3_PORT")
        let text = ChildProcess.text(of: other.configuration).replacing("port: \(try other.port("POP3_PORT"))", with: "port: \(port)")
        try writeFile(other.configuration, text)
        let result = try other.command(["run"])
        #expect(result.ending == .exited(1))
        #expect(result.output.contains("\(port)") && result.output.contains("in use"))
        #expect(instance.stop() == .exited(0))
    }

    @Test("a broken start file gives one line and status 2")
    func aBrokenStartFileEndsTheRun() throws {
        let place = TemporaryDirectory("broken")
        defer { withExtendedLifetime(place) {} }
        place.write("post.office.conf", "directories:\n  program: /p\n  spool: spool\n")
        for verb in ["run", "status", "shutdown", "reload"] {
            let result = try ChildProcess.run(try QuickInstance.program, [verb, "--config", place("post.office.conf")], seconds: 30)
            #expect(result.ending == .exited(2), "\(verb)")
            #expect(result.output.contains("post.office.conf:3: directories.spool: "), "\(result.output)")
            #expect(result.output.split(separator: "\n").count == 1)
        }
    }

    @Test("status works when all is down and when all is up; shutdown stops")
    func statusAndShutdown() throws {
        let instance = try QuickInstance()
        let down = try instance.command(["status"])
        #expect(down.ending == .exited(1) && down.output.contains("not running") && down.output.contains("postoffice run"))
        try instance.start()
        let up = try instance.command(["status"])
        #expect(up.ending == .exited(0), "\(up.output)")
        #expect(up.output.contains("All is well."))
        #expect(try instance.command(["status", "--lang", "ja"]).output.contains("異常はありません。"))
        #expect(try instance.command(["shutdown"]).ending == .exited(0))
        #expect(instance.stop() == .exited(0))
        #expect(try instance.command(["shutdown"]).output.contains("not running"))
    }
}

/// A thread that a test waits for.
final class TestThread: Sendable {
    private let isDone = Atomic<Bool>(false)

    init(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(self, body))
        var id = pthread_t()
        let code = pthread_create(
            &id, nil,
            { raw in
                guard let raw else { return nil }
                let box = Unmanaged<Body>.fromOpaque(raw).takeRetainedValue()
                box.run()
                box.thread.isDone.store(true, ordering: .releasing)
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(id) } else { self.isDone.store(true, ordering: .releasing) }
    }

    /// At most so many seconds: far more than the timeouts of what such threads do.
    func join(within seconds: Int = 90) throws {
        guard eventually(within: seconds, { self.isDone.load(ordering: .acquiring) }) else {
            throw InVain("a thread of the test to end", seconds: Double(seconds), whereabouts(of: getpid(), depth: 0))
        }
    }

    private final class Body: Sendable {
        let thread: TestThread
        let run: @Sendable () -> Void
        init(_ thread: TestThread, _ run: @escaping @Sendable () -> Void) {
            self.thread = thread
            self.run = run
        }
    }
}

struct CannotWrite: Error { let path: String }

func writeFile(_ path: String, _ text: String) throws {
    guard let file = fopen(path, "w") else { throw CannotWrite(path: path) }
    fputs(text, file)
    fclose(file)
}

/// A directory beside the one that a test owns.
func unlinkTree(_ path: String) { _ = try? ChildProcess.run("/bin/rm", ["-rf", path], seconds: 30) }
