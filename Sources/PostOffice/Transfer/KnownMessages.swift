import MailFiles
import MessageStore
import NIOCore
import Vocabulary

/// Messages that a mailbox has already, or is about to get, so that an import that is begun again adds each once. Those of a size are read when
/// the first one of that size comes.
struct KnownMessages {
    private struct Key: Hashable {
        var date: Int64?
        var hash: Int
    }

    private let store: MessageStore
    private let mailbox: MailboxID?
    /// Of each size those that nobody has asked for yet.
    private var unread: [Int64: [(uid: UID, date: Int64)]] = [:]
    private var read: [Key: [UID]] = [:]
    private var taken: Set<FiledMessage> = []

    init(_ store: MessageStore, _ mailbox: MailboxID?) throws(StoreError) {
        self.store = store
        self.mailbox = mailbox
        guard let mailbox else { return }
        for row in try store.rows(of: mailbox, uids: UIDSet(1...UInt32.max), limit: .max) {
            self.unread[row.size, default: []].append((row.uid, row.date))
        }
    }

    /// False when there is such a message, of the same date and with the same octets.
    mutating func take(_ message: FiledMessage) throws(StoreError) -> Bool {
        try self.readAll(Int64(message.content.count))
        for uid in self.read[Key(date: message.date, hash: Self.hash(message.content))] ?? [] {
            if try self.bytes(of: uid)?.elementsEqual(message.content) == true { return false }
        }
        return self.taken.insert(FiledMessage(content: message.content, date: message.date)).inserted
    }

    private mutating func readAll(_ size: Int64) throws(StoreError) {
        for candidate in self.unread.removeValue(forKey: size) ?? [] {
            // What nobody can read is added again rather than lost.
            guard let bytes = try self.bytes(of: candidate.uid) else { continue }
            let hash = Self.hash(bytes)
            self.read[Key(date: candidate.date, hash: hash), default: []].append(candidate.uid)
            // A source may say no date.
            self.read[Key(date: nil, hash: hash), default: []].append(candidate.uid)
        }
    }

    private func bytes(of uid: UID) throws(StoreError) -> [UInt8]? {
        guard let mailbox, case .success(let content)? = try self.store.contents(of: mailbox, [uid]).first else { return nil }
        var out = Array(content.prefix.readableBytesView)
        var at: Int64 = 0
        while at < content.bodySize {
            guard let piece = try? content.read(at..<min(at + (1 << 20), content.bodySize)), piece.readableBytes > 0 else { return nil }
            at += Int64(piece.readableBytes)
            out += piece.readableBytesView
        }
        return out
    }

    private static func hash(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
