import Foundation
import Glibc
import MailTesting
import Testing

/// `postoffice account import-unix` over homes that a test makes: the users are those of a file like /etc/passwd.
@Suite(.serialized) struct UnixImportSystemTests {
    private let place = TemporaryDirectory("unix")

    /// Users of the test belong to whoever runs it; where that is root the lowest number would keep them out, so that their homes get an owner.
    private var uid: UInt32 { geteuid() >= 1000 && geteuid() <= 60_000 ? geteuid() : 12_345 }

    private func own(_ path: String) { if geteuid() == 0 { lchown(path, self.uid, self.uid) } }

    private func home(_ name: String, _ files: [String: String]) {
        mkdir(self.place(name), 0o755)
        self.own(self.place(name))
        for (file, content) in files {
            self.place.write("\(name)/\(file)", content)
            self.own(self.place("\(name)/\(file)"))
        }
    }

    private func line(_ name: String, _ gecos: String, uid: UInt32? = nil, shell: String = "/bin/sh") -> String {
        "\(name):x:\(uid ?? self.uid):100:\(gecos):\(self.place(name)):\(shell)\n"
    }

    /// Waits for the summary in the postmaster's mailbox.
    private func summary(_ server: InteropServer) throws -> String {
        var text = ""
        let port = try server.port("POP3_PORT")
        let isThere = eventually {
            guard let session = try? LineConnection(port: port), (try? session.line()) != nil else { return false }
            text = ""
            for line in ["USER alice", "PASS \(InteropServer.password)", "RETR 1"] {
                guard (try? session.send(line: line)) != nil, let answer = try? session.line(), answer.hasPrefix("+OK") else {
                    return false
                }
            }
            while let line = try? session.line(), line != "." { text += line + "\n" }
            return true
        }
        #expect(isThere)
        return text
    }

    @Test(
        "46 47 48 141 147 login users become accounts: names numbered, .plan and .project read with care, nothing of .forward carried out, a summary by mail"
    )
    func importsUsers() throws {
        let server = try InteropServer()
        _ = try server.instance.command(["account", "set", "alice", "postmaster-privilege=yes"])
        self.home(
            "jdoe", [".plan": "Write mail.\nSleep.\n", ".project": "Post.Office\nnot this line\n", ".forward": "\\jdoe, jd@far.test\n"])
        self.home("jane2", [".plan": "mine", ".forward": "\"|/usr/bin/vacation jane2\", x@far.test\n"])
        self.home("taro", [:])
        self.home("thief", [:])
        self.place.write("secret", "not yours")
        symlink(self.place("secret"), self.place("thief/.plan"))
        mkfifo(self.place("taro/.plan"), 0o600)
        self.own(self.place("taro/.plan"))
        self.place.write(
            "passwd",
            "root:x:0:0:root:/root:/bin/sh\ndaemon:x:2:2::/:/usr/sbin/nologin\n" + self.line("jdoe", "Jane Doe,Room 5")
                + self.line("jane2", "Jane X. Doe") + self.line("taro", "山田 太郎") + self.line("thief", "")
                + self.line("off", "Off", shell: "/sbin/nologin") + self.line("alice", "Alice There") + "broken line\n")
        self.home("spool", [:])
        for name in ["jdoe", "taro"] {
            self.place.write("spool/\(name)", name == "taro" ? "" : "From a@b Thu Jan  1 00:00:00 1970\nSubject: old\n\nold mail\n\n")
            self.own(self.place("spool/\(name)"))
        }
        self.place.write("aliases", "postmaster: root\nwork: jdoe\nall: jdoe, taro\nprog: |/bin/cat\n")
        func run(_ words: String...) throws -> (ending: ChildProcess.Ending, output: String) {
            try server.instance.command(
                [
                    "account", "import-unix", "--passwd-file", self.place("passwd"), "--aliases-file", self.place("aliases"),
                    "--maildrop-directory", self.place("spool"),
                ] + words)
        }
        let dry = try run("--dry-run", "--domain-mail", "--forward-files", "report")
        #expect(dry.output.contains("4 accounts would be added, 1 were there already"), "\(dry.output)")
        #expect(try !server.instance.command(["account", "list"]).output.contains("jdoe"))
        // This instance has no helper for maildrops and system passwords: nobody is made who could not be served.
        let unserved = try run("--delivery", "both", "--password-link", "--no-summary")
        #expect(unserved.ending == .exited(1) && unserved.output.contains("0 accounts added"), "\(unserved.output)")
        let done = try run("--domain-mail", "--forward-files", "apply")
        #expect(done.ending == .exited(0), "\(done.output)")
        func show(_ name: String) throws -> String { try server.instance.command(["account", "show", name, "--json"]).output }
        let jane = try show("jdoe")
        #expect(jane.contains("\"addresses\":[\"Jane.Doe@example.test\",\"jdoe@example.test\",\"jdoe@mail.example.test\"]"), "\(jane)")
        #expect(jane.contains("Project: Post.Office\\u000aPlan:\\u000aWrite mail.\\u000aSleep.") && jane.contains("jd@far.test"), "\(jane)")
        #expect(jane.contains("\"has-password\":false") && jane.contains("\"login\":\"jdoe\""))
        let second = try show("jane2")
        #expect(second.contains("Jane.Doe2@example.test") && second.contains("x@far.test") && !second.contains("vacation"), "\(second)")
        #expect(try show("taro").contains("\"addresses\":[\"taro@example.test\","))
        for name in ["thief", "taro"] { #expect(try show(name).contains("\"finger-information\":null"), "\(name)") }
        #expect(try server.instance.command(["account", "show", "off"]).ending == .exited(1))
        #expect(try server.instance.command(["config", "get", "smtp-channel-aliases"]).output.contains("<work@mail.example.test>"))
        for word in ["vacation", "alias all", "alias prog", "(not applied)"] { #expect(done.output.contains(word), "\(word)") }
        // What waits is named with the command that brings it in, and that command works.
        let advice = done.output.split(separator: "\n").first { $0.contains("to bring it in: postoffice import mbox") }
        #expect(advice?.hasPrefix("jdoe: ") == true && !done.output.contains("\(self.place("spool/taro"));"), "\(done.output)")
        let words =
            advice.flatMap { line in line.range(of: "postoffice ").map { line[$0.upperBound...] } }?.split(separator: " ").map(String.init)
            ?? []
        #expect(try server.instance.command(words).ending == .exited(0), "\(words)")
        #expect(try server.instance.command(["account", "show", "jdoe", "--json"]).output.contains("\"messages\":1"))
        // Again: nobody is new. And nothing of it is published.
        let again = try run("--domain-mail")
        #expect(again.output.contains("0 accounts added, 5 were there already"), "\(again.output)")
        // Greetings are asked for. (They are what setup switched off nowhere here: the option alone decides.)
        self.place.write("passwd", self.line("newcomer", "New Comer"))
        let greeted = try run("--greeting", "--no-summary", "--addresses", "login")
        #expect(greeted.output.contains("1 accounts added") && greeted.output.contains("1 of them were greeted"), "\(greeted.output)")
        #expect(try show("newcomer").contains("\"messages\":1"))
        let summary = try self.summary(server)
        #expect(summary.contains("Subject: Accounts imported from UNIX") && summary.contains("jdoe: Jane.Doe@example.test"), "\(summary)")
        #expect(summary.contains("4 accounts added") && summary.contains("accounts@mail.example.test"))
    }

    @Test("50 seats by command: a trial, a domain's, and what they stop; the default account by command") func seatsByCommand() throws {
        let server = try InteropServer()
        func run(_ words: [String]) throws -> (ending: ChildProcess.Ending, output: String) { try server.instance.command(words) }
        let trial = try run(["seats", "set", "trial"])
        #expect(trial.output.hasPrefix("server: 2 accounts of 10, until 20"), "\(trial.output)")
        #expect(try run(["seats", "set", "2"]).ending == .exited(0))
        let refused = try run(["account", "add", "third@example.test"])
        #expect(refused.ending == .exited(1) && refused.output.contains("all 2 accounts are in use"), "\(refused.output)")
        #expect(try run(["seats", "set", "none"]).output.contains("any number"))
        #expect(
            try run(["seats", "set", "3", "--domain", "example.test", "--until", "2099-01-01"]).output.contains(
                "example.test: 2 accounts of 3, until 2099-01-01"))
        #expect(try run(["account", "default", "set", "quota=2 MiB"]).ending == .exited(0))
        #expect(try run(["account", "add", "third@example.test"]).ending == .exited(0))
        #expect(try run(["account", "show", "third", "--json"]).output.contains("\"quota\":2097152"))
        #expect(try run(["account", "add", "fourth@example.test"]).output.contains("all 3 accounts of example.test"))
        #expect(try run(["seats", "set", "many"]).ending == .exited(1))
        let last = try run(["account", "set", "alice", "postmaster-privilege=yes"])
        #expect(last.ending == .exited(0), "\(last.output)")
        #expect(try run(["account", "delete", "alice", "--yes"]).output.contains("last postmaster"))
    }
}
