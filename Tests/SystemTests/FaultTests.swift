import Glibc
import MailTesting
import PowerCutKit
import Testing

/// The server as a whole, made to suffer. One after the other: each wants the machine for itself.
///
/// `POSTOFFICE_FAULT_ROUNDS` (1 without it) lengthens the tests whose worth grows with their length; CONTRIBUTING.md tells of it.
@Suite("faults", .serialized)
struct Faults {
    static let rounds = max(1, getenv("POSTOFFICE_FAULT_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 1)
}

/// A quick instance with accounts `user0` … and one password.
final class FaultInstance {
    let server: QuickInstance
    let users: Int
    static let password = "a fault test"

    init(
        users: Int, in directory: String? = nil, environment: [String: String] = [:], launcher: [String] = [], arguments: [String] = [],
        configure: (QuickInstance) throws -> Void = { _ in }
    ) throws {
        self.server = try QuickInstance(in: directory)
        self.users = users
        let domain = self.server.settings["DOMAIN"] ?? "example.test"
        try self.server.addAccounts((0..<users).map { "user\($0)@\(domain)" }, password: Self.password)
        try configure(self.server)
        self.server.environment = environment
        self.server.launcher = launcher
        self.server.arguments = arguments
        try self.server.start()
    }

    var domain: String { self.server.settings["DOMAIN"] ?? "example.test" }

    func sender(_ account: Account, seed: UInt64 = 1) throws -> Sender {
        Sender(port: try self.server.port("SMTP_PORT"), domain: self.domain, account: account, seed: seed, users: self.users)
    }

    var reader: Reader {
        get throws { Reader(port: try self.server.port("POP3_PORT"), domain: self.domain, password: Self.password) }
    }

    /// A session after EHLO.
    func session(timeout: Int = 30) throws -> LineConnection {
        let connection = try LineConnection(port: try self.server.port("SMTP_PORT"), timeout: timeout)
        try #require(try connection.replyCode() == 220)
        try #require(try connection.command("EHLO sender.example") == 250)
        return connection
    }

    /// The mta dies as if pulled from the socket; returns when another has taken its place.
    func killMTA() throws {
        let old = try #require(self.server.mtaID)
        #expect(kill(old, SIGKILL) == 0)
        try DispatcherTests.wait("a new mta") { self.server.mtaID.map { $0 != old } ?? false }
    }

    /// SMTP sessions that began and have not ended, by the trail.
    var openSessions: Int {
        let lines = self.server.trail.split(separator: "\n")
        return lines.count { $0.contains(" SMTP-Accept opened") } - lines.count { $0.contains(" SMTP-Accept closed") }
    }

    /// `postoffice check` finds nothing, with the server up and after it was stopped.
    func expectSound() throws {
        let up = try self.server.command(["check"])
        #expect(up.ending == .exited(0), "\(up.output)")
        #expect(self.server.stop() == .exited(0), "\(self.server.log.suffix(2000))")
        let down = try self.server.command(["check"])
        #expect(down.ending == .exited(0), "\(down.output)")
    }
}
