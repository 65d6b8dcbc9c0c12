import Glibc
import LoadKit

/// A private Postfix that delivers to maildirs, by itself or through Dovecot's LMTP. Defaults everywhere but for what makes it private.
final class Postfix: Server {
    enum Delivery { case virtual, dovecot }

    let directory: String
    private let delivery: Delivery
    private let environment: [String: String]
    private let maildirs: Maildirs
    private var process: ChildProcess?
    private let dovecot: Dovecot
    var relay: Relay?
    let smtp: Endpoint

    /// - Parameter environment: for all its processes (LD_PRELOAD and what goes with it).
    init(directory: String, _ delivery: Delivery, environment: [String: String]) throws {
        self.directory = directory
        self.delivery = delivery
        self.environment = environment
        self.maildirs = Maildirs(base: "\(directory)/mail")
        self.smtp = Endpoint(port: try freePort())
        self.dovecot = try Dovecot(directory: "\(directory)/dovecot", mail: self.maildirs.base)
    }

    var name: String { self.delivery == .virtual ? "Postfix virtual" : "Postfix + Dovecot" }
    var pop3: Endpoint? { self.delivery == .dovecot ? self.dovecot.pop3 : nil }
    var imap: Endpoint? { self.delivery == .dovecot ? self.dovecot.imap : nil }
    var smtps: Endpoint? { nil }
    var processes: [pid_t] { [self.process?.pid, self.dovecot.pid].compactMap { $0 } }

    func start(accounts: Int) throws {
        try self.prepare(accounts)
        if self.delivery == .dovecot { try self.dovecot.start(accounts: accounts, environment: self.environment) }
        // What "postfix start-fg" does, without the shell that would stay between us and the master.
        let log = "\(self.directory)/output.log"
        try ChildProcess.run("/usr/sbin/postfix", ["-c", "\(self.directory)/etc", "check"], log: log)
        let process = try ChildProcess(
            "/usr/lib/postfix/sbin/master", ["-c", "\(self.directory)/etc", "-s"], environment: self.environment, log: log)
        self.process = process
        try waitForGreeting(self.smtp, seconds: 30) { process.poll() == nil }
    }

    func stop() {
        self.process?.stop()
        self.dovecot.stop()
    }

    func visible(_ accounts: [Int]) throws -> Int { self.maildirs.count(accounts) }

    func expect(_ accounts: [Int]) throws -> any Arrivals { try self.maildirs.expect(accounts) }

    private func prepare(_ accounts: Int) throws {
        guard let owner = getpwnam("postfix")?.pointee.pw_uid else { throw BenchError("no user postfix: run scripts/bootstrap bench") }
        try self.maildirs.create(accounts: accounts)
        try makeDirectory("\(self.directory)/etc")
        try makeDirectory("\(self.directory)/queue")
        try makeDirectory("\(self.directory)/data", owner: owner)
        let users = (0..<accounts).map { "\(Accounts.address($0)) \(Accounts.name($0))/Maildir/\n" }.joined()
        try writeFile("\(self.directory)/etc/users", users)
        if let relay = self.relay {
            let routes = (0..<relay.destinations).map { "\(Relay.domain($0)) smtp:[\(Relay.host($0))]:\(relay.port)\n" }.joined()
            try writeFile("\(self.directory)/etc/routes", routes)
        }
        try writeFile("\(self.directory)/etc/main.cf", self.mainConfiguration())
        try writeFile("\(self.directory)/etc/master.cf", self.masterConfiguration())
    }

    private func mainConfiguration() -> String {
        let transport = self.delivery == .virtual ? "virtual" : "lmtp:unix:\(self.dovecot.lmtpSocket)"
        let imported = self.environment.map { " \($0.key)=\($0.value)" }.joined()
        return """
            compatibility_level = 3.6
            queue_directory = \(self.directory)/queue
            data_directory = \(self.directory)/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME\(imported)
            maillog_file = \(self.directory)/mail.log
            maillog_file_prefixes = /
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            myhostname = mail.example.test
            mydestination =
            alias_maps =
            alias_database =
            local_recipient_maps =
            message_size_limit = 52428800
            virtual_mailbox_domains = \(Accounts.domain)
            virtual_mailbox_maps = texthash:\(self.directory)/etc/users
            virtual_mailbox_base = \(self.maildirs.base)
            virtual_mailbox_limit = 0
            virtual_minimum_uid = 1
            virtual_uid_maps = static:\(Maildirs.owner)
            virtual_gid_maps = static:\(Maildirs.owner)
            virtual_transport = \(transport)
            transport_maps = \(self.relay == nil ? "" : "texthash:\(self.directory)/etc/routes")

            """
    }

    private func masterConfiguration() -> String {
        """
        127.0.0.1:\(self.smtp.port) inet n - n - - smtpd
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        tlsmgr unix - - n 1000? 1 tlsmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        verify unix - - n - 1 verify
        flush unix n - n 1000? 0 flush
        proxymap unix - - n - - proxymap
        proxywrite unix - - n - 1 proxymap
        smtp unix - - n - - smtp
        relay unix - - n - - smtp
        showq unix n - n - - showq
        error unix - - n - - error
        retry unix - - n - - error
        discard unix - - n - - discard
        local unix - n n - - local
        virtual unix - n n - - virtual
        lmtp unix - - n - - lmtp
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        postlog unix-dgram n - n - 1 postlogd

        """
    }
}
