import Glibc
import LoadKit

/// Maildirs of all accounts below one directory: BASE/u0000/Maildir/{tmp,new,cur}.
struct Maildirs {
    let base: String
    /// A user id that owns nothing else.
    static let owner: uid_t = 54321

    func create(accounts: Int) throws {
        try makeDirectory(self.base, owner: Self.owner)
        for number in 0..<accounts {
            try makeDirectory("\(self.base)/\(Accounts.name(number))", mode: 0o700, owner: Self.owner)
            for part in ["", "/tmp", "/new", "/cur"] { try makeDirectory(self.path(number) + part, mode: 0o700, owner: Self.owner) }
        }
    }

    func path(_ account: Int) -> String { "\(self.base)/\(Accounts.name(account))/Maildir" }

    func count(_ accounts: [Int]) -> Int {
        accounts.reduce(0) { $0 + entries("\(self.path($1))/new").count + entries("\(self.path($1))/cur").count }
    }

    func expect(_ accounts: [Int]) throws -> any Arrivals {
        MaildirArrivals(watch: try ArrivalWatch(accounts.map { "\(self.path($0))/new" }))
    }
}

private struct MaildirArrivals: Arrivals {
    let watch: ArrivalWatch

    func wait(for count: Int, seconds: Double) throws -> Int64 {
        defer { self.watch.stop() }
        let deadline = monotonicNow() + Int64(seconds * 1e9)
        while self.watch.count < count {
            guard monotonicNow() < deadline else { throw BenchError("only \(self.watch.count) of \(count) messages arrived") }
            usleep(500)
        }
        return self.watch.latest
    }
}
