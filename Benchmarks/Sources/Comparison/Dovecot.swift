import Glibc
import LoadKit

/// A private Dovecot: LMTP on a socket in its directory, POP3 and IMAP on loopback, Dovecot's own defaults for durability.
final class Dovecot {
    private let directory: String
    private let mail: String
    private var process: ChildProcess?
    let pop3: Endpoint
    let imap: Endpoint
    private let format: Format
    /// How it keeps mail: as most have it, or as it is fastest.
    enum Format: String { case maildir, mdbox }

    var lmtpSocket: String { "\(self.directory)/run/lmtp" }
    var pid: pid_t? { self.process?.pid }

    init(directory: String, mail: String, format: Format = .maildir) throws {
        self.format = format
        self.imap = Endpoint(port: try freePort())
        self.directory = directory
        self.mail = mail
        self.pop3 = Endpoint(port: try freePort())
    }

    func start(accounts: Int, environment: [String: String]) throws {
        try makeDirectory("\(self.directory)/run")
        let users = (0..<accounts).map { "\(Accounts.address($0)):{PLAIN}\(Accounts.password)\n" }.joined()
        try writeFile("\(self.directory)/users", users)
        try writeFile("\(self.directory)/dovecot.conf", self.configuration(environment))
        let process = try ChildProcess(
            "/usr/sbin/dovecot", ["-F", "-c", "\(self.directory)/dovecot.conf"], environment: environment,
            log: "\(self.directory)/output.log")
        self.process = process
        try waitForGreeting(self.pop3, seconds: 20) { process.poll() == nil }
    }

    func stop() { self.process?.stop() }

    private func configuration(_ environment: [String: String]) -> String {
        let imported = environment.map { " \($0.key)=\($0.value)" }.joined()
        return """
            base_dir = \(self.directory)/run
            state_dir = \(self.directory)/run
            log_path = \(self.directory)/dovecot.log
            import_environment = TZ\(imported)
            protocols = lmtp pop3 imap
            listen = 127.0.0.1
            ssl = no
            disable_plaintext_auth = no
            first_valid_uid = 1
            mail_location = \(self.format.rawValue):\(self.mail)/%n/\(self.format == .maildir ? "Maildir" : "mdbox")
            mail_max_userip_connections = 0
            passdb {
              driver = passwd-file
              args = \(self.directory)/users
            }
            userdb {
              driver = static
              args = uid=\(Maildirs.owner) gid=\(Maildirs.owner) home=\(self.mail)/%n
            }
            service lmtp {
              unix_listener lmtp {
                mode = 0666
              }
            }
            service imap-login {
              service_count = 0
              client_limit = 12000
              process_limit = 4
              inet_listener imap {
                port = \(self.imap.port)
              }
              inet_listener imaps {
                port = 0
              }
            }
            service imap {
              process_limit = 2000
            }
            default_client_limit = 20000
            service pop3-login {
              inet_listener pop3 {
                port = \(self.pop3.port)
              }
              inet_listener pop3s {
                port = 0
              }
            }

            """
    }
}
