import Glibc
import MailTesting
import Testing

/// `postoffice --server`: commands of one host, carried out on another over its web port. Must-have 143.
@Suite(.serialized) struct RemoteCommandTests {
    private final class World {
        let instance: QuickInstance
        let key: String
        let server: String
        let ca: String

        init() throws {
            self.instance = try QuickInstance()
            try self.instance.start()
            let made = try self.instance.command(["token", "add", "remote", "--scope", "all", "--json"])
            let text = made.output.split(separator: "\"token\":\"").dropFirst().first?.prefix { $0 != "\"" }
            self.key = try #require(text.map(String.init), "\(made.output)")
            self.server = "https://127.0.0.1:\(try self.instance.port("HTTPS_PORT"))"
            self.ca = try #require(self.instance.settings["CA_FILE"])
        }

        /// A command as somebody at another computer types it: no start file, no control socket.
        func command(_ words: [String], key: String? = nil, ca: String? = nil, input: String? = nil) throws -> (code: Int, output: String) {
            let result = try ChildProcess.run(
                try QuickInstance.program, words + ["--server", self.server, "--ca", ca ?? self.ca],
                environment: ["POSTOFFICE_TOKEN": key ?? self.key, "POSTOFFICE_CONFIG": "/nowhere"], input: input, seconds: 60)
            guard case .exited(let code) = result.ending else { return (-1, result.output) }
            return (Int(code), result.output)
        }
    }

    @Test("must-have 143: accounts, settings, queue, log, certificates and status of a host are managed from another one")
    func everythingFromAfar() throws {
        let world = try World()
        defer { world.instance.stop() }
        let files = TemporaryDirectory("remote")
        files.write("password", "a good password\n")
        let added = try world.command(
            ["account", "add", "jane@example.test", "--name", "Jane 日本", "--password-stdin"], input: files("password"))
        #expect(added.code == 0 && added.output.contains("added jane@example.test"), "\(added.output)")
        #expect(try world.command(["account", "show", "jane", "--json"]).output.contains("Jane 日本"))
        #expect(try world.command(["account", "add", "jane@example.test", "--lang", "ja"]).code == 1)
        #expect(try world.command(["config", "set", "delay-warning", "12 h"]).code == 0)
        #expect(try world.command(["config", "get", "delay-warning"]).output == "12 h\n")
        #expect(try world.command(["queue", "list"]).output.contains("0 in the queue"))
        #expect(try world.command(["cert", "show"]).output.contains("SHA-256"))
        #expect(try world.command(["status"]).output.contains("mta"))
        #expect(try world.command(["reload"]).code == 0)
        #expect(try world.command(["log", "--lines", "3"]).output.split(separator: "\n").count == 3)
        #expect(try world.command(["trace", "nobody@nowhere.test"]).code == 1)
        #expect(try world.command(["counters", "--json"]).output.contains("\"points\""))
        let audit = try world.command(["audit", "--interface", "api"])
        #expect(
            audit.output.contains("key remote") && audit.output.contains("jane@example.test") && audit.output.contains("127.0.0.1"),
            "\(audit.output)")
        #expect(
            !audit.output.contains("a good password") && !world.instance.trail.contains(world.key)
                && !world.instance.log.contains(world.key))
        // What belongs to the host itself says so.
        let shutdown = try world.command(["shutdown"])
        #expect(shutdown.code == 2 && shutdown.output.contains("own host"), "\(shutdown.output)")
    }

    @Test("mail goes in and out of a mailbox of another host") func mailFromAfar() throws {
        let world = try World()
        defer { world.instance.stop() }
        try world.instance.addAccounts(["bob@example.test"], password: "a good password")
        let files = TemporaryDirectory("mbox")
        files.write("in.mbox", "From a@b Sun Nov 22 10:00:00 2026\nFrom: a@b.test\nSubject: =?utf-8?b?5pel5pys?=\n\nline one\n\n")
        let taken = try world.command(["import", "mbox", "bob", files("in.mbox")])
        #expect(taken.code == 0, "\(taken.output)")
        let given = try world.command(["export", "mbox", "bob", files("out.mbox")])
        #expect(given.code == 0, "\(given.output)")
        #expect(ChildProcess.text(of: files("out.mbox")).contains("line one"))
    }

    @Test("a certificate nobody vouches for, a wrong name, a wrong key and a wrong address end before anything is done")
    func strangersAreRefused() throws {
        let world = try World()
        defer { world.instance.stop() }
        let other = TemporaryDirectory("ca")
        // A certificate that is somebody else's.
        let second = try QuickInstance()
        let foreign = try #require(second.settings["CA_FILE"])
        let untrusted = try world.command(["status"], ca: foreign)
        #expect(untrusted.code == 1 && untrusted.output.contains("cannot be trusted"), "\(untrusted.output)")
        #expect(try world.command(["status"], ca: other("missing.pem")).output.contains("--ca"))
        let wrong = try world.command(["status"], key: "po_aaaaaaaaaa_bbbb")
        #expect(wrong.code == 1 && wrong.output.contains("this key opens nothing"), "\(wrong.output)")
        let made = try world.instance.command(["token", "add", "reader", "--scope", "read"])
        let reader = String(made.output.prefix { !$0.isNewline })
        #expect(try world.command(["status"], key: reader).output.contains("mta"))
        let refused = try world.command(["account", "add", "eve@example.test"], key: reader)
        #expect(refused.code == 1 && refused.output.contains("accounts"), "\(refused.output)")
        #expect(try !world.instance.command(["account", "list"]).output.contains("eve@"))
        for address in ["http://127.0.0.1", "https://", "https://a/b", "https://u@h", "ftp://x", "https://h:99999", "https://[::1"] {
            let result = try ChildProcess.run(
                try QuickInstance.program, ["status", "--server", address], environment: ["POSTOFFICE_TOKEN": "x"], seconds: 20)
            #expect(result.ending == .exited(2), "\(address): \(result.output)")
        }
        let keyless = try ChildProcess.run(
            try QuickInstance.program, ["status", "--server", world.server], environment: ["POSTOFFICE_TOKEN": ""], seconds: 20)
        #expect(keyless.ending == .exited(2) && keyless.output.contains("POSTOFFICE_TOKEN"))
    }

    @Test("the OpenAPI document is valid OpenAPI 3.1, by a validator of others") func documentIsValid() throws {
        let world = try World()
        defer { world.instance.stop() }
        let script = #"""
            import json, ssl, sys, urllib.request
            from openapi_spec_validator import OpenAPIV31SpecValidator
            context = ssl.create_default_context(cafile=sys.argv[2])
            document = json.load(urllib.request.urlopen(sys.argv[1] + '/api/v1/openapi.json', context=context, timeout=30))
            errors = list(OpenAPIV31SpecValidator(document).iter_errors())
            assert not errors, errors[:3]
            print(len(document['paths']), 'paths')
            """#
        let result = try ChildProcess.run(fetched("python/bin/python3"), ["-c", script, world.server, world.ca], seconds: 120)
        #expect(result.ending == .exited(0), "\(result.output)")
        #expect(result.output.contains("paths"))
    }

    @Test("counters survive a kill of the server: at most the minute under way is lost, and what is there is what the log says")
    func countersSurviveAKill() throws {
        let world = try World()
        defer { world.instance.stop() }
        try world.instance.addAccounts(["bob@example.test"], password: "a good password")
        let port = try world.instance.port("SMTP_PORT")
        func send(_ count: Int) throws {
            for _ in 0..<count {
                let connection = try LineConnection(port: port, timeout: 30)
                _ = try connection.line()
                for words in ["HELO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<bob@example.test>", "DATA"] {
                    try connection.send(line: words)
                    _ = try connection.line()
                }
                try connection.send(Array("Subject: x\r\n\r\nbody\r\n.\r\n".utf8))
                #expect(try connection.line().hasPrefix("250"))
                try connection.send(line: "QUIT")
            }
        }
        func counted() throws -> Int {
            let output = try world.instance.command(["counters", "--span", "hour"]).output
            let line = output.split(separator: "\n").first { $0.hasPrefix("messages-in ") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
        }
        try send(3)
        #expect(eventually { (try? counted()) == 3 })
        // An orderly end writes the minute under way.
        world.instance.stop()
        try world.instance.start()
        #expect(eventually { (try? counted()) == 3 })
        try send(2)
        #expect(eventually { (try? counted()) == 5 })
        func accepted() -> Int {
            world.instance.trail.split(separator: "\n").filter { $0.contains(" SMTP-Accept message-accepted ") }.count
        }
        #expect(eventually { accepted() == 5 })
        let mta = try #require(world.instance.mtaID)
        kill(mta, SIGKILL)
        #expect(eventually { world.instance.mtaID.map { $0 != mta } ?? false })
        #expect(eventually { (try? counted()).map { $0 >= 3 } ?? false })
        let now = try counted()
        #expect(now == 3 || now == 5, "the two of the minute under way are there or not: \(now)")
        #expect(accepted() == 5)
    }
}
