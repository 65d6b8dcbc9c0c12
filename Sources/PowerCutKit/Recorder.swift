internal import MailTesting

/// Runs `powercut work` and `powercut recover` as children under the recorder, in a directory with `store/`, `log`, `marks`, `output`.
package struct Recorder: Sendable {
    /// The executable `powercut`.
    package var program: String
    /// libPostOfficeFaults.so
    package var library: String
    /// Calls that shall fail, as `rules.c` reads them; semicolons stand for line ends.
    package var rules: String?

    package init(program: String, library: String) {
        self.program = program
        self.library = library
    }

    /// Drives a new store in `directory/store`.
    package func workload(
        _ subject: any CrashSubject, in directory: String, seed: UInt64, messages: Int, closes: Bool = false
    ) throws -> Recording {
        try DiskFile.makeDirectory(directory)
        try DiskFile.makeDirectory("\(directory)/store")
        var arguments = ["work", "--subject", subject.name, "--directory", "\(directory)/store", "--marks", "\(directory)/marks"]
        arguments += ["--seed", "\(seed)", "--messages", "\(messages)"]
        if closes { arguments.append("--closes") }
        if self.rules != nil { arguments.append("--tolerant") }
        try self.run(arguments, directory)
        return try Recording(log: "\(directory)/log", directory: "\(directory)/store", seed: seed)
    }

    /// Drives a new store until it is killed in full swing (by `dieAfter` 250s, or by a rule), and starts it again; all in one log. What
    /// the killed process had written but not synced is read by its successor and lost by a power cut.
    ///
    /// The successor looks at every mailbox first and then takes mail as well, until it is killed too; the last one is not.
    package func killedWorkload(
        _ subject: any CrashSubject, in directory: String, seed: UInt64, messages: Int, lives: Int, killing: String? = nil
    ) throws -> Recording {
        try DiskFile.makeDirectory(directory)
        try DiskFile.makeDirectory("\(directory)/store")
        let common = [
            "--subject", subject.name, "--directory", "\(directory)/store", "--marks", "\(directory)/marks", "--seed", "\(seed)",
        ]
        for life in 0..<lives {
            let numbers = ["--first", "\(life * 1_000 + 1)", "--messages", "\(messages)"]
            var recorder = self
            recorder.rules = killing
            let dies = killing == nil ? ["--die-after", "\(messages / 3 + life)"] : []
            try recorder.run(["work"] + common + numbers + dies, directory, ending: .signalled(9))
            try self.run(["recover"] + common, directory)
        }
        return try Recording(log: "\(directory)/log", directory: "\(directory)/store", seed: seed)
    }

    /// Opens the store that lies in `directory/store`, as after a crash.
    package func recovery(_ subject: any CrashSubject, in directory: String, seed: UInt64) throws -> Recording {
        let before = try Disk(snapshotOf: "\(directory)/store")
        try self.run(
            ["recover", "--subject", subject.name, "--directory", "\(directory)/store", "--marks", "\(directory)/marks"]
                + (self.rules == nil ? [] : ["--tolerant"]), directory)
        return try Recording(log: "\(directory)/log", directory: "\(directory)/store", before: before, seed: seed)
    }

    private func run(_ arguments: [String], _ directory: String, ending expected: ChildProcess.Ending = .exited(0)) throws {
        var environment = [
            "LD_PRELOAD": self.library, "POSTOFFICE_FAULTS_ROOT": "\(directory)/store", "POSTOFFICE_FAULTS_RECORD": "\(directory)/log",
            "POSTOFFICE_FAULTS_MARKS": "\(directory)/marks",
        ]
        if let rules = self.rules {
            let text = rules.split(separator: ";").joined(separator: "\n") + "\n"
            try DiskFile.write(Array(text.utf8), to: "\(directory)/control")
            environment["POSTOFFICE_FAULTS_CONTROL"] = "\(directory)/control"
            environment["POSTOFFICE_FAULTS_REPORT"] = "\(directory)/report"
        }
        let child = try ChildProcess(self.program, arguments, environment: environment, errors: "\(directory)/output")
        let ending = try child.expectEnd(within: 120, output: "\(directory)/output")
        guard ending == expected else {
            throw Recording.Failure(description: "\(arguments) ended with \(ending): \(ChildProcess.tail(of: "\(directory)/output"))")
        }
    }
}
