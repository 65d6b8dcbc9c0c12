internal import Database

/// Looks after what changes by itself: each second whether the disk has room again (for mail, for the ballast) and whether tombstones have grown old.
final class Caretaker: Sendable {
    private let state = Monitor(false)
    private let thread: Thread

    init(_ disk: DiskWatch, _ ballast: Ballast, _ folder: Folder) {
        let state = self.state
        self.thread = Thread("store-care") {
            while !state.wait(milliseconds: 1000, until: { $0 }, then: { $0 }) {
                disk.look()
                ballast.restore()
                folder.lookForTombstones()
            }
        }
    }

    func stop() {
        self.state.withLock { $0 = true }
        self.state.broadcast()
        self.thread.join()
    }
}
