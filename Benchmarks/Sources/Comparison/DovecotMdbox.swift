import Glibc
import LoadKit

/// Dovecot alone, for IMAP, with its fastest format.
final class DovecotMdbox: Server {
    let name = "Dovecot mdbox"
    let directory: String
    var relay: Relay?
    private let environment: [String: String]
    private let dovecot: Dovecot

    init(directory: String, environment: [String: String]) throws {
        self.directory = directory
        self.environment = environment
        self.dovecot = try Dovecot(directory: directory, mail: "\(directory)/mail", format: .mdbox)
    }

    var smtp: Endpoint { self.dovecot.imap }
    var pop3: Endpoint? { nil }
    var imap: Endpoint? { self.dovecot.imap }
    var smtps: Endpoint? { nil }
    var processes: [pid_t] { [self.dovecot.pid].compactMap { $0 } }

    func start(accounts: Int) throws {
        let maildirs = Maildirs(base: "\(self.directory)/mail")
        try makeDirectory(self.directory)
        try maildirs.create(accounts: accounts)
        try self.dovecot.start(accounts: accounts, environment: self.environment)
    }

    func stop() { self.dovecot.stop() }
    func visible(_ accounts: [Int]) throws -> Int { throw BenchError("Dovecot alone is measured over IMAP only") }
    func expect(_ accounts: [Int]) throws -> any Arrivals { throw BenchError("Dovecot alone is measured over IMAP only") }
}
