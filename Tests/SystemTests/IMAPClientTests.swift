import MailTesting
import Testing

/// Mail programs that nobody here wrote, over IMAP.
@Suite(.serialized) struct IMAPClientTests {
    private func server() throws -> InteropServer {
        let server = try InteropServer()
        for message in Awkward.all { try server.deliver(message) }
        return server
    }

    private func matches(_ read: [UInt8], _ index: Int, lineEnd: String = "\r\n") -> Bool {
        isTraced(read, Awkward.all[index], sender: "stranger@remote.test", recipient: "bob@example.test", lineEnd: lineEnd)
    }

    private func files(_ server: InteropServer, _ pattern: String) throws -> [String] {
        try server.run("sh", ["-c", "ls -d \(server.scratch.path)/\(pattern) 2>/dev/null; true"]).output.split(separator: "\n").map(
            String.init)
    }

    // MARK: curl

    private func curl(
        _ server: InteropServer, _ arguments: [String], _ path: String, scheme: String = "imaps", password: String = InteropServer.password
    )
        throws -> (status: Int32, output: String)
    {
        let port = try server.port(scheme == "imaps" ? "IMAPS_PORT" : "IMAP_PORT")
        return try server.run(
            "curl",
            ["--silent", "--show-error", "--ssl-reqd", "--cacert", server.authority, "--user", "bob:\(password)"] + arguments
                + ["\(scheme)://localhost:\(port)/\(path)"])
    }

    @Test("curl reads, puts and searches over IMAPS and over STARTTLS", arguments: ["imaps", "imap"]) func curl(_ scheme: String) throws {
        let server = try self.server()
        for index in Awkward.all.indices {
            let result = try self.curl(server, ["--output", server.scratch("read")], "INBOX;MAILINDEX=\(index + 1)", scheme: scheme)
            #expect(result.status == 0, "\(result.output)")
            #expect(self.matches(server.read("read"), index), "message \(index + 1)")
        }
        let letter = "From: a@example.test\r\nSubject: put there\r\n\r\nby curl\r\n"
        #expect(try self.curl(server, ["--upload-file", server.write("letter", letter)], "INBOX", scheme: scheme).status == 0)
        let found = try self.curl(server, [], "INBOX?SUBJECT%20put", scheme: scheme)
        #expect(found.output.contains("* SEARCH \(Awkward.all.count + 1)"), "\(found.output)")
        #expect(
            try self.curl(server, ["--output", server.scratch("back")], "INBOX;UID=\(Awkward.all.count + 1)", scheme: scheme).status == 0)
        #expect(server.read("back") == Array(letter.utf8), "APPEND keeps every octet and adds none")
        #expect(try self.curl(server, [], "None;UID=1", scheme: scheme).status != 0)
        #expect(try self.curl(server, [], "INBOX;UID=1", scheme: scheme, password: "wrong").status == 67)
    }

    // MARK: fetchmail and getmail

    @Test("fetchmail takes everything away over IMAP", arguments: [true, false]) func fetchmail(tls: Bool) throws {
        let server = try self.server()
        let port = try server.port(tls ? "IMAPS_PORT" : "IMAP_PORT")
        let file = server.write(
            "fetchmailrc",
            """
            set invisible
            poll localhost protocol imap port \(port) username "bob" password "\(InteropServer.password)" \(tls ? "ssl" : "sslproto \"TLS1+\"")
              sslcertck sslcertfile "\(server.authority)" fetchall no rewrite no mimedecode pass8bits no keep expunge 2
              mda "cat > \(server.scratch.path)/fetched.$$"
            """)
        let arguments = ["-f", file, "--nosyslog", "--pidfile", server.scratch("pid"), "--idfile", server.scratch("ids")]
        let result = try server.run("fetchmail", arguments)
        #expect(result.status == 0, "\(result.output)")
        let fetched = try self.files(server, "fetched.*").map(bytes(ofFile:))
        #expect(fetched.count == Awkward.all.count)
        for index in Awkward.all.indices {
            #expect(fetched.contains { self.matches($0, index, lineEnd: "\n") }, "message \(index + 1)")
        }
        #expect(try server.run("fetchmail", arguments).status == 1, "nothing is left")
    }

    @Test func `getmail reads new mail once`() throws {
        let server = try self.server()
        _ = try server.run(
            "mkdir", ["-p", server.scratch("getmail"), server.scratch("box")])
        server.scratch.write(
            "getmail/getmailrc",
            """
            [retriever]
            type = SimpleIMAPSSLRetriever
            server = localhost
            port = \(try server.port("IMAPS_PORT"))
            username = bob
            password = \(InteropServer.password)
            ca_certs = \(server.authority)
            [destination]
            type = MDA_external
            path = /bin/sh
            arguments = ("-c", "cat > \(server.scratch.path)/box/read.$$")
            allow_root_commands = true
            [options]
            read_all = false
            delivered_to = false
            received = false
            """)
        for round in 1...2 {
            let result = try server.run("getmail", ["--getmaildir", server.scratch("getmail")])
            #expect(result.status == 0, "\(result.output)")
            #expect(try self.files(server, "box/*").count == Awkward.all.count, "round \(round)")
        }
    }

    // MARK: mbsync and offlineimap

    private func mbsync(_ server: InteropServer) throws -> String {
        let file = server.write(
            "mbsyncrc",
            """
            IMAPAccount ours
            Host localhost
            Port \(try server.port("IMAPS_PORT"))
            User bob
            Pass "\(InteropServer.password)"
            SSLType IMAPS
            CertificateFile \(server.authority)
            PipelineDepth 50

            IMAPStore far
            Account ours

            MaildirStore near
            Path \(server.scratch.path)/sync/
            Inbox \(server.scratch.path)/sync/INBOX
            SubFolders Verbatim

            Channel all
            Far :far:
            Near :near:
            Patterns *
            Create Both
            Remove Both
            Expunge Both
            SyncState *
            """)
        let result = try server.run("mbsync", ["-c", file, "all"])
        #expect(result.status == 0, "\(result.output)")
        return result.output
    }

    @Test func `mbsync brings both sides to the same`() throws {
        let server = try self.server()
        _ = try server.run("mkdir", ["-p", server.scratch("sync")])
        _ = try self.mbsync(server)
        let first = try self.files(server, "sync/INBOX/*/*")
        #expect(first.count == Awkward.all.count)
        // Here: one is read and flagged, one is deleted, a folder with a letter is new, its name 仕事.
        _ = try server.run(
            "mv",
            [
                first[0],
                server.scratch("sync/INBOX/cur/")
                    + (first[0].split(separator: "/").last.map { $0.split(separator: ":")[0] + ":2,FS" } ?? ""),
            ])
        _ = try server.run("rm", [first[1]])
        for part in ["cur", "new", "tmp"] { _ = try server.run("mkdir", ["-p", server.scratch("sync/&TtVOiw-/\(part)")]) }
        server.scratch.write("sync/&TtVOiw-/new/1.letter", "From: a@example.test\nSubject: from here\n\ntext\n")
        // There: a letter comes.
        try server.deliver(Array("Subject: late\r\n\r\nlate\r\n".utf8))
        _ = try self.mbsync(server)
        #expect(try self.files(server, "sync/INBOX/*/*").count == Awkward.all.count)
        let client = try IMAPTestClient(port: server.port("IMAP_PORT"))
        try client.ok("LOGIN bob \"\(InteropServer.password)\"")
        let flags = try client.ok("SELECT INBOX").data("EXISTS").last?[0].number
        #expect(flags == UInt32(Awkward.all.count))
        #expect(try client.ok("UID SEARCH FLAGGED SEEN").data("SEARCH").first?.count == 2, "one found")
        #expect(try client.ok("SELECT &TtVOiw-").data("EXISTS").last?[0].number == 1)
        try client.ok("DELETE &TtVOiw-")
        #expect(try client.run("FETCH 1 FLAGS").word == "BAD", "what was selected is gone, the session is not")
        try client.ok("SELECT INBOX")
        _ = try self.mbsync(server)
    }

    @Test func `offlineimap copies all folders and brings flags back`() throws {
        let server = try self.server()
        let file = server.write(
            "offlineimaprc",
            """
            [general]
            accounts = ours
            metadata = \(server.scratch.path)/offline-state
            ui = quiet
            [Account ours]
            localrepository = near
            remoterepository = far
            [Repository near]
            type = Maildir
            localfolders = \(server.scratch.path)/offline
            [Repository far]
            type = IMAP
            remotehost = localhost
            remoteport = \(try server.port("IMAPS_PORT"))
            remoteuser = bob
            remotepass = \(InteropServer.password)
            ssl = yes
            sslcacertfile = \(server.authority)
            """)
        let first = try server.run("offlineimap", ["-c", file, "-o", "-u", "quiet"])
        #expect(first.status == 0, "\(first.output)")
        let copied = try self.files(server, "offline/INBOX/*/*")
        #expect(copied.count == Awkward.all.count)
        let name = copied[0].split(separator: "/").last.map { String($0.split(separator: ":")[0]) } ?? ""
        _ = try server.run("mv", [copied[0], server.scratch("offline/INBOX/cur/\(name):2,F")])
        let second = try server.run("offlineimap", ["-c", file, "-o", "-u", "quiet"])
        #expect(second.status == 0, "\(second.output)")
        let client = try IMAPTestClient(port: server.port("IMAP_PORT"))
        try client.ok("LOGIN bob \"\(InteropServer.password)\"")
        try client.ok("EXAMINE INBOX")
        #expect(try client.ok("UID SEARCH FLAGGED").data("SEARCH").first?.count == 2, "one found")
    }

    // MARK: mutt

    /// A terminal that nobody looks at.
    private func inTerminal(_ server: InteropServer, _ command: String) throws -> (status: Int32, output: String) {
        try server.run(
            "script", ["--quiet", "--return", "--command", "env TERM=xterm COLUMNS=100 LINES=40 \(command)", "/dev/null"])
    }

    @Test("mutt and neomutt read, flag, file and delete", arguments: ["mutt", "neomutt"]) func mutt(_ program: String) throws {
        let server = try self.server()
        let file = server.write(
            "muttrc",
            """
            set folder="imaps://localhost:\(try server.port("IMAPS_PORT"))/"
            set imap_user=bob
            set imap_pass="\(InteropServer.password)"
            set certificate_file="\(server.authority)"
            set ssl_ca_certificates_file="\(server.authority)"
            set ssl_force_tls=yes
            set header_cache="\(server.scratch.path)/cache"
            set confirmappend=no
            set confirmcreate=no
            set delete=yes
            set move=no
            set quit=yes
            set wait_key=no
            """)
        let keys =
            "<first-entry><flag-message><next-entry><save-message><kill-line>+Filed<enter><sync-mailbox><last-entry><delete-message><quit>"
        let result = try self.inTerminal(server, "\(program) -n -F \(file) -f +INBOX -e 'push \"\(keys)\"'")
        #expect(result.status == 0, "\(result.output.suffix(2000))")
        let client = try IMAPTestClient(port: server.port("IMAP_PORT"))
        try client.ok("LOGIN bob \"\(InteropServer.password)\"")
        #expect(try client.ok("SELECT Filed").data("EXISTS").last?[0].number == 1, "\(result.output.suffix(2000))")
        #expect(try client.ok("SELECT INBOX").data("EXISTS").last?[0].number == UInt32(Awkward.all.count - 2))
        #expect(try client.ok("UID SEARCH FLAGGED").data("SEARCH").first?.count == 2, "one found")
    }
}
