import Glibc
import MailTesting
import Testing

/// Programs that run as users of the operating system, and their passwords.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct DeliverProgramTests {
    private static func world(_ programs: [String: String]) throws -> DeliverWorld {
        let world = try DeliverWorld()
        for (name, text) in programs { try world.program(name, text) }
        try world.start()
        try world.config("allowed-programs", programs.keys.sorted().joined(separator: "\n"))
        return world
    }

    @Test(
        "must-have 32, 33: a program runs as its user, with the message on its input, facts in its environment, and arguments no shell saw")
    func programRunsAsItsUser() throws {
        let world = try Self.world([
            "keep":
                "#!/bin/sh\n{ id -un; id -Gn; pwd; echo \"$SENDER|$RECIPIENT|$ACCOUNT|$LOCAL|$EXTENSION|$DOMAIN|$HOME|$USER\"; for a; do echo \"[$a]\"; done; env | wc -l; cat; } > kept\n"
        ])
        try world.account(
            "bob", ["program-delivery=yes", "program-account=ann", "programs-to-run=keep one 'two $(id) words' \"th\\\"ree\""])
        #expect(
            try world.send(to: "bob+list@example.test", from: "`id`$x|y@client.example", ["Subject: p", "", "From the body", "last"]) == 250
        )
        let kept = world.place("home/ann/kept")
        try world.wait("the program") { ChildProcess.text(of: kept).contains("last") }
        let lines = ChildProcess.text(of: kept).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.prefix(2) == ["ann", "ann"] && lines[2] == world.place("home/ann"))
        #expect(
            lines[3]
                == "`id`$x|y@client.example|bob+list@example.test|bob@example.test|bob+list|list|example.test|\(world.place("home/ann"))|ann",
            "\(lines[3])")
        #expect(Array(lines[4...6]) == ["[one]", "[two $(id) words]", "[th\"ree]"])
        #expect(
            lines.contains("Return-Path: <`id`$x|y@client.example>") && lines.contains("From the body") && !lines.joined().contains("\r"))
        try world.wait("the trail") { world.trail.contains("method=program program=keep user=ann") }
        // The mailbox has it too.
        #expect(try world.postoffice(["account", "show", "bob"]).output.contains("(1)"))
    }

    @Test("exit statuses of <sysexits.h> decide between delivered, later and back to the sender with what the program wrote")
    func sysexits() throws {
        let world = try Self.world(["status": "#!/bin/sh\necho \"the program says $1\"\nprintf 'and \\033[31mred\\n' >&2\nexit $1\n"])
        try world.account("sender", [])
        let later = [71, 72, 74, 75]
        let back = [1, 64, 65, 66, 67, 68, 69, 70, 73, 76, 77, 78]
        for status in later + back + [0] {
            try world.account(
                "s\(status)", ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=status \(status)"])
            #expect(try world.send(to: "s\(status)@example.test", from: "sender@example.test", ["Subject: \(status)", "", "x"]) == 250)
        }
        try world.wait("all to be tried") {
            let trail = world.trail
            return later.allSatisfy { trail.contains("to=s\($0)@example.test reason=") }
                && back.allSatisfy { trail.contains("failed to=s\($0)@example.test") || trail.contains("to=s\($0)@example.test reason=") }
                && trail.contains("to=s0@example.test method=program program=status")
        }
        let queue = world.queue
        for status in later { #expect(queue.contains("s\(status)@example.test"), "\(status)") }
        for status in back + [0] { #expect(!queue.contains("s\(status)@example.test"), "\(status)") }
        // The reports are in the sender's mailbox, read by POP3.
        let pop = try LineConnection(port: world.low + 3)
        _ = try pop.line()
        for line in ["USER sender", "PASS \(DeliverWorld.password)"] {
            try pop.send(line: line)
            #expect(try pop.line().hasPrefix("+OK"))
        }
        var reports = ""
        for number in 1...back.count {
            try pop.send(line: "RETR \(number)")
            while case let line = try pop.line(), line != "." { reports += line + "\n" }
        }
        let flat = reports.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for status in back { #expect(flat.contains("ended with status \(status): the program says \(status) and [31mred"), "\(status)") }
        #expect(reports.contains("Status: 5.1.1") && reports.contains("Status: 5.7.0") && !reports.contains("\u{1B}"))
    }

    @Test("a program that forks and hangs, floods, eats memory or bombs is ended with all that it began, and others go on meanwhile")
    func unrulyPrograms() throws {
        let mark = "86421"
        let world = try Self.world([
            "hang": "#!/bin/sh\nsetsid sleep \(mark) &\nsetsid sleep \(mark) &\nexec sleep \(mark)\n",
            "leave": "#!/bin/sh\nsetsid sleep \(mark) > /dev/null 2>&1 &\nexit 0\n",
            "flood": "#!/bin/sh\nexec yes \(mark)\n",
            "memory": "#!/usr/bin/python3\nkept = []\nwhile True: kept.append(bytes(10 ** 7))\n",
            "bomb": "#!/bin/bash\nb() { b | b & }\nb\nexec sleep \(mark)\n",
            "fine": "#!/bin/sh\ncat > fine\n",
        ])
        try world.config("program-time-limit", "3s")
        try world.config("program-memory-limit", "100 MiB")
        for name in ["hang", "leave", "flood", "memory", "bomb"] {
            try world.account(name, ["program-delivery=yes", "program-account=ben", "programs-to-run=\(name)"])
            #expect(try world.send(to: "\(name)@example.test", ["Subject: \(name)", "", "x"]) == 250)
        }
        try world.account("fine", ["program-delivery=yes", "program-account=ann", "programs-to-run=fine"])
        #expect(try world.send(to: "fine@example.test", ["Subject: fine", "", "all is well"]) == 250)
        try world.wait("the good one") { ChildProcess.text(of: world.place("home/ann/fine")).contains("all is well") }
        try world.wait("the ends") {
            let trail = world.trail
            return ["hang", "flood", "bomb"].allSatisfy {
                trail.contains("to=\($0)@example.test reason=\"program: \($0) took longer than 3 s")
            }
                && trail.contains("method=program program=leave") && trail.contains("to=memory@example.test reason=")
        }
        try world.wait("nothing left") { try world.inside(["/usr/bin/pgrep", "-u", "4002"]).output.isEmpty }
        #expect(try world.helpers().count == 2)
    }

    @Test("one program of several that fails does not run the others twice; what the postmaster does not allow is not run")
    func severalPrograms() throws {
        let world = try Self.world([
            "good": "#!/bin/sh\necho run >> good\n", "bad": "#!/bin/sh\necho run >> bad\nexit 75\n", "other": "#!/bin/sh\nexit 0\n",
        ])
        try world.account("both", ["program-delivery=yes", "program-account=ann", "programs-to-run=good\nbad\ngood again"])
        #expect(try world.send(to: "both@example.test", ["Subject: x", "", "x"]) == 250)
        let (good, bad) = (world.place("home/ann/good"), world.place("home/ann/bad"))
        try world.wait("three runs") { ChildProcess.text(of: good) == "run\nrun\n" && ChildProcess.text(of: bad) == "run\n" }
        try world.wait("the entry to be put off") { world.queue.contains("status 75") }
        _ = try world.postoffice(["queue", "retry", "--all"])
        try world.wait("one more run") { ChildProcess.text(of: bad) == "run\nrun\n" }
        #expect(ChildProcess.text(of: good) == "run\nrun\n")
        // The line is checked where it is written, by name and rule.
        for (line, words) in [
            ("cat", "cat is not allowed"), ("good | mail x", "no shell runs the line"), ("/bin/sh -c id", "no name of a program"),
            ("good 'open", "close the quote"),
        ] {
            let refused = try world.postoffice(["account", "set", "both", "programs-to-run=\(line)"])
            #expect(refused.status != 0 && refused.output.contains(words), "\(refused.output)")
        }
        // Taken from the list afterwards: not run any more, and the message is not lost.
        try world.config("allowed-programs", "bad")
        #expect(try world.send(to: "both@example.test", ["Subject: x", "", "x"]) == 250)
        try world.wait("the refusal") { world.queue.contains("not among the allowed programs") }
        // A program that others could change is not run either.
        try world.config("allowed-programs", "bad good other")
        try world.must("chmod 777 /etc/post.office.programs/other")
        try world.account("open", ["program-delivery=yes", "program-account=ann", "programs-to-run=other"])
        #expect(try world.send(to: "open@example.test", ["Subject: x", "", "x"]) == 250)
        try world.wait("the refusal") { world.queue.contains("others may change the program") }
    }

    @Test("procmail, as Debian has it, sorts mail into folders of its user")
    func procmail() throws {
        let world = try Self.world([:])
        try world.must("test -x /usr/bin/procmail && ln -s /usr/bin/procmail /etc/post.office.programs/procmail")
        try world.config("allowed-programs", "procmail")
        world.place.write("home/ann/.procmailrc", "MAILDIR=$HOME\n:0:\n* ^Subject:.*list\nlists\n:0:\ninbox\n")
        try world.must("chown ann '\(world.place("home/ann/.procmailrc"))'; chmod 644 '\(world.place("home/ann/.procmailrc"))'")
        try world.account("ann", ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=procmail -Y"])
        for subject in ["the list", "a letter"] {
            #expect(try world.send(to: "ann@example.test", ["Subject: \(subject)", "", "x"]) == 250)
        }
        try world.wait("both folders") {
            ChildProcess.text(of: world.place("home/ann/lists")).contains("the list")
                && ChildProcess.text(of: world.place("home/ann/inbox")).contains("a letter")
        }
    }

    @Test("a mailing-list archiver, as Debian has it, makes a page of each message and an index of all")
    func archiver() throws {
        let world = try Self.world([:])
        try world.must("test -x /usr/bin/mhonarc && ln -s /usr/bin/mhonarc /etc/post.office.programs/mhonarc")
        try world.config("allowed-programs", "mhonarc")
        let archive = world.place("home/ann/archive")
        try world.must("install -d -o ann -g ann '\(archive)'")
        try world.account(
            "list",
            ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=mhonarc -add -quiet -outdir ./archive"])
        for number in 0..<3 {
            let code = try world.send(
                to: "list@example.test",
                ["From: jane@client.example", "Subject: number \(number)", "Message-ID: <\(number)@client.example>", "", "mark \(number)"])
            #expect(code == 250)
        }
        try world.wait("the index of all three") {
            let index = ChildProcess.text(of: archive + "/maillist.html")
            return (0..<3).allSatisfy { index.contains("number \($0)") }
        }
        #expect((0..<3).allSatisfy { ChildProcess.text(of: archive + "/msg0000\($0).html").contains("mark \($0)") })
    }

    @Test(
        "must-have 39: A1 an account logs in with its system password; the own one is kept, SCRAM is of no use, and a wrong name or password look alike"
    )
    func systemPasswords() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("linked", ["use-os-password=yes", "os-user=ann"])
        try world.account("plain", [])
        func login(_ name: String, _ password: String) throws -> String {
            let pop = try LineConnection(port: world.low + 3)
            _ = try pop.line()
            try pop.send(line: "USER \(name)")
            _ = try pop.line()
            try pop.send(line: "PASS \(password)")
            let answer = try pop.line()
            // The next session finds the mailbox free.
            try? pop.send(line: "QUIT")
            _ = try? pop.line()
            return answer
        }
        for _ in 1...2 {
            let answer = try login("linked", DeliverWorld.systemPassword)
            #expect(answer.hasPrefix("+OK"), "\(answer)")
        }
        #expect(try login("plain", DeliverWorld.password).hasPrefix("+OK"))
        let wrong = Set([
            try login("linked", DeliverWorld.password), try login("linked", "nonsense"), try login("plain", "nonsense"),
            try login("nobody-at-all", "nonsense"), try login("plain", DeliverWorld.systemPassword),
        ])
        #expect(wrong.count == 1 && wrong.first?.hasPrefix("-ERR") == true, "\(wrong)")
        // 58: the own one must be another than the system's.
        world.place.write("same", DeliverWorld.systemPassword + "\n")
        let same = try world.postoffice(["account", "set", "linked", "--password-file", world.place("same")])
        #expect(same.status == 1 && same.output.contains("the operating system's password of ann"), "\(same.output)")
        let off = try world.postoffice(["account", "set", "linked", "use-os-password=no"])
        #expect(off.status == 0)
        #expect(try login("linked", DeliverWorld.password).hasPrefix("+OK"), "the own one was kept")
        #expect(try login("linked", DeliverWorld.systemPassword).hasPrefix("-ERR"))
        // Locked by the system: its own rules hold.
        try world.must("passwd -l ben; chage -E 1 ben")
        try world.account("gone", ["use-os-password=yes", "os-user=ben"])
        #expect(try login("gone", DeliverWorld.systemPassword).hasPrefix("-ERR"))
        // Root's password is nobody's.
        _ = try world.postoffice(["account", "set", "gone", "os-user=root"])
        #expect(try login("gone", DeliverWorld.systemPassword).hasPrefix("-ERR"))
    }

    @Test("46 39 login users become accounts with maildrop and linked password, and log in at once with what they know")
    func importedUsers() throws {
        let world = try DeliverWorld()
        try world.start()
        let done = try world.postoffice(["account", "import-unix", "--delivery", "both", "--password-link", "--no-summary"])
        #expect(done.status == 0 && done.output.contains("ann: ann@"), "\(done.output)")
        let shown = try world.postoffice(["account", "show", "ann", "--json"]).output
        #expect(
            shown.contains("\"unix-user\":\"ann\"") && shown.contains("\"os-user\":\"ann\"") && shown.contains("\"has-password\":false"))
        let pop = try LineConnection(port: world.low + 3)
        for line in ["USER ann", "PASS \(DeliverWorld.systemPassword)"] {
            _ = try pop.line()
            try pop.send(line: line)
        }
        #expect(try pop.line().hasPrefix("+OK"))
    }

    @Test("without the helper the fields cannot be switched on and say why, in both languages; setup brings it")
    func withoutTheHelper() throws {
        let world = try DeliverWorld(systemDelivery: false)
        try world.start()
        #expect(try world.helpers().isEmpty)
        let added = try world.postoffice(["account", "add", "ann@example.test", "--password-file", world.place("password")])
        #expect(added.status == 0)
        for field in ["unix-delivery", "program-delivery", "use-os-password"] {
            let refused = try world.postoffice(["account", "set", "ann", "\(field)=yes"])
            #expect(refused.status != 0 && refused.output.contains("setup --system-delivery yes"), "\(refused.output)")
            let japanese = try world.postoffice(["account", "set", "ann", "\(field)=yes", "--lang", "ja"])
            #expect(japanese.output.contains("使用できません"), "\(japanese.output)")
        }
        #expect(world.stop() == .exited(0))
        let again = try world.postoffice(["setup", "--unattended", "--system-delivery", "yes"])
        #expect(again.status == 0 && again.output.contains("/etc/post.office.programs"), "\(again.output)")
        try world.start()
        #expect(try world.postoffice(["account", "set", "ann", "unix-delivery=yes"]).status == 0)
        #expect(try world.send(to: "ann@example.test", ["Subject: now", "", "it works"]) == 250)
        try world.wait("the message") { world.maildrop("ann").contains("it works") }
        // The helper gone: what needs it waits and says so.
        #expect(!(try world.postoffice(["status"]).output.contains("system passwords")))
        // One that is killed is followed by another: all of it, and nobody in between.
        for signal in [SIGSTOP, SIGKILL] { for helper in try world.helpers() { kill(helper, signal) } }
        #expect(try world.helpers().isEmpty)
        #expect(try world.send(to: "ann@example.test", ["Subject: now", "", "and waits"]) == 250)
        try world.wait("the reason") {
            world.queue.contains("postoffice-deliver gave no answer") || world.queue.contains("not available to this server")
        }
        let status = try world.postoffice(["status"])
        #expect(status.output.contains("system passwords are off: postoffice-deliver does not run"), "\(status.output)")
    }
}
