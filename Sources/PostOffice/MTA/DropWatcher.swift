import CPlatform
import Glibc
import SMTPService
import Synchronization
import Vocabulary

/// Takes what `sendmail` left in the drop directory: what lies there at the start, and what comes while the server runs.
/// A file goes when its message is on stable storage in the store; after a crash in between the message arrives twice, never not at all.
/// What the server refuses is set aside; what cannot be taken now stays.
final class DropWatcher: Sendable {
    private let drop: DropBox
    private let refused: RefusedDrops
    private let submission: LocalSubmission
    private let events: any EventSink
    private let makeTrace: @Sendable () -> TraceID
    /// Octets of a message at most, now.
    private let sizeLimit: @Sendable () -> Int64
    private let isStopped = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(true)
    private let wakeup = po_eventfd()
    /// What was said of files that are still there, so that it is said once.
    private let said = Mutex<[String: String]>([:])

    /// Milliseconds between two looks when nothing calls.
    private static let pause: Int32 = 5000
    /// Milliseconds to the next try, when the store takes nothing now.
    private static let patience: Int32 = 2000
    /// Messages between two looks at what lies there.
    private static let portion = 500
    /// Age of a draft whose program must have died. Seconds.
    private static let draftAge: Int64 = 86_400

    init(
        _ drop: DropBox, _ refused: RefusedDrops, _ submission: LocalSubmission, events: any EventSink,
        makeTrace: @escaping @Sendable () -> TraceID, sizeLimit: @escaping @Sendable () -> Int64
    ) {
        self.drop = drop
        self.refused = refused
        self.submission = submission
        self.events = events
        self.makeTrace = makeTrace
        self.sizeLimit = sizeLimit
    }

    deinit { close(self.wakeup) }

    func start() {
        self.hasEnded.store(false, ordering: .releasing)
        let isStarted = POSIXThread.run("drop") {
            self.run()
            self.hasEnded.store(true, ordering: .releasing)
        }
        if !isStarted { self.hasEnded.store(true, ordering: .releasing) }
    }

    /// Waits for the message in hand.
    func stop() {
        self.isStopped.store(true, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(self.wakeup, &one, 8)
        while !self.hasEnded.load(ordering: .acquiring) { usleep(1000) }
    }

    /// The command may refuse what is too large.
    private func announce() {
        let limit = self.sizeLimit()
        guard self.drop.sizeLimit != limit else { return }
        do throws(SystemFailure) {
            try self.drop.announce(sizeLimit: limit)
        } catch {
            self.say("drop-unusable", DropBox.noticeName, "\(error)")
        }
    }

    private func run() {
        do throws(SystemFailure) {
            try self.drop.prepare()
            try self.refused.prepare()
        } catch {
            return self.record("drop-unusable", [("reason", "\(error)")])
        }
        let watch = inotify_init1(Int32(O_CLOEXEC | O_NONBLOCK))
        defer { if watch >= 0 { close(watch) } }
        // Before the first look, so that nothing comes between.
        if watch >= 0 { _ = inotify_add_watch(watch, self.drop.path, UInt32(IN_MOVED_TO)) }
        while !self.isStopped.load(ordering: .acquiring) {
            let next = self.takeAll()
            var polled = [
                pollfd(fd: watch, events: Int16(POLLIN), revents: 0), pollfd(fd: self.wakeup, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, next)
            var block = [UInt8](repeating: 0, count: 4096)
            while read(watch, &block, block.count) > 0 {}
        }
    }

    /// Milliseconds until the next look.
    private func takeAll() -> Int32 {
        self.announce()
        guard let listing = DropListing.read(self.drop.path, except: [DropBox.noticeName]) else { return Self.patience }
        self.removeExcess(listing)
        self.clear(listing)
        self.name(listing.directories)
        var waiting: Set<UInt32> = []
        var taken = 0
        for entry in listing.turns where !waiting.contains(entry.user) {
            guard !self.isStopped.load(ordering: .acquiring) else { return 0 }
            // Somebody else's first message may have come meanwhile.
            guard taken < Self.portion else { return 0 }
            do throws(LocalSubmission.Failure) {
                try DropTaking(self.drop, self.submission, self.makeTrace).take(entry)
                taken += 1
            } catch {
                switch error {
                case .refused(let why): self.setAside(entry, why)
                case .userWaits(let why):
                    self.say("drop-waits", entry.name, why)
                    waiting.insert(entry.user)
                case .notNow(let why):
                    self.say("drop-waits", entry.name, why)
                    return Self.patience
                }
            }
        }
        return Self.pause
    }

    // MARK: What is no message

    /// Drafts of programs that died, and whatever else somebody put here.
    private func clear(_ listing: DropListing) {
        let now = Int64(time(nil))
        for entry in listing.entries where !entry.isMessage && now - entry.changed > Self.draftAge {
            if unlink("\(self.drop.path)/\(entry.name)") == 0 { self.record("drop-cleared", [("file", entry.name)]) }
        }
    }

    /// Directories are left alone: only their owners can move them. Named once while they are there.
    private func name(_ directories: [String]) {
        for name in directories where rmdir("\(self.drop.path)/\(name)") != 0 { self.say("drop-foreign", name, "a directory") }
        self.said.withLock { said in
            guard said.count > 1000 else { return }
            said = said.filter { access("\(self.drop.path)/\($0.key)", F_OK) == 0 }
            if said.count > 10_000 { said = [:] }
        }
    }

    /// More than the command lets a user leave, twice over: nobody was told that this was taken.
    private func removeExcess(_ listing: DropListing) {
        var removed: [UInt32: Int] = [:]
        for entry in listing.excess(DropListing.Share()) where unlink("\(self.drop.path)/\(entry.name)") == 0 {
            removed[entry.user, default: 0] += 1
        }
        for (user, count) in removed { self.record("drop-flood", [("user", "\(user)"), ("removed", "\(count)")]) }
    }

    private func setAside(_ entry: DropListing.Entry, _ why: String) {
        do throws(SystemFailure) {
            let gone = try self.refused.keep(entry.name, of: self.drop, user: entry.user, why: why, now: Int64(time(nil)))
            self.record("drop-refused", [("file", entry.name), ("user", "\(entry.user)"), ("reason", why)])
            for item in gone {
                self.record("drop-discarded", [("file", item.name), ("user", "\(item.user)"), ("reason", "no room for refused messages")])
            }
        } catch {
            self.say("drop-stuck", entry.name, "\(why); it cannot be set aside: \(error)")
        }
    }

    // MARK: Events

    /// Once for a file and reason.
    private func say(_ event: String, _ name: String, _ why: String) {
        let isNew = self.said.withLock { said in
            defer { said[name] = why }
            return said[name] != why
        }
        if isNew { self.record(event, [("file", name), ("reason", why)]) }
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.events.record(TrailEvent(.smtpAccept, event, trace: nil, facts), switchedBy: nil)
    }
}
