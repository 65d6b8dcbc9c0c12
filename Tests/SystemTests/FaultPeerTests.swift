import Glibc
import MailTesting
import PowerCutKit
import Testing

extension Faults {
    /// Many descriptors for this process, which plays all the peers.
    static func raiseDescriptors() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try #require(limit.rlim_cur >= 6_000, "this test needs 6,000 descriptors, the limit is \(limit.rlim_cur)")
    }

    /// Milliseconds that `count` messages took, each from MAIL to 250, sorted.
    static func latencies(_ count: Int, _ sender: Sender, _ instance: FaultInstance, _ account: Account) throws -> [Double] {
        let session = try instance.session()
        return try (0..<count).map { _ in
            let begin = monotonicSeconds()
            let code = try sender.send(Sample(number: account.number(), seed: 5, size: 1_000, recipients: [0]), session)
            #expect(code == 250)
            return (monotonicSeconds() - begin) * 1000
        }.sorted()
    }

    static func describe(_ latencies: [Double]) -> String {
        func at(_ part: Double) -> String {
            "\((latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))] * 10).rounded() / 10) ms"
        }
        return "p50 \(at(0.5)), p99 \(at(0.99)), most \(at(1))"
    }

    @Test("L1 L3 2,000 slow connections do not keep others from being served")
    func servesBesideSlowPeers() throws {
        try Self.raiseDescriptors()
        let instance = try FaultInstance(users: 1)
        let account = Account()
        let sender = try instance.sender(account)
        let alone = try Self.latencies(200, sender, instance, account)
        let port = try instance.server.port("SMTP_PORT")
        var slow: [LineConnection] = []
        for index in 0..<2_000 {
            let connection = try LineConnection(port: port, timeout: 30)
            #expect(try connection.replyCode() == 220)
            // Half of them hang in a command, half in the body of a message.
            if index % 2 == 0 {
                try connection.send(Array("EHLO sl".utf8))
            } else {
                try connection.command("EHLO slow.example")
                try connection.command("MAIL FROM:<slow@elsewhere.example>")
                try connection.command("RCPT TO:<user0@\(instance.domain)>")
                try connection.command("DATA")
            }
            slow.append(connection)
        }
        var beside: [Double] = []
        for _ in 0..<5 {
            for connection in slow { try? connection.send([UInt8(ascii: "o")]) }
            beside += try Self.latencies(40, sender, instance, account)
        }
        let memory = instance.server.mtaID.map(ProcessFacts.residentMiB) ?? 0
        print("slow peers: alone \(Self.describe(alone)); beside 2,000 \(Self.describe(beside.sorted())); mta has \(Int(memory)) MiB")
        slow = []
        let reckoning = try Reckoning(account.now, users: 1, instance.reader)
        #expect(reckoning.complaints.isEmpty, "\(reckoning.complaints.prefix(5))")
        #expect(reckoning.delivered == 400)
        try instance.expectSound()
    }

    @Test("R11 out of descriptors: no spinning, those inside are served, and those outside come in when there is room")
    func survivesDescriptorsUsedUp() throws {
        try Self.raiseDescriptors()
        let instance = try FaultInstance(users: 1, launcher: ["/bin/sh", "-c", "ulimit -n 160; exec \"$@\"", "sh"])
        let account = Account()
        let sender = try instance.sender(account)
        var inside: LineConnection? = try instance.session()
        let port = try instance.server.port("SMTP_PORT")
        // Twice as many as can be taken; the rest waits in the backlog.
        var crowd = try (0..<320).map { _ in try LineConnection(port: port, timeout: 30) }
        sleep(1)
        let mta = try #require(instance.server.mtaID)
        let before = ProcessFacts.cpuSeconds(mta)
        sleep(3)
        let used = ProcessFacts.cpuSeconds(mta) - before
        print("descriptors used up: \(crowd.count) connections, the mta used \((used * 1000).rounded()) ms of CPU in 3 s")
        #expect(used < 1, "the mta spins: \(used) s of CPU in 3 s")
        if let inside { #expect(try sender.send(Sample(number: account.number(), seed: 5, size: 1_000, recipients: [0]), inside) == 250) }
        #expect(instance.server.mtaID == mta, "the mta did not live through it")
        crowd = []
        inside = nil
        try Self.afterTheCrowd(instance, account, sender)
    }

    @Test("R11 the limit is lowered under a running server: accepting pauses, those inside go on, all come in when there is room")
    func survivesRefusedDescriptors() throws {
        try Self.raiseDescriptors()
        let instance = try FaultInstance(users: 1)
        let account = Account()
        let sender = try instance.sender(account)
        var inside: LineConnection? = try instance.session()
        let mta = try #require(instance.server.mtaID)
        try DispatcherTests.wait("the log of the session") { instance.openSessions > 0 }
        // Below what the server counts with, so that accept(2) itself fails.
        let used = directoryEntries("/proc/\(mta)/fd").count
        try Self.limitDescriptors(of: mta, to: used + 6)
        let port = try instance.server.port("SMTP_PORT")
        var crowd = try (0..<80).map { _ in try LineConnection(port: port, timeout: 30) }
        try DispatcherTests.wait("the pause in the log") { instance.server.trail.contains("accept-paused") }
        let before = ProcessFacts.cpuSeconds(mta)
        sleep(2)
        let spent = ProcessFacts.cpuSeconds(mta) - before
        print("descriptors refused: the mta used \((spent * 1000).rounded()) ms of CPU in 2 s")
        #expect(spent < 0.7, "the mta spins: \(spent) s of CPU in 2 s")
        #expect(try inside?.command("NOOP") == 250)
        try Self.limitDescriptors(of: mta, to: 4_096)
        for connection in crowd { #expect(try connection.replyCode() == 220) }
        crowd = []
        inside = nil
        #expect(instance.server.mtaID == mta, "the mta did not live through it")
        try Self.afterTheCrowd(instance, account, sender, messages: 1)
    }

    /// By the tool of the system: nobody else may change another process.
    private static func limitDescriptors(of id: pid_t, to count: Int) throws {
        let result = try ChildProcess.run("/usr/bin/prlimit", ["--pid", "\(id)", "--nofile=\(count):4096"], seconds: 10)
        try #require(result.ending == .exited(0), "\(result.output)")
    }

    private static func afterTheCrowd(_ instance: FaultInstance, _ account: Account, _ sender: Sender, messages: Int = 2) throws {
        try DispatcherTests.wait("the end of all sessions, \(instance.openSessions) of them open") { instance.openSessions == 0 }
        #expect(try sender.send(Sample(number: account.number(), seed: 5, size: 1_000, recipients: [0]), instance.session()) == 250)
        let reckoning = try Reckoning(account.now, users: 1, instance.reader)
        #expect(reckoning.complaints.isEmpty && reckoning.delivered == messages, "\(reckoning.complaints)")
        try instance.expectSound()
    }
}
