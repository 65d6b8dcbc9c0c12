internal import MailTesting
internal import Synchronization

/// Cuts the power at many places of one log, and lets the subject recover from every disk that could be left.
package struct Campaign: Sendable {
    package let subject: any CrashSubject
    package let events: [DiskEvent]
    package let seed: UInt64
    /// What the disk held before the first event.
    package let before: Disk
    package var ledgerBefore = Ledger()
    /// About how many images are tried.
    package var images = 2_000
    package var workers = 2
    /// Stop after so many images that failed: the rest rarely tells more.
    package var failureLimit = 20
    /// Failing images are kept below this directory.
    package var keep: String?
    /// Called now and then with the number of images done.
    package var progress: (@Sendable (Int) -> Void)?

    package init(_ subject: any CrashSubject, _ recording: Recording) {
        self.subject = subject
        self.events = recording.events
        self.before = recording.before
        self.seed = recording.seed
    }

    /// One disk after one cut, and what was promised until then.
    package struct Trial: Sendable {
        package let cut: Int
        package let ordinal: Int
        package let plan: String
        package let image: DiskImage
        package let ledger: Ledger
    }

    package struct Failure: Sendable, CustomStringConvertible {
        /// Number of events before the cut.
        package let cut: Int
        package let ordinal: Int
        package let plan: String
        package let seed: UInt64
        package let complaints: [String]
        package var description: String {
            "cut \(self.cut), image \(self.ordinal) (\(self.plan)), seed \(self.seed): \(self.complaints.prefix(6).joined(separator: "; "))"
        }
    }

    package struct Report: Sendable {
        package var images = 0
        package var cuts = 0
        package var failures: [Failure] = []
    }

    package func run() throws -> Report {
        var report = Report()
        var batch: [Trial] = []
        try self.eachCut { trials in
            if !trials.isEmpty { report.cuts += 1 }
            batch += trials
            if batch.count >= 64 { try self.settle(&batch, &report) }
            return report.failures.count < self.failureLimit
        }
        try self.settle(&batch, &report)
        return report
    }

    private func settle(_ batch: inout [Trial], _ report: inout Report) throws(InVain) {
        report.images += batch.count
        report.failures += try self.examine(batch)
        self.progress?(report.images)
        batch = []
    }

    /// About `images` trials, none of them examined yet.
    package func sample() throws -> [Trial] {
        var trials: [Trial] = []
        try self.eachCut {
            trials += $0
            return true
        }
        return trials
    }

    /// Replays the log and hands out the trials of each cut, until `body` says false.
    private func eachCut(_ body: ([Trial]) throws -> Bool) throws {
        var disk = self.before
        var ledger = self.ledgerBefore
        let weights = self.weights()
        let total = max(1, weights.reduce(0, +))
        for cut in 0...self.events.count {
            if weights[cut] > 0 {
                let share = Double(self.images * weights[cut]) / Double(total)
                guard try body(self.trials(cut, share, disk, ledger)) else { return }
            }
            guard cut < self.events.count else { return }
            try disk.apply(self.events[cut])
            if case .mark(let mark) = self.events[cut] { try ledger.apply(mark: mark) }
        }
    }

    /// How interesting a cut before each event is. Marks change no disk, so a cut comes after all marks that stand together;
    /// before a sync most is pending, and after a promise least may be missing.
    private func weights() -> [Int] {
        (0...self.events.count).map { cut in
            if cut < self.events.count && self.events[cut].isMark { return 0 }
            let followsMark = cut > 0 && self.events[cut - 1].isMark
            if cut < self.events.count, case .synced = self.events[cut] { return followsMark ? 6 : 4 }
            return followsMark ? 4 : 1
        }
    }

    private func trials(_ cut: Int, _ share: Double, _ disk: Disk, _ ledger: Ledger) -> [Trial] {
        var random = SeededRandom(self.seed, UInt64(cut))
        let wanted = Int(share) + (random.chance(share - share.rounded(.down)) ? 1 : 0)
        guard wanted > 0 else { return [] }
        let count = disk.pending.count
        // Half of the images systematic, half random, in a random order: a small budget still sees both kinds.
        var plans: [Plan] = Array(Plan.systematic(count).shuffled(using: &random).prefix(max(1, wanted / 2)))
        while plans.count < wanted { plans.append(Plan.random(count, &random)) }
        if wanted == 1 && count > 0 && random.chance(0.5) { plans = [Plan.random(count, &random)] }
        return plans.prefix(wanted).enumerated().map { ordinal, plan in
            Trial(cut: cut, ordinal: ordinal, plan: plan.name, image: disk.image(plan), ledger: ledger)
        }
    }

    private func examine(_ batch: [Trial]) throws(InVain) -> [Failure] {
        let next = Atomic<Int>(0)
        let failures = Mutex<[Failure]>([])
        try inParallel(self.workers, "\(batch.count) images to be examined", seconds: 600) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < batch.count else { return }
                let trial = batch[index]
                let complaints = self.examine(trial)
                guard !complaints.isEmpty else { continue }
                let failure = Failure(cut: trial.cut, ordinal: trial.ordinal, plan: trial.plan, seed: self.seed, complaints: complaints)
                failures.withLock { $0.append(failure) }
            }
        }
        return failures.withLock { $0 }.sorted { ($0.cut, $0.ordinal) < ($1.cut, $1.ordinal) }
    }

    /// Writes the image, lets the subject recover, and says what is wrong.
    func examine(_ trial: Trial) -> [String] {
        do {
            let directory = try DiskFile.temporaryDirectory("cut", inMemory: true)
            defer { DiskFile.removeTree(directory) }
            try trial.image.write(to: directory)
            let complaints = Examination(self.subject, directory, trial.ledger, number: 1_000_001).complaints
            if !complaints.isEmpty, let keep = self.keep {
                let target = "\(keep)/cut-\(trial.cut)-\(trial.ordinal)"
                try DiskFile.makeDirectory(keep)
                DiskFile.removeTree(target)
                try DiskFile.makeDirectory(target)
                try trial.image.write(to: target)
            }
            return complaints
        } catch {
            return ["the test itself failed: \(error)"]
        }
    }
}
