import MailTesting
import PowerCutKit
import Testing

/// "Done" after a change of an account means on stable storage, tried on the real directory.db.
@Suite("the directory after a power cut", .serialized)
struct DirectoryTests {
    @Test("R1 an account that was added is there after every cut, never half of one, and numbers are never given twice")
    func survivesCuts() throws {
        let report = try PowerCut.run(DirectorySubject(), images: 200, messages: 40)
        #expect(report.failures.isEmpty, "\(report.failures)")
        #expect(report.images >= 130)
    }

    @Test(
        "R1 kill -9, restart, and then a power cut: accounts that somebody was shown stay",
        arguments: [nil, "sync KILL skip 9 match directory.db"])
    func survivesKillAndCut(_ killing: String?) throws {
        let directory = try DiskFile.temporaryDirectory("killed")
        defer { DiskFile.removeTree(directory) }
        let recording = try PowerCut.recorder.killedWorkload(
            DirectorySubject(), in: directory, seed: PowerCut.seed, messages: 24, lives: 2, killing: killing)
        var campaign = Campaign(DirectorySubject(), recording)
        campaign.images = 80
        let report = try campaign.run()
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    @Test(
        "R2 a disk that fails or is full refuses the change and keeps what was answered",
        arguments: [
            "sync EIO skip 20 times 1 match directory.db", "write ENOSPC skip 100 every 23 match directory.db-wal",
        ])
    func survivesTrouble(_ rules: String) throws {
        let report = try PowerCut.run(DirectorySubject(), images: 60, messages: 40, rules: rules)
        #expect(report.failures.isEmpty, "\(report.failures)")
    }
}
