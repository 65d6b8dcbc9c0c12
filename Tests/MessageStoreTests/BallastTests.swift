import Glibc
import MailTesting
import MessageStore
import Testing

/// The room that is held back for deletions; that they need it is tried by the fault tests, with a disk that is really full.
@Suite(.serialized) struct BallastTests {
    private static func bytes(_ scratch: Scratch) -> Int64 {
        var facts = stat()
        return stat(scratch.location.mailbox + "/ballast", &facts) == 0 ? Int64(facts.st_blocks) * 512 : 0
    }

    @Test func itIsMadeOfRealBlocksAndOnce() throws {
        let scratch = try Scratch()
        for _ in 0..<2 {
            let store = try scratch.open { $0.ballast = 8 << 20 }
            #expect(Self.bytes(scratch) >= 8 << 20 && Self.bytes(scratch) < 9 << 20)
            store.close()
        }
    }

    @Test func itComesBackWhenItIsGone() throws {
        let scratch = try Scratch()
        let store = try scratch.open { $0.ballast = 4 << 20 }
        defer { store.close() }
        #expect(truncate(scratch.location.mailbox + "/ballast", 0) == 0)
        store.close()
        let again = try scratch.open { $0.ballast = 4 << 20 }
        defer { again.close() }
        #expect(Self.bytes(scratch) >= 4 << 20)
    }

    @Test func whereThereIsLittleRoomOrNoneIsWantedThereIsNone() throws {
        let scratch = try Scratch()
        try scratch.open { $0.ballast = 0 }.close()
        #expect(Self.bytes(scratch) == 0)
        try scratch.open { $0.minimumFree = .max / 2 }.close()
        #expect(Self.bytes(scratch) == 0)
    }

    @Test func aDiskThatCannotReserveIsNoReasonToFail() throws {
        let scratch = try Scratch()
        let store = try scratch.open { options in
            options.faults = FileFaults { operation, path in operation == .allocate && path.hasSuffix("/ballast") ? ENOSPC : nil }
        }
        defer { store.close() }
        #expect(store.health == .writable && Self.bytes(scratch) == 0)
    }

    @Test func aDiskWithRoomIsLeftAloneBeforeTheStart() throws {
        let scratch = try Scratch()
        try scratch.open { $0.ballast = 4 << 20 }.close()
        MessageStore.makeRoom(scratch.location)
        #expect(Self.bytes(scratch) >= 4 << 20)
    }
}
