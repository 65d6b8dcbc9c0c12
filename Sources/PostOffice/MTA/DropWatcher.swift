import CPlatform
import Glibc
import NIOCore
import SMTPService
import Synchronization
import Vocabulary

/// Takes what `sendmail` left in the drop directory: what lies there at the start, and what comes while the server runs.
/// A file goes when its message is on stable storage in the store; after a crash in between the message arrives twice, never not at all.
final class DropWatcher: Sendable {
    private let drop: DropBox
    private let submission: LocalSubmission
    private let events: any EventSink
    private let makeTrace: @Sendable () -> TraceID
    private let isStopped = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(true)
    private let wakeup = po_eventfd()

    /// Milliseconds between two looks when nothing calls.
    private static let pause: Int32 = 5000
    /// Milliseconds to the next try, when the store takes nothing now.
    private static let patience: Int32 = 2000
    /// Age of a draft whose program must have died. Seconds.
    private static let draftAge = 86_400
    /// Octets of a file at most.
    private static let longest = Int64(SendmailMessage.longest) + Int64(DropFile.longestHead)

    init(_ drop: DropBox, _ submission: LocalSubmission, events: any EventSink, makeTrace: @escaping @Sendable () -> TraceID) {
        self.drop = drop
        self.submission = submission
        self.events = events
        self.makeTrace = makeTrace
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

    private func run() {
        do {
            try self.drop.prepare()
        } catch {
            return self.record("drop-unusable", [("reason", "\(error)")])
        }
        let watch = inotify_init1(Int32(O_CLOEXEC | O_NONBLOCK))
        defer { if watch >= 0 { close(watch) } }
        // Before the first look, so that nothing comes between.
        if watch >= 0 { _ = inotify_add_watch(watch, self.drop.path, UInt32(IN_MOVED_TO)) }
        while !self.isStopped.load(ordering: .acquiring) {
            let isDone = self.takeAll()
            var polled = [
                pollfd(fd: watch, events: Int16(POLLIN), revents: 0), pollfd(fd: self.wakeup, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, isDone ? Self.pause : Self.patience)
            var block = [UInt8](repeating: 0, count: 4096)
            while read(watch, &block, block.count) > 0 {}
        }
    }

    /// False when something has to wait.
    private func takeAll() -> Bool {
        guard let directory = opendir(self.drop.path) else { return false }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        closedir(directory)
        var isDone = true
        for name in names {
            guard !self.isStopped.load(ordering: .acquiring) else { return true }
            if name.hasPrefix(DropFile.prefix) { isDone = self.take(name) && isDone } else { self.clear(name) }
        }
        return isDone
    }

    /// Drafts of programs that died, and whatever else somebody put here.
    private func clear(_ name: String) {
        let path = "\(self.drop.path)/\(name)"
        var facts = stat()
        guard lstat(path, &facts) == 0, time(nil) - facts.st_mtim.tv_sec > Self.draftAge else { return }
        let isGone = facts.st_mode & S_IFMT == S_IFDIR ? rmdir(path) == 0 : unlink(path) == 0
        if isGone { self.record("drop-cleared", [("file", name)]) }
    }

    /// False when the file has to wait.
    private func take(_ name: String) -> Bool {
        let path = "\(self.drop.path)/\(name)"
        // A pipe must not hold us up, and a link lead nowhere.
        let fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else {
            switch errno {
            case ENOENT: return true
            case EMFILE, ENFILE, ENOMEM, EINTR: return false
            default:
                self.discard(path, name, "it cannot be opened: \(SystemFailure("open").reason)")
                return true
            }
        }
        defer { close(fd) }
        var facts = stat()
        guard fstat(fd, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_nlink == 1, facts.st_size <= Self.longest else {
            self.discard(path, name, "it is no plain file of its own, or too large")
            return true
        }
        do throws(LocalSubmission.Failure) {
            try self.submit(fd, facts, self.makeTrace())
        } catch {
            switch error {
            case .refused(let why): self.discard(path, name, why)
            case .notNow(let why):
                self.record("drop-waits", [("file", name), ("reason", why)])
                return false
            }
            return true
        }
        unlink(path)
        return true
    }

    private func submit(_ fd: Int32, _ facts: stat, _ trace: TraceID) throws(LocalSubmission.Failure) {
        var head = [UInt8](repeating: 0, count: Int(min(Int64(facts.st_size), Int64(DropFile.longestHead) + 2)))
        let count = pread(fd, &head, head.count, 0)
        guard count > 0, let (file, length) = DropFile.read(Array(head.prefix(count))), Int64(length) + file.size == Int64(facts.st_size)
        else { throw .refused("it is damaged") }
        var message = LocalSubmission.Message(
            sender: file.sender, recipients: file.recipients, userID: facts.st_uid, size: file.size)
        message.notify = file.notify.map(Self.notify)
        message.dsnReturn = file.returnsWhole.map { $0 ? .full : .headers }
        message.envelopeID = file.envelopeID
        var position = off_t(length)
        try self.submission.accept(message, trace: trace) { () throws(LocalSubmission.Failure) -> ByteBuffer in
            var piece = [UInt8](repeating: 0, count: LocalSubmission.firstPiece)
            let count = pread(fd, &piece, piece.count, position)
            guard count >= 0 else { throw .notNow("it cannot be read: \(SystemFailure("read").reason)") }
            position += off_t(count)
            return ByteBuffer(bytes: piece.prefix(count))
        }
    }

    private static func notify(_ words: Set<String>) -> DSNNotify {
        var notify: DSNNotify = []
        if words.contains("success") { notify.insert(.success) }
        if words.contains("failure") { notify.insert(.failure) }
        if words.contains("delay") { notify.insert(.delay) }
        return notify
    }

    private func discard(_ path: String, _ name: String, _ why: String) {
        unlink(path)
        self.record("drop-discarded", [("file", name), ("reason", why)])
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.events.record(TrailEvent(.smtpAccept, event, trace: nil, facts), switchedBy: nil)
    }
}
