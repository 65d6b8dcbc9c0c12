internal import Database
internal import Glibc
internal import Synchronization

/// Whether mail may be taken; read on event loops, set by the store's threads.
final class HealthState: Sendable {
    private let code = Atomic<UInt8>(0)
    private let reason = Mutex("")

    private let isTroubled = Atomic<Bool>(false)
    private let trouble = Mutex<String?>(nil)

    /// Why the newest message could not be stored; nil when it was.
    var lastFailure: String? { self.isTroubled.load(ordering: .relaxed) ? self.trouble.withLock { $0 } : nil }

    func noteFailure(_ failure: IOFailure) {
        self.trouble.withLock { $0 = "\(failure)" }
        self.isTroubled.store(true, ordering: .relaxed)
    }

    /// One load where nothing was wrong.
    func noteSuccess() {
        if self.isTroubled.load(ordering: .relaxed) { self.isTroubled.store(false, ordering: .relaxed) }
    }

    var value: StoreHealth {
        switch self.code.load(ordering: .relaxed) {
        case 0: .writable
        case 1: .diskLow
        default: .failed(self.reason.withLock { $0 })
        }
    }

    var refusal: StoreRefusal? {
        switch self.value {
        case .writable: nil
        case .diskLow: .diskLow
        case .failed(let reason): .failed(reason)
        }
    }

    func setDiskLow(_ isLow: Bool) {
        let (from, to): (UInt8, UInt8) = isLow ? (0, 1) : (1, 0)
        _ = self.code.compareExchange(expected: from, desired: to, ordering: .relaxed)
    }

    /// For good: until restart and check.
    func fail(_ text: String) {
        self.reason.withLock { if $0.isEmpty { $0 = text } }
        self.code.store(2, ordering: .releasing)
    }
}

/// Watches the free space of the store's file systems.
final class DiskWatch: Sendable {
    private let files: Files
    private let directories: [String]
    private let minimum: FreeSpaceLimit
    private let health: HealthState
    private let lastLook = Atomic<Int64>(.min)
    private let roomy = Atomic(false)
    /// Bytes over the minimum.
    private static let plenty: Int64 = 1 << 30

    /// Nobody misses some MiB that are reserved before they are needed.
    var isRoomy: Bool { self.roomy.load(ordering: .relaxed) }

    init(_ location: StoreLocation, minimum: FreeSpaceLimit, files: Files, health: HealthState) {
        self.files = files
        self.directories = [location.mailbox, location.spool]
        self.minimum = minimum
        self.health = health
    }

    /// Looks at most every 100 ms: two calls that take about a microsecond each.
    func look(force: Bool = false) {
        let now = Self.milliseconds()
        let last = self.lastLook.load(ordering: .relaxed)
        guard force || last == .min || now - last >= 100 else { return }
        self.lastLook.store(now, ordering: .relaxed)
        let minimum = self.minimum.value
        let free = self.directories.lazy.map { self.files.freeBytes($0) ?? .max }.min() ?? .max
        self.health.setDiskLow(free < minimum)
        self.roomy.store(free - minimum > Self.plenty, ordering: .relaxed)
    }

    static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
