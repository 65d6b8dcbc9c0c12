import MailTesting
import Testing

/// Clients that nobody here wrote submit mail; what arrives is what was sent.
@Suite(.serialized) struct InteropSubmissionTests {
    /// Message `number` of bob's mailbox by curl.
    private func received(_ server: InteropServer, _ number: Int = 1) throws -> [UInt8] {
        let port = try server.port("POP3S_PORT")
        let result = try server.run(
            "curl",
            [
                "--silent", "--show-error", "--cacert", server.authority, "--user", "bob:\(InteropServer.password)", "--output",
                server.scratch("received"), "pop3s://localhost:\(port)/\(number)",
            ])
        #expect(result.status == 0, "\(result.output)")
        return server.read("received")
    }

    // MARK: swaks

    private static let text =
        "Subject: interop swaks\nFrom: \"alice\" <alice@example.test>\nDate: Sat, 21 Nov 2026 12:00:00 +0000\nMessage-ID: <1@client.test>\n\n.dot\nend"

    /// `swaks` ends the text with a line end of its own.
    private static let message = Array((Self.text.replacing("\n", with: "\r\n") + "\r\n").utf8)

    private func swaks(_ server: InteropServer, _ port: String, _ arguments: [String], from: String = "alice@example.test") throws -> (
        status: Int32, output: String
    ) {
        let file = server.write("swaks.txt", Self.text)
        return try server.run(
            "swaks",
            ["--server", "localhost", "--port", "\(try server.port(port))", "--from", from, "--data", "@\(file)", "--timeout", "20"]
                + arguments)
    }

    private static let login = ["--auth-user", "alice", "--auth-password", InteropServer.password]
    private static let toBob = ["--to", "bob@example.test"]

    @Test(
        "swaks submits over STARTTLS with PLAIN and over implicit TLS with LOGIN",
        arguments: [("SUBMISSION_PORT", "PLAIN"), ("SMTPS_PORT", "LOGIN")])
    func swaksSubmits(port: String, mechanism: String) throws {
        let server = try InteropServer()
        let tls = [port == "SMTPS_PORT" ? "--tls-on-connect" : "--tls", "--tls-ca-path", server.authority, "--tls-verify"]
        let sent = try self.swaks(server, port, tls + ["--auth", mechanism] + Self.login + Self.toBob)
        #expect(sent.status == 0, "\(sent.output)")
        #expect(isTraced(try self.received(server), Self.message, sender: "alice@example.test", recipient: "bob@example.test"))

        let wrong = ["--auth-user", "alice", "--auth-password", "wrong"] + Self.toBob
        #expect(try self.swaks(server, port, tls + ["--auth", mechanism] + wrong).status == 28)
        let unknown = ["--auth-user", "nobody", "--auth-password", "wrong"] + Self.toBob
        #expect(try self.swaks(server, port, tls + ["--auth", mechanism] + unknown).status == 28)
        #expect(try self.swaks(server, port, tls + Self.toBob).status != 0, "nobody submits without a login")
        let stolen = try self.swaks(server, port, tls + ["--auth", mechanism] + Self.login + Self.toBob, from: "bob@example.test")
        #expect(stolen.status != 0, "nobody submits under another's address")
        let lost = try self.swaks(server, port, tls + ["--auth", mechanism] + Self.login + ["--to", "nobody@example.test"])
        #expect(lost.status == 24 && lost.output.contains("550 5.1.1"))
    }

    @Test("swaks delivers as a stranger on port 25, to people here and to nobody else") func swaksDelivers() throws {
        let server = try InteropServer()
        let sent = try self.swaks(server, "SMTP_PORT", Self.toBob, from: "stranger@remote.test")
        #expect(sent.status == 0, "\(sent.output)")
        #expect(isTraced(try self.received(server), Self.message, sender: "stranger@remote.test", recipient: "bob@example.test"))
        let overTLS = try self.swaks(
            server, "SMTP_PORT", ["--tls", "--tls-ca-path", server.authority, "--tls-verify"] + Self.toBob, from: "stranger@remote.test")
        #expect(overTLS.status == 0, "\(overTLS.output)")
        #expect(try self.swaks(server, "SMTP_PORT", ["--to", "nobody@example.test"], from: "stranger@remote.test").status == 24)
        #expect(try self.swaks(server, "SMTP_PORT", ["--to", "x@elsewhere.test"], from: "stranger@remote.test").status == 24, "no relay")
        #expect(try self.swaks(server, "SMTP_PORT", ["--to", "postmaster"], from: "stranger@remote.test").status == 0)
    }

    // MARK: msmtp

    @Test("msmtp submits by every mechanism, mpop reads it", arguments: [("scram-sha-256", true), ("plain", true), ("login", false)])
    func msmtp(auth: String, starttls: Bool) throws {
        let server = try InteropServer()
        func send(_ message: [UInt8], to recipient: String, password: String = InteropServer.password) throws -> (
            status: Int32, output: String
        ) {
            let file = server.write(
                "msmtprc",
                """
                account x
                host localhost
                port \(try server.port(starttls ? "SUBMISSION_PORT" : "SMTPS_PORT"))
                tls on
                tls_starttls \(starttls ? "on" : "off")
                tls_trust_file \(server.authority)
                from alice@example.test
                user alice
                password "\(password)"
                auth \(auth)
                set_date_header off
                set_msgid_header off
                """)
            let input = String(decoding: message.filter { $0 != 13 }, as: UTF8.self)
            return try server.run("msmtp", ["-C", file, "-a", "x", recipient], input: input)
        }
        // msmtp uses what it was told to use only where it is listed.
        if auth == "scram-sha-256" { try server.set("list-scram", "yes") }
        // A second From field does not pass: users' mail has one.
        let second = Array("From: s@remote.test\r\n".utf8)
        for (index, awkward) in Awkward.all.enumerated() {
            let body = awkward.firstRange(of: second).map { Array(awkward[..<$0.lowerBound] + awkward[$0.upperBound...]) } ?? awkward
            let message =
                Array(
                    "From: \"alice\" <alice@example.test>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <\(index)@client.test>\r\n"
                        .utf8)
                + body
            let sent = try send(message, to: "bob@example.test")
            #expect(sent.status == 0, "\(sent.output)")
            let arrived = try self.received(server, index + 1)
            #expect(isTraced(arrived, message, sender: "alice@example.test", recipient: "bob@example.test"), "message \(index + 1)")
        }
        #expect(try send(Awkward.all[0], to: "bob@example.test", password: "wrong").status == 77)
        let lost = try send(Awkward.all[0], to: "nobody@example.test")
        #expect(lost.status == 65 && lost.output.contains("550 5.1.1"))
    }

    // MARK: From

    @Test("6 8 61 swaks, msmtp and mutt write under other names; what arrives says the real name and the primary address")
    func rewritten() throws {
        let server = try InteropServer()
        let field = try server.instance.command([
            "account", "set", "alice", "addresses=alice@example.test", "addresses=a.liddell@example.test", "real-name=アリス・リデル",
        ])
        #expect(field.ending == .exited(0), "\(field.output)")
        let port = try server.port("SUBMISSION_PORT")
        let text = server.write("rewritten.txt", "From: Alice in Wonderland <a.liddell@example.test>\nSubject: by swaks\n\nx\n")
        let bySwaks = try server.run(
            "swaks",
            ["--server", "localhost", "--port", "\(port)", "--from", "a.liddell@example.test", "--data", "@\(text)", "--timeout", "20"]
                + ["--tls", "--tls-ca-path", server.authority, "--auth", "PLAIN"] + Self.login + Self.toBob)
        #expect(bySwaks.status == 0, "\(bySwaks.output)")
        let msmtprc = server.write(
            "msmtprc",
            """
            account x
            host localhost
            port \(port)
            tls on
            tls_starttls on
            tls_trust_file \(server.authority)
            from a.liddell@example.test
            user alice
            auth plain
            password \(InteropServer.password)
            """)
        let byMSMTP = try server.run(
            "msmtp", ["-C", msmtprc, "-a", "x", "bob@example.test"], input: "From: bob@example.test\nSubject: by msmtp\n\nx\n")
        #expect(byMSMTP.status == 0, "\(byMSMTP.output)")
        let muttrc = server.write(
            "muttrc",
            """
            set smtp_url="smtps://alice@localhost:\(try server.port("SMTPS_PORT"))/"
            set smtp_pass="\(InteropServer.password)"
            set ssl_ca_certificates_file="\(server.authority)"
            set certificate_file="\(server.authority)"
            set ssl_verify_host=no
            set smtp_authenticators="plain"
            set from="Alice <a.liddell@example.test>"
            set use_from=yes
            set use_envelope_from=yes
            set envelope_from_address="a.liddell@example.test"
            set copy=no
            """)
        let byMutt = try server.run("mutt", ["-n", "-F", muttrc, "-s", "by mutt", "bob@example.test"], input: "x\n")
        #expect(byMutt.status == 0, "\(byMutt.output)")
        let arrived = try (1...3).map { String(decoding: try self.received(server, $0), as: UTF8.self) }
        for (message, subject) in zip(arrived, ["by swaks", "by msmtp", "by mutt"]) {
            #expect(message.contains("\r\nSubject: \(subject)\r\n"))
            #expect(message.hasPrefix("Return-Path: <alice@example.test>\r\n"), "\(message)")
            #expect(message.contains("\r\nFrom: =?UTF-8?B?44Ki44Oq44K544O744Oq44OH44Or?= <alice@example.test>\r\n"), "\(message)")
            #expect(!message.contains("<a.liddell"))
        }
    }

    // MARK: smtplib

    private static let script = """
        import smtplib, ssl, sys
        from email.message import EmailMessage
        from email import policy
        context = ssl.create_default_context(cafile=sys.argv[3])
        def starttls():
            s = smtplib.SMTP('localhost', int(sys.argv[1])); s.starttls(context=context); return s
        def implicit(): return smtplib.SMTP_SSL('localhost', int(sys.argv[2]), context=context)
        for connect in (starttls, implicit):
            s = connect(); s.login('alice', 'secret word')
            m = EmailMessage(policy=policy.SMTPUTF8)
            m['From'] = 'alice@example.test'; m['To'] = '太郎 <bob@example.test>'; m['Subject'] = '日本語の件名'
            m.set_content('本文\\n.点\\n', cte='8bit')
            s.send_message(m, mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
            assert s.noop()[0] == 250 and s.rset()[0] == 250
            try: s.sendmail('alice@example.test', ['nobody@example.test'], 'x'); assert False
            except smtplib.SMTPRecipientsRefused: pass
            partly = s.sendmail('alice@example.test', ['bob@example.test', 'nobody@example.test'], 'Subject: partly\\r\\n\\r\\nx\\r\\n')
            assert list(partly) == ['nobody@example.test'], partly
            s.quit()
        for name in ('alice', 'nobody'):
            s = implicit()
            try: s.login(name, 'wrong'); assert False
            except smtplib.SMTPAuthenticationError as e: print(e.smtp_code, e.smtp_error.decode())
            s.close()
        """

    @Test("smtplib submits international mail; a POP3 client that says UTF8 reads it as it is") func smtplib() throws {
        let server = try InteropServer()
        let ports = try [server.port("SUBMISSION_PORT"), server.port("SMTPS_PORT")].map(String.init)
        let sent = try server.run("python3", ["-c", Self.script] + ports + [server.authority])
        #expect(sent.status == 0, "\(sent.output)")
        let refusals = sent.output.split(separator: "\n")
        #expect(refusals.count == 2 && refusals.first == refusals.last, "A1: \(sent.output)")

        let reader = """
            import poplib, ssl, sys
            p = poplib.POP3_SSL('localhost', int(sys.argv[1]), context=ssl.create_default_context(cafile=sys.argv[2]))
            p.utf8(); p.user('bob'); p.pass_('secret word')
            text = b'\\n'.join(p.retr(1)[1]).decode()
            assert 'Subject: 日本語の件名' in text and '太郎 <bob@example.test>' in text and text.endswith('本文\\n.点'), text
            assert p.stat()[0] == 4
            p.quit()
            """
        let read = try server.run("python3", ["-c", reader, "\(try server.port("POP3S_PORT"))", server.authority])
        #expect(read.status == 0, "\(read.output)")
    }
}
