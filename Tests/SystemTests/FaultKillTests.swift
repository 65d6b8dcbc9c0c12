import Glibc
import MailTesting
import PowerCutKit
import Synchronization
import Testing

extension Faults {
    @Test("R1 R5 kill -9 of the mta under load from 50 senders: 0 lost, 0 duplicated, no connection refused")
    func survivesKill() throws {
        for _ in 0..<Self.rounds { try Self.killUnderLoad() }
    }

    private static func killUnderLoad() throws {
        // Short pauses, so that the server and not its patience is tried.
        let instance = try FaultInstance(users: 8, arguments: ["--pause", "50"])
        let seed = UInt64.random(in: 1..<1 << 32)
        print("kill -9: seed \(seed)")
        let account = Account()
        let isOver = Atomic<Bool>(false)
        let sender = try instance.sender(account, seed: seed)
        // 50 senders and the killer.
        try inParallel(51, "50 senders and the one who kills", seconds: 120) {
            [mtaFile = instance.server.settings["MTA_PID_FILE"] ?? ""] index in
            if index < 50 { return sender.run(index) { isOver.load(ordering: .relaxed) } }
            Self.kill(5, mtaFile)
            isOver.store(true, ordering: .relaxed)
        }
        let books = account.now
        let reckoning = try Reckoning(books, users: instance.users, instance.reader)
        print(
            "kill -9: \(books.accepted.count) accepted, \(books.unknown.count) unknown, \(books.refused.count) refused,",
            "\(books.interrupted) sessions interrupted, \(reckoning.delivered) delivered")
        #expect(reckoning.complaints.isEmpty, "\(reckoning.complaints.prefix(10))")
        #expect(books.connectionsRefused == 0)
        #expect(books.accepted.count > 50)
        #expect(books.refused.isEmpty, "\(Set(books.refused.values))")
        try instance.expectSound()
    }

    @Test("R1 kill -9 while accounts are added: each one that was answered can log in, and none is half there")
    func accountsSurviveKill() throws {
        for _ in 0..<Self.rounds { try Self.killWhileAdding() }
    }

    private static func killWhileAdding() throws {
        let instance = try FaultInstance(users: 1, arguments: ["--pause", "50"])
        let files = TemporaryDirectory("words")
        files.write("password", "\(FaultInstance.password)\n")
        let answers = Mutex<[String: Bool]>([:])
        let isOver = Atomic<Bool>(false)
        let configuration = instance.server.configuration
        let program = try QuickInstance.program
        // Three who add and one who kills.
        try inParallel(4, "three who add accounts and the one who kills", seconds: 120) {
            [mtaFile = instance.server.settings["MTA_PID_FILE"] ?? "", domain = instance.domain] index in
            guard index < 3 else {
                Self.kill(4, mtaFile)
                return isOver.store(true, ordering: .relaxed)
            }
            var number = 0
            let deadline = monotonicSeconds() + 60
            // On a slow machine one account may take as long as the time between two kills.
            while !isOver.load(ordering: .relaxed) || (answers.withLock { $0.count { $0.value } } <= 10 && monotonicSeconds() < deadline) {
                number += 1
                // As many as it takes to be in the middle of one at each kill.
                usleep(20_000)
                let address = "new\(index)-\(number)@\(domain)"
                let words = ["account", "add", address, "--name", "New \(number)", "--password-stdin", "--config", configuration]
                let result = try? ChildProcess.run(program, words, input: files("password"), seconds: 60)
                answers.withLock { $0[address] = result?.ending == .exited(0) }
            }
        }
        let all = answers.withLock { $0 }
        print("kill -9 of the directory: \(all.count { $0.value }) accounts answered, \(all.count { !$0.value }) without answer")
        #expect(all.count { $0.value } > 10)
        let listed = try instance.server.command(["account", "list"]).output
        let lost = all.filter { $0.value && !listed.contains($0.key) }
        #expect(lost.isEmpty, "answered and lost: \(lost.keys.sorted())")
        // A login costs a hash, one that fails a pause: those without answer, and some of the others.
        for address in all.filter({ !$0.value }).keys + all.filter(\.value).keys.shuffled().prefix(20) {
            let isThere = listed.contains(address)
            #expect(
                try (instance.server.command(["account", "show", address]).ending == .exited(0)) == isThere, "\(address) is half there")
            if isThere { #expect(try Self.canLogIn(address, instance), "\(address) is half there") }
        }
        try instance.expectSound()
    }

    private static func canLogIn(_ address: String, _ instance: FaultInstance) throws -> Bool {
        let connection = try LineConnection(port: try instance.server.port("POP3_PORT"), timeout: 30)
        for line in ["", "USER \(address)", "PASS \(FaultInstance.password)"] {
            if !line.isEmpty { try connection.send(line: line) }
            guard try connection.line().hasPrefix("+OK") else { return false }
        }
        return true
    }

    /// Kills the mta that the file names so many times, at random moments.
    private static func kill(_ wanted: Int, _ mtaFile: String) {
        var last: pid_t = 0
        var kills = 0
        let deadline = monotonicSeconds() + Double(20 * wanted)
        while kills < wanted && monotonicSeconds() < deadline {
            usleep(UInt32.random(in: 200_000..<900_000))
            let id = ChildProcess.text(of: mtaFile).split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) } ?? 0
            // The file still names the dead one until its successor has written it.
            guard id > 1, id != last, Glibc.kill(id, SIGKILL) == 0 else { continue }
            last = id
            kills += 1
        }
        sleep(1)
    }
}
