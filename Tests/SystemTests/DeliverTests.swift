import Glibc
import MailTesting
import Testing

/// Mail for users of the operating system, with a real helper that stays root, real users, real files.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct DeliverTests {
    @Test(
        "must-have 30, 31, 146: maildrop and mailbox get the message each, in mbox form; mutt and mail read it, and every file has its owner"
    )
    func maildropBesideTheMailbox() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["unix-delivery=yes", "unix-user=ann"])
        #expect(
            try world.send(to: "ann@example.test", ["Subject: first", "", "From the beginning", ">From further on", ".dot", "end"]) == 250)
        #expect(try world.send(to: "ann@example.test", from: "", ["Subject: second", "", "and last"]) == 250)
        try world.wait("two messages in the maildrop") { world.maildrop("ann").contains("and last") }
        let text = world.maildrop("ann")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.first?.hasPrefix("From stranger@client.example  ") == true, "\(text)")
        #expect(lines.count { $0.hasPrefix("From ") } == 2 && lines.contains { $0.hasPrefix("From MAILER-DAEMON  ") })
        #expect(lines.contains(">From the beginning") && lines.contains(">>From further on") && lines.contains(".dot"))
        #expect(text.hasSuffix("and last\n\n") && !text.contains("\r"))
        #expect(lines.contains("Return-Path: <stranger@client.example>") && lines.contains("Delivered-To: ann@example.test"))
        #expect(try world.sh("stat -c '%U %G %a %h' /var/mail/ann").output == "ann mail 660 1\n")
        #expect(try world.sh("ls -A /var/mail").output == "ann\n", "no lock stays")
        // As their users would read it.
        let folder = world.place("home/ann")
        let keys =
            "mutt -n -F /dev/null -f /var/mail/ann -e 'set folder=\(folder) confirmappend=no confirmcreate=no quit=yes move=no wait_key=no; push \"<last-entry><copy-message><kill-line>\(world.place("home/ann/copy"))<enter><quit>\"'"
        let mutt = try world.asUser(
            "ann", ["/usr/bin/script", "--quiet", "--return", "--command", "env TERM=xterm COLUMNS=100 LINES=40 \(keys)", "/dev/null"])
        #expect(ChildProcess.text(of: world.place("home/ann/copy")).contains("and last"), "\(mutt.output)")
        #expect(mutt.status == 0, "\(mutt.output)")
        let mailx = try world.asUser("ann", ["/bin/sh", "-c", "printf 'h\\nx\\n' | mail -n -f /var/mail/ann"])
        #expect(mailx.output.contains("first") && mailx.output.contains("second"), "\(mailx.output)")
        // The mailbox has its copy of each.
        let shown = try world.postoffice(["account", "show", "ann"])
        #expect(shown.output.contains("(2)"), "\(shown.output)")
        #expect(world.trail.contains("method=maildrop user=ann"))
        #expect(world.stop() == .exited(0))
        try world.wait("the helper's end") { try world.helpers().isEmpty }
    }

    @Test("a maildrop that is locked is waited for, by either lock, and nothing comes twice or half")
    func locksAreRespected() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["unix-delivery=yes", "pop3-delivery=no"])
        // A mail program at work for some seconds: fcntl alone, then a lock file alone.
        let holders = [
            """
            import fcntl,time,os
            f=open('/var/mail/ann','a'); fcntl.lockf(f, fcntl.LOCK_EX); open('/tmp/po-locked','w').close() if False else None
            print('locked', flush=True); time.sleep(3); f.write('From user  Thu Jan  1 00:00:00 1970\\n\\nmine\\n\\n'); f.flush()
            """,
            """
            import time,os
            os.close(os.open('/var/mail/ann.lock', os.O_CREAT|os.O_EXCL|os.O_WRONLY)); print('locked', flush=True); time.sleep(3)
            open('/var/mail/ann','a').write('From user  Thu Jan  1 00:00:00 1970\\n\\nmine\\n\\n'); os.unlink('/var/mail/ann.lock')
            """,
        ]
        try world.must("install -o ann -g mail -m 660 /dev/null /var/mail/ann")
        for (number, holder) in holders.enumerated() {
            let output = world.place("locked-\(number)")
            try world.must("python3 -c \"\(holder)\" > '\(output)' 2>&1 & :")
            try world.wait("the lock") { ChildProcess.text(of: output).contains("locked") }
            for index in 0..<3 { #expect(try world.send(to: "ann@example.test", ["Subject: n", "", "body \(number)-\(index)."]) == 250) }
            try world.wait("all messages") { (0..<3).allSatisfy { world.maildrop("ann").contains("body \(number)-\($0).") } }
        }
        let text = world.maildrop("ann")
        #expect(text.split(separator: "\n").count { $0.hasPrefix("From ") } == 8, "\(text)")
        for body in ["body 0-0.", "body 0-2.", "body 1-1."] { #expect(text.components(separatedBy: body).count == 2) }
        #expect(text.components(separatedBy: "mine").count == 3)
    }

    @Test("what an append left behind in the middle is cut back by the next; a lock of somebody else's that lives is not touched")
    func halfMessagesAreCutBack() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["unix-delivery=yes"])
        let whole = "From a@b  Thu Jan  1 00:00:00 1970\n\nwhole\n\n"
        world.place.write("half", whole + "From c@d  Thu Jan  1 00:00:00 1970\n\nhal")
        try world.must(
            """
            install -o ann -g mail -m 660 '\(world.place("half"))' /var/mail/ann
            sh -c 'exit 0' & dead=$!; wait $dead
            printf '%s\\npost.office \(whole.utf8.count) %s\\n' $dead $(stat -c %i /var/mail/ann) > /var/mail/ann.lock
            chown ann:mail /var/mail/ann.lock
            """)
        #expect(try world.send(to: "ann@example.test", ["Subject: next", "", "next one"]) == 250)
        try world.wait("the message") { world.maildrop("ann").contains("next one") }
        let text = world.maildrop("ann")
        #expect(text.hasPrefix(whole + "From stranger"), "\(text)")
        #expect(!text.contains("c@d") && access("/proc/self", F_OK) == 0)
        #expect(try world.sh("ls -A /var/mail").output == "ann\n")
    }

    @Test("must-have 31: S links, other people's files and directories in /var/mail are refused, and the message waits with its reason")
    func trapsInTheMaildropDirectory() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["unix-delivery=yes"])
        try world.must("echo keep > '\(world.place("home/ann/target"))'; chown ann '\(world.place("home/ann/target"))'")
        let traps = [
            ("ln -s '\(world.place("home/ann/target"))' /var/mail/ann", "symbolic link"),
            ("ln -s /etc/shadow /var/mail/ann", "symbolic link"),
            ("install -o ben -g ben -m 600 /dev/null /var/mail/ann", "Permission denied"),
            ("install -o ben -g mail -m 666 /dev/null /var/mail/ann", "no file of its user"),
            ("mkdir -m 777 /var/mail/ann && chown ann /var/mail/ann", "open"),
            ("mkfifo /var/mail/ann && chown ann /var/mail/ann", "no file of its user"),
            ("install -o ann -g mail -m 660 /dev/null /var/mail/ann && ln /var/mail/ann /var/mail/other", "hard links"),
        ]
        for (number, (trap, words)) in traps.enumerated() {
            try world.must("rm -rf /var/mail/*; \(trap)")
            #expect(try world.send(to: "ann@example.test", ["Subject: t", "", "trap \(number)."]) == 250)
            try world.wait("the refusal: \(words)") {
                world.trail.components(separatedBy: "method=maildrop").count > 0 && world.queue.contains(words)
            }
            try world.must("rm -rf /var/mail/*")
            _ = try world.postoffice(["queue", "retry", "--all"])
            try world.wait("the message") { world.maildrop("ann").contains("trap \(number).") }
        }
        #expect(try world.sh("cat '\(world.place("home/ann/target"))'").output == "keep\n")
        // Neither root nor the system's users get mail this way.
        for user in ["root", "daemon", "nobody", "../ann", "nosuch"] {
            _ = try world.postoffice(["account", "set", "ann", "unix-user=\(user)"])
            #expect(try world.send(to: "ann@example.test", ["Subject: t", "", "for \(user)"]) == 250)
        }
        try world.wait("refusals") { world.queue.contains("no such user") && world.queue.contains("not a user whom mail") }
        #expect(!(try world.sh("ls /var/mail").output.contains("root")))
    }

    @Test("R2 a full disk under /var/mail: nothing half stays, the message waits, and comes when there is room")
    func fullMaildropDisk() throws {
        let world = try DeliverWorld(mailSize: "64k")
        try world.start()
        try world.account("ann", ["unix-delivery=yes"])
        let long = (0..<1500).map { "line \($0) \(String(repeating: "x", count: 60))" }
        #expect(try world.send(to: "ann@example.test", ["Subject: small", "", "small one"]) == 250)
        try world.wait("the small one") { world.maildrop("ann").contains("small one") }
        let before = world.maildrop("ann")
        #expect(try world.send(to: "ann@example.test", ["Subject: long", ""] + long) == 250)
        try world.wait("no room") { world.queue.contains("No space left") }
        #expect(world.maildrop("ann") == before)
        try world.must("mount -o remount,size=1m /var/mail")
        _ = try world.postoffice(["queue", "retry", "--all"])
        try world.wait("the long one") { world.maildrop("ann").contains("line 1499 ") }
        #expect(world.maildrop("ann").hasPrefix(before))
    }

    @Test("R1 kill -9 of helper children and of the mta in the middle: every message comes, at most twice, and never half")
    func killingInTheMiddle() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["unix-delivery=yes", "pop3-delivery=no"])
        let filling = (0..<3000).map { "filling \($0) \(String(repeating: "y", count: 100))" }
        let count = 20
        for number in 0..<count {
            #expect(
                try world.send(to: "ann@example.test", ["Subject: m\(number)", "", "begin \(number)."] + filling + ["end \(number)."])
                    == 250)
            // Who keeps it there has the lowest number; who listens and his children come and go.
            for child in try world.helpers().dropFirst() { kill(child, SIGKILL) }
            if number == count / 2, let mta = world.mtaID { kill(mta, SIGKILL) }
            if number == count / 2 {
                try world.wait("the server again") { (try? LineConnection(port: world.low, timeout: 5).line().hasPrefix("220")) ?? false }
            }
        }
        // What was put off comes now.
        try world.wait("all messages") {
            guard world.queue.contains("ann@example.test") else { return true }
            _ = try world.postoffice(["queue", "retry", "--all"])
            return false
        }
        let text = world.maildrop("ann")
        for number in 0..<count {
            let begins = text.components(separatedBy: "begin \(number).").count - 1
            #expect(begins == text.components(separatedBy: "end \(number).").count - 1 && (1...2).contains(begins), "\(number): \(begins)")
        }
        for message in text.components(separatedBy: "\nFrom stranger").dropFirst() { #expect(message.contains("\nend "), "a half message") }
    }
}
