import Glibc
import NIOCore
import SMTPService
import Vocabulary

/// One file of the drop directory on its way into the store.
struct DropTaking {
    private let drop: DropBox
    private let submission: LocalSubmission
    private let makeTrace: @Sendable () -> TraceID

    /// Octets of a file at most.
    private static let longest = Int64(SendmailMessage.longest) + Int64(DropFile.longestHead)

    init(_ drop: DropBox, _ submission: LocalSubmission, _ makeTrace: @escaping @Sendable () -> TraceID) {
        self.drop = drop
        self.submission = submission
        self.makeTrace = makeTrace
    }

    /// The file is gone when this returns: its message is in the store.
    func take(_ entry: DropListing.Entry) throws(LocalSubmission.Failure) {
        let path = "\(self.drop.path)/\(entry.name)"
        // A pipe must not hold us up, and a link lead nowhere.
        let fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else {
            let failure = SystemFailure("open")
            switch failure.code {
            case ENOENT: return
            case EMFILE, ENFILE, ENOMEM, EINTR: throw .notNow(failure.reason)
            default: throw .refused("it cannot be opened: \(failure.reason)")
            }
        }
        defer { close(fd) }
        var facts = stat()
        guard fstat(fd, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_nlink == 1 else {
            throw .refused("it is no plain file of its own")
        }
        guard facts.st_size <= Self.longest else { throw .refused("it is larger than any message") }
        try self.submit(fd, facts)
        unlink(path)
    }

    private func submit(_ fd: Int32, _ facts: stat) throws(LocalSubmission.Failure) {
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
        try self.submission.accept(message, trace: self.makeTrace()) { () throws(LocalSubmission.Failure) -> ByteBuffer in
            var piece = [UInt8](repeating: 0, count: LocalSubmission.firstPiece)
            var count = pread(fd, &piece, piece.count, position)
            while count < 0, errno == EINTR { count = pread(fd, &piece, piece.count, position) }
            // What the disk cannot read today it cannot read tomorrow, and the others must not wait for it.
            guard count >= 0 else { throw .refused("it cannot be read: \(SystemFailure("read").reason)") }
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
}
