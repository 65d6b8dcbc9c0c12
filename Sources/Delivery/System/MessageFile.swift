internal import Bytes
internal import CPlatform
internal import Glibc
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// A message in the form of UNIX, in a file without a name, to be handed to `postoffice-deliver`. Closed with the last owner.
final class MessageFile: Sendable {
    let descriptor: Int32
    /// Octets.
    let size: Int

    enum Failure: Error { case store(StoreError), system(Int32) }

    /// Longer ones go to the disk.
    private static let inMemory: Int64 = 8 << 20
    /// O_TMPFILE, which Swift does not see.
    private static let nameless = O_DIRECTORY | 0o20_000_000

    /// Reads the message of an entry. Blocks.
    /// - Parameters:
    ///   - first: a line before everything, with its LF; its presence says that the message is for a maildrop.
    ///   - directory: for long messages.
    init(_ entry: StoredQueueEntry, _ store: MessageStore, prefix: ByteBuffer, first: String?, directory: String) throws(Failure) {
        let isLong = entry.bodySize > Self.inMemory
        let descriptor = isLong ? open(directory, O_RDWR | Self.nameless | O_CLOEXEC, 0o600) : po_memfd("message")
        guard descriptor >= 0 else { throw .system(errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        do throws(Failure) {
            self.size = try Self.fill(descriptor, entry, store, prefix, first)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    private static func fill(
        _ descriptor: Int32, _ entry: StoredQueueEntry, _ store: MessageStore, _ prefix: ByteBuffer, _ first: String?
    ) throws(Failure) -> Int {
        var form = UnixForm(quotesFrom: first != nil)
        var size = 0
        func write(_ bytes: [UInt8]) throws(Failure) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { throw .system(errno) }
                rest = rest.dropFirst(count)
            }
            size += bytes.count
        }
        if let first { try write(Array(first.utf8)) }
        do {
            let reader = try store.queueReader(entry.id, prefix: prefix)
            while let piece = try reader.nextNow() { try write(form.take(piece)) }
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            throw .system(EIO)
        }
        try write(form.finish())
        return size
    }

    /// `From SENDER DATE` with an LF. Who has no sender is MAILER-DAEMON.
    static func fromLine(_ sender: Address?, at time: Int64) -> String {
        let name = sender.map { "\($0)" } ?? "MAILER-DAEMON"
        let safe = name.unicodeScalars.map { $0.value <= 0x20 || $0.value == 0x7F ? "-" : Character($0) }
        return "From \(String(safe))  \(CivilTime(unixSeconds: time).asctime)\n"
    }
}

extension CivilTime {
    /// `Sun Nov  2 15:26:57 2026`, in UTC.
    fileprivate var asctime: String {
        // `Sun, 02 Nov 2026 15:26:57 +0000`
        let parts = self.rfc5322.split(whereSeparator: { $0 == " " || $0 == "," })
        guard parts.count >= 5, let day = Int(parts[1]) else { return "Thu Jan  1 00:00:00 1970" }
        return "\(parts[0]) \(parts[2]) \(day < 10 ? " " : "")\(day) \(parts[4]) \(parts[3])"
    }
}
