import Glibc
import MailTesting
import Testing

/// Two servers of ours whose people are away, and one of somebody else who answers everything.
@Suite("Automatic replies between servers", .serialized)
struct VacationLoopTests {
    private struct Failure: Error { let description: String }

    /// An instance for a domain, with one account that answers.
    private static func server(_ domain: String, _ user: String, _ mode: String) throws -> (QuickInstance, TemporaryDirectory) {
        let place = TemporaryDirectory("loop")
        let instance = try QuickInstance()
        try instance.start()
        place.write("password", "secret word")
        func run(_ words: String...) throws {
            let result = try instance.command(words, input: place("password"))
            guard result.ending == .exited(0) else { throw Failure(description: "\(words): \(result.output)") }
        }
        try run("config", "set", "local-mail-domains", domain, "--add")
        try run(
            "account", "add", "\(user)@\(domain)", "--name", user, "--password-stdin", "--set", "auto-reply=\(mode)", "--set",
            "auto-reply-text=I am away.")
        return (instance, place)
    }

    private static func command(_ instance: QuickInstance, _ words: String...) throws -> String {
        let result = try instance.command(words)
        guard result.ending == .exited(0) else { throw Failure(description: "\(words): \(result.output)") }
        return result.output
    }

    private static func mail(_ instance: QuickInstance, _ user: String) throws -> Int {
        let result = try ChildProcess.run(
            "/usr/bin/curl",
            ["--silent", "--insecure", "--user", "\(user):secret word", "pop3s://localhost:\(try instance.port("POP3S_PORT"))/"])
        return result.output.split(whereSeparator: \.isNewline).count
    }

    @Test("L2 two servers whose people are both away: the one who wrote gets one answer, and it is not answered")
    func twoOfOurs() throws {
        for mode in ["vacation", "reply", "echo"] {
            let (here, place) = try Self.server("here.test", "jane", mode)
            let (there, _) = try Self.server("there.test", "taro", mode)
            _ = try Self.command(here, "config", "set", "mail-routing-table", "[there.test:127.0.0.1:\(try there.port("SMTP_PORT"))]")
            _ = try Self.command(there, "config", "set", "mail-routing-table", "[here.test:127.0.0.1:\(try here.port("SMTP_PORT"))]")
            let sent = try ChildProcess.run(
                "/usr/bin/swaks",
                [
                    "--server", "localhost", "--port", "\(try here.port("SUBMISSION_PORT"))", "--tls", "--auth", "PLAIN", "--auth-user",
                    "jane",
                    "--auth-password", "secret word", "--from", "jane@here.test", "--to", "taro@there.test", "--timeout", "20",
                ])
            #expect(sent.ending == .exited(0), "\(sent.output)")
            #expect(eventually(within: 30) { (try? Self.mail(here, "jane")) == 1 }, "\(mode)")
            // What would come next is a matter of milliseconds: both queues are empty, and nobody has anything new.
            for server in [here, there] {
                #expect(
                    eventually(within: 30) { (try? Self.command(server, "queue", "list").hasPrefix("0 in the queue")) == true }, "\(mode)")
            }
            #expect(try Self.mail(here, "jane") == 1 && Self.mail(there, "taro") == 1, "\(mode)")
            withExtendedLifetime(place) {}
        }
    }

    /// Answers whatever comes as programs did before there were rules: to From, with an own sender, with nothing that says what it is.
    private static let naive = """
        import email, smtplib, socketserver, sys
        sender, ours = sys.argv[1], int(sys.argv[2])
        class Handler(socketserver.StreamRequestHandler):
            def say(self, text): self.wfile.write((text + '\\r\\n').encode())
            def handle(self):
                self.say('220 naive')
                while True:
                    line = self.rfile.readline().decode().strip().upper()
                    if line == '' or line.startswith('QUIT'): return
                    if line == 'DATA':
                        self.say('354 go'); data = b''
                        while True:
                            piece = self.rfile.readline()
                            if piece in (b'.\\r\\n', b''): break
                            data += piece
                        self.say('250 taken')
                        message = email.message_from_bytes(data)
                        to = email.utils.parseaddr(message['From'])[1]
                        print('answering', to, flush=True)
                        s = smtplib.SMTP('127.0.0.1', ours)
                        s.sendmail(sender, [to], 'From: %s\\r\\nTo: %s\\r\\nSubject: got it\\r\\n\\r\\nthanks\\r\\n' % (sender, to))
                        s.quit()
                    else: self.say('250 fine')
        class Server(socketserver.ThreadingTCPServer): allow_reuse_address = True; daemon_threads = True
        server = Server(('127.0.0.1', 0), Handler)
        print('port', server.server_address[1], flush=True)
        server.serve_forever()
        """

    @Test("L2 somebody else's program that answers every answer of ours is answered once by vacation, and ten times an hour by reply")
    func naiveResponder() throws {
        for (mode, most) in [("vacation", 1), ("reply", 10)] {
            let (here, place) = try Self.server("here.test", "jane", mode)
            place.write("naive.py", Self.naive)
            let naive = try ChildProcess(
                "/usr/bin/python3", [place("naive.py"), "robot@naive.test", "\(try here.port("SMTP_PORT"))"], output: place("output"),
                errors: place("output"))
            defer { naive.kill() }
            var port: String?
            #expect(
                eventually(within: 20) {
                    port = ChildProcess.text(of: place("output")).split(separator: "\n").first { $0.hasPrefix("port ") }.map {
                        String($0.dropFirst(5))
                    }
                    return port != nil
                })
            _ = try Self.command(here, "config", "set", "mail-routing-table", "[naive.test:127.0.0.1:\(port ?? "")]")
            let client = try LineConnection(port: here.port("SMTP_PORT"))
            _ = try client.reply()
            for line in ["EHLO naive.test", "MAIL FROM:<robot@naive.test>", "RCPT TO:<jane@here.test>", "DATA"] {
                let code = try client.command(line)
                #expect(code == 250 || code == 354)
            }
            try client.send(Array("From: robot@naive.test\r\nTo: jane@here.test\r\nSubject: begin\r\n\r\nx\r\n.\r\n".utf8))
            #expect(try client.replyCode() == 250)
            // Each answer of ours brings one more message of his.
            #expect(eventually(within: 40) { (try? Self.mail(here, "jane")) == most + 1 }, "\(mode)")
            #expect(eventually(within: 30) { (try? Self.command(here, "queue", "list").hasPrefix("0 in the queue")) == true }, "\(mode)")
            #expect(try Self.mail(here, "jane") == most + 1, "\(mode)")
            let answers = ChildProcess.text(of: place("output")).split(separator: "\n").count { $0.hasPrefix("answering") }
            #expect(answers == most, "\(mode)")
        }
    }
}
