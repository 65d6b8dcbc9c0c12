import Glibc
import MailTesting
import PowerCutKit

/// One recorded run and its cuts, as the tests here want them.
enum PowerCut {
    /// `POSTOFFICE_SEED` repeats a run; without it the seed is a new one each time. It is printed either way.
    static let seed: UInt64 = {
        let chosen = getenv("POSTOFFICE_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 1..<1 << 32)
        print("power-cut seed: POSTOFFICE_SEED=\(chosen)")
        return chosen
    }()

    static func run(_ subject: any CrashSubject, images: Int, messages: Int, seed: UInt64 = Self.seed) throws -> Campaign.Report {
        let build = try ChildProcess.buildDirectory()
        let directory = try DiskFile.temporaryDirectory("cuts")
        defer { DiskFile.removeTree(directory) }
        let run = try RecordedRun(
            subject, program: "\(build)/powercut", library: "\(build)/libPostOfficeFaults.so", directory: directory, seed: seed,
            messages: messages)
        var campaign = Campaign(subject, run.recording.events, seed: seed)
        campaign.images = images
        campaign.failureLimit = 3
        return try campaign.run()
    }
}
