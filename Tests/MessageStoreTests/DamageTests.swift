import Glibc
import MessageStore
import NIOCore
import Testing
import Vocabulary

/// Three messages for one account; the bytes of the middle one are what gets damaged.
private struct Damageable {
    let scratch: Scratch
    /// Before any message.
    let empty: Scratch
    let segment: String
    /// Where each record begins, and the end of the last.
    let borders: [Int]

    init() async throws {
        self.scratch = try Scratch()
        try scratch.open().close()
        self.empty = try Scratch()
        try self.empty.copy(of: self.scratch)
        var borders = [128]
        for text in ["one\r\n", "two\r\n", "three\r\n"] {
            let queue =
                text == "two\r\n" ? [QueueDraft(.remote, recipient: .init(Address(localPart: "r", domain: "far.test")), due: 5)] : []
            // Closed each time, so that no zeros lie behind the record.
            let store = try self.scratch.open()
            defer { store.close() }
            _ = try await store.accept(
                message(text, to: [PlannedDelivery(account: account, prefix: ByteBuffer(string: "Delivered-To: x\r\n"))], queue: queue))
            _ = try await store.openInbox(account)
            store.close()
            borders.append(bytes(ofFile: self.scratch.segments[0]).count)
        }
        self.segment = self.scratch.segments[0]
        self.borders = borders
    }

    /// A copy whose segment is changed; `lagging` has databases from before the messages.
    func copy(lagging: Bool, _ change: (inout [UInt8]) -> Void) throws -> Scratch {
        let out = try Scratch()
        try out.copy(of: self.scratch, databasesOf: lagging ? self.empty : nil)
        var content = bytes(ofFile: self.segment)
        change(&content)
        overwrite(out.segments[0], content, truncating: true)
        return out
    }
}

@Suite struct DamageTests {
    @Test("R12 every flipped bit of a record is found, by check and by who reads it; its neighbours are read") func flippedBits()
        async throws
    {
        let subject = try await Damageable()
        for offset in subject.borders[1]..<subject.borders[2] {
            let copy = try subject.copy(lagging: false) { $0[offset] ^= 1 << (offset % 8) }
            let store = try copy.open()
            #expect(!(try store.check().problems.isEmpty), "offset \(offset)")
            let inbox = try await store.openInbox(account).mailbox
            #expect(try await store.text(inbox, UID(rawValue: 1)) == "Delivered-To: x\r\none\r\n")
            #expect(try await store.text(inbox, UID(rawValue: 3)) == "Delivered-To: x\r\nthree\r\n")
            // A flipped bit in the payload harms the rebuilding only; anything else must not be given to a reader.
            if let text = try? await store.text(inbox, UID(rawValue: 2)) {
                #expect(text == "Delivered-To: x\r\ntwo\r\n", "offset \(offset)")
            }
            store.close()
        }
    }

    @Test("R4 R12 a record damaged before it was filed is reported; the others are filed") func flippedBitsInTheLog() async throws {
        let subject = try await Damageable()
        for offset in stride(from: subject.borders[1], to: subject.borders[2], by: 3) {
            let copy = try subject.copy(lagging: true) { $0[offset] ^= 0x40 }
            let store = try copy.open()
            let texts = try await store.texts(account)
            #expect(texts == ["Delivered-To: x\r\none\r\n", "Delivered-To: x\r\nthree\r\n"], "offset \(offset)")
            #expect(!store.problemsAtOpen.isEmpty)
            _ = try await store.accept(message("after\r\n", to: [PlannedDelivery(account: account)]))
            #expect(try await store.texts(account).count == 3)
            store.close()
        }
    }

    @Test("R1 a torn end of the log is no message; everything before it is there, and mail goes on") func tornEnds() async throws {
        let subject = try await Damageable()
        let whole = subject.borders[3]
        for length in stride(from: subject.borders[2], to: whole, by: 4) {
            for isCut in [true, false] {
                let copy = try subject.copy(lagging: true) { content in
                    if isCut { content.removeSubrange(length...) } else { for index in length..<whole { content[index] = 0 } }
                }
                // A payload may end in zeros by itself: then nothing was torn.
                if !isCut, bytes(ofFile: copy.segments[0]) == bytes(ofFile: subject.segment) { continue }
                let store = try copy.open()
                #expect(try await store.texts(account).count == 2, "length \(length)")
                #expect(store.problemsAtOpen == [])
                _ = try await store.accept(message("after\r\n", to: [PlannedDelivery(account: account)]))
                #expect(try await store.texts(account).last == "after\r\n")
                #expect(try store.check().problems == [])
                store.close()
                let again = try copy.open()
                #expect(try await again.texts(account).count == 3)
                #expect(try again.check().problems == [])
                again.close()
            }
        }
    }

    @Test("R1 bytes below the databases' position that are gone are reported, never passed over in silence") func truncatedBelow()
        async throws
    {
        let subject = try await Damageable()
        let copy = try subject.copy(lagging: false) { $0.removeSubrange((subject.borders[2] + 3)...) }
        let store = try copy.open()
        defer { store.close() }
        #expect(!(try store.check().problems.isEmpty))
        let inbox = try await store.openInbox(account).mailbox
        #expect(try await store.text(inbox, UID(rawValue: 2)) == "Delivered-To: x\r\ntwo\r\n")
        await #expect(throws: StoreError.self) { try await store.text(inbox, UID(rawValue: 3)) }
        // New mail must not fall into the place of the lost one.
        _ = try await store.accept(message("after\r\n", to: [PlannedDelivery(account: account)]))
        _ = try await store.openInbox(account)  // waits for the filing, which `reader` does not
        #expect(try await store.text(inbox, UID(rawValue: 4)) == "after\r\n")
        await #expect(throws: StoreError.self) { try await store.text(inbox, UID(rawValue: 3)) }
    }

    @Test func aMailedCopyOfASegmentIsNoRecord() async throws {
        let subject = try await Damageable()
        let copy = try subject.copy(lagging: false) { _ in }
        var store = try copy.open()
        let content = bytes(ofFile: copy.segments[0])
        let evil = AcceptItem(
            body: .memory(ByteBuffer(bytes: content)), envelope: Envelope(sender: nil), receivedAt: 1, trace: TraceID("E"),
            deliveries: [PlannedDelivery(account: AccountID(rawValue: 9))])
        _ = try await store.accept(evil)
        store.close()
        let rebuilt = try Scratch()
        try rebuilt.copy(of: copy, databasesOf: subject.empty)
        store = try rebuilt.open()
        defer { store.close() }
        #expect(try await store.texts(account).count == 3)
        #expect(try await store.openInbox(AccountID(rawValue: 9)).entries.map(\.size) == [UInt32(content.count)])
        #expect(try store.check().problems == [])
    }

    @Test("R10 a newer format is refused, not guessed") func newerFormats() async throws {
        let subject = try await Damageable()
        let newer = try subject.copy(lagging: false) { content in
            content[8] = 9
            // With a right checksum, as a newer version would write it.
            let sum = crc(content[..<124])
            for index in 0..<4 { content[124 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
        }
        #expect { try newer.open() } throws: { error in
            if case .newerFormat = error as? StoreError { true } else { false }
        }
        let other = try subject.copy(lagging: false) { _ in }
        // user_version of the database header.
        overwrite(other.location.mailDatabase, [0, 0, 1, 0], at: 60)
        #expect { try other.open() } throws: { error in
            if case .newerFormat = error as? StoreError { true } else { false }
        }
    }
}

/// CRC-32C, bit by bit: a second opinion.
func crc(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var value: UInt32 = ~0
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }
    return ~value
}
