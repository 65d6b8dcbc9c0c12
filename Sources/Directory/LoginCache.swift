internal import Bytes
internal import Crypto
package import SASL
internal import Synchronization
package import Vocabulary

/// Remembers which passwords were found right, so that a client that polls each minute costs one MAC and no PBKDF2.
///
/// A fixed number of slots of 16 bytes, each a MAC over account, password version, mechanism and password, under a key that exists in
/// memory only: nothing can be learned from the slots. With a new password the version changes, and old slots fit nothing any more.
/// The memory may be given from outside, so that it outlives a process; half-written slots fit nothing.
package final class LoginCache: @unchecked Sendable {
    // SAFETY: `slots` is touched only inside `lock`; its memory lives as long as this object (own) or the process (given).
    private let slots: UnsafeMutableRawBufferPointer
    private let isOwned: Bool
    private let lock = Mutex<UInt8>(0)
    private let key: SymmetricKey
    private let bucketCount: Int

    private static let slotSize = 16
    /// Slots a MAC may be in; the next to be overwritten goes round.
    private static let ways = 8
    private static let bucketSize = slotSize * ways

    /// `memory` is used as it is found; nil takes 2 MiB of our own, room for 131,072 logins.
    package init(key: Secret, memory: UnsafeMutableRawBufferPointer? = nil) {
        self.key = key.withBytes { SymmetricKey(data: $0) }
        if let memory, memory.count >= Self.bucketSize {
            self.slots = memory
            self.isOwned = false
        } else {
            self.slots = .allocate(byteCount: 2 << 20, alignment: 16)
            self.slots.initializeMemory(as: UInt8.self, repeating: 0)
            self.isOwned = true
        }
        self.bucketCount = self.slots.count / Self.bucketSize
    }

    deinit { if self.isOwned { self.slots.deallocate() } }

    package struct Mark: Equatable {
        fileprivate let bytes: [UInt8]
    }

    /// What identifies one password of one account in one state. For a name that nobody has, `account` is nil and the name counts.
    package func mark(_ account: AccountID?, _ login: String, version: Int64, _ password: Secret) -> Mark {
        var mac = HMAC<SHA256>(key: self.key)
        mac.update(data: "password\u{0}".utf8.map { $0 })
        mac.update(data: withUnsafeBytes(of: (account?.rawValue ?? -1).littleEndian) { Array($0) })
        mac.update(data: withUnsafeBytes(of: version.littleEndian) { Array($0) })
        if account == nil {
            mac.update(data: Array(login.utf8))
            mac.update(data: [0])
        }
        password.withBytes { mac.update(data: $0) }
        return Mark(bytes: Array(mac.finalize().prefix(Self.slotSize)))
    }

    package func contains(_ mark: Mark) -> Bool {
        let bucket = self.bucket(mark)
        return self.lock.withLock { _ in
            (0..<Self.ways).contains { way in
                let slot = self.slots[(bucket + way * Self.slotSize)..<(bucket + (way + 1) * Self.slotSize)]
                return constantTimeEqual(Array(slot), mark.bytes)
            }
        }
    }

    package func insert(_ mark: Mark) {
        let bucket = self.bucket(mark)
        self.lock.withLock { turn in
            var way = Int(turn) % Self.ways
            for candidate in 0..<Self.ways
            where self.slots[bucket + candidate * Self.slotSize] == 0 && self.slots[bucket + candidate * Self.slotSize + 1] == 0 {
                way = candidate
                break
            }
            turn &+= 1
            let start = bucket + way * Self.slotSize
            for (offset, byte) in mark.bytes.enumerated() { self.slots[start + offset] = byte }
        }
    }

    private func bucket(_ mark: Mark) -> Int {
        let number = mark.bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(number % UInt64(self.bucketCount)) * Self.bucketSize
    }
}
