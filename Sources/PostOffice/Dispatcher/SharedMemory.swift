import CPlatform
package import Directory
import Glibc
package import Vocabulary

/// Memory that the dispatcher makes and every mta inherits: heartbeat, key of the login cache, crash slots, and who was blamed for
/// crashes. The dispatcher never trusts what it reads here: counts are clamped and nothing in it is an address.
package final class SharedMemory: @unchecked Sendable {
    // SAFETY: single words are read and written with atomic operations; tables are written by the dispatcher alone, while no mta runs.
    private let base: UnsafeMutableRawPointer
    package let descriptor: Int32

    private enum Layout {
        static let size = 2 << 20
        static let loginCache = 64 << 10
        static let magic: UInt64 = 0x504F_5348_4D30_3031  // "POSHM001"
        static let beat = 8
        static let sessions = 16
        static let loginKey = 64
        static let loginKeySize = 32
        static let blamedContents = 128
        static let blamedPeers = 136
        static let slots = 4096
        static let contents = 40_960
        static let peers = 49_152
        static let entries = 128
        static let peerEntry = 40
    }

    /// New memory with a fresh key for the login cache.
    package static func make(random: (Int) -> [UInt8]) throws(SystemFailure) -> SharedMemory {
        let fd = po_memfd("post.office")
        guard fd >= 0 else { throw SystemFailure("memfd_create") }
        guard ftruncate(fd, off_t(Layout.size)) == 0 else { throw SystemFailure("ftruncate") }
        let memory = try SharedMemory(mapping: fd)
        memory.word(0).pointee = Layout.magic
        memory.base.advanced(by: Layout.loginKey).copyMemory(from: random(Layout.loginKeySize), byteCount: Layout.loginKeySize)
        return memory
    }

    /// The memory that an mta inherited as `descriptor`.
    package static func inherited(_ descriptor: Int32) throws(SystemFailure) -> SharedMemory {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size == Layout.size else { throw SystemFailure("shared memory", EINVAL) }
        let memory = try SharedMemory(mapping: descriptor)
        guard memory.word(0).pointee == Layout.magic else { throw SystemFailure("shared memory", EINVAL) }
        return memory
    }

    private init(mapping descriptor: Int32) throws(SystemFailure) {
        guard let base = mmap(nil, Layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            throw SystemFailure("mmap")
        }
        self.base = base
        self.descriptor = descriptor
    }

    // MARK: Heartbeat and numbers

    package var beat: UInt64 { po_atomic_load(self.word(Layout.beat)) }
    package func beatNow() { _ = po_atomic_add(self.word(Layout.beat), 1) }

    /// Open sessions, for `status`.
    package var sessions: UInt64 {
        get { po_atomic_load(self.word(Layout.sessions)) }
        set { po_atomic_store(self.word(Layout.sessions), newValue) }
    }

    /// Keys the cache of verified logins: it survives a restart of the mta, so that clients coming back cost no hashes.
    package var loginKey: [UInt8] {
        Array(UnsafeRawBufferPointer(start: self.base.advanced(by: Layout.loginKey), count: Layout.loginKeySize))
    }

    /// The cache itself, for the Authenticator of the mta that runs.
    package var loginCache: AuthenticatorOptions.CacheMemory {
        let start = self.base.advanced(by: Layout.loginCache)
        return AuthenticatorOptions.CacheMemory(UnsafeMutableRawBufferPointer(start: start, count: Layout.size - Layout.loginCache))
    }

    // MARK: Crash slots

    var slots: UnsafeMutablePointer<po_crash_slot> {
        self.base.advanced(by: Layout.slots).assumingMemoryBound(to: po_crash_slot.self)
    }

    /// For the next mta. Only while none runs.
    package func clearSlots() {
        memset(self.base.advanced(by: Layout.slots), 0, MemoryLayout<po_crash_slot>.stride * Int(PO_CRASH_SLOTS))
        po_atomic_store(self.word(Layout.beat), 0)
        po_atomic_store(self.word(Layout.sessions), 0)
    }

    /// What one thread of a dead mta had in hand.
    package struct Note: Sendable, Equatable {
        package var content: ContentHash?
        package var work: UInt64
        package var account: Int64
        package var peer: IPAddress?
        /// Signal that this thread received; 0 for none.
        package var crashed: UInt64
        /// Monotonic seconds, plus one, at which it was noted.
        package var since: UInt64

        package init(content: ContentHash?, work: UInt64, account: Int64, peer: IPAddress?, crashed: UInt64, since: UInt64) {
            self.content = content
            self.work = work
            self.account = account
            self.peer = peer
            self.crashed = crashed
            self.since = since
        }
    }

    package var notes: [Note] {
        (0..<Int(PO_CRASH_SLOTS)).compactMap { index in
            let slot = self.slots[index]
            guard slot.owned != 0, slot.since != 0 else { return nil }
            let length = slot.peer_length == 16 ? 16 : slot.peer_length == 4 ? 4 : 0
            let peer = withUnsafeBytes(of: slot.peer) { Array($0.prefix(length)) }
            return Note(
                content: slot.work == 0 ? nil : ContentHash(rawValue: slot.content), work: slot.work, account: slot.account,
                peer: IPAddress(bytes: peer), crashed: slot.crashed, since: slot.since)
        }
    }

    // MARK: The blamed

    /// Content that was in hand at two crashes.
    package func isBlamed(_ content: ContentHash) -> Bool {
        let count = min(po_atomic_load(self.word(Layout.blamedContents)), UInt64(Layout.entries))
        return count > 0 && (0..<Int(count)).contains { self.word(Layout.contents + $0 * 8).pointee == content.rawValue }
    }

    /// True until the time that `blame(peer:until:)` gave, in monotonic seconds.
    package func isShutOut(_ peer: IPAddress, now: UInt64) -> Bool {
        let count = min(po_atomic_load(self.word(Layout.blamedPeers)), UInt64(Layout.entries))
        return count > 0
            && (0..<Int(count)).contains { index in
                let entry = self.base.advanced(by: Layout.peers + index * Layout.peerEntry)
                guard entry.load(as: UInt64.self) > now else { return false }
                let bytes = UnsafeRawBufferPointer(
                    start: entry.advanced(by: 16), count: min(16, entry.load(fromByteOffset: 8, as: Int.self)))
                return bytes.elementsEqual(peer.bytes)
            }
    }

    /// Only by the dispatcher, while no mta runs. The newest `entries` are kept.
    package func blame(contents: [ContentHash], peers: [(peer: IPAddress, until: UInt64)]) {
        let newest = contents.suffix(Layout.entries)
        for (index, content) in newest.enumerated() { self.word(Layout.contents + index * 8).pointee = content.rawValue }
        po_atomic_store(self.word(Layout.blamedContents), UInt64(newest.count))
        let shut = peers.suffix(Layout.entries)
        for (index, entry) in shut.enumerated() {
            let place = self.base.advanced(by: Layout.peers + index * Layout.peerEntry)
            place.storeBytes(of: entry.until, as: UInt64.self)
            place.storeBytes(of: entry.peer.bytes.count, toByteOffset: 8, as: Int.self)
            place.advanced(by: 16).copyMemory(from: entry.peer.bytes, byteCount: min(16, entry.peer.bytes.count))
        }
        po_atomic_store(self.word(Layout.blamedPeers), UInt64(shut.count))
    }

    private func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
        self.base.advanced(by: offset).assumingMemoryBound(to: UInt64.self)
    }
}
