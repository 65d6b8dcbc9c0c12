import MailTesting
import MessageStore
import NIOCore
import Synchronization
import Testing
import Vocabulary

/// Room ahead of the log's end (decision 35): never taken for damage, never kept where it is not used, never what fills a disk.
@Suite struct ZerosAheadTests {
    private let account = AccountID(rawValue: 7)

    private func accept(_ texts: [String], _ store: MessageStore) async throws {
        for text in texts { _ = try await store.accept(message(text, to: [PlannedDelivery(account: self.account)])) }
    }

    @Test("R2 what a crash left ends where its zeros begin, and is written on from there") func crashed() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try await self.accept(["1\r\n", "2\r\n"], store)
        #expect(try store.check().problems == [])
        let file = try #require(scratch.segments.first)
        #expect(bytes(ofFile: file).count > 512 << 10 && bytes(ofFile: file).last == 0)
        let crashed = try scratch.image()
        let after = try crashed.open()
        #expect(after.problemsAtOpen == [])
        try await self.accept(["3\r\n"], after)
        #expect(crashed.segments.count == 1)
        #expect(try await after.texts(self.account) == ["1\r\n", "2\r\n", "3\r\n"])
        #expect(try after.check().problems == [])
        after.close()
        #expect(bytes(ofFile: try #require(crashed.segments.first)).count < 4096)
    }

    /// A record that the databases do not know, of which only the first bytes reached the disk; zeros behind them.
    private func tornLog(keeping keeps: (Int) -> Int) async throws -> (scratch: Scratch, record: Int) {
        let scratch = try Scratch()
        var store = try scratch.open()
        try await self.accept(["1\r\n"], store)
        store.close()
        let older = try scratch.image()
        store = try scratch.open()
        try await self.accept(["2\r\n"], store)
        store.close()
        let crashed = try Scratch()
        try crashed.copy(of: scratch, databasesOf: older)
        let end = bytes(ofFile: older.segments[0]).count
        let content = bytes(ofFile: scratch.segments[0])
        let record = content.count - end
        overwrite(
            crashed.segments[0], content.prefix(end + min(record, keeps(record))) + [UInt8](repeating: 0, count: 70_000), truncating: true)
        return (crashed, record)
    }

    @Test("R2 a record that is torn before the zeros is set aside as at a file's end") func torn() async throws {
        for part in 1...12 {
            let (crashed, record) = try await self.tornLog { $0 * part / 13 }
            let after = try crashed.open()
            defer { after.close() }
            #expect(after.problemsAtOpen == [])
            try await self.accept(["3\r\n"], after)
            #expect(try await after.texts(self.account) == ["1\r\n", "3\r\n"])
            #expect(crashed.segments.count == 2, "kept \(record * part / 13) bytes of \(record)")
            #expect(try after.check().problems == [])
        }
    }

    @Test("R2 a whole record before zeros counts; one of which nothing is there never was, and its place is taken") func wholeOrNot()
        async throws
    {
        for isWhole in [true, false] {
            let (crashed, _) = try await self.tornLog { isWhole ? $0 : 0 }
            let after = try crashed.open()
            defer { after.close() }
            #expect(after.problemsAtOpen == [])
            try await self.accept(["3\r\n"], after)
            #expect(try await after.texts(self.account) == ["1\r\n"] + (isWhole ? ["2\r\n"] : []) + ["3\r\n"])
            #expect(crashed.segments.count == 1)
            #expect(try after.check().problems == [])
        }
    }

    @Test("R12 a filed record that turned into zeros is damage and no end: check says so, and new mail does not take its place") func lost()
        async throws
    {
        let scratch = try Scratch()
        var store = try scratch.open()
        try await self.accept(["1\r\n"], store)
        store.close()
        let border = bytes(ofFile: scratch.segments[0]).count
        store = try scratch.open()
        try await self.accept(["2\r\n"], store)
        _ = try await store.openInbox(self.account)
        store.close()
        let end = bytes(ofFile: scratch.segments[0]).count
        for more in [0, 70_000] {
            let damaged = try scratch.image()
            overwrite(damaged.segments[0], [UInt8](repeating: 0, count: end - border + more), at: border)
            let after = try damaged.open()
            defer { after.close() }
            #expect(try !after.check().problems.isEmpty)
            try await self.accept(["3\r\n"], after)
            let inbox = try await after.openInbox(self.account).mailbox
            #expect(try await after.text(inbox, UID(rawValue: 1)) == "1\r\n")
            await #expect(throws: StoreError.self) { try await after.text(inbox, UID(rawValue: 2)) }
            #expect(try await after.text(inbox, UID(rawValue: 3)) == "3\r\n")
            #expect(try !after.check().problems.isEmpty)
        }
    }

    @Test("A segment that is full keeps no zeros, and one whose zeros a power cut brought back is read to its end") func fullSegments()
        async throws
    {
        let texts = (1...80).map { "\($0)\r\n" }
        let (plain, scratch) = (try Scratch(), try Scratch())
        var without = try plain.open { ($0.segmentSize, $0.zerosAhead) = (3000, 0) }
        try await self.accept(texts, without)
        without.close()
        let empty = try Scratch()
        try scratch.open().close()
        try empty.copy(of: scratch)
        let store = try scratch.open { $0.segmentSize = 3000 }
        defer { store.close() }
        try await self.accept(texts, store)
        let sizes = scratch.segments.map { bytes(ofFile: $0).count }
        #expect(sizes.dropLast() == plain.segments.map { bytes(ofFile: $0).count }.dropLast() && sizes.count > 2)
        let crashed = try Scratch()
        try crashed.copy(of: scratch, databasesOf: empty)
        for (file, size) in zip(crashed.segments, sizes) { overwrite(file, [UInt8](repeating: 0, count: 5000), at: size) }
        without = try crashed.open()
        defer { without.close() }
        #expect(without.problemsAtOpen == [])
        #expect(try await without.texts(self.account) == texts)
        #expect(try without.check().problems == [])
    }

    @Test("R10 a log that was written without zeros goes on with them, and the other way round") func olderLogs() async throws {
        let scratch = try Scratch()
        for (number, length) in [0, 512 << 10, 0, 512 << 10].enumerated() {
            let store = try scratch.open { $0.zerosAhead = length }
            try await self.accept(["\(number)\r\n"], store)
            _ = try await store.openInbox(self.account)
            let crashed = try scratch.image()
            store.close()
            let after = try crashed.open { $0.zerosAhead = 512 << 10 - length }
            defer { after.close() }
            try await self.accept(["more\r\n"], after)
            #expect(try await after.texts(self.account) == (0...number).map { "\($0)\r\n" } + ["more\r\n"])
            #expect(after.problemsAtOpen == [] && crashed.segments.count == 1)
            #expect(try after.check().problems == [])
        }
    }

    private func sendFromFour(_ store: MessageStore) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<4 {
                group.addTask {
                    for number in 0..<150 {
                        try await self.accept([String(repeating: "\(sender) \(number)\r\n", count: 40 * (1 + number % 7))], store)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("A check beside senders takes nothing for damage that is being written into the zeros") func checkBesideSenders() async throws {
        let scratch = try Scratch()
        let store = try scratch.open { ($0.segmentSize, $0.zerosAhead) = (300_000, 20_000) }
        defer { store.close() }
        async let sent: Void = self.sendFromFour(store)
        for _ in 0..<40 {
            let problems = try store.check().problems
            #expect(problems == [], "\(problems)")
            await Task.yield()
        }
        try await sent
        let problems = try store.check().problems
        #expect(problems == [], "\(problems)")
    }

    @Test("A check beside the first messages of a store, which has no segment before them, takes nothing for damage")
    func checkBesideFirst() async throws {
        for _ in 0..<10 {
            let scratch = try Scratch()
            let store = try scratch.open { ($0.segmentSize, $0.zerosAhead) = (300_000, 20_000) }
            defer { store.close() }
            async let sent: Void = self.accept([String(repeating: "first\r\n", count: 3000), "second\r\n"], store)
            for _ in 0..<5 {
                let problems = try store.check().problems
                #expect(problems == [], "\(problems)")
            }
            try await sent
        }
    }

    @Test("R8 a disk without room for zeros takes the message without them") func noRoom() async throws {
        let scratch = try Scratch()
        let writes = Atomic(0)
        let faults = FileFaults { operation, path in
            guard operation == .write, path.hasSuffix(".seg") else { return nil }
            // The header, the record, then the zeros, which are not tried again: a quota of which the free space says nothing may stand against them.
            return writes.wrappingAdd(1, ordering: .relaxed).newValue == 3 ? 28 : nil
        }
        let store = try scratch.open { $0.faults = faults }
        try await self.accept(["1\r\n", "2\r\n", "3\r\n"], store)
        #expect(store.health == .writable && writes.load(ordering: .relaxed) == 5)
        #expect(bytes(ofFile: try #require(scratch.segments.first)).count < 4096)
        #expect(try await store.texts(self.account) == ["1\r\n", "2\r\n", "3\r\n"])
        store.close()
    }

    @Test("Where bytes never come to lie over others, zeros are not written") func otherFileSystems() {
        let (ext4, xfs, tmpfs, btrfs, zfs): (UInt64, UInt64, UInt64, UInt64, UInt64) = (
            0xEF53, 0x5846_5342, 0x0102_1994, 0x9123_683E, 0x2FC1_2FC1
        )
        #expect([ext4, xfs, tmpfs].allSatisfy { !ZerosAhead.writesElsewhere(fileSystem: $0) })
        #expect([btrfs, zfs].allSatisfy { ZerosAhead.writesElsewhere(fileSystem: $0) })
    }

    @Test("A batch of many bytes is not written twice") func largeBatches() async throws {
        let scratch = try Scratch()
        let store = try scratch.open()
        defer { store.close() }
        try await self.accept([String(repeating: "0123456789abcde\n", count: 8192)], store)
        #expect(bytes(ofFile: try #require(scratch.segments.first)).count < 140_000)
    }
}
