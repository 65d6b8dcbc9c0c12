internal import ArgumentParser
internal import Glibc
internal import MailTesting
internal import PowerCutKit

struct SubjectOptions: ParsableArguments {
    @Option(help: "store, directory, toy:MISTAKE, sqlite:full or sqlite:normal") var subject = "store"

    func make() throws -> any CrashSubject {
        let words = self.subject.split(separator: ":").map(String.init)
        if words == ["store"] { return StoreSubject() }
        if words == ["directory"] { return DirectorySubject() }
        if words.count == 2, words[0] == "toy", let mistake = ToySubject.Mistake(rawValue: words[1]) { return ToySubject(mistake) }
        if words.count == 2, words[0] == "sqlite", let synchronous = SQLiteToySubject.Synchronous(rawValue: words[1]) {
            return SQLiteToySubject(synchronous)
        }
        throw ValidationError("no subject named \(self.subject)")
    }
}

/// Runs in the recorded child: opens the store, drives it, and ends without closing anything, as a crash does.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Drives a store (meant to run under the recorder).")
    @OptionGroup var subject: SubjectOptions
    @Option(help: "Directory of the store.") var directory: String
    @Option(help: "File for marks.") var marks: String
    @Option var seed: UInt64 = 1
    @Option(help: "Messages to send.") var messages = 120
    @Option(help: "Number of the first message.") var first = 1
    @Option(help: "Size of the largest body.") var largest = 90_000
    @Flag(help: "Go on when an act fails, since the disk is made to fail.") var tolerant = false
    @Option(help: "Kill this process with SIGKILL after so many 250s (0: not).") var dieAfter = 0
    @Flag(help: "Close the store in good order at the end.") var closes = false

    func run() throws {
        let store = try self.subject.make().open(self.directory)
        var workload = Workload(seed: self.seed)
        workload.messages = self.messages
        workload.largest = self.largest
        workload.isTolerant = self.tolerant
        workload.dieAfter = self.dieAfter
        try workload.run(store, marks: self.marks, firstNumber: self.first)
        if self.closes { store.close() }
        _exit(0)
    }
}

/// Opens what a crash left and looks at every mailbox: what is recorded of it shows whether a crash during the recovery is survived.
struct Recover: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Opens a store after a crash (meant to run under the recorder).")
    @OptionGroup var subject: SubjectOptions
    @Option var directory: String
    @Option(help: "File for marks.") var marks: String
    @Option(help: "Not used; so that all recorded commands take the same options.") var seed: UInt64 = 1
    @Flag(help: "Go on when a mailbox cannot be listed, since the disk is made to fail.") var tolerant = false

    func run() throws {
        let store = try self.subject.make().open(self.directory)
        var workload = Workload(seed: self.seed)
        workload.isTolerant = self.tolerant
        try workload.look(store, marks: self.marks)
        _exit(0)
    }
}

struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs a workload under the recorder.")
    @OptionGroup var subject: SubjectOptions
    @Option(help: "libPostOfficeFaults.so; default: beside this program.") var library: String?
    @Option(help: "New directory for the store, its log and its marks.") var into: String
    @Option var seed: UInt64 = 1
    @Option(help: "Messages to send.") var messages = 120
    @Option(help: "Rules for calls that fail, separated by semicolons.") var rules: String?

    func run() throws {
        let build = try ChildProcess.buildDirectory()
        var recorder = Recorder(program: "\(build)/powercut", library: self.library ?? "\(build)/libPostOfficeFaults.so")
        recorder.rules = self.rules
        let run = try recorder.workload(self.subject.make(), in: self.into, seed: self.seed, messages: self.messages)
        print("\(run.events.count) events, \(run.syncs) syncs, \(run.marks) marks in \(self.into)")
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cuts the power in a recorded run.")
    @OptionGroup var subject: SubjectOptions
    @Argument(help: "Directory made by record.") var recorded: String
    @Option(help: "Repeats a check exactly.") var seed: UInt64 = UInt64.random(in: 1..<1 << 32)
    @Option(help: "About how many crash images.") var images = 20_000
    @Option var workers = 4
    @Option(help: "Directory for images that fail.") var keep: String?

    func run() throws {
        let recording = try Recording(log: "\(self.recorded)/log", directory: "\(self.recorded)/store", seed: self.seed)
        var campaign = Campaign(try self.subject.make(), recording)
        campaign.images = self.images
        campaign.workers = self.workers
        campaign.keep = self.keep
        campaign.progress = { if $0 % 1024 < 64 { print("\($0) images") } }
        let report = try campaign.run()
        print("seed \(self.seed): \(report.images) images at \(report.cuts) cuts, \(report.failures.count) failed")
        for failure in report.failures { print(failure) }
        if !report.failures.isEmpty { throw ExitCode(1) }
    }
}

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Opens one image and says what its check says.")
    @OptionGroup var subject: SubjectOptions
    @Argument var directory: String

    func run() throws {
        let store = try self.subject.make().open(self.directory)
        defer { store.close() }
        for complaint in try store.complaints() { print(complaint) }
        for account in 0..<8 {
            guard let mailbox = try store.list(account) else { continue }
            let numbers = try mailbox.messages.map { Sample.number(in: try store.read(account, uid: $0.uid)) ?? -1 }
            print("account \(account): UIDs \(mailbox.messages.map(\.uid)), messages \(numbers)")
        }
        print("queue: \(try store.queued())")
    }
}

/// Runs in a child for which a rule fails a sync of mail.db.
struct FailCommit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a store does whose index cannot be synced (meant to run under rules).")
    @Option(help: "New directory of the store.") var directory: String

    func run() throws {
        try CommitFailure.run(self.directory) { print($0) }
    }
}
