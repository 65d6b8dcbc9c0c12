import Glibc
import LoadKit

/// A mail server under measurement, with accounts u0000@example.test, u0001@example.test, …
protocol Server: AnyObject {
    /// As it stands in the tables.
    var name: String { get }
    /// The directory that `start` fills and `stop` leaves for a look; the server writes nowhere else.
    var directory: String { get }
    var smtp: Endpoint { get }
    /// Nil where this server is not measured over POP3.
    var pop3: Endpoint? { get }
    /// Nil where this server is not measured over IMAP.
    var imap: Endpoint? { get }
    /// IMAP with TLS from the first byte; nil where that is not measured.
    var imaps: Endpoint? { get }
    /// SMTP with TLS from the first byte; nil where that is not measured.
    var smtps: Endpoint? { get }
    /// The processes at the top; all their descendants count too.
    var processes: [pid_t] { get }

    /// Where it sends mail for other hosts; before `start`. Nil: nowhere.
    var relay: Relay? { get set }

    /// Starts on fresh directories with this many accounts, and returns when it greets.
    func start(accounts: Int) throws
    func stop()
    /// How many messages the owners of these accounts see, now.
    func visible(_ accounts: [Int]) throws -> Int
    /// Begins to look out for messages to these accounts.
    func expect(_ accounts: [Int]) throws -> any Arrivals
}

extension Server {
    var imaps: Endpoint? { nil }
}

/// Waits for messages to become visible in their mailboxes.
protocol Arrivals {
    /// Monotonic nanoseconds when `count` messages more than at the beginning were seen to be visible.
    func wait(for count: Int, seconds: Double) throws -> Int64
}

/// Next hops that are all one sink, each on an address of its own: for a server they are different hosts.
struct Relay {
    var port: UInt16
    var destinations: Int

    static func domain(_ number: Int) -> String { "d\(number).sink.test" }
    static func host(_ number: Int) -> String { "127.2.\(number / 250).\(number % 250 + 1)" }
}

enum Accounts {
    static let domain = "example.test"
    static let password = "benchmark-password"

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return "u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    static func address(_ number: Int) -> String { "\(self.name(number))@\(self.domain)" }
}

/// Waits until a server greets on a port.
func waitForGreeting(_ endpoint: Endpoint, seconds: Double, alive: () -> Bool) throws {
    let deadline = monotonicNow() + Int64(seconds * 1e9)
    while monotonicNow() < deadline {
        guard alive() else { throw BenchError("the server ended while starting") }
        let probe = IdleLoad()
        defer { probe.close() }
        do { return try probe.open(1, to: endpoint, tls: false, sources: nil) } catch {}
        sleepMilliseconds(2)
    }
    throw BenchError("no greeting on port \(endpoint.port) within \(seconds) s")
}
