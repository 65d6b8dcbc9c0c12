import Glibc
import MailTesting
import Testing

/// The `sendmail` command as programs of UNIX use it, with the server up, down and coming back.
@Suite(.serialized) struct SendmailCommandTests {
    private let instance: QuickInstance
    private let place = TemporaryDirectory("sendmail")

    init() throws {
        self.instance = try QuickInstance()
        for name in ["sendmail", "mailq", "newaliases"] { symlink(try QuickInstance.program, self.place(name)) }
    }

    private var drop: String { "\(self.instance.directory)/spool/drop" }
    /// Beside the server's own notice.
    private var dropped: [String] { directoryEntries(self.drop).filter { $0 != "limits" } }

    private func run(_ name: String, _ arguments: [String], _ input: String = "") throws -> (ending: ChildProcess.Ending, output: String) {
        self.place.write("input", input)
        return try ChildProcess.run(
            self.place(name), arguments, environment: ["POSTOFFICE_CONFIG": self.instance.configuration], input: self.place("input"))
    }

    /// Messages of an account, by POP3, once there are so many.
    private func mail(_ account: String, _ count: Int) throws -> [String] {
        var found: [String] = []
        _ = eventually(within: 60) {
            found = (try? self.read(account)) ?? []
            return found.count >= count
        }
        return found
    }

    private func read(_ account: String) throws -> [String] {
        let connection = try LineConnection(port: try self.instance.port("POP3_PORT"))
        _ = try connection.line()
        for line in ["USER \(account)", "PASS secret words"] {
            try connection.send(Array("\(line)\r\n".utf8))
            guard try connection.line().hasPrefix("+OK") else { return [] }
        }
        try connection.send(Array("STAT\r\n".utf8))
        let count = Int(try connection.line().split(separator: " ").dropFirst().first ?? "0") ?? 0
        return try (0..<count).map { index in
            try connection.send(Array("RETR \(index + 1)\r\n".utf8))
            var text = try connection.line() + "\n"
            while case let line = try connection.line(), line != "." { text += line + "\n" }
            return text
        }
    }

    @Test("152 messages are taken while the server is down and delivered when it comes; then at once; nothing is left behind")
    func downAndUp() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        let cron = try self.run("sendmail", ["-FCronDaemon", "-i", "-oem", "taro"], "Subject: while down\n\nfirst\n.\nlast\n")
        #expect(cron.ending == .exited(0), "\(cron.output)")
        let header = try self.run(
            "sendmail", ["-t"], "To: Taro <taro@example.test>\nBcc: hidden@nowhere.invalid, taro\nSubject: by header\n\nx\n")
        #expect(header.ending == .exited(0), "\(header.output)")
        #expect(self.dropped.count == 2)
        try self.instance.start()
        let mail = try self.mail("taro", 2)
        #expect(mail.count == 2)
        let first = try #require(mail.first { $0.contains("Subject: while down") })
        #expect(first.contains("From: \"CronDaemon\" <") && first.contains("@example.test>") && first.contains("Message-ID: <"))
        #expect(first.contains("\n..\nlast\n") && first.contains("with local id") && first.contains("Date: "))
        #expect(mail.allSatisfy { !$0.contains("Bcc") })
        let now = try self.run("sendmail", ["-oi", "-f", "hanako@example.net", "taro@example.test"], "Subject: while up\n\nx\n")
        #expect(now.ending == .exited(0))
        #expect(try self.mail("taro", 3).contains { $0.contains("Return-Path: <hanako@example.net>") })
        #expect(eventually(within: 60) { self.dropped.isEmpty })
        #expect(try self.run("mailq", []).ending == .exited(0))
    }

    @Test(
        "102 a damaged drop file, a link, a pipe and a stranger's file are set aside, named once and stop nothing; a directory stays where it is"
    )
    func damaged() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        _ = try self.run("sendmail", ["taro"], "Subject: good\n\nx\n")
        let good = "\(self.drop)/" + (try #require(self.dropped.first))
        let bytes = ChildProcess.text(of: good)
        for (name, text) in [("m-short", String(bytes.dropLast(1))), ("m-long", bytes + "x"), ("m-empty", ""), ("m-other", "hello\n\n")] {
            let file = fopen("\(self.drop)/\(name)", "w")
            fputs(text, file)
            if let file { fclose(file) }
        }
        symlink("/etc/passwd", "\(self.drop)/m-link")
        mkfifo("\(self.drop)/m-pipe", 0o600)
        for name in ["m-place", "m-place/inner"] { mkdir("\(self.drop)/\(name)", 0o755) }
        try self.instance.start()
        #expect(try self.mail("taro", 1).count == 1)
        #expect(eventually(within: 60) { self.dropped == ["m-place"] })
        #expect(eventually { self.instance.trail.split(separator: "\n").count { $0.contains("drop-refused") } == 6 })
        // Two more looks of the server, each of which would name it again.
        for count in 2...3 {
            _ = try self.run("sendmail", ["taro"], "Subject: good\n\nx\n")
            #expect(try self.mail("taro", count).count == count)
        }
        #expect(self.instance.trail.split(separator: "\n").count { $0.contains("drop-foreign") } == 1)
        let list = try self.instance.command(["drop", "list"])
        #expect(list.output.contains("m-short") && list.output.contains("it is damaged") && list.output.contains("6 refused"))
        let status = try self.instance.command(["status"])
        #expect(status.output.contains("6 messages of programs of this host were refused"), "\(status.output)")
        #expect(try self.instance.command(["drop", "show", "m-long"]).output.contains("to: taro"))
        #expect(try self.instance.command(["drop", "show", "../drop"]).ending == .exited(1))
        #expect(try self.instance.command(["drop", "delete"]).ending == .exited(2))
        #expect(try self.instance.command(["drop", "release", "m-link"]).ending == .exited(1))
        #expect(try self.instance.command(["drop", "delete", "--all"]).output.contains("6 deleted"))
        #expect(try self.instance.command(["drop", "list", "--lang", "ja"]).output.contains("0 件"))
        let check = try self.instance.command(["permissions", "--check"])
        #expect(check.ending == .exited(0), "\(check.output)")
    }

    @Test(
        "152 too large, NUL and long header lines are refused by the command; what was refused by the server is taken when the cause is mended"
    )
    func refusedHere() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        let head = "To: taro\nSubject: large\n\n"
        _ = try self.instance.command(["config", "set", "message-size-limit", "70000"])
        // 50,000 octets with LF, 100,000 as mail has them: the command does not know the limit yet, the server refuses.
        let lines = head + String(repeating: "\n", count: 50_000)
        #expect(try self.run("sendmail", ["-t"], lines).ending == .exited(0))
        try self.instance.start()
        #expect(eventually(within: 60) { (try? self.instance.command(["drop", "list"]).output.contains("larger than a message")) == true })
        let late = try self.run("sendmail", ["-t"], lines)
        #expect(late.ending == .exited(69) && late.output.contains("70000 are allowed"), "\(late.output)")
        #expect(try self.run("sendmail", ["taro"], "Subject: x\n\n\0\n").ending == .exited(65))
        #expect(try self.run("sendmail", ["taro"], "Subject: \(String(repeating: "x", count: 999))\n\nx\n").ending == .exited(65))
        #expect(self.dropped.isEmpty)
        let talk = try self.run(
            "sendmail", ["-bs"],
            "MAIL FROM:<>\r\nRCPT TO:<taro>\r\nDATA\r\nSubject: x\r\n\r\n\0\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<taro>\r\nDATA\r\n"
                + String(repeating: "\r\n", count: 50_000) + ".\r\nQUIT\r\n")
        #expect(talk.output.contains("554 5.6.0 ") && talk.output.contains("552 5.3.4 "), "\(talk.output)")
        let plain = try self.run("sendmail", ["taro"], "Subject: long\n\n" + String(repeating: "y", count: 3000) + "\n")
        #expect(plain.ending == .exited(0), "\(plain.output)")
        #expect(try self.mail("taro", 1).contains { $0.contains("quoted-printable") })
        _ = try self.instance.command(["config", "set", "message-size-limit", "200000"])
        #expect(try self.instance.command(["drop", "release", "--all"]).output.contains("1 given back"))
        #expect(try self.mail("taro", 2).contains { $0.contains("Subject: large") })
    }

    @Test("SMTP by -bs, wrong use, addresses that are none")
    func others() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        let talk = try self.run(
            "sendmail", ["-bs"],
            "EHLO x\r\nRCPT TO:<a>\r\nMAIL FROM:<hanako@example.net>\r\nRCPT TO:<taro@example.test>\r\nDATA\r\nSubject: spoken\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
        )
        #expect(talk.ending == .exited(0))
        #expect(
            talk.output.split(separator: "\r\n").map { $0.prefix(3) } == [
                "220", "250", "250", "250", "503", "250", "250", "354", "250", "221",
            ])
        #expect(try self.run("sendmail", [], "Subject: x\n\n").ending == .exited(64))
        #expect(try self.run("sendmail", ["-bz"]).ending == .exited(64))
        #expect(try self.run("sendmail", ["a\nto evil@example.net"], "x\n").ending == .exited(65))
        let missing = try ChildProcess.run(
            self.place("sendmail"), ["taro"], environment: ["POSTOFFICE_DROP": self.place("nowhere")], input: self.place("input"))
        #expect(missing.ending == .exited(75))
        try self.instance.start()
        let mail = try self.mail("taro", 1)
        #expect(mail.first?.contains("\n..dot\n") == true)
        // A report comes back to who wrote to nobody.
        #expect(
            try self.run("sendmail", ["-f", "taro@example.test", "nobody-here@example.test"], "Subject: lost\n\n").ending == .exited(0))
        #expect(try self.mail("taro", 2).contains { $0.contains("Content-Type: multipart/report") })
    }

    @Test("newaliases takes over what one address follows")
    func aliases() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        self.place.write("aliases", "# comment\nsupport: taro\nroot:\ttaro@example.test\nmany: a, b\nprog: \"|/bin/x\"\n")
        self.place.write("input", "")
        let result = try ChildProcess.run(
            self.place("newaliases"), [],
            environment: ["POSTOFFICE_CONFIG": self.instance.configuration, "POSTOFFICE_ALIASES": self.place("aliases")],
            input: self.place("input"))
        #expect(result.output.contains("2 aliases taken over"), "\(result.output)")
        let route = try self.instance.command(["route", "support@example.test"])
        #expect(route.output.contains("taro@example.test"), "\(route.output)")
    }

    @Test("152 mutt and git send-email send through it")
    func mutt() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        try self.instance.start()
        self.place.write("muttrc", "set sendmail=\"\(self.place("sendmail")) -oem -oi\"\nset copy=no\nset from=hanako@example.net\n")
        self.place.write("input", "from mutt\n")
        let mutt = try ChildProcess.run(
            "/usr/bin/mutt", ["-n", "-F", self.place("muttrc"), "-s", "greetings", "taro@example.test"],
            environment: ["POSTOFFICE_CONFIG": self.instance.configuration, "HOME": self.place.path, "TERM": "dumb"],
            input: self.place("input"))
        #expect(mutt.ending == .exited(0), "\(mutt.output)")
        #expect(try self.mail("taro", 1).contains { $0.contains("Subject: greetings") && $0.contains("from mutt") })
        let script = """
            cd "$1" && git init -q r && cd r && git config user.email hanako@example.net && git config user.name Hanako && echo x > f && git add f \
            && git commit -qm "a change" && git -c sendemail.confirm=never -c sendemail.smtpServer="$1/sendmail" send-email --quiet --to taro@example.test -1
            """
        let git = try ChildProcess.run(
            "/bin/sh", ["-c", script, "send", self.place.path],
            environment: ["POSTOFFICE_CONFIG": self.instance.configuration, "HOME": self.place.path])
        #expect(git.ending == .exited(0), "\(git.output)")
        #expect(try self.mail("taro", 2).contains { $0.contains("a change") })
    }

    @Test("152 bsd-mailx sends through it")
    func mailx() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        try self.instance.start()
        self.place.write("mailrc", "set sendmail=\(self.place("sendmail"))\n")
        self.place.write("input", "from mailx\n.\nlost after a dot\n")
        let mail = try ChildProcess.run(
            "/usr/bin/bsd-mailx", ["-s", "by mailx", "-a", "From: hanako@example.net", "taro@example.test"],
            environment: ["POSTOFFICE_CONFIG": self.instance.configuration, "MAILRC": self.place("mailrc"), "HOME": self.place.path],
            input: self.place("input"))
        #expect(mail.ending == .exited(0), "\(mail.output)")
        #expect(try self.mail("taro", 1).contains { $0.contains("Subject: by mailx") && $0.contains("From: hanako@example.net") })
    }

    /// With our program in the place of /usr/sbin/sendmail, seen by this cron alone.
    private static let cronScript = """
        set -e
        mount --make-rprivate /
        mount -t tmpfs none /run
        mount -t tmpfs none /etc/cron.d
        mount -t tmpfs none /var/spool/cron
        mkdir /var/spool/cron/crontabs
        mount --bind "$1" /usr/sbin/sendmail
        printf 'MAILTO=taro\\n@reboot root echo hello from cron; head -c 2000 /dev/zero | tr "\\\\000" x\\n' >/etc/cron.d/job
        chmod 644 /etc/cron.d/job
        exec cron -f
        """

    @Test(
        "118 152 cron sends what a job wrote, lines of any length too, by /usr/sbin/sendmail",
        .enabled(if: Networks.isPossible, "root and mount namespaces are needed"))
    func cron() throws {
        try self.instance.addAccounts(["taro@example.test"], password: "secret words")
        try self.instance.start()
        let cron = try ChildProcess(
            "/usr/bin/unshare", ["-m", "/bin/sh", "-c", Self.cronScript, "cron", try QuickInstance.program],
            environment: ["POSTOFFICE_CONFIG": self.instance.configuration, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            output: self.place("cron"), errors: self.place("cron"))
        defer { cron.end() }
        let mail = try self.mail("taro", 1)
        #expect(mail.first?.contains("From: root (Cron Daemon)") == true || mail.first?.contains("(Cron Daemon)") == true, "\(mail)")
        #expect(mail.first?.contains("hello from cron") == true, "\(ChildProcess.text(of: self.place("cron")))")
        #expect(mail.first?.contains("quoted-printable") == true)
    }
}
