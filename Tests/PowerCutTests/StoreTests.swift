import MailTesting
import PowerCutKit
import Testing

/// "250 means on stable storage", tried on the real store. `powercut record` and `powercut check` do the same for hours.
@Suite("the store after a power cut", .serialized)
struct StoreTests {
    private func judge(_ report: Campaign.Report) {
        print("power-cut: \(report.images) images at \(report.cuts) cuts, \(report.failures.count) failed")
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    @Test("R1 every 250 is there once and whole after every cut, nothing else is, and UIDs are never given twice")
    func survivesCuts() throws {
        let report = try PowerCut.run(StoreSubject(), images: 400 * PowerCut.scale, messages: 80)
        self.judge(report)
        #expect(report.images >= 260 * PowerCut.scale)
    }

    @Test("R1 R12 the same when every start after the cut finds the newest segment's header destroyed")
    func survivesCutsWithoutTheNewestHeader() throws {
        let report = try PowerCut.run(
            StoreSubject(), images: 120 * PowerCut.scale, messages: 80, examined: StoreSubject(destroysHeader: true))
        self.judge(report)
    }

    @Test("R1 a second power cut during the recovery from the first loses nothing")
    func survivesCutsDuringRecovery() throws {
        let directory = try DiskFile.temporaryDirectory("again")
        defer { DiskFile.removeTree(directory) }
        let recorder = try PowerCut.recorder
        let first = try recorder.workload(StoreSubject(), in: "\(directory)/first", seed: PowerCut.seed, messages: 60)
        var campaign = Campaign(StoreSubject(), first)
        campaign.images = 8 * PowerCut.scale
        for (index, trial) in try campaign.sample().enumerated() {
            let again = "\(directory)/again-\(index)"
            try DiskFile.makeDirectory(again)
            try DiskFile.makeDirectory("\(again)/store")
            try trial.image.write(to: "\(again)/store")
            var second = Campaign(StoreSubject(), try recorder.recovery(StoreSubject(), in: again, seed: PowerCut.seed))
            second.ledgerBefore = trial.ledger
            second.images = 40
            let report = try second.run()
            self.judge(report)
            DiskFile.removeTree(again)
        }
    }

    @Test(
        "R1 kill -9, restart, and then a power cut: what a reader was shown after the restart is not lost",
        arguments: [
            nil, "sync KILL skip 5 match segments/", "sync KILL skip 2 match mail.db", "sync KILL skip 2 match accept.db",
            "sync KILL skip 1 match mailbox/segments",
        ])
    func survivesKillAndCut(_ killing: String?) throws {
        let directory = try DiskFile.temporaryDirectory("killed")
        defer { DiskFile.removeTree(directory) }
        let recording = try PowerCut.recorder.killedWorkload(
            StoreSubject(), in: directory, seed: PowerCut.seed, messages: 30, lives: 2, killing: killing)
        var campaign = Campaign(StoreSubject(), recording)
        campaign.images = 120
        let report = try campaign.run()
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    /// What fails, and where. Each rule must meet at least one call, or the test fails.
    static let troubles = [
        "sync EIO every 7 match segments/", "sync EIO skip 15 times 1 match mail.db", "sync EIO skip 8 times 1 match accept.db",
        "write ENOSPC every 5 match segments/", "write short every 4 match segments/", "write ENOSPC skip 60 every 23 match mail.db-wal",
        "open EMFILE every 6 match segments/", "allocate ENOSPC every 2 match segments/",
    ]

    @Test("R2 R8 a disk that fails or is full refuses mail and keeps what was taken, also through a power cut", arguments: troubles)
    func survivesTrouble(_ rules: String) throws {
        let report = try PowerCut.run(StoreSubject(), images: 60 * PowerCut.scale, messages: 100, rules: rules)
        self.judge(report)
    }
}
