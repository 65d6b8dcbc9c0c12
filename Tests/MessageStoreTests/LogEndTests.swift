import Glibc
import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

/// Reading of the log behind what is filed, whatever became of the bytes there: a fuzzer of the scanner on real files. `POSTOFFICE_SEED` repeats a
/// run, `POSTOFFICE_FAULT_ROUNDS` makes it longer.
@Suite struct LogEndTests {
    private static let account = AccountID(rawValue: 7)

    private static func number(_ variable: String) -> UInt64? { getenv(variable).flatMap { UInt64(String(cString: $0)) } }

    /// A log of eight messages; its older databases know the first two.
    private struct Log {
        var older: Scratch
        var texts: [String] = []
        /// Where each record ends.
        var borders: [Int] = []
        var content: [UInt8] = []

        init(_ random: inout SeededGenerator) async throws {
            let scratch = try Scratch()
            self.older = scratch
            var store = try scratch.open { $0.zerosAhead = 0 }
            defer { store.close() }
            for number in 0..<8 {
                let length = [0, 3, 500, 5000, 20_000].randomElement(using: &random) ?? 0
                // Bodies of zeros look like room for records.
                let filling = Bool.random(using: &random) ? "\0" : "x"
                self.texts.append("\(number) " + String(repeating: filling, count: length) + "\r\n")
                _ = try await store.accept(message(self.texts[number], to: [PlannedDelivery(account: LogEndTests.account)]))
                self.borders.append(bytes(ofFile: scratch.segments[0]).count)
                guard number == 1 else { continue }
                _ = try await store.openInbox(LogEndTests.account)
                store.close()
                self.older = try scratch.image()
                store = try scratch.open { $0.zerosAhead = 0 }
            }
            _ = try await store.openInbox(LogEndTests.account)
            store.close()
            self.content = bytes(ofFile: scratch.segments[0])
        }

        /// Messages from the third on of which no byte lies in `range`.
        func untouched(by range: Range<Int>) -> Set<String> {
            Set((2..<8).filter { self.borders[$0] <= range.lowerBound || self.borders[$0 - 1] >= range.upperBound }.map { self.texts[$0] })
        }
    }

    /// What a crash or a bad disk makes of the bytes behind the second message. Answers where it was at work.
    private static func damage(_ content: inout [UInt8], from: Int, _ random: inout SeededGenerator) -> Range<Int> {
        let start = Int.random(in: from...content.count, using: &random)
        let end = min(content.count, start + ([1, 40, 512, 4096, 60_000].randomElement(using: &random) ?? 1))
        let range = start..<end
        switch Int.random(in: 0..<6, using: &random) {
        case 0: content.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
        case 1: for index in range { content[index] = UInt8.random(in: 0...255, using: &random) }
        case 2: for index in range { content[index] = content[index - from + 128] }
        case 3: if start < end { content[start] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        default:
            content.removeSubrange(start...)
            // Cut off, and zeros behind it or not.
            return start..<Int.max
        }
        return range
    }

    @Test("R1 R12 whatever lies behind the last filed record, what is whole there is filed, nothing is invented, and the log goes on")
    func anyEnd()
        async throws
    {
        let seed = Self.number("POSTOFFICE_SEED") ?? UInt64.random(in: 1..<1 << 32)
        var random = SeededGenerator(seed: seed)
        for round in 0..<(Self.number("POSTOFFICE_FAULT_ROUNDS") ?? 1) * 6 {
            let log = try await Log(&random)
            for variant in 0..<10 {
                let what: Comment = "POSTOFFICE_SEED=\(seed), round \(round), variant \(variant)"
                var content = log.content
                let range = Self.damage(&content, from: log.borders[1], &random)
                content += [UInt8](repeating: 0, count: [0, 0, 1, 9000, 524_288].randomElement(using: &random) ?? 0)
                let crashed = try log.older.image()
                overwrite(crashed.segments[0], content, truncating: true)
                try await self.judge(crashed, log, range, what)
            }
        }
    }

    private func judge(_ crashed: Scratch, _ log: Log, _ range: Range<Int>, _ what: Comment) async throws {
        var store = try crashed.open()
        let found = try await store.texts(Self.account)
        #expect(Array(found.prefix(2)) == Array(log.texts.prefix(2)), what)
        #expect(found == log.texts.filter { Set(found).contains($0) }, what)
        #expect(log.untouched(by: range).isSubset(of: found), what)
        _ = try await store.accept(message("after\r\n", to: [PlannedDelivery(account: Self.account)]))
        #expect(try await store.texts(Self.account) == found + ["after\r\n"], what)
        #expect(try store.check().problems == [], what)
        let killed = try crashed.image()
        store.close()
        for scratch in [crashed, killed] {
            store = try scratch.open()
            #expect(try await store.texts(Self.account) == found + ["after\r\n"], what)
            #expect(try store.check().problems == [], what)
            store.close()
        }
    }
}
