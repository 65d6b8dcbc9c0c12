import LoadKit

/// One server's figures for one workload, over all rounds.
struct Measurement {
    var server: String
    /// Messages (or sessions) of one round.
    var perRound: Int
    /// Seconds of each round until the last answer.
    var answered: [Double] = []
    /// Seconds of each round until all was visible in the mailboxes.
    var visible: [Double] = []
    var afterData = Latencies()
    var transaction = Latencies()
    var cpu = 0.0
    var contextSwitches = 0
    var written: Int64 = 0
    /// Growth of the server's directory in each round.
    var disk: [Double] = []
    var pss: Int64 = 0
    var peakRSS: Int64 = 0
    /// The client's share of one core.
    var clientShare: [Double] = []
    var failure: String?

    init(_ server: any Server, perRound: Int) {
        self.server = server.name
        self.perRound = perRound
    }

    var rounds: Int { self.answered.count }
    private var items: Double { Double(max(1, self.perRound * self.rounds)) }
    var cpuPerThousand: Double { self.cpu * 1000 / self.items }
    var switchesPerItem: Double { Double(self.contextSwitches) / self.items }
    var writtenPerItem: Double { Double(self.written) / self.items }

    /// Items a second in the median round.
    func rate(_ seconds: [Double]) -> Double {
        let middle = median(seconds)
        return middle > 0 ? Double(self.perRound) / middle : 0
    }

    mutating func add(_ before: Resources, _ after: Resources) {
        self.cpu += after.cpu - before.cpu
        self.contextSwitches += max(0, after.contextSwitches - before.contextSwitches)
        self.written += after.written - before.written
        self.pss = max(self.pss, after.pss)
        self.peakRSS = max(self.peakRSS, after.peakRSS)
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted.count % 2 == 1 ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}
