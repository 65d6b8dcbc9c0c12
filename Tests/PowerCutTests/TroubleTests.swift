import MailTesting
import PowerCutKit
import Testing

/// What the real store does, as seen from outside, when its disk fails or is full.
@Suite("the store on a bad disk", .serialized)
struct TroubleTests {
    private func runUnderRules(_ rules: String, _ directory: String) throws -> [String] {
        try DiskFile.makeDirectory("\(directory)/store")
        try DiskFile.write(Array((rules + "\n").utf8), to: "\(directory)/control")
        let recorder = try PowerCut.recorder
        let environment = [
            "LD_PRELOAD": recorder.library, "POSTOFFICE_FAULTS_ROOT": "\(directory)/store",
            "POSTOFFICE_FAULTS_CONTROL": "\(directory)/control", "POSTOFFICE_FAULTS_REPORT": "\(directory)/report",
        ]
        let (ending, output) = try ChildProcess.run(
            recorder.program, ["fail-commit", "--directory", "\(directory)/store"], environment: environment, seconds: 120)
        #expect(ending == .exited(0), "\(output)")
        #expect(!ChildProcess.text(of: "\(directory)/report").isEmpty, "no call was made to fail")
        return output.split(separator: "\n").map(String.init)
    }

    @Test(
        "R8 an I/O error in a commit of the index makes the store read-only: nothing more is promised, reading goes on",
        arguments: [
            "sync EIO skip 12 times 1 match mail.db-wal", "sync EIO skip 20 times 1 match mail.db-wal",
            "write EIO skip 90 times 1 match mail.db-wal",
        ])
    func commitFails(_ rules: String) throws {
        let directory = try DiskFile.temporaryDirectory("trouble")
        defer { DiskFile.removeTree(directory) }
        let said = try self.runUnderRules(rules, directory)
        #expect(said.suffix(5) == ["health: failed", "mail: refused", "removal: refused", "reading: message 1", "closed"], "\(said)")

        // After a start nothing that was answered is missing, and nothing that was removed is back.
        let store = try StoreSubject().open("\(directory)/store")
        defer { store.close() }
        #expect(try store.complaints() == [])
        let numbers: (String) -> Set<UInt32> = { word in
            Set(said.compactMap { $0.hasPrefix(word) ? UInt32($0.dropFirst(word.count)) : nil })
        }
        let accepted = numbers("accepted "), removed = numbers("removed ")
        let present = Set(try store.list(0)?.messages.map(\.uid) ?? [])
        #expect(present.isSubset(of: accepted.subtracting(removed)))
        // The removal that failed may have happened.
        #expect(accepted.subtracting(removed).subtracting(present).count <= 1, "\(said) \(present)")
    }

    @Test("R2 a store whose disk is full opens, shows what is filed and closes; when there is room the rest is filed")
    func opensOnAFullDisk() throws {
        let directory = try DiskFile.temporaryDirectory("full")
        defer { DiskFile.removeTree(directory) }
        var recorder = try PowerCut.recorder
        try DiskFile.makeDirectory("\(directory)/store")
        let first = try recorder.workload(StoreSubject(), in: directory, seed: PowerCut.seed, messages: 60)
        recorder.rules = "write ENOSPC match mail.db-wal"
        let again = "\(directory)/again"
        try DiskFile.makeDirectory(again)
        // A cut in the middle leaves records that are not filed yet. One at the very beginning leaves a store that has to be made first.
        var campaign = Campaign(StoreSubject(), first)
        // How many a sample has is a matter of chance, and the log is another one each time: of many, six.
        campaign.images = 40
        let promised = try campaign.sample().filter { $0.ledger.hasPromises }
        let trials = stride(from: 0, to: promised.count, by: max(1, promised.count / 6)).prefix(6).map { promised[$0] }
        #expect(trials.count >= 3, "\(promised.count)")
        for (index, trial) in trials.enumerated() {
            let place = "\(again)/\(index)"
            try DiskFile.makeDirectory(place)
            try DiskFile.makeDirectory("\(place)/store")
            try trial.image.write(to: "\(place)/store")
            var second = Campaign(StoreSubject(), try recorder.recovery(StoreSubject(), in: place, seed: PowerCut.seed))
            second.ledgerBefore = trial.ledger
            second.images = 5
            let report = try second.run()
            #expect(report.failures.isEmpty, "\(report.failures)")
        }
    }
}
