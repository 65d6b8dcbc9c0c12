import Glibc
import MailTesting
import Testing

/// What a postmaster changes or breaks under a running server, and what `status` says of it.
@Suite("Changes under way, and troubles that status names, the whole server", .serialized) struct TroubleStatusTests {
    private static func run(_ instance: QuickInstance, _ arguments: String...) throws -> (status: ChildProcess.Ending, output: String) {
        let result = try ChildProcess.run(
            try QuickInstance.program, arguments + ["--config", instance.configuration], environment: ["LANG": "C"], seconds: 60)
        return (result.ending, result.output)
    }

    /// The reply to MAIL, or to the dot of a message for the postmaster.
    private static func reply(_ instance: QuickInstance, whole: Bool = false) throws -> String {
        let connection = try LineConnection(port: try instance.port("SMTP_PORT"), timeout: 20)
        _ = try connection.reply()
        var reply = ""
        let lines = ["EHLO client.test", "MAIL FROM:<a@remote.test>"]
        for line in lines + (whole ? ["RCPT TO:<postmaster@example.test>", "DATA", "Subject: x\r\n\r\nx\r\n."] : []) {
            try connection.send(Array("\(line)\r\n".utf8))
            reply = try connection.reply().joined(separator: "|")
        }
        return reply
    }

    @Test("minimum-free-disk holds at once, both ways; no rollback lets a trial instance send")
    func changes() throws {
        let instance = try QuickInstance()
        try instance.start()
        #expect(try Self.reply(instance).hasPrefix("250"))
        #expect(try Self.run(instance, "config", "set", "minimum-free-disk", "16 TiB").status == .exited(0))
        #expect(try Self.reply(instance).hasPrefix("452"))
        let low = try Self.run(instance, "status")
        #expect(low.status == .exited(1) && low.output.contains("new mail is refused"))
        #expect(try Self.run(instance, "config", "rollback", "1").status == .exited(0))
        #expect(try Self.reply(instance).hasPrefix("250"))
        #expect(try Self.run(instance, "config", "get", "outbound-reach").output == "this-host\n")
    }

    /// A file stands where a directory must be: not even root can write into that.
    private static func replaceByFile(_ directory: String) throws {
        try #require(rename(directory, directory + ".away") == 0)
        try writeFile(directory, "")
    }

    private static func restore(_ directory: String) throws {
        try #require(unlink(directory) == 0 && rename(directory + ".away", directory) == 0)
    }

    @Test("status names a store and a log that cannot be written, with the cure; mail and log go on when they can be")
    func unwritable() throws {
        let instance = try QuickInstance()
        try instance.start()
        let (segments, log) = ("\(instance.directory)/mailbox/segments", "\(instance.directory)/spool/log")
        try Self.replaceByFile(segments)
        #expect(try Self.reply(instance, whole: true).hasPrefix("451"))
        var status = try Self.run(instance, "status")
        #expect(status.status == .exited(1) && status.output.contains("may not write to \(segments)"), "\(status.output)")
        #expect(status.output.contains("postoffice permissions") && !status.output.contains("All is well"))
        #expect(try Self.run(instance, "status", "--lang", "ja").output.contains("\(segments) に書き込めません"))
        try Self.restore(segments)
        #expect(try Self.reply(instance, whole: true).hasPrefix("250"))
        #expect(try Self.run(instance, "status").output.contains("All is well"))

        try Self.replaceByFile(log)
        for name in directoryEntries(log + ".away") { unlink("\(log).away/\(name)") }
        #expect(try Self.reply(instance).hasPrefix("250"))
        #expect(eventually { instance.log.contains("the log in \(log) cannot be written") })
        status = try Self.run(instance, "status")
        #expect(status.status == .exited(1) && status.output.contains("what happens is not logged"), "\(status.output)")
        #expect(status.output.contains("could not be written since the server started"))
        #expect(instance.log.components("cannot be written").count == 2, "told once")
        try Self.restore(log)
        #expect(eventually { (try? Self.reply(instance)) != nil && instance.trail.contains("events-dropped count=") })
        #expect(eventually { instance.log.contains("is written again") })
        status = try Self.run(instance, "status")
        #expect(status.status == .exited(0) && status.output.contains("All is well"), "\(status.output)")
        #expect(status.output.contains("events-dropped"))
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
