internal import MailTesting

/// Runs `powercut work` as a child under the recorder, in `directory`: `store/`, `log`, `marks`, `output`.
package struct RecordedRun {
    package let recording: Recording
    package let directory: String

    package init(
        _ subject: any CrashSubject, program: String, library: String, directory: String, seed: UInt64, messages: Int, closes: Bool = false
    ) throws {
        try DiskFile.makeDirectory(directory)
        try DiskFile.makeDirectory("\(directory)/store")
        self.directory = directory
        var arguments = [
            "work", "--subject", subject.name, "--directory", "\(directory)/store", "--marks", "\(directory)/marks",
            "--seed", "\(seed)", "--messages", "\(messages)",
        ]
        if closes { arguments.append("--closes") }
        let environment = Recording.environment(
            library: library, root: "\(directory)/store", log: "\(directory)/log", marks: "\(directory)/marks")
        let child = try ChildProcess(program, arguments, environment: environment, output: nil, errors: "\(directory)/output")
        guard let ending = child.wait(seconds: 120) else { throw Recording.Failure(description: "the workload hangs") }
        guard ending == .exited(0) else {
            let output = String(decoding: (try? DiskFile.read("\(directory)/output")) ?? [], as: UTF8.self)
            throw Recording.Failure(description: "the workload ended with \(ending): \(output)")
        }
        self.recording = try Recording(log: "\(directory)/log", directory: "\(directory)/store", seed: seed)
    }
}
