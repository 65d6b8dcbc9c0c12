import Glibc
import MailTesting
import Testing

/// What becomes of deliveries in users' names when the dispatcher is killed, and when other mail programs are at the same maildrop.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct DeliverCrashTests {
    /// Seconds for which mail programs work on one maildrop; more is for people who wait for it.
    static let span = getenv("POSTOFFICE_MAILDROP_SECONDS").flatMap { Int(String(cString: $0)) } ?? 4

    @Test("R1 R5 kill -9 of the dispatcher while programs run: they end with it, and after the start each message has its run, once")
    func killedDispatcher() throws {
        let world = try DeliverWorld()
        try world.program(
            "slow", "#!/bin/sh\necho \"$1\" >> begun\nwhile [ -e hold ]; do sleep 0.1; done\ngrep '^mark ' >> ended\n")
        try world.start()
        try world.config("allowed-programs", "slow")
        try world.account("ann", ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=slow x"])
        try world.account("ben", ["pop3-delivery=no", "unix-delivery=yes"])
        let (begun, ended) = (world.place("home/ann/begun"), world.place("home/ann/ended"))
        try world.must("touch '\(world.place("home/ann/hold"))'")
        for number in 0..<3 { #expect(try world.send(to: "ann@example.test", ["Subject: x", "", "mark \(number)"]) == 250) }
        try world.wait("the programs") { !ChildProcess.text(of: begun).isEmpty }
        // These are on their way when it happens.
        for number in 0..<20 { #expect(try world.send(to: "ben@example.test", ["Subject: x", "", "mark \(number)."]) == 250) }
        let helpers = try world.helpers()
        #expect(helpers.count >= 3)
        try world.killDispatcher()
        try world.wait("the end of the programs") { try world.inside(["/usr/bin/pgrep", "-u", "4001"]).output.isEmpty }
        try world.wait("the end of the helper and its children") { helpers.allSatisfy { kill($0, 0) != 0 } }
        #expect(ChildProcess.text(of: ended).isEmpty, "nothing was answered, and nothing was done")

        try world.must("rm '\(world.place("home/ann/hold"))'")
        try world.start()
        try world.wait("all messages") {
            guard world.queue.contains("example.test") else { return true }
            _ = try world.postoffice(["queue", "retry", "--all"])
            return false
        }
        #expect(ChildProcess.text(of: ended).split(separator: "\n").sorted() == ["mark 0", "mark 1", "mark 2"])
        let maildrop = world.maildrop("ben")
        for number in 0..<20 {
            let copies = maildrop.components(separatedBy: "mark \(number).").count - 1
            #expect((1...2).contains(copies), "\(number): \(copies)")
        }
        for message in maildrop.components(separatedBy: "\nFrom stranger").dropFirst() {
            #expect(message.contains("\nmark "), "a half one")
        }
        #expect(try world.sh("ls -A /var/mail").output == "ben\n", "no lock stays")
        #expect(world.stop() == .exited(0))
    }

    @Test("R1 kill -9 of the helper under load, of who listens and of who keeps it there: another follows, and each message comes once")
    func killedHelper() throws {
        let world = try DeliverWorld()
        try world.program("note", "#!/bin/sh\ngrep '^mark ' >> notes\n")
        try world.start()
        try world.config("allowed-programs", "note")
        try world.account("ann", ["pop3-delivery=no", "unix-delivery=yes"])
        try world.account("ben", ["pop3-delivery=no", "program-delivery=yes", "program-account=ben", "programs-to-run=note"])
        let count = 80
        for number in 0..<count {
            for name in ["ann", "ben"] {
                #expect(try world.send(to: "\(name)@example.test", ["Subject: x", "", "mark \(number)."]) == 250)
            }
            guard number % 10 == 5 else { continue }
            // Now who listens, now who keeps it there.
            try world.wait("two of them") { try Self.keepers(world).count == 2 }
            let (keeper, listener) = (try #require(try Self.keepers(world).first), try #require(try Self.keepers(world).last))
            kill(number % 20 == 5 ? listener : keeper, SIGKILL)
        }
        try world.wait("all messages") {
            guard world.queue.contains("example.test") else { return true }
            _ = try world.postoffice(["queue", "retry", "--all"])
            return false
        }
        let marks = (0..<count).map { "mark \($0)." }.sorted()
        #expect(ChildProcess.text(of: world.place("home/ben/notes")).split(separator: "\n").map(String.init).sorted() == marks)
        #expect(world.maildrop("ann").split(separator: "\n").filter { $0.hasPrefix("mark ") }.map(String.init).sorted() == marks)
        #expect(!world.trail.contains("helper-ended"))
        #expect(world.stop() == .exited(0))
        try world.wait("its end with the server") { try world.helpers().isEmpty }
    }

    /// Who keeps the helper there, and who listens: those that hold the socket. Children that serve a request have let it go.
    private static func keepers(_ world: DeliverWorld) throws -> [pid_t] {
        let all = try world.helpers()
        let sockets = all.map { pid in
            var link = [UInt8](repeating: 0, count: 64)
            let length = link.withUnsafeMutableBufferPointer { room in
                room.baseAddress.map { readlink("/proc/\(pid)/fd/3", $0, room.count) } ?? -1
            }
            return length > 0 ? String(decoding: link[..<length], as: UTF8.self) : ""
        }
        // Whose parent is one of them listens.
        let holders = zip(all, sockets).filter { $0.1.hasPrefix("socket:") }.map(\.0)
        let parents = holders.map { pid in
            ChildProcess.text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("PPid:") }.flatMap {
                pid_t($0.dropFirst(5).filter(\.isNumber))
            }
        }
        guard let listener = zip(holders, parents).first(where: { $0.1.map(holders.contains) ?? false }) else { return [] }
        return [listener.1, listener.0].compactMap { $0 }
    }

    @Test("thousands of messages for a program that hangs delay nobody else's")
    func nobodyIsInTheWay() throws {
        let world = try DeliverWorld()
        try world.program("hang", "#!/bin/sh\nexec sleep 75\n")
        try world.program("fine", "#!/bin/sh\ngrep '^mark ' >> fine\n")
        try world.start()
        try world.config("allowed-programs", "hang\nfine")
        try world.account("busy", ["pop3-delivery=no", "program-delivery=yes", "program-account=ben", "programs-to-run=hang"])
        try world.account("fine", ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=fine"])
        let client = try LineConnection(port: world.low)
        _ = try client.replyCode()
        _ = try client.command("EHLO client.example")
        // 2,700 entries of one account.
        for _ in 0..<3 {
            #expect(try client.command("MAIL FROM:<>") == 250)
            try client.send((0..<900).flatMap { Array("RCPT TO:<busy+\($0)@example.test>\r\n".utf8) })
            for _ in 0..<900 { #expect(try client.replyCode() == 250) }
            #expect(try client.command("DATA") == 354)
            try client.send(Array("Subject: x\r\n\r\nx\r\n".utf8))
            #expect(try client.command(".") == 250)
        }
        try world.wait("the program that hangs") { try !world.inside(["/usr/bin/pgrep", "-u", "4002"]).output.isEmpty }
        for number in 0..<5 { #expect(try world.send(to: "fine@example.test", ["Subject: x", "", "mark \(number)"]) == 250) }
        try world.wait("the others") { ChildProcess.text(of: world.place("home/ann/fine")).split(separator: "\n").count == 5 }
    }

    @Test(
        "procmail, a reader that empties it and a program with dotlockfile work on one maildrop with us: every message is there once")
    func manyMailPrograms() throws {
        let world = try DeliverWorld()
        try world.start()
        try world.account("ann", ["pop3-delivery=no", "unix-delivery=yes"])
        world.place.write("others.py", Self.others)
        let others = try ChildProcess(
            "/usr/bin/nsenter",
            [
                "--mount=/proc/\(world.holderID)/ns/mnt", "--", "/usr/bin/python3", world.place("others.py"), world.place("home/ann"),
                "\(Self.span)",
            ],
            output: world.place("others"), errors: world.place("others"))
        var sent = 0
        while others.poll() == nil {
            let client = try LineConnection(port: world.low)
            _ = try client.replyCode()
            _ = try client.command("EHLO client.example")
            for _ in 0..<5 {
                for line in ["MAIL FROM:<stranger@client.example>", "RCPT TO:<ann@example.test>", "DATA"] { _ = try client.command(line) }
                let filling = String(repeating: "From filling\r\n", count: sent % 400)
                try client.send(Array("Subject: ours\r\n\r\n\(filling)mark ours-\(sent).\r\n".utf8))
                #expect(try client.command(".") == 250)
                sent += 1
            }
            usleep(50_000)
        }
        #expect(others.poll() == .exited(0), "\(ChildProcess.text(of: world.place("others")))")
        try world.wait("all of ours") {
            guard world.queue.contains("ann@example.test") else { return true }
            _ = try world.postoffice(["queue", "retry", "--all"])
            return false
        }
        let counted = try world.inside(
            ["/usr/bin/python3", world.place("others.py"), world.place("home/ann"), "count", "\(sent)"])
        #expect(counted.status == 0 && counted.output.contains("all there"), "\(counted.output)")
        print("one maildrop, \(Self.span) s: \(counted.output.split(separator: "\n").last ?? "")")
    }

    /// As ann, with the group of the maildrops where a program has it by its set-gid bit: writers that put numbered messages in, readers that
    /// take messages out to files of their own. `count` says whether each message is somewhere, once.
    private static let others = #"""
        import collections, fcntl, mailbox, os, re, subprocess, sys, threading, time
        home, drop = sys.argv[1], '/var/mail/ann'
        files = {name: home + '/' + name for name in ('emptied', 'written')}
        def as_ann(words, **more):
            return subprocess.run(['setpriv', '--reuid=ann', '--regid=ann', '--init-groups', *words], capture_output=True,
                                  env={'HOME': home, 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}, timeout=120, **more)
        if sys.argv[2] == 'count':
            text = b''.join(open(f, 'rb').read() for f in [drop, files['emptied']] if os.path.exists(f)).decode()
            seen = collections.Counter(re.findall(r'^mark (\S+)\.$', text, re.M))
            wanted = ['ours-%d' % n for n in range(int(sys.argv[3]))] + open(files['written']).read().split()
            wrong = {mark: seen[mark] for mark in wanted if seen[mark] != 1}
            strangers = set(seen) - set(wanted)
            heads = len(re.findall(r'^From \S+  ?\w\w\w \w\w\w', text, re.M))
            where = {f: os.path.getsize(p) for f, p in files.items() if os.path.exists(p)}
            print('wrong', wrong, 'strangers', strangers, 'heads', heads, 'of', len(wanted), where)
            if not wrong and not strangers and heads == len(wanted): print('all there:', len(wanted), 'messages,', int(sys.argv[3]), 'of ours')
            sys.exit(0 if not wrong and not strangers and heads == len(wanted) else 1)
        end = time.time() + float(sys.argv[2])
        written, lock = open(files['written'], 'w'), threading.Lock()
        open(home + '/.procmailrc', 'w').write('DEFAULT=/var/mail/ann\nLOGFILE=/dev/null\n')
        os.chown(home + '/.procmailrc', 4001, 4001)
        troubles = []
        def message(mark): return ('From other@x.test  Thu Jan  1 00:00:00 1970\nSubject: other\n\n>From here\nmark %s.\n\n' % mark).encode()
        def note(mark):
            with lock: written.write(mark + '\n'); written.flush()
        def procmail():
            n = 0
            while time.time() < end:
                n += 1
                done = as_ann(['procmail', '-f', 'other@x.test'], input=message('procmail-%d' % n))
                if done.returncode == 0: note('procmail-%d' % n)
                else: troubles.append(('procmail', done))
                time.sleep(0.02)
        def dotlock():
            n = 0
            while time.time() < end:
                n += 1
                open(home + '/piece', 'wb').write(message('dotlock-%d' % n))
                # Debian's own tool, which is set-gid mail.
                done = as_ann(['sh', '-c', 'dotlockfile -r 30 /var/mail/ann.lock && cat "$HOME/piece" >> /var/mail/ann; s=$?; dotlockfile -u /var/mail/ann.lock; exit $s'])
                if done.returncode == 0: note('dotlock-%d' % n)
                else: troubles.append(('dotlock', done))
                time.sleep(0.02)
        def empty():
            # As movemail does: both locks, all of it taken away.
            script = '''
        import fcntl, os, sys, time
        for _ in range(300):
            try: l = os.open('/var/mail/ann.lock', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
            except FileExistsError: time.sleep(0.02); continue
            try:
                f = open('/var/mail/ann', 'r+b')
                fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, FileNotFoundError): os.unlink('/var/mail/ann.lock'); os.close(l); time.sleep(0.02); continue
            text = f.read()
            if text and not text.endswith(b'\\n\\n'): text += b'\\n'
            with open(sys.argv[1], 'ab') as out: out.write(text); out.flush(); os.fsync(out.fileno())
            f.truncate(0); os.fsync(f.fileno()); os.unlink('/var/mail/ann.lock'); sys.exit(0)
        sys.exit(1)
        '''
            while time.time() < end:
                done = subprocess.run(['setpriv', '--reuid=ann', '--regid=mail', '--init-groups', '/usr/bin/python3', '-c', script, files['emptied']],
                                      capture_output=True, timeout=120)
                if done.returncode: troubles.append(('empty', done))
                time.sleep(0.5)
        threads = [threading.Thread(target=work) for work in (procmail, dotlock, empty)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print([(name, done.returncode, done.stdout[-300:], done.stderr[-300:]) for name, done in troubles[:3]])
        sys.exit(1 if troubles else 0)
        """#
}
