import Glibc
import MailTesting
import PowerCutKit
import Synchronization
import Testing

extension Faults {
    @Test("R1 R5 kill -9 of the mta under load from 50 senders: 0 lost, 0 duplicated, no connection refused")
    func survivesKill() throws {
        // Short pauses, so that the server and not its patience is tried.
        let instance = try FaultInstance(users: 8, arguments: ["--pause", "50"])
        let seed = UInt64.random(in: 1..<1 << 32)
        print("kill -9: seed \(seed)")
        let account = Account()
        let isOver = Atomic<Bool>(false)
        let sender = try instance.sender(account, seed: seed)
        let kills = Mutex<Int>(0)
        let wanted = 5 * Faults.rounds
        // 50 senders and the killer.
        try inParallel(51, "50 senders and the one who kills", seconds: Double(120 * Faults.rounds)) {
            [mtaFile = instance.server.settings["MTA_PID_FILE"] ?? ""] index in
            if index < 50 { return sender.run(index) { isOver.load(ordering: .relaxed) } }
            var random = SeededRandom(seed, 99)
            var last: pid_t = 0
            while kills.withLock({ $0 }) < wanted {
                usleep(UInt32.random(in: 200_000..<1_200_000, using: &random))
                let id = ChildProcess.text(of: mtaFile).split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) } ?? 0
                // The file still names the dead one until its successor has written it.
                guard id > 1, id != last, kill(id, SIGKILL) == 0 else { continue }
                last = id
                kills.withLock { $0 += 1 }
            }
            sleep(1)
            isOver.store(true, ordering: .relaxed)
        }
        let books = account.now
        let reckoning = try Reckoning(books, users: instance.users, instance.reader)
        print(
            "kill -9: \(books.accepted.count) accepted, \(books.unknown.count) unknown, \(books.refused.count) refused,",
            "\(books.interrupted) sessions interrupted, \(reckoning.delivered) delivered")
        #expect(reckoning.complaints.isEmpty, "\(reckoning.complaints.prefix(10))")
        #expect(books.connectionsRefused == 0)
        #expect(books.accepted.count > 200)
        #expect(books.refused.isEmpty, "\(Set(books.refused.values))")
        try instance.expectSound()
    }
}
