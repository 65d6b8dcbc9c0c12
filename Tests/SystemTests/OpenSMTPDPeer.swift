import Glibc
import MailTesting

/// An OpenSMTPD of its own for one test: takes mail for `opensmtpd.test` into maildirs, sends mail for `example.test` to a port of ours.
///
/// Its package excludes Postfix, so that `scripts/bootstrap` unpacks it beside the system. The paths that are compiled in lead there in a
/// mount namespace of its own; its two users exist in there only.
final class OpenSMTPDPeer: MailPeer {
    struct Failure: Error, CustomStringConvertible { let description: String }

    static let domain = "opensmtpd.test"
    static let sizeLimit = 1_000_000
    let port: Int
    private let place = TemporaryDirectory("opensmtpd")
    private var server: ChildProcess?

    private static var folder: String { fetched("opensmtpd") }

    /// - Parameter ourPort: where mail for `example.test` goes.
    init(users: [String], sendingTo ourPort: Int) throws {
        guard geteuid() == 0 else { throw Failure(description: "OpenSMTPD starts as root only: run the tests as root, as CI does") }
        let program = Self.folder + "/usr/sbin/smtpd"
        guard access(program, X_OK) == 0 else { throw Failure(description: "no OpenSMTPD in \(Self.folder): run scripts/bootstrap test") }
        guard let port = PortBases.shared.next() else { throw Failure(description: "no port is free") }
        self.port = port
        chmod(self.place.path, 0o755)
        for name in ["spool", "spool/smtpd", "run", "lib", "lib/opensmtpd", "lib/opensmtpd/empty", "mail"] {
            mkdir(self.place(name), 0o755)
        }
        chmod(self.place("spool/smtpd"), 0o711)
        chown(self.place("mail"), 65534, 65534)
        self.writeUsers()
        self.place.write("smtpd.conf", self.settings(users, ourPort))
        chmod(self.place("smtpd.conf"), 0o600)
        let made = try ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.\(Self.domain)", "-keyout",
                self.place("key"), "-out", self.place("certificate"),
            ])
        guard made.ending == .exited(0) else { throw Failure(description: "openssl: \(made.output)") }
        chmod(self.place("key"), 0o600)
        let mounts = [
            (self.place("spool"), "/var/spool"), (self.place("run"), "/run"), (self.place("lib"), "/var/lib"),
            (Self.folder + "/usr/libexec", "/usr/libexec"), (self.place("passwd"), "/etc/passwd"), (self.place("group"), "/etc/group"),
        ].map { "mount --bind '\($0)' \($1) && " }.joined()
        self.server = try ChildProcess(
            "/usr/bin/unshare",
            ["--mount", "--propagation", "private", "/bin/sh", "-c", "\(mounts)exec '\(program)' -d -f '\(self.place("smtpd.conf"))'"],
            output: self.place("output"), errors: self.place("output"))
        guard eventually(within: 60, { (try? LineConnection(port: port, timeout: 2).line().hasPrefix("220")) == true }) else {
            throw Failure(description: "OpenSMTPD does not greet: \(self.log)")
        }
    }

    /// Its other processes end when this one is gone.
    deinit { self.server?.kill() }

    var log: String { ChildProcess.text(of: self.place("output")) }

    func messages(of user: String) -> [[UInt8]] {
        let folder = self.place("mail/\(user)/new")
        return directoryEntries(folder).map { bytes(ofFile: "\(folder)/\($0)") }
    }

    private func writeUsers() {
        let users = "opensmtpd:x:59001:59001::/nonexistent:/usr/sbin/nologin\nopensmtpq:x:59002:59002::/nonexistent:/usr/sbin/nologin\n"
        let groups = "opensmtpd:x:59001:\nopensmtpq:x:59002:\n"
        func others(_ path: String) -> String {
            ChildProcess.text(of: path).split(separator: "\n").filter { !$0.hasPrefix("opensmtp") }.joined(separator: "\n") + "\n"
        }
        self.place.write("passwd", others("/etc/passwd") + users)
        self.place.write("group", others("/etc/group") + groups)
        for name in ["passwd", "group"] { chmod(self.place(name), 0o644) }
    }

    private func settings(_ users: [String], _ ourPort: Int) -> String {
        let addresses = users.map { "\"\($0)@\(Self.domain)\" = \($0)" }.joined(separator: ", ")
        let people = users.map { "\($0) = \"65534:65534:\(self.place("mail"))\"" }.joined(separator: ", ")
        return """
            pki mail.\(Self.domain) cert "\(self.place("certificate"))"
            pki mail.\(Self.domain) key "\(self.place("key"))"
            smtp max-message-size \(Self.sizeLimit)
            table addresses { \(addresses) }
            table people { \(people) }
            listen on 127.0.0.1 port \(self.port) tls pki mail.\(Self.domain) hostname mail.\(Self.domain)
            action "keep" maildir "\(self.place("mail"))/%{user.username}" virtual <addresses> userbase <people>
            action "ours" relay host "smtp://127.0.0.1:\(ourPort)" helo mail.\(Self.domain)
            match from any for domain "\(Self.domain)" action "keep"
            match from any for domain "example.test" action "ours"

            """
    }
}
