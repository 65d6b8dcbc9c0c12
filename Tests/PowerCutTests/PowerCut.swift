import Glibc
import MailTesting
import PowerCutKit

/// Recorded runs and their cuts, as the tests here want them.
enum PowerCut {
    /// `POSTOFFICE_SEED` repeats a run; without it the seed is a new one each time. It is printed either way.
    static let seed: UInt64 = {
        let chosen = getenv("POSTOFFICE_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 1..<1 << 32)
        print("power-cut seed: POSTOFFICE_SEED=\(chosen)")
        return chosen
    }()

    /// `POSTOFFICE_POWER_CUTS` multiplies the number of images of the real store.
    static let scale = getenv("POSTOFFICE_POWER_CUTS").flatMap { Int(String(cString: $0)) } ?? 1

    static var recorder: Recorder {
        get throws {
            let build = try ChildProcess.buildDirectory()
            return Recorder(program: "\(build)/powercut", library: "\(build)/libPostOfficeFaults.so")
        }
    }

    /// Records a workload, in which calls fail by `rules`, and cuts the power in it. `examined` opens the images, if not the subject itself.
    static func run(
        _ subject: any CrashSubject, images: Int, messages: Int, seed: UInt64 = Self.seed, rules: String? = nil,
        examined: (any CrashSubject)? = nil
    ) throws -> Campaign.Report {
        let directory = try DiskFile.temporaryDirectory("cuts")
        defer { DiskFile.removeTree(directory) }
        var recorder = try self.recorder
        recorder.rules = rules
        let recording = try recorder.workload(subject, in: directory, seed: seed, messages: messages)
        if let rules {
            let failures = ChildProcess.text(of: "\(directory)/report").split(separator: "\n").count
            guard failures > 0 else { throw Recording.Failure(description: "no call was made to fail by: \(rules)") }
        }
        var campaign = Campaign(examined ?? subject, recording)
        campaign.images = images
        campaign.failureLimit = 3
        return try campaign.run()
    }
}
