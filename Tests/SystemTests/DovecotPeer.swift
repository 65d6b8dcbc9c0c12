import Glibc
import MailTesting

/// A Dovecot of its own for one test: takes mail by LMTP, on a port and on a socket, into maildirs.
final class DovecotPeer {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let port: Int
    private let place = TemporaryDirectory("dovecot")
    private var master: ChildProcess?

    var socket: String { self.place("lmtp") }

    init(users: [String]) throws {
        guard geteuid() == 0 else { throw Failure(description: "Dovecot starts as root only: run the tests as root, as CI does") }
        guard access("/usr/lib/dovecot/lmtp", X_OK) == 0 else {
            throw Failure(description: "no LMTP server of Dovecot: run scripts/bootstrap test")
        }
        guard let port = PortBases.shared.next() else { throw Failure(description: "no port is free") }
        self.port = port
        chmod(self.place.path, 0o755)
        mkdir(self.place("mail"), 0o755)
        chown(self.place("mail"), 65534, 65534)
        self.place.write("users", users.map { "\($0)::65534:65534::\(self.place("mail"))/\($0)::\n" }.joined())
        chmod(self.place("users"), 0o644)
        self.place.write("dovecot.conf", self.settings)
        chmod(self.place("dovecot.conf"), 0o644)
        self.master = try ChildProcess(
            "/usr/sbin/dovecot", ["-F", "-c", self.place("dovecot.conf")], output: self.place("output"), errors: self.place("output"))
        guard eventually(within: 60, { (try? LineConnection(port: port, timeout: 2).line().hasPrefix("220")) == true }) else {
            throw Failure(description: "Dovecot does not greet: \(ChildProcess.text(of: self.place("output"))) \(self.log)")
        }
    }

    /// Its processes end by themselves when the master is gone.
    deinit { self.master?.kill() }

    var log: String { ChildProcess.text(of: self.place("log")) }

    /// What a user's maildir holds, whole, in no order.
    func messages(of user: String) -> [[UInt8]] {
        let folder = self.place("mail/\(user)/Maildir/new")
        return directoryEntries(folder).map { bytes(ofFile: "\(folder)/\($0)") }
    }

    private var settings: String {
        """
        base_dir = \(self.place("run"))
        log_path = \(self.place("log"))
        protocols = lmtp
        ssl = no
        postmaster_address = postmaster@dovecot.test
        mail_location = maildir:~/Maildir
        auth_username_format = %Ln
        lmtp_save_to_detail_mailbox = no
        first_valid_uid = 1
        userdb {
          driver = passwd-file
          args = \(self.place("users"))
        }
        passdb {
          driver = static
          args = nopassword=y
        }
        service lmtp {
          unix_listener \(self.socket) {
            mode = 0666
          }
          inet_listener lmtp {
            address = 127.0.0.1
            port = \(self.port)
          }
        }

        """
    }
}
