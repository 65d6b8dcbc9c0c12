internal import Bytes
internal import Glibc
internal import Synchronization

/// A store as small as can be: one log of records. It exists to prove that the tester finds mistakes, so it can be built with one.
package struct ToySubject: CrashSubject {
    /// What the store does wrong. Each has been made by somebody in a released product.
    package enum Mistake: String, CaseIterable, Sendable {
        case none
        /// Says 250 when the bytes are in the page cache.
        case answersBeforeSync
        /// Syncs a new file but not the directory that names it.
        case neverSyncsDirectory
        /// Believes a record because its header looks right.
        case noChecksum
        /// After a restart counts UIDs from the highest that still exists.
        case reusesUIDs
        /// Skips a torn record at the end but writes the next one behind it, where no reader comes.
        case keepsDamagedTail
        /// Recovery copies what it finds and does not notice when it has done so before.
        case replaysTwice
        /// One record and one sync for each recipient of a message.
        case splitsRecipients
        /// Rewrites the log into a new file and renames it over the old one without having synced it.
        case renamesBeforeSync
    }

    package let mistake: Mistake
    package init(_ mistake: Mistake) { self.mistake = mistake }
    package var name: String { "toy:\(self.mistake)" }

    package func open(_ directory: String) throws -> any LiveStore { try ToyStore(directory, self.mistake) }
}

/// Files `log.00000`, `log.00001`, …; a record is length, checksum, payload. Everything else is in memory and made from the records.
final class ToyStore: LiveStore {
    typealias Mistake = ToySubject.Mistake

    struct Entry: Equatable {
        let uid: UInt32
        var flags: UInt32
        let bytes: [UInt8]
    }

    struct State {
        var fd: CInt = -1
        var file = 0
        var size = 0
        var boxes: [Int: [Entry]] = [:]
        var highest: [Int: UInt32] = [:]
        var queue: Set<Int> = []
        var damage: [String] = []
    }

    static let rollOver = 65_536
    let directory: String
    let mistake: Mistake
    private let state: Mutex<State>

    init(_ directory: String, _ mistake: Mistake) throws {
        self.directory = directory
        self.mistake = mistake
        self.state = Mutex(State())
        try self.state.withLock { try self.recover(&$0) }
    }

    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void) {
        let early = self.mistake == .answersBeforeSync
        let done = self.state.withLock { state -> Bool in
            let groups = self.mistake == .splitsRecipients ? sample.recipients.map { [$0] } : [sample.recipients]
            for group in groups {
                let record = ToyRecord.message(number: sample.number, recipients: group, body: sample.body())
                guard self.append(record, &state, syncs: !early) else { return false }
            }
            return true
        }
        completion(done)
        if early { self.state.withLock { _ = fdatasync($0.fd) } }
    }

    func list(_ account: Int) -> ListedMailbox? {
        self.state.withLock { state in
            state.boxes[account].map { box in
                ListedMailbox(validity: 1, messages: box.map { ListedMessage(uid: $0.uid, flags: $0.flags) })
            }
        }
    }

    func read(_ account: Int, uid: UInt32) -> [UInt8] {
        self.state.withLock { $0.boxes[account]?.first { $0.uid == uid }?.bytes ?? [] }
    }

    func expunge(_ account: Int, uids: [UInt32]) throws { try self.change(.expunge(account: account, uids: uids)) }
    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws { try self.change(.flags(account: account, uid: uid, flags: flags)) }

    func removeAccount(_ account: Int) throws {
        try self.change(.remove(account: account))
        if self.mistake == .renamesBeforeSync { self.state.withLock { self.rewriteLog(&$0) } }
    }

    func queued() -> [Int] { self.state.withLock { $0.queue.sorted() } }
    func complaints() -> [String] { self.state.withLock { $0.damage } }
    func close() { self.state.withLock { _ = Glibc.close($0.fd) } }

    private func change(_ record: ToyRecord) throws {
        let done = self.state.withLock { self.append(record, &$0, syncs: true) }
        guard done else { throw Workload.Failure(description: "the toy could not write") }
    }

    // MARK: The log

    private func path(_ number: Int) -> String {
        let digits = String(number)
        return "\(self.directory)/log.\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)"
    }

    private func append(_ record: ToyRecord, _ state: inout State, syncs: Bool) -> Bool {
        if state.size >= Self.rollOver { self.open(state.file + 1, &state) }
        let bytes = record.framed
        let written = bytes.withUnsafeBytes { pwrite(state.fd, $0.baseAddress, $0.count, off_t(state.size)) }
        guard written == bytes.count else { return false }
        if syncs && fdatasync(state.fd) != 0 { return false }
        state.size += bytes.count
        record.apply(&state)
        return true
    }

    private func open(_ number: Int, _ state: inout State) {
        if state.fd >= 0 { _ = Glibc.close(state.fd) }
        state.fd = Glibc.open(self.path(number), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        state.file = number
        state.size = 0
        if self.mistake != .neverSyncsDirectory { self.syncDirectory() }
    }

    private func syncDirectory() {
        let fd = Glibc.open(self.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        _ = fsync(fd)
        _ = Glibc.close(fd)
    }

    private func rewriteLog(_ state: inout State) {
        let whole = self.path(state.file)
        guard let bytes = try? DiskFile.read(whole) else { return }
        _ = Glibc.close(state.fd)
        state.fd = Glibc.open(whole + ".new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        _ = bytes.withUnsafeBytes { pwrite(state.fd, $0.baseAddress, $0.count, 0) }
        _ = rename(whole + ".new", whole)
        self.syncDirectory()
    }

    // MARK: Recovery

    private func recover(_ state: inout State) throws {
        let names = try DiskFile.names(in: self.directory).filter { $0.hasPrefix("log.") && !$0.hasSuffix(".new") }
        guard !names.isEmpty else { return self.open(0, &state) }
        for (index, name) in names.enumerated() {
            let bytes = try DiskFile.read("\(self.directory)/\(name)")
            let good = self.replay(bytes, &state)
            let isLast = index == names.count - 1
            if good < bytes.count && !isLast { state.damage.append("\(name) is damaged at \(good)") }
            if isLast { try self.goOn(name, bytes, good, &state) }
        }
        if self.mistake == .replaysTwice {
            for (account, box) in state.boxes.sorted(by: { $0.key < $1.key }) {
                guard let last = box.last, let number = Sample.number(in: last.bytes) else { continue }
                let body = Array(last.bytes.dropFirst(Sample(number: number, seed: 0, size: 0, recipients: []).prefix(for: account).count))
                _ = self.append(.message(number: number, recipients: [account], body: body), &state, syncs: true)
            }
        }
        if self.mistake == .reusesUIDs { state.highest = state.boxes.mapValues { $0.last?.uid ?? 0 } }
    }

    /// Applies all good records; returns where the first bad one begins.
    private func replay(_ bytes: [UInt8], _ state: inout State) -> Int {
        var position = 0
        while let (record, size) = ToyRecord.read(bytes[position...], checks: self.mistake != .noChecksum) {
            record.apply(&state)
            position += size
        }
        return position
    }

    private func goOn(_ name: String, _ bytes: [UInt8], _ good: Int, _ state: inout State) throws {
        state.fd = Glibc.open("\(self.directory)/\(name)", O_RDWR | O_CLOEXEC)
        state.file = Int(name.dropFirst(4)) ?? 0
        state.size = self.mistake == .keepsDamagedTail ? bytes.count : good
        // What the crash left behind the last good record must not come to light when that place is written again.
        if self.mistake != .keepsDamagedTail && good < bytes.count {
            _ = ftruncate(state.fd, off_t(good))
            _ = fdatasync(state.fd)
        }
        if self.mistake != .neverSyncsDirectory { self.syncDirectory() }
    }
}
