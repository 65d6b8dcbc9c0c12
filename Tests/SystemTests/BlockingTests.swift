import MailTesting
import Testing

/// Mail blocking, filters and the queue's release with the real executables, as a postmaster would use them.
@Suite("Blocking, filters and QSND, the whole server", .serialized) struct BlockingTests {
    private static func run(_ instance: QuickInstance, _ arguments: String...) throws -> (status: ChildProcess.Ending, output: String) {
        let result = try ChildProcess.run(
            try QuickInstance.program, arguments + ["--config", instance.configuration], environment: ["LANG": "C"], seconds: 60)
        return (result.ending, result.output)
    }

    private static func greeting(_ instance: QuickInstance, _ port: String = "SMTP_PORT") throws -> String? {
        let connection = try LineConnection(port: try instance.port(port), timeout: 20)
        return try? connection.line()
    }

    /// One message from a stranger; the reply to the dot.
    private static func send(_ instance: QuickInstance, _ recipient: String, _ text: String) throws -> String {
        let connection = try LineConnection(port: try instance.port("SMTP_PORT"), timeout: 20)
        _ = try connection.reply()
        for line in ["EHLO client.test", "MAIL FROM:<a@remote.test>", "RCPT TO:<\(recipient)>", "DATA"] {
            try connection.send(Array("\(line)\r\n".utf8))
            _ = try connection.reply()
        }
        try connection.send(Array("\(text)\r\n.\r\n".utf8))
        return try connection.reply().joined(separator: "|")
    }

    @Test("A blocked host is closed before any module speaks, unless it is excepted; other services go on; the log says why")
    func blockedHosts() throws {
        let instance = try QuickInstance()
        try instance.start()
        #expect(try Self.run(instance, "config", "set", "blocked-hosts", "127.0.0.0/8").status == .exited(0))
        #expect(eventually { (try? Self.greeting(instance)) == .some(nil) })
        #expect(try Self.greeting(instance, "SUBMISSION_PORT") == nil)
        #expect(try Self.greeting(instance, "POP3_PORT")?.hasPrefix("+OK") == true)
        #expect(eventually { instance.trail.contains("refused-at-connect") && instance.trail.contains("cause=rule") })
        #expect(try Self.run(instance, "config", "set", "blocking-exceptions", "127.0.0.1").status == .exited(0))
        #expect(eventually { (try? Self.greeting(instance))??.hasPrefix("220") == true })
        #expect(try Self.run(instance, "blocked", "list").output.contains("0 held back"))
    }

    @Test("What a filter holds is seen in the queue, tried with filter test, and delivered when it is released; QSND answers")
    func heldAndReleased() throws {
        let instance = try QuickInstance()
        try instance.start()
        #expect(try Self.run(instance, "account", "add", "jane@example.test").status == .exited(0))
        #expect(try Self.run(instance, "config", "set", "filters", "h: if body /needle/ then hold \"look at it\"").status == .exited(0))
        #expect(try Self.send(instance, "jane@example.test", "Subject: x\r\n\r\na needle").hasPrefix("250"))
        #expect(try Self.send(instance, "jane@example.test", "Subject: x\r\n\r\nplain").hasPrefix("250"))
        var list = ""
        #expect(
            eventually {
                list = (try? Self.run(instance, "queue", "list").output) ?? ""
                return list.contains("(held by filter h: look at it)")
            })
        let number = try #require(list.split(separator: " ").first.map(String.init))
        #expect(try Self.run(instance, "filter", "test", "--entry", number).output.contains("hold look at it  (h)"))
        #expect(try Self.run(instance, "filter", "test", "--account", "jane", "--uid", "1").output.contains("jane@example.test: deliver"))
        #expect(try Self.run(instance, "queue", "release", number).status == .exited(0))
        // It is the second message of the inbox now, with the text that the rule looks for.
        #expect(
            eventually {
                (try? Self.run(instance, "filter", "test", "--account", "jane", "--uid", "2").output.contains("hold look at it  (h)"))
                    == true
            })
        #expect(eventually { (try? Self.run(instance, "queue", "list").output.hasPrefix("0 in the queue")) == true })
        let connection = try LineConnection(port: try instance.port("SMTP_PORT"), timeout: 20)
        _ = try connection.reply()
        try connection.send(Array("qsnd\r\n".utf8))
        #expect(try connection.reply() == ["250 2.0.0 No messages waiting"])
    }
}
