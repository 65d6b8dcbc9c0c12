internal import Bytes
package import NIOCore

// A trap in Swift ends the whole server, so its cause must not come back with it. Before content that a stranger chose is handled, it is
// noted here; the dispatcher reads the notes of a dead mta. Content that was in hand at two crashes is from then on left unparsed
// (reading: it is passed on as it is) or refused for now (accepting); a peer that was served at two crashes is shut out for minutes.

/// What was done with foreign content when the server ended.
package enum ContentWork: UInt64, Sendable {
    case accepting = 1, submitting, reading, searching, filtering
    /// Given out as it is, without a look at what it says.
    case passing
    /// Brought to another host, sent on or returned.
    case sending
}

/// Names one piece of content over restarts: checksum and length. Not a secret and no proof; a collision only costs a refusal.
package struct ContentHash: Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package init(_ content: ByteBuffer) {
        self.rawValue = content.withUnsafeReadableBytes { bytes in
            UInt64(CRC32C.checksum(bytes)) << 32 | UInt64(UInt32(truncatingIfNeeded: bytes.count))
        }
    }

    /// Names a stored body, whoever's mailbox it is read from.
    package init(_ blob: BlobID) { self.rawValue = UInt64(bitPattern: blob.rawValue) | 1 << 63 }

    /// The same content in `ContentWork.passing`. Blame under this name means that not even its bytes can be given out.
    package var passedOn: ContentHash { ContentHash(rawValue: self.rawValue ^ 1 << 62) }
}

/// Notes who and what is in hand. All calls cost some nanoseconds and may be made on event loops. Notes belong to the calling thread:
/// enter and leave on the same one, without waiting in between.
package protocol CrashGuard: Sendable {
    func enterPeer(_ peer: IPAddress)
    func leavePeer()
    /// True for some minutes after this peer was being served at two crashes.
    func isShutOut(_ peer: IPAddress) -> Bool
    /// Returns true when what `name` names was in hand at two crashes: do not parse it. `content` is the part that is in hand now.
    func enterContent(_ work: ContentWork, _ content: ByteBuffer, named name: ContentHash, account: AccountID?) -> Bool
    /// True when it was in hand at two crashes.
    func isBlamed(_ name: ContentHash) -> Bool
    func leaveContent()
}

extension CrashGuard {
    /// Runs `body` while the content is noted. `body` gets true when the content must be left unparsed.
    ///
    /// - Parameter name: of the whole that `content` is a part of; nil names it by its own bytes.
    package func handling<Result, Failure: Error>(
        _ work: ContentWork, _ content: ByteBuffer, named name: ContentHash? = nil, account: AccountID? = nil,
        _ body: (_ isBlamed: Bool) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let isBlamed = self.enterContent(work, content, named: name ?? ContentHash(content), account: account)
        defer { self.leaveContent() }
        return try body(isBlamed)
    }
}

/// Notes nothing and blames nobody; for tests, tools and benchmarks.
package struct NoCrashGuard: CrashGuard {
    package init() {}
    package func enterPeer(_ peer: IPAddress) {}
    package func leavePeer() {}
    package func isShutOut(_ peer: IPAddress) -> Bool { false }
    package func enterContent(_ work: ContentWork, _ content: ByteBuffer, named name: ContentHash, account: AccountID?) -> Bool { false }
    package func isBlamed(_ name: ContentHash) -> Bool { false }
    package func leaveContent() {}
}
