import Glibc
import MailTesting
import PostOffice
import Testing
import Vocabulary

@Suite struct SendmailLinksTests {
    private let place = TemporaryDirectory("links")

    init() {
        for name in ["usr", "usr/sbin", "usr/lib", "usr/bin", "opt"] { mkdir(self.place(name), 0o755) }
        self.place.write("opt/postoffice", "program")
    }

    private var links: SendmailLinks { SendmailLinks(root: self.place.path, program: self.place("opt/postoffice")) }

    private func tree() -> [String] {
        ["usr/sbin", "usr/lib", "usr/bin"].flatMap { folder in
            directoryEntries(self.place(folder)).sorted().map { name in
                var buffer = [UInt8](repeating: 0, count: 1000)
                let count = readlink(self.place("\(folder)/\(name)"), &buffer, buffer.count)
                let target = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
                return "\(folder)/\(name)" + (count > 0 ? " -> \(target.replacing(self.place.path, with: ""))" : "")
            }
        }
    }

    @Test("118 sendmail, mailq and newaliases become links to us, what was there is kept as .bak, and comes back; twice changes nothing")
    func thereAndBack() throws {
        self.place.write("usr/sbin/sendmail", "old")
        symlink("../sbin/sendmail", self.place("usr/lib/sendmail"))
        symlink("../sbin/sendmail", self.place("usr/bin/mailq"))
        let before = self.tree()
        var told = 0
        #expect(!self.links.areInstalled)
        try self.links.install { _ in told += 1 }
        let after = self.tree()
        #expect(
            after == [
                "usr/sbin/sendmail -> /opt/postoffice", "usr/sbin/sendmail.bak", "usr/lib/sendmail -> ../sbin/sendmail",
                "usr/bin/mailq -> ../sbin/sendmail", "usr/bin/newaliases -> /opt/postoffice",
            ])
        #expect(self.links.areInstalled && told == 3)
        try self.links.install { _ in told += 1 }
        #expect(self.tree() == after && told == 3)
        // The program lies elsewhere after an upgrade: the links follow, and the saved file stays the saved one.
        self.place.write("usr/postoffice", "program")
        try SendmailLinks(root: self.place.path, program: self.place("usr/postoffice")).install { _ in told += 1 }
        #expect(
            self.tree().contains("usr/sbin/sendmail -> /usr/postoffice")
                && ChildProcess.text(of: self.place("usr/sbin/sendmail.bak")) == "old")
        try self.links.remove { _ in told += 1 }
        #expect(self.tree() == before && ChildProcess.text(of: self.place("usr/sbin/sendmail")) == "old")
        try self.links.remove { _ in told += 1 }
        #expect(self.tree() == before)
    }

    @Test("118 an older copy is never overwritten, and another program's files are never taken away")
    func care() throws {
        self.place.write("usr/sbin/sendmail", "old")
        self.place.write("usr/sbin/sendmail.bak", "older")
        #expect(throws: AdminFailure.self) { try self.links.install { _ in } }
        #expect(self.tree() == ["usr/sbin/sendmail", "usr/sbin/sendmail.bak"])
        try self.links.remove { _ in }
        #expect(self.tree() == ["usr/sbin/sendmail", "usr/sbin/sendmail.bak"])
    }

    @Test("The notice for users who may not read the start file counts only when nobody else could have written it")
    func notice() throws {
        let notice = InstanceNotice(configuration: "/srv/mail.conf", drop: "/srv/spool/drop")
        let file = self.place("notice")
        self.place.write("notice", notice.text)
        chmod(file, 0o644)
        #expect(InstanceNotice.read(file, owner: getuid()) == notice)
        #expect(InstanceNotice.read(file, owner: getuid() + 1) == nil)
        chmod(file, 0o664)
        #expect(InstanceNotice.read(file, owner: getuid()) == nil)
        symlink(file, self.place("link"))
        #expect(InstanceNotice.read(self.place("link"), owner: getuid()) == nil)
        self.place.write("bad", "drop relative\nconfiguration /x\n")
        chmod(self.place("bad"), 0o644)
        #expect(InstanceNotice.read(self.place("bad"), owner: getuid()) == nil)
    }
}
