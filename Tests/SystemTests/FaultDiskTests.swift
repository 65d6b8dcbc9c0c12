import Glibc
import MailTesting
import PowerCutKit
import Testing

extension Faults {
    /// A file system of `mebibytes` for one test.
    final class SmallDisk {
        let path: String
        let directory = TemporaryDirectory("disk")

        /// Whether this machine lets us mount one: root in a container may not have leave.
        static let isPossible = (try? SmallDisk(mebibytes: 1)) != nil

        init(mebibytes: Int) throws {
            self.path = self.directory("small")
            mkdir(self.path, 0o700)
            let result = mount("tmpfs", self.path, "tmpfs", 0, "size=\(mebibytes)m,mode=0700")
            try #require(result == 0, "a small file system could not be mounted (errno \(errno)): run the fault tests as root")
        }

        deinit { umount2(self.path, Int32(MNT_DETACH)) }

        /// Takes all free space but `left` bytes; with `keeping` what it holds already is not given back for a moment.
        func fill(leaving left: Int, keeping: Bool = false) {
            if !keeping { self.relieve() }
            let fd = open("\(self.path)/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            for size in [1 << 20, 4096, 1] {
                let block = [UInt8](repeating: 88, count: size)
                while write(fd, block, size) > 0 {}
            }
            ftruncate(fd, max(0, lseek(fd, 0, SEEK_END) - left))
            close(fd)
        }

        func relieve() { unlink("\(self.path)/filler") }
    }

    @Test(
        "R2 a full disk: 452, reading and deleting go on, nothing is corrupt, and mail is taken again when there is room",
        .enabled(if: SmallDisk.isPossible, "a small file system cannot be mounted here; the test without one follows"))
    func survivesFullDisk() throws {
        let disk = try SmallDisk(mebibytes: 160)
        let instance = try FaultInstance(users: 2, in: "\(disk.path)/var") { server in
            let set = try server.command(["config", "set", "minimum-free-disk", "16M"])
            try #require(set.ending == .exited(0), "\(set.output)")
        }
        let account = Account()
        let sender = try instance.sender(account)
        func attempt(_ size: Int) throws -> Int {
            try sender.send(
                Sample(number: account.number(), seed: 7, size: size, recipients: [0, 1]), try instance.session())
        }
        for size in [500, 5_000, 300_000, 600, 700, 800, 900, 1_000] { #expect(try attempt(size) == 250) }

        disk.fill(leaving: 4 << 20)
        // What comes before the server has measured again is still taken, and must be there.
        var taken = 8
        func untilRefused(_ what: String) throws {
            try Self.eventually(what) {
                let code = try attempt(500)
                if code == 250 { taken += 1 }
                return code == 452
            }
        }
        try untilRefused("452 on a disk that is nearly full")
        #expect(try attempt(400_000) == 452)
        #expect(try instance.reader.messages(of: 0).count == taken)
        // Deleting goes on: QUIT says that it was done, and the next session sees it.
        var before = try instance.reader.messages(of: 1).count
        #expect(try Self.deleteFirst(instance))
        #expect(try instance.reader.messages(of: 1).count == before - 1)

        // To the last block: no mail is taken, all is read, and deletions go on, since room is held back for them.
        // What was held back and given up for the deletion may have been measured as room before it was filled.
        disk.fill(leaving: 0)
        let late = taken
        try untilRefused("452 on a full disk")
        before += taken - late
        for done in 2...3 {
            #expect(try Self.deleteFirst(instance), "a deletion was refused")
            #expect(try instance.reader.messages(of: 1).count == before - done)
        }
        // Who dies on a full disk comes back on a full disk.
        disk.fill(leaving: 0)
        try instance.killMTA()
        #expect(try instance.reader.messages(of: 0).count == taken)
        #expect(try Self.deleteFirst(instance))
        #expect(try instance.reader.messages(of: 1).count == before - 4)
        // More events than the last page of the log has room for. What was held back and given up is taken from it again.
        for _ in 0..<40 {
            disk.fill(leaving: 0, keeping: true)
            #expect(try attempt(500) == 452)
        }

        disk.relieve()
        try Self.eventually("250 when there is room again") {
            let session = try instance.session()
            return try sender.send(Sample(number: account.number(), seed: 7, size: 700, recipients: [0, 1]), session) == 250
        }
        try Self.eventually("the room that is held back, whole again") { Self.allocated("\(disk.path)/var/mailbox/ballast") >= 16 << 20 }
        // The log could not be written either: it says how much it lost, and goes on. (On a slow machine room that was held back may
        // be given up at the right moments, and then nothing is lost.) Its lines are written a moment after what they tell of.
        try Self.eventually("the log, how much it lost and what came after", else: { instance.server.trail.suffix(3000) }) {
            let trail = instance.server.trail
            let lines = trail.split(separator: "\n")
            let isTold = trail.contains(" events-dropped count=") || lines.count { $0.contains("message-refused") } >= 40
            return isTold && trail.split(separator: " events-dropped count=").last?.contains("message-accepted") == true
        }
        let books = account.now
        let present = Set(try instance.reader.messages(of: 0).compactMap(Reckoning.number(in:)))
        #expect(present == Set(books.accepted.keys), "accepted \(books.accepted.keys.sorted()), there \(present.sorted())")
        try instance.expectSound()
    }

    @Test("R2 writes that find no room: 452, reading goes on, a deletion that cannot be done is refused, and all goes on with room")
    func survivesWritesWithoutRoom() throws {
        let controls = TemporaryDirectory("rules")
        let environment = ["LD_PRELOAD": try QuickInstance.faultLibrary, "POSTOFFICE_FAULTS_CONTROL": controls("rules")]
        let instance = try FaultInstance(users: 2, environment: environment)
        let account = Account()
        let sender = try instance.sender(account)
        func attempt(_ size: Int) throws -> Int {
            try sender.send(Sample(number: account.number(), seed: 7, size: size, recipients: [0, 1]), try instance.session())
        }
        for size in [500, 300_000, 700] { #expect(try attempt(size) == 250) }
        #expect(try instance.reader.messages(of: 1).count == 3)

        controls.write(
            "rules", ["write", "allocate"].flatMap { call in ["mailbox", "spool"].map { "\(call) ENOSPC match /\($0)/\n" } }.joined())
        for size in [600, 300_000] { #expect(try attempt(size) == 452) }
        #expect(try instance.reader.messages(of: 0).count == 3)
        let isDeleted = try Self.deleteFirst(instance)
        let left = try instance.reader.messages(of: 1).count
        #expect(left == (isDeleted ? 2 : 3), "QUIT and the mailbox tell different stories")

        controls.write("rules", "")
        try Self.eventually("250 when there is room again") { try attempt(700) == 250 }
        #expect(try Self.deleteFirst(instance))
        #expect(try instance.reader.messages(of: 1).count == left)
        let books = account.now
        let present = Set(try instance.reader.messages(of: 0).compactMap(Reckoning.number(in:)))
        #expect(present == Set(books.accepted.keys), "accepted \(books.accepted.keys.sorted()), there \(present.sorted())")
        try instance.expectSound()
    }

    /// Bytes of blocks that a file has.
    private static func allocated(_ path: String) -> Int64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_blocks) * 512 : 0
    }

    /// Deletes the first message of user 1; whether QUIT said that it was done.
    private static func deleteFirst(_ instance: FaultInstance) throws -> Bool {
        let session = try instance.reader.login(1)
        try session.send(line: "DELE 1")
        #expect(try session.line().hasPrefix("+OK"))
        try session.send(line: "QUIT")
        return try session.line().hasPrefix("+OK")
    }

    @Test("R2 R8 a sync that fails: 451, the message is nowhere, the next one is taken; a disk that goes on failing is said to be bad")
    func survivesFailingSync() throws {
        let controls = TemporaryDirectory("rules")
        let environment = [
            "LD_PRELOAD": try QuickInstance.faultLibrary, "POSTOFFICE_FAULTS_CONTROL": controls("rules"),
            "POSTOFFICE_FAULTS_REPORT": controls("report"),
        ]
        let instance = try FaultInstance(users: 2, environment: environment)
        let account = Account()
        let sender = try instance.sender(account)
        func attempt(_ size: Int) throws -> Int {
            try sender.send(Sample(number: account.number(), seed: 7, size: size, recipients: [0, 1]), try instance.session())
        }
        for size in [600, 400_000] {
            #expect(try attempt(size) == 250)
            controls.write("rules", "sync EIO match /segments/ times 1\n")
            #expect(try attempt(size) == 451)
            #expect(ChildProcess.text(of: controls("report")).contains("sync EIO"), "no sync was made to fail")
            #expect(try attempt(size) == 250)
        }
        // Five times in a row: after that nothing is tried any more, and senders are told before they send anything. [docs/flow.md]
        controls.write("rules", "sync EIO match /segments/\n")
        var answers: [String] = []
        for _ in 0..<8 {
            let connection = try LineConnection(port: try instance.server.port("SMTP_PORT"), timeout: 30)
            let greeting = try connection.reply().last ?? ""
            guard greeting.hasPrefix("220") else {
                answers.append(greeting)
                continue
            }
            try connection.command("EHLO sender.example")
            let sample = Sample(number: account.number(), seed: 7, size: 900, recipients: [0, 1])
            answers.append("\(try sender.send(sample, connection))")
        }
        let away = "421 4.3.0 Mail storage is not available, try again later"
        #expect(answers == Array(repeating: "451", count: 5) + Array(repeating: away, count: 3))
        // Reading goes on while the disk fails.
        let during = Set(try instance.reader.messages(of: 0).compactMap(Reckoning.number(in:)))
        #expect(during == Set(account.now.accepted.keys))
        let status = try instance.server.command(["status"])
        #expect(status.output.lowercased().contains("disk"), "status does not speak of the disk: \(status.output)")

        controls.write("rules", "")
        instance.server.stop()
        try instance.server.start()
        #expect(try attempt(1_000) == 250)
        let books = account.now
        let present = Set(try instance.reader.messages(of: 0).compactMap(Reckoning.number(in:)))
        #expect(present == Set(books.accepted.keys), "accepted \(books.accepted.keys.sorted()), there \(present.sorted())")
        try instance.expectSound()
    }

    @Test("R11 the clock jumps a year ahead and two back: mail is taken, filed in order, and sessions live on")
    func survivesClockJumps() throws {
        let controls = TemporaryDirectory("clock")
        controls.write("rules", "clock 0\n")
        let environment = ["LD_PRELOAD": try QuickInstance.faultLibrary, "POSTOFFICE_FAULTS_CONTROL": controls("rules")]
        let instance = try FaultInstance(users: 1, environment: environment)
        let account = Account()
        let sender = try instance.sender(account)
        let session = try instance.session()
        for seconds in [0, 31_536_000, -31_536_000, 3_600, -3_600, 0] {
            controls.write("rules", "clock \(seconds)\n")
            #expect(try sender.send(Sample(number: account.number(), seed: 3, size: 800, recipients: [0]), session) == 250)
        }
        #expect(try session.command("NOOP") == 250)
        let reckoning = try Reckoning(account.now, users: 1, instance.reader)
        #expect(reckoning.complaints.isEmpty, "\(reckoning.complaints)")
        let order = try instance.reader.messages(of: 0).compactMap(Reckoning.number(in:))
        #expect(order == order.sorted() && order.count == 6, "\(order)")
        try instance.expectSound()
    }

    /// Tries for half a minute; failing is no error until then.
    static func eventually(_ what: String, else state: () -> Substring = { "" }, _ isSo: () throws -> Bool) throws {
        for _ in 0..<150 {
            if try isSo() { return }
            usleep(200_000)
        }
        Issue.record("in vain: \(what) \(state())")
    }
}
