import Bytes
import CPlatform
import Glibc
package import NIOCore
package import Vocabulary

/// The mta's side of the crash slots.
package final class CrashNotes: CrashGuard {
    private let memory: SharedMemory
    /// Test hook: content that holds these bytes traps while it is noted. Off unless POSTOFFICE_TEST_TRAP is set when the dispatcher
    /// starts the mta; described in docs/security.md.
    private let trap: [UInt8]?

    /// From now on notes of all threads go into `memory`, and crashing signals mark their slots.
    package init(_ memory: SharedMemory, trap: String? = nil) {
        self.memory = memory
        self.trap = trap.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        po_crash_attach(memory.slots)
    }

    package func enterPeer(_ peer: IPAddress) { peer.bytes.withUnsafeBufferPointer { po_crash_note_peer($0.baseAddress, $0.count) } }

    package func leavePeer() { po_crash_clear_peer() }

    package func isShutOut(_ peer: IPAddress) -> Bool { self.memory.isShutOut(peer, now: MonotonicTime.seconds) }

    package func isBlamed(_ name: ContentHash) -> Bool { self.memory.isBlamed(name) }

    package func enterContent(_ work: ContentWork, _ content: ByteBuffer, named name: ContentHash, account: AccountID?) -> Bool {
        let isBlamed = self.memory.isBlamed(name)
        po_crash_note_content(work.rawValue, name.rawValue, account?.rawValue ?? 0)
        if let trap, !isBlamed, work != .passing, Self.holds(trap, content) { Self.fall() }
        return isBlamed
    }

    package func leaveContent() { po_crash_clear_content() }

    private static func holds(_ trap: [UInt8], _ content: ByteBuffer) -> Bool {
        let bytes = content.readableBytesView
        return bytes.indices.contains { bytes[$0...].starts(with: trap) }
    }

    /// The planted trap itself, only reached where the test hook is set.
    private static func fall() -> Never {
        // SAFETY: dying is the purpose; reachable only with the test hook.
        fatalError("planted trap")
    }
}

/// Monotonic time as both processes see it.
package enum MonotonicTime {
    package static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package static var seconds: UInt64 { UInt64(max(0, Self.milliseconds / 1000)) }
}
