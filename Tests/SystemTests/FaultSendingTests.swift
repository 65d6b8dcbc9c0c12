import Glibc
import MailTesting
import PowerCutKit
import Synchronization
import Testing

extension Faults {
    @Test("R5 kill -9 while mail goes out: every accepted message arrives whole, and only what was in hand arrives again")
    func sendingSurvivesKill() throws {
        for _ in 0..<Self.rounds { try Self.killWhileSending() }
    }

    /// Times the mta dies.
    private static let kills = 4
    /// Connections to one host, as the server opens them at most.
    private static let mostInHand = 20
    /// Addresses here that lead to the other host.
    private static let outgoing = 3

    private static func killWhileSending() throws {
        // In parallel, and late with every answer to a body: the mta dies with messages handed over and not answered.
        let peer = EvilServer(keywords: ["PIPELINING", "8BITMIME"])
        defer { peer.stop() }
        let instance = try FaultInstance(users: 0, arguments: ["--pause", "50"]) { try Self.route($0, to: peer.port) }
        let seed = UInt64.random(in: 1..<1 << 32)
        print("kill -9 while sending: seed \(seed)")
        let account = Account()
        let isOver = Atomic<Bool>(false)
        let sender = Sender(
            port: try instance.server.port("SMTP_PORT"), domain: instance.domain, account: account, seed: seed, users: Self.outgoing)
        let killed = Atomic<Int>(0)
        try inParallel(9, "8 senders and the one who kills", seconds: 120) {
            [mtaFile = instance.server.settings["MTA_PID_FILE"] ?? ""] index in
            if index < 8 { return sender.run(index) { isOver.load(ordering: .relaxed) } }
            killed.store(Self.killWhileArriving(peer, mtaFile), ordering: .relaxed)
            isOver.store(true, ordering: .relaxed)
        }
        #expect(killed.load(ordering: .relaxed) == Self.kills)
        let isEmpty = MailTesting.eventually(within: 60) {
            Self.arrived(peer) >= account.now.accepted.values.reduce(0) { $0 + $1.recipients.count }
                && (try? instance.server.command(["queue", "list"]).output.contains("@remote.test")) == false
        }
        let left = try instance.server.command(["queue", "list"]).output
        #expect(isEmpty, "\(Self.arrived(peer)) arrived; the queue has \(left.prefix(2000))")
        let sums = Self.reckon(peer, account.now)
        print("kill -9 while sending: \(account.now.accepted.count) accepted, \(sums.arrived) arrived, \(sums.again) of them again")
        #expect(sums.complaints.isEmpty, "\(sums.complaints.prefix(10))")
        #expect(account.now.accepted.count > 100)
        #expect(sums.again <= Self.kills * Self.mostInHand * Self.outgoing)
        try instance.expectSound()
    }

    /// Strangers may write to the aliases: no login slows the senders down.
    private static func route(_ server: QuickInstance, to port: Int) throws {
        let domain = server.settings["DOMAIN"] ?? ""
        let aliases = (0..<Self.outgoing).map { "[<user\($0)@\(domain)> <user\($0)@remote.test>]" }
        for (field, values) in [("smtp-channel-aliases", aliases), ("mail-routing-table", ["[remote.test:127.0.0.1:\(port)]"])] {
            let result = try server.command(["config", "set", field] + values)
            try #require(result.ending == .exited(0), "\(result.output)")
        }
    }

    private static func arrived(_ peer: EvilServer) -> Int { peer.taken.reduce(0) { $0 + $1.recipients.count } }

    /// Kills the mta again and again, each time when more has arrived; how often it did.
    private static func killWhileArriving(_ peer: EvilServer, _ mtaFile: String) -> Int {
        var last: pid_t = 0
        for kill in 0..<Self.kills {
            let before = peer.taken.count
            var id: pid_t = 0
            let isSending = MailTesting.eventually {
                id = ChildProcess.text(of: mtaFile).split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) } ?? 0
                return id > 1 && id != last && peer.taken.count > before + 20
            }
            usleep(UInt32.random(in: 0..<150_000))
            guard isSending, Glibc.kill(id, SIGKILL) == 0 else { return kill }
            last = id
        }
        return Self.kills
    }

    private static func reckon(_ peer: EvilServer, _ books: Account.Books) -> (arrived: Int, again: Int, complaints: [String]) {
        var copies: [Int: [Int: Int]] = [:]
        var complaints: [String] = []
        for taken in peer.taken {
            let body = Array(taken.body.utf8)
            guard let number = Reckoning.number(in: body), let sample = books.accepted[number] ?? books.unknown[number] else {
                complaints.append("a message that nobody sent: \(taken.body.prefix(200))")
                continue
            }
            let sent = sample.body()
            if !body.suffix(sent.count).elementsEqual(sent) { complaints.append("message \(number) is damaged") }
            for line in taken.recipients {
                guard let user = Int(line.drop { !$0.isNumber }.prefix { $0.isNumber }), sample.recipients.contains(user) else {
                    complaints.append("message \(number) is not for \(line)")
                    continue
                }
                copies[number, default: [:]][user, default: 0] += 1
            }
        }
        for (number, sample) in books.accepted where sample.recipients.contains(where: { copies[number]?[$0] == nil }) {
            complaints.append("message \(number) was answered 250 and is lost")
        }
        let counts = copies.values.flatMap(\.values)
        for count in counts where count > 1 + Self.kills { complaints.append("a message came \(count) times") }
        return (counts.reduce(0, +), counts.reduce(0) { $0 + $1 - 1 }, complaints)
    }
}
