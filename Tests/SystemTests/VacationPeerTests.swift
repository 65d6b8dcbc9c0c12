import Glibc
import MailTesting
import Testing

/// Automatic replies beside those that others have used for decades: `vacation` from a `.forward`, and the recipe that every manual of procmail
/// gives. Users of the operating system get their mail from a Postfix; both live in a world of their own, with our server.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct VacationPeerTests {
    /// A Postfix with the users `ann` (vacation) and `ben` (procmail), both away, at `postfix.test`.
    private final class AwayPostfix {
        let world: DeliverWorld
        private let port: Int
        private var master: ChildProcess?

        init(_ world: DeliverWorld, ourPort: Int) throws {
            self.world = world
            guard let port = PortBases.shared.next() else { throw DeliverWorld.Failure(description: "no port is free") }
            self.port = port
            let place = world.place
            place.write("main.cf", Self.settings(place, ourPort))
            place.write("master.cf", Self.services(port))
            // `sendmail`, which both programs start, reads /etc/postfix and nothing else: the world has an /etc of its own.
            try world.must(
                """
                set -e
                cp '\(place("main.cf"))' '\(place("master.cf"))' /etc/postfix/ && : > /etc/aliases && chmod 644 /etc/postfix/*.cf
                install -d '\(place("queue"))' && install -d -o postfix '\(place("data"))'
                postfix check
                """)
            try self.vacation()
            try self.procmail()
            self.master = try ChildProcess(
                "/usr/bin/nsenter", ["--mount=/proc/\(world.holderID)/ns/mnt", "--", "/usr/lib/postfix/sbin/master", "-s"],
                output: place("postfix.out"), errors: place("postfix.out"))
            let greets = eventually { (try? LineConnection(port: port, timeout: 5).line().hasPrefix("220")) == true }
            guard greets else {
                throw DeliverWorld.Failure(description: "Postfix: \(ChildProcess.text(of: place("postfix.out"))) \(self.log)")
            }
            try world.config("mail-routing-table", "[postfix.test:127.0.0.1:\(port)]")
        }

        deinit { self.master?.kill() }

        var log: String { ChildProcess.text(of: self.world.place("postfix.log")) }

        /// Its database is made first: without it the program ends before it answers.
        private func vacation() throws {
            let home = self.world.place("home/ann")
            // Nothing in the answer says what it is: the worst that people write there.
            self.world.place.write("home/ann/.vacation.msg", "From: ann@postfix.test\nSubject: away\n\nmark vacation\n")
            self.world.place.write("home/ann/.forward", "\\ann, \"|/usr/bin/vacation ann\"\n")
            // Files that others could write are not believed.
            try self.world.must("chown -R ann:ann '\(home)' && chmod 644 '\(home)/.forward' '\(home)/.vacation.msg'")
            let made = try self.world.asUser("ann", ["/usr/bin/vacation", "-i"])
            guard made.status == 0 else { throw DeliverWorld.Failure(description: "vacation -i: \(made.output)") }
        }

        private func procmail() throws {
            let recipe = """
                DEFAULT=/var/mail/ben
                :0 Whc: vacation.lock
                * $^To:.*\\<$\\LOGNAME\\>
                * !^FROM_DAEMON
                * !^X-Loop: ben@postfix\\.test
                | formail -rD 8192 vacation.cache
                  :0 ehc
                  | (formail -rI"Precedence: junk" -A"X-Loop: ben@postfix.test"; echo "mark procmail") | /usr/sbin/sendmail -oi -t

                """
            self.world.place.write("home/ben/.procmailrc", recipe)
            try self.world.must(
                "chown -R ben:ben '\(self.world.place("home/ben"))' && chmod 644 '\(self.world.place("home/ben/.procmailrc"))'")
        }

        /// Nothing waits or is under way there.
        var isIdle: Bool { (try? self.world.inside(["/usr/sbin/postqueue", "-p"]).output.contains("queue is empty")) == true }

        private static func settings(_ place: TemporaryDirectory, _ ourPort: Int) -> String {
            """
            compatibility_level = 3.6
            queue_directory = \(place("queue"))
            data_directory = \(place("data"))
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            maillog_file = \(place("postfix.log"))
            maillog_file_prefixes = /
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            myhostname = postfix.test
            mydestination = postfix.test
            alias_maps =
            alias_database =
            mailbox_command = /usr/bin/procmail -a "$EXTENSION"
            transport_maps = inline:{{example.test=smtp:[127.0.0.1]:\(ourPort)}}
            smtp_tls_security_level = none

            """
        }

        private static func services(_ port: Int) -> String {
            """
            127.0.0.1:\(port) inet n - n - - smtpd
            pickup unix n - n 1 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            showq unix n - n - - showq
            error unix - - n - - error
            retry unix - - n - - error
            local unix - n n - - local
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """
        }
    }

    /// How often a text stands in what an account of ours has.
    private static func count(_ text: String, _ world: DeliverWorld, _ account: String) throws -> Int {
        let result = try ChildProcess.run(
            "/usr/bin/python3",
            [
                "-c",
                """
                import poplib, ssl, sys
                port, user, word, text = int(sys.argv[1]), *sys.argv[2:5]
                context = ssl._create_unverified_context()
                p = poplib.POP3_SSL('127.0.0.1', port, context=context, timeout=30); p.user(user); p.pass_(word)
                count = p.stat()[0]
                print(sum(text.encode() in b'\\n'.join(p.retr(n + 1)[1]) for n in range(count)))
                """, "\(world.low + 4)", account, DeliverWorld.password, text,
            ])
        guard let count = Int(result.output.filter(\.isNumber)), result.ending == .exited(0) else {
            throw DeliverWorld.Failure(description: result.output)
        }
        return count
    }

    @Test(
        "L2 between our automatic replies and vacation, or procmail's recipe, on a Postfix nothing circulates: each side answers the other once at most",
        arguments: ["vacation", "reply", "echo"])
    func postfix(mode: String) throws {
        let world = try DeliverWorld()
        try world.start()
        try world.config("relay-networks", "127.0.0.0/8")
        let peer = try AwayPostfix(world, ourPort: world.low)
        // One account of ours for each of theirs: what one is answered counts for no other.
        for name in ["jane", "june", "jack", "jill"] { try world.account(name, ["auto-reply=\(mode)", "auto-reply-text=mark ours"]) }
        let idle = {
            try world.wait("both queues to be empty: \(peer.log.suffix(3000))") {
                peer.isIdle && world.queue.hasPrefix("0 in the queue") && peer.isIdle && world.queue.hasPrefix("0 in the queue")
            }
        }

        // Ours write first.
        for (ours, theirs, mark) in [("jane", "ann", "mark vacation"), ("june", "ben", "mark procmail")] {
            let code = try world.send(
                to: "\(theirs)@postfix.test", from: "\(ours)@example.test",
                ["From: \(ours)@example.test", "To: \(theirs)@postfix.test", "Subject: start", "", "mark start \(ours)"])
            #expect(code == 250)
            try world.wait("their answer: \(peer.log.suffix(3000))") { try Self.count(mark, world, ours) >= 1 }
            try idle()
            #expect(try Self.count(mark, world, ours) == 1, "\(mode) \(theirs)")
            // Our answer to their answer is one message in their maildrop, or none where theirs says what it is.
            let back = world.maildrop(theirs).components(separatedBy: "\nmark ours").count - 1
            #expect(back <= 1, "\(mode) \(theirs): \(world.maildrop(theirs))")
        }

        // Theirs write first, by the command that people and programs use there.
        for (ours, theirs) in [("jack", "ann"), ("jill", "ben")] {
            let text = "To: \(ours)@example.test\\nSubject: start\\n\\nmark start \(theirs)\\n"
            let sent = try world.asUser(
                theirs, ["/bin/sh", "-c", "printf '\(text)' | /usr/sbin/sendmail -f \(theirs)@postfix.test \(ours)@example.test"])
            #expect(sent.status == 0, "\(sent.output)")
            try world.wait("our answer: \(peer.log.suffix(3000))") {
                let answered = mode == "echo" ? "Subject: start" : "mark ours"
                return world.maildrop(theirs).contains(answered)
            }
            try idle()
            #expect(try Self.count("mark start", world, ours) == 1, "\(mode) \(theirs)")
            #expect(try Self.count("mark ", world, ours) <= 2, "\(mode) \(theirs): one answer of theirs at most")
        }
        #expect(peer.log.contains("relay=local") && !peer.log.contains("fatal:"), "\(peer.log.suffix(3000))")
        #expect(world.stop() == .exited(0))
    }
}
