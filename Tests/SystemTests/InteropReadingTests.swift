import MailTesting
import Testing

/// Clients that nobody here wrote read mail by POP3, byte for byte behind the trace header.
@Suite(.serialized) struct InteropReadingTests {
    private func server() throws -> InteropServer {
        let server = try InteropServer()
        for message in Awkward.all { try server.deliver(message) }
        return server
    }

    private func matches(_ read: [UInt8], _ index: Int, lineEnd: String = "\r\n") -> Bool {
        isTraced(read, Awkward.all[index], sender: "stranger@remote.test", recipient: "bob@example.test", lineEnd: lineEnd)
    }

    // MARK: curl

    private func curl(_ server: InteropServer, _ path: String, _ name: String, scheme: String, password: String = InteropServer.password)
        throws -> (status: Int32, output: String)
    {
        let port = try server.port(scheme == "pop3s" ? "POP3S_PORT" : "POP3_PORT")
        return try server.run(
            "curl",
            [
                "--silent", "--show-error", "--ssl-reqd", "--cacert", server.authority, "--user", "bob:\(password)", "--output",
                server.scratch(name), "\(scheme)://localhost:\(port)/\(path)",
            ])
    }

    @Test("curl reads over POP3S and over STLS", arguments: ["pop3s", "pop3"]) func curl(_ scheme: String) throws {
        let server = try self.server()
        for index in Awkward.all.indices {
            let result = try self.curl(server, "\(index + 1)", "read", scheme: scheme)
            #expect(result.status == 0, "\(result.output)")
            #expect(self.matches(server.read("read"), index), "message \(index + 1)")
        }
        #expect(try self.curl(server, "99", "none", scheme: scheme).status != 0)
        #expect(try self.curl(server, "1", "wrong", scheme: scheme, password: "wrong").status == 67)
    }

    // MARK: fetchmail

    private func fetchmail(_ server: InteropServer, tls: Bool, user: String = "bob", password: String = InteropServer.password) throws
        -> (status: Int32, output: String)
    {
        let port = try server.port(tls ? "POP3S_PORT" : "POP3_PORT")
        let options = tls ? "ssl" : "sslproto \"TLS1+\""
        let file = server.write(
            "fetchmailrc",
            """
            set invisible
            poll localhost protocol pop3 port \(port) username "\(user)" password "\(password)" \(options) sslcertck
              sslcertfile "\(server.authority)" fetchall no rewrite no mimedecode pass8bits no keep
              mda "cat > \(server.scratch.path)/fetched.$$"
            """)
        let pid = server.scratch("fetchmail.pid")
        return try server.run("fetchmail", ["-f", file, "--nosyslog", "--pidfile", pid, "--idfile", server.scratch("fetchids")])
    }

    @Test("fetchmail takes everything away, over POP3S and over STLS", arguments: [true, false]) func fetchmail(tls: Bool) throws {
        let server = try self.server()
        let result = try self.fetchmail(server, tls: tls)
        #expect(result.status == 0, "\(result.output)")
        let fetched = try server.run("sh", ["-c", "ls \(server.scratch.path)/fetched.*"]).output.split(separator: "\n").map {
            bytes(ofFile: String($0))
        }
        #expect(fetched.count == Awkward.all.count)
        for index in Awkward.all.indices {
            #expect(fetched.contains { self.matches($0, index, lineEnd: "\n") }, "message \(index + 1)")
        }
        #expect(try self.fetchmail(server, tls: tls).status == 1, "nothing is left")
    }

    @Test("A1 fetchmail with a wrong password and with an unknown name hears the same") func fetchmailRefused() throws {
        let server = try InteropServer()
        #expect(try self.fetchmail(server, tls: true, password: "wrong").status == 3)
        #expect(try self.fetchmail(server, tls: true, user: "nobody").status == 3)
    }

    // MARK: mpop

    private func mpop(_ server: InteropServer, auth: String, starttls: Bool, password: String = InteropServer.password) throws
        -> (status: Int32, output: String)
    {
        let file = server.write(
            "mpoprc",
            """
            account x
            host localhost
            port \(try server.port(starttls ? "POP3_PORT" : "POP3S_PORT"))
            tls on
            tls_starttls \(starttls ? "on" : "off")
            tls_trust_file \(server.authority)
            user bob
            password "\(password)"
            auth \(auth)
            keep on
            received_header off
            pipelining on
            uidls_file \(server.scratch.path)/uidls-\(auth)
            delivery mda cat > \(server.scratch.path)/read.$$
            """)
        _ = try server.run("sh", ["-c", "rm -f \(server.scratch.path)/read.*"])
        return try server.run("mpop", ["-C", file, "x"])
    }

    @Test(
        "mpop pipelines and logs in by every mechanism",
        arguments: [("scram-sha-256", false), ("plain", false), ("login", true), ("user", true)])
    func mpop(auth: String, starttls: Bool) throws {
        let server = try self.server()
        if auth == "scram-sha-256" { try server.set("list-scram", "yes") }
        let result = try self.mpop(server, auth: auth, starttls: starttls)
        #expect(result.status == 0, "\(result.output)")
        let read = try server.run("sh", ["-c", "ls \(server.scratch.path)/read.*"]).output.split(separator: "\n").map {
            bytes(ofFile: String($0))
        }
        #expect(read.count == Awkward.all.count)
        for index in Awkward.all.indices { #expect(read.contains { self.matches($0, index, lineEnd: "\n") }, "message \(index + 1)") }
        let again = try self.mpop(server, auth: auth, starttls: starttls)
        #expect(again.status == 0 && again.output.contains("new: no messages"), "UIDL tells what was read: \(again.output)")
        #expect(try self.mpop(server, auth: auth, starttls: starttls, password: "wrong").status == 77)
    }

    // MARK: poplib

    private static let script = """
        import poplib, ssl, sys
        port, ports, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
        context = ssl.create_default_context(cafile=ca)
        def clear(): return poplib.POP3('localhost', port)
        def stls():
            p = poplib.POP3('localhost', port); p.stls(context); return p
        def implicit(): return poplib.POP3_SSL('localhost', ports, context=context)
        identifiers = None
        for connect in (clear, stls, implicit):
            p = connect(); p.utf8(); p.user('bob'); p.pass_('secret word')
            count, size = p.stat()
            listing = [int(l.split()[1]) for l in p.list()[1]]
            assert len(listing) == count and sum(listing) == size
            for n in range(1, count + 1):
                answer, lines, octets = p.retr(n)
                assert octets == listing[n - 1], (n, octets)
                whole = b''.join(l + b'\\r\\n' for l in lines)
                assert len(whole) == listing[n - 1]
                open('%s/%d' % (sys.argv[4], n), 'wb').write(whole)
                top = p.top(n, 0)[1]
                assert lines[:len(top)] == top and top[-1] == b'', top
            found = p.uidl()[1]
            assert identifiers in (None, found); identifiers = found
            p.noop(); p.rset(); p.quit()
        p = implicit(); p.user('bob'); p.pass_('secret word'); p.dele(1); p.dele(3); p.rset(); p.dele(2); p.close()
        p = implicit(); p.user('bob'); p.pass_('secret word'); assert p.uidl()[1] == identifiers
        p.dele(1); p.quit()
        p = implicit(); p.user('bob'); p.pass_('secret word')
        assert [l.split()[1] for l in p.uidl()[1]] == [l.split()[1] for l in identifiers[1:]]
        second = implicit(); second.user('bob')
        try: second.pass_('secret word'); assert False
        except poplib.error_proto as e: assert b'[IN-USE]' in e.args[0], e
        p.quit(); second.user('bob'); second.pass_('secret word'); second.quit()
        def refusal(name, password):
            p = implicit(); p.user(name)
            try: p.pass_(password); assert False
            except poplib.error_proto as e: p.quit(); return e.args[0]
        assert refusal('bob', 'wrong') == refusal('nobody', 'wrong')
        print('all well')
        """

    @Test("poplib: every command, in the clear, over STLS and over POP3S") func poplib() throws {
        let server = try self.server()
        let ports = try [server.port("POP3_PORT"), server.port("POP3S_PORT")].map(String.init)
        let result = try server.run("python3", ["-c", Self.script] + ports + [server.authority, server.scratch.path])
        #expect(result.status == 0 && result.output == "all well\n", "\(result.output)")
        for index in Awkward.all.indices { #expect(self.matches(server.read("\(index + 1)"), index), "message \(index + 1)") }
    }
}
