import CPlatform
import Glibc
import NIOCore
import PostOffice
import Testing
import Vocabulary

@Suite struct CrashTests {
    private static func note(
        content: UInt64? = nil, peer: String? = nil, crashed: Int32 = 0, since: UInt64 = 100
    ) -> SharedMemory.Note {
        SharedMemory.Note(
            content: content.map(ContentHash.init(rawValue:)), work: content == nil ? 0 : 1, account: 0,
            peer: peer.flatMap { IPAddress($0) },
            crashed: UInt64(crashed), since: since)
    }

    @Test("R4 content that crashed the server twice is blamed, once is not")
    func contentIsBlamedAtTheSecondCrash() {
        var history = CrashHistory()
        #expect(history.record([Self.note(content: 7, crashed: SIGILL)], .signalled(SIGILL), silentFor: nil, now: 100).count == 1)
        #expect(history.blamedContents.isEmpty)
        _ = history.record([Self.note(content: 8, crashed: SIGILL)], .signalled(SIGILL), silentFor: nil, now: 101)
        #expect(history.blamedContents.isEmpty)
        _ = history.record([Self.note(content: 7, crashed: SIGILL)], .signalled(SIGILL), silentFor: nil, now: 102)
        #expect(history.blamedContents == [ContentHash(rawValue: 7)])
    }

    @Test func aPeerIsShutOutAtTheSecondCrashForMinutes() {
        var history = CrashHistory()
        let note = Self.note(peer: "192.0.2.9", crashed: SIGSEGV)
        _ = history.record([note], .signalled(SIGSEGV), silentFor: nil, now: 1000)
        #expect(history.shutOut(1000).isEmpty)
        _ = history.record([note], .signalled(SIGSEGV), silentFor: nil, now: 1010)
        #expect(history.shutOut(1011).map(\.peer) == [IPAddress("192.0.2.9")])
        #expect(history.shutOut(1010 + CrashHistory.shutOutSeconds).isEmpty)
    }

    @Test func whoOnlyReadsIsShutOutLater() {
        var history = CrashHistory()
        for (count, content) in [1, 1, 2, 2].enumerated() {
            #expect(history.shutOut(1000).isEmpty)
            var note = Self.note(content: UInt64(content), peer: "192.0.2.9", crashed: SIGSEGV)
            note.work = ContentWork.reading.rawValue
            _ = history.record([note], .signalled(SIGSEGV), silentFor: nil, now: 1000 + UInt64(count))
        }
        #expect(history.shutOut(1004).map(\.peer) == [IPAddress("192.0.2.9")])
    }

    @Test func twoCrashesFarApartDoNotShutAPeerOut() {
        var history = CrashHistory()
        let note = Self.note(peer: "192.0.2.9", crashed: SIGSEGV)
        _ = history.record([note], .signalled(SIGSEGV), silentFor: nil, now: 1000)
        _ = history.record([note], .signalled(SIGSEGV), silentFor: nil, now: 10_000)
        #expect(history.shutOut(10_001).isEmpty)
    }

    @Test func loopbackIsNeverShutOut() {
        var history = CrashHistory()
        for now: UInt64 in [1, 2, 3] {
            _ = history.record([Self.note(peer: "127.0.0.1", crashed: SIGSEGV)], .signalled(SIGSEGV), silentFor: nil, now: now)
        }
        #expect(history.shutOut(4).isEmpty)
    }

    @Test func onlyTheThreadThatCrashedIsToBlame() {
        var history = CrashHistory()
        let notes = [Self.note(content: 1), Self.note(content: 2, crashed: SIGILL), Self.note(content: 3)]
        #expect(history.record(notes, .signalled(SIGILL), silentFor: nil, now: 100).map(\.content) == [ContentHash(rawValue: 2)])
    }

    @Test func nobodyIsToBlameForAKillFromOutside() {
        var history = CrashHistory()
        #expect(history.record([Self.note(content: 1, peer: "192.0.2.1")], .signalled(SIGKILL), silentFor: nil, now: 100).isEmpty)
    }

    @Test func ofASilentServerTheLongestAtWorkIsToBlame() {
        var history = CrashHistory()
        let notes = [
            Self.note(content: 1, since: 1000), Self.note(content: 2, since: 1025), Self.note(content: 3, crashed: SIGABRT, since: 1026),
        ]
        let guilty = history.record(notes, .signalled(SIGABRT), silentFor: 20, now: 1026)
        #expect(guilty.map(\.content) == [ContentHash(rawValue: 1)])
    }

    @Test func theHistoryIsBounded() {
        var history = CrashHistory()
        for number in 0..<5000 {
            _ = history.record([Self.note(content: UInt64(number), crashed: SIGILL)], .signalled(SIGILL), silentFor: nil, now: 1)
        }
        // The first were forgotten: one more crash of theirs counts as the first.
        _ = history.record([Self.note(content: 0, crashed: SIGILL)], .signalled(SIGILL), silentFor: nil, now: 2)
        #expect(history.blamedContents.isEmpty)
    }
}

/// Notes are thread-local, slots are attached once a process: this suite alone attaches.
@Suite(.serialized) struct CrashNotesTests {
    @Test func whatIsInHandShowsInSharedMemoryAndGoesAgain() throws {
        let memory = try SharedMemory.make(random: { [UInt8](repeating: 7, count: $0) })
        #expect(memory.loginKey == [UInt8](repeating: 7, count: 32))
        let notes = CrashNotes(memory)
        let peer = try #require(IPAddress("2001:db8::9"))
        let content = ByteBuffer(string: "Subject: x\r\n\r\n")
        notes.enterPeer(peer)
        let seen = notes.handling(.submitting, content, account: AccountID(rawValue: 42)) { isBlamed in
            #expect(!isBlamed)
            return memory.notes
        }
        #expect(seen.contains { $0.peer == peer && $0.content == ContentHash(content) && $0.account == 42 && $0.crashed == 0 })
        #expect(memory.notes.contains { $0.peer == peer && $0.content == nil })
        notes.leavePeer()
        #expect(!memory.notes.contains { $0.peer == peer })

        let inherited = try SharedMemory.inherited(memory.descriptor)
        #expect(!inherited.isBlamed(ContentHash(content)))
        memory.blame(contents: [ContentHash(content)], peers: [(peer, 50)])
        #expect(inherited.isBlamed(ContentHash(content)))
        #expect(inherited.isShutOut(peer, now: 49) && !inherited.isShutOut(peer, now: 50))
        #expect(notes.handling(.reading, content) { $0 })
        memory.clearSlots()
        #expect(memory.notes.isEmpty)
        #expect(inherited.isBlamed(ContentHash(content)), "blame outlives a restart")
    }

    @Test func theHeartbeatIsSeenByTheOtherSide() throws {
        let memory = try SharedMemory.make(random: { [UInt8](repeating: 1, count: $0) })
        let inherited = try SharedMemory.inherited(memory.descriptor)
        inherited.beatNow()
        inherited.sessions = 3
        #expect(memory.beat == 1 && memory.sessions == 3)
    }

    @Test func foreignMemoryIsRefused() throws {
        let fd = po_memfd("test")
        defer { close(fd) }
        #expect(throws: SystemFailure.self) { try SharedMemory.inherited(fd) }
    }
}
