import Glibc
import MailTesting
import Testing

/// `postoffice import` and `export`, with files that Python's mailbox module writes and reads.
@Suite("mail in files of other programs", .serialized) struct TransferTests {
    private static let scratch = """
        import mailbox, sys
        def mbox(path, count, size):
            box = mailbox.mbox(path)
            for i in range(count):
                m = mailbox.mboxMessage()
                m['Subject'] = 'number %d' % i
                m.set_payload('From here on %d\\nbody\\n\\n' % i + 'x' * size)
                m.set_flags(['', 'RO', 'ROAF'][i % 3])
                m.set_from('a@other.example', True)
                box.add(m)
            box.close()
        def maildir(path):
            box = mailbox.Maildir(path)
            for i in range(40):
                m = mailbox.MaildirMessage()
                m['Subject'] = 'file %d' % i
                m.set_payload('body\\n' + ('y' * 400000 if i == 7 else ''))
                m.set_flags(['', 'S', 'FRS'][i % 3])
                m.set_subdir('cur')
                box.add(m)
            sub = box.add_folder('Work.&ZeVnLIqe-')
            m = mailbox.MaildirMessage()
            m['Subject'] = 'below'
            m.set_subdir('cur')
            sub.add(m)
        def show(box):
            flags = {}
            for m in box:
                flags[m.get_flags()] = flags.get(m.get_flags(), 0) + 1
            print(len(box), sorted(flags.items()))

        """

    private let server: InteropServer
    private let place = TemporaryDirectory("transfer")

    init() throws { self.server = try InteropServer() }

    private func python(_ text: String) throws -> String {
        self.place.write("script.py", Self.scratch + text)
        let result = try ChildProcess.run("/usr/bin/python3", [self.place("script.py")], seconds: 60)
        #expect(result.ending == .exited(0), "\(result.output)")
        return result.output
    }

    private func run(_ words: String..., expecting status: Int32 = 0) throws -> String {
        let result = try self.server.instance.command(words)
        #expect(result.ending == .exited(status), "\(words): \(result.output)")
        return result.output
    }

    @Test("mbox and Maildir come in once, with flags and folders, and go out again as other programs read them")
    func inAndOut() throws {
        let (mbox, maildir) = (self.place("in.mbox"), self.place("in.maildir"))
        _ = try self.python("mbox(\"\(mbox)\", 300, 10)\nmaildir(\"\(maildir)\")\n")
        #expect(try self.run("import", "mbox", "alice@example.test", mbox, "--dry-run").hasPrefix("300 messages could be added"))
        #expect(try self.run("import", "mbox", "alice@example.test", mbox).hasPrefix("300 messages added, 0 were there"))
        #expect(try self.run("import", "mbox", "alice", mbox).hasPrefix("0 messages added, 300 were there"))
        #expect(try self.run("import", "maildir", "alice", maildir).hasPrefix("41 messages added"))
        #expect(try self.run("import", "maildir", "alice", maildir).hasPrefix("0 messages added, 41 were there"))
        let client = try IMAPTestClient(port: self.server.port("IMAP_PORT"))
        try client.ok("LOGIN alice \"\(InteropServer.password)\"")
        #expect(try client.ok("STATUS \"Work/&ZeVnLIqe-\" (MESSAGES)").first("STATUS")?.hasSuffix("(MESSAGES 1)") == true)
        try client.ok("SELECT INBOX")
        try client.ok("UID STORE 2 +FLAGS ($Forwarded)")

        #expect(try self.run("export", "maildir", "alice", self.place("out")).hasPrefix("341 messages written"))
        #expect(try self.run("export", "maildir", "alice", self.place("out")).hasPrefix("0 messages written, 341 were there"))
        #expect(ChildProcess.text(of: self.place("out/dovecot-keywords")) == "0 $Forwarded\n")
        let shown = try self.python(
            "show(mailbox.Maildir(\"\(self.place("out"))\"))\nprint(mailbox.Maildir(\"\(self.place("out"))\").list_folders())\n")
        #expect(shown.contains("340 [('', 114), ('FRS', 113), ('S', 112), ('Sa', 1)]"), "\(shown)")
        #expect(shown.contains("Work.&ZeVnLIqe-"), "\(shown)")
        #expect(try self.run("export", "mbox", "alice", self.place("out.mbox")).hasPrefix("340 messages written"))
        #expect(
            try self.python("show(mailbox.mbox(\"\(self.place("out.mbox"))\"))").hasPrefix("340 [('O', 114), ('RO', 113), ('ROAF', 113)]"))
        // What went out is what came in.
        #expect(try self.run("import", "mbox", "alice", self.place("out.mbox")).hasPrefix("0 messages added, 340 were there"))
        #expect(try self.run("import", "maildir", "alice", self.place("out")).hasPrefix("0 messages added, 341 were there"))
        _ = try self.run("export", "mbox", "alice", self.place("out.mbox"), expecting: 2)
    }

    @Test("an import that is killed, or stopped by the quota, is gone on with; so is an export") func goneOnWith() throws {
        let mbox = self.place("large.mbox")
        _ = try self.python("mbox(\"\(mbox)\", 3000, 3000)\n")
        let words = ["import", "mbox", "bob", mbox, "--config", self.server.instance.configuration]
        for milliseconds: UInt32 in [60, 150] {
            let child = try ChildProcess(try QuickInstance.program, words, output: "/dev/null", errors: "/dev/null")
            usleep(milliseconds * 1000)
            kill(child.id, SIGKILL)
            child.end()
        }
        _ = try self.run("account", "set", "bob", "quota=4M")
        let stopped = try self.run("import", "mbox", "bob", mbox, expecting: 1)
        #expect(stopped.contains("quota") && stopped.contains("run the same command again"), "\(stopped)")
        _ = try self.run("account", "set", "bob", "quota=0")
        _ = try self.run("import", "mbox", "bob", mbox)
        #expect(try self.run("import", "mbox", "bob", mbox).hasPrefix("0 messages added, 3000 were there"))

        let out = self.place("bob.mbox")
        #expect(try self.run("export", "mbox", "bob", out).hasPrefix("3000 messages written"))
        let whole = ChildProcess.text(of: out)
        #expect(rename(out, out + ".part") == 0 && truncate(out + ".part", 5_000_000) == 0)
        #expect(try self.run("export", "mbox", "bob", out).contains(" were there already"))
        #expect(ChildProcess.text(of: out) == whole)
    }

    @Test("what cannot be read or is not there is told with the cure") func wrong() throws {
        #expect(try self.run("import", "mbox", "alice", "/nowhere", expecting: 1).contains("/nowhere"))
        #expect(try self.run("import", "mbox", "alice", self.place(""), expecting: 2).contains("import maildir"))
        #expect(try self.run("import", "maildir", "alice", "/tmp", expecting: 2).contains("cur"))
        self.place.write("text", "no mail\n")
        #expect(try self.run("import", "mbox", "alice", self.place("text"), expecting: 1).contains("From SENDER DATE"))
        #expect(try self.run("export", "mbox", "alice", self.place("x"), "--mailbox", "Nope", expecting: 1).contains("Nope"))
        self.server.instance.stop()
        self.place.write("mail", "From a Sat Jan  3 01:05:34 1998\nS: x\n\nb\n")
        #expect(try self.run("import", "mbox", "alice", self.place("mail"), expecting: 1).contains("postoffice run"))
    }
}
