import Glibc
import MailTesting
import Testing

/// What takes long in the name of some keeps nobody else's mail away. What is slow is let go only when the others' mail has been seen.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct SlowMethodTests {
    @Test("programs that hang and maildrops that are locked, of ten new accounts each, leave room for others, and go on when they can")
    func programsAndMaildrops() throws {
        let world = try DeliverWorld()
        try world.program("hang", "#!/bin/sh\nwhile [ -e hold ]; do sleep 0.2; done\ngrep '^mark ' >> ended\n")
        try world.program("fine", "#!/bin/sh\ngrep '^mark ' >> fine\n")
        try world.start()
        try world.config("allowed-programs", "hang\nfine")
        let home = world.place("home/ben")
        // Somebody's lock, who lives.
        try world.must("touch '\(home)/hold' && echo \(getpid()) > /var/mail/ben.lock")
        for number in 0..<10 {
            try world.account(
                "hang\(number)", ["pop3-delivery=no", "program-delivery=yes", "program-account=ben", "programs-to-run=hang"])
            try world.account("lock\(number)", ["pop3-delivery=no", "unix-delivery=yes", "unix-user=ben"])
        }
        try world.account("fine", ["pop3-delivery=no", "program-delivery=yes", "program-account=ann", "programs-to-run=fine"])
        try world.account("drop", ["pop3-delivery=no", "unix-delivery=yes", "unix-user=ann"])
        try world.account("box", [])
        for number in 0..<10 {
            for name in ["hang", "lock"] {
                #expect(try world.send(to: "\(name)\(number)@example.test", ["", "mark \(name)\(number)"]) == 250)
            }
        }
        try world.wait("the first of the slow ones") { try !world.inside(["/usr/bin/pgrep", "-u", "4002"]).output.isEmpty }
        for name in ["fine", "drop", "box"] { #expect(try world.send(to: "\(name)@example.test", ["", "mark \(name)"]) == 250) }
        try world.wait("the program of another") { ChildProcess.text(of: world.place("home/ann/fine")).contains("mark fine") }
        try world.wait("the maildrop of another") { world.maildrop("ann").contains("mark drop") }
        try world.wait("the mailbox of another") { try world.postoffice(["account", "show", "box"]).output.contains("(1)") }
        #expect(ChildProcess.text(of: "\(home)/ended").isEmpty && world.maildrop("ben").isEmpty, "the slow ones were waiting meanwhile")

        try world.must("rm '\(home)/hold' /var/mail/ben.lock")
        try world.wait("the slow ones") {
            guard world.queue.contains("example.test") else { return true }
            _ = try world.postoffice(["queue", "retry", "--all"])
            return false
        }
        let marks = { (name: String) in (0..<10).map { "mark \(name)\($0)" } }
        #expect(ChildProcess.text(of: "\(home)/ended").split(separator: "\n").map(String.init).sorted() == marks("hang"))
        #expect(world.maildrop("ben").split(separator: "\n").filter { $0.hasPrefix("mark ") }.map(String.init).sorted() == marks("lock"))
        #expect(world.stop() == .exited(0))
    }
}
