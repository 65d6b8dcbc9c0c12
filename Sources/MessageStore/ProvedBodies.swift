internal import Synchronization

/// Long bodies of which every byte was compared with its checksum a short while ago: who fetches one piece after the other pays for one
/// comparison.
final class ProvedBodies: Sendable {
    private let times = Mutex<[Int64: Int64]>([:])
    /// What the disk returns may change; milliseconds.
    private static let lifetime: Int64 = 60_000
    private static let most = 10_000

    func has(_ blob: Int64) -> Bool {
        let now = DiskWatch.milliseconds()
        return self.times.withLock { $0[blob].map { now - $0 < Self.lifetime } ?? false }
    }

    func note(_ blob: Int64) {
        let now = DiskWatch.milliseconds()
        self.times.withLock { times in
            if times.count >= Self.most { times = times.filter { now - $0.value < Self.lifetime / 2 } }
            if times.count >= Self.most { times.removeAll() }
            times[blob] = now
        }
    }
}
