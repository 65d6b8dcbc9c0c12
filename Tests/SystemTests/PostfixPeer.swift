import Glibc
import MailTesting

/// A mail server of somebody else, as a peer for one test: takes mail for its domain into maildirs, sends mail for `example.test` to a port.
protocol MailPeer: AnyObject {
    static var domain: String { get }
    /// Larger messages are refused. Bytes.
    static var sizeLimit: Int { get }
    var port: Int { get }
    var log: String { get }
    init(users: [String], sendingTo ourPort: Int) throws
    /// What a user's maildir holds, whole, in no order.
    func messages(of user: String) -> [[UInt8]]
}

/// A Postfix of its own for one test: takes mail for `postfix.test` into maildirs, sends mail for `example.test` to a port of ours.
final class PostfixPeer: MailPeer {
    struct Failure: Error, CustomStringConvertible { let description: String }

    static let domain = "postfix.test"
    let port: Int
    static let sizeLimit = 1_000_000
    private let place = TemporaryDirectory("postfix")
    private var master: ChildProcess?
    /// How mail goes to us: `smtp` or `lmtp:inet`.
    private let transport: String

    convenience init(users: [String], sendingTo ourPort: Int) throws { try self.init(users: users, sendingTo: ourPort, lmtp: false) }

    /// - Parameters:
    ///   - ourPort: where mail for `example.test` goes.
    ///   - lmtp: it goes there by LMTP instead of SMTP.
    init(users: [String], sendingTo ourPort: Int, lmtp: Bool) throws {
        self.transport = lmtp ? "lmtp:inet" : "smtp"
        guard geteuid() == 0 else { throw Failure(description: "Postfix starts as root only: run the tests as root, as CI does") }
        guard access("/usr/lib/postfix/sbin/master", X_OK) == 0 else {
            throw Failure(description: "no Postfix: run scripts/bootstrap test")
        }
        guard let port = PortBases.shared.next() else { throw Failure(description: "no port is free") }
        self.port = port
        chmod(self.place.path, 0o755)
        for name in ["etc", "queue", "data", "mail"] { mkdir(self.place(name), 0o755) }
        let owner = getpwnam("postfix")?.pointee.pw_uid ?? 0
        chown(self.place("data"), owner, owner)
        chown(self.place("mail"), 65534, 65534)
        self.place.write("etc/users", users.map { "\($0)@postfix.test \($0)/\n" }.joined())
        self.place.write("etc/routes", "example.test \(self.transport):[127.0.0.1]:\(ourPort)\n")
        self.place.write("etc/main.cf", self.settings)
        self.place.write("etc/master.cf", self.services)
        let made = try ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=postfix.test",
                "-keyout", self.place("etc/key"), "-out", self.place("etc/certificate"),
            ])
        guard made.ending == .exited(0) else { throw Failure(description: "openssl: \(made.output)") }
        let checked = try ChildProcess.run("/usr/sbin/postfix", ["-c", self.place("etc"), "check"])
        guard checked.ending == .exited(0) else { throw Failure(description: "postfix check: \(checked.output)") }
        self.master = try ChildProcess(
            "/usr/lib/postfix/sbin/master", ["-c", self.place("etc"), "-s"], output: self.place("output"), errors: self.place("output"))
        guard eventually(within: 60, { (try? LineConnection(port: port, timeout: 2).line().hasPrefix("220")) == true }) else {
            throw Failure(description: "Postfix does not greet: \(ChildProcess.text(of: self.place("output"))) \(self.log)")
        }
    }

    /// Its daemons end by themselves when the master is gone. It would not hear SIGTERM: the threads that start it block that signal.
    deinit { self.master?.kill() }

    var log: String { ChildProcess.text(of: self.place("mail.log")) }

    func messages(of user: String) -> [[UInt8]] {
        let folder = self.place("mail/\(user)/new")
        return directoryEntries(folder).map { bytes(ofFile: "\(folder)/\($0)") }
    }

    private var settings: String {
        """
        compatibility_level = 3.6
        queue_directory = \(self.place("queue"))
        data_directory = \(self.place("data"))
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        maillog_file = \(self.place("mail.log"))
        maillog_file_prefixes = /
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        mynetworks = 127.0.0.0/8
        myhostname = mail.postfix.test
        mydestination =
        alias_maps =
        alias_database =
        local_header_rewrite_clients =
        message_size_limit = \(Self.sizeLimit)
        relay_domains = example.test
        transport_maps = texthash:\(self.place("etc/routes"))
        virtual_mailbox_domains = postfix.test
        virtual_mailbox_maps = texthash:\(self.place("etc/users"))
        virtual_mailbox_base = \(self.place("mail"))
        virtual_mailbox_limit = 0
        virtual_minimum_uid = 1
        virtual_uid_maps = static:65534
        virtual_gid_maps = static:65534
        smtp_tls_security_level = may
        smtpd_tls_security_level = may
        smtpd_tls_received_header = yes
        smtpd_tls_cert_file = \(self.place("etc/certificate"))
        smtpd_tls_key_file = \(self.place("etc/key"))

        """
    }

    private var services: String {
        """
        127.0.0.1:\(self.port) inet n - n - - smtpd
        pickup unix n - n 60 1 pickup
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
        lmtp unix - - n - - lmtp
        relay unix - - n - - smtp
        error unix - - n - - error
        retry unix - - n - - error
        virtual unix - n n - - virtual
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        postlog unix-dgram n - n - 1 postlogd

        """
    }
}
