import MIME
import NIOCore
import Search
import SearchIndex
import Testing
import Vocabulary

/// Many small segments become few; nobody who asks can tell when.
@Suite struct MergingTests {
    private static let words = ["alpha", "bravo", "会議", "charlie", "delta", "echo", "請求書", "foxtrot"]

    private func keys() -> [SearchKey] {
        Self.words.map { .body($0) } + [.and([.body("alpha"), .body("会議")]), .or(.body("echo"), .body("delta"))]
    }

    private func candidates(_ index: SearchIndex) throws -> [[UInt32]] {
        try self.keys().map { try SearchIndexTests.candidates(index, $0) }
    }

    private func fill(_ index: SearchIndex, _ numbers: ClosedRange<UInt32>) throws {
        for number in numbers {
            let body = (0..<3).map { Self.words[(Int(number) * 7 + $0 * $0 * 3) % Self.words.count] }.joined(separator: " ")
            try index.add(
                [SearchIndexTests.message(number, Int64(number), body)], to: SearchIndexTests.inbox, through: UID(rawValue: number))
        }
    }

    @Test("merging changes no answer, at no step, and begins again after the file was closed in its midst")
    func sameAnswers() throws {
        let folder = IndexFolder()
        let account = AccountID(rawValue: 1)
        var index = try #require(folder.indexes.index(of: account))
        try self.fill(index, 1...60)
        #expect(try index.segments().count == 60)
        let before = try self.candidates(index)
        #expect(before.contains { !$0.isEmpty })
        var steps = 0
        while try index.tidy() {
            steps += 1
            #expect(try self.candidates(index) == before)
            if steps == 2 {
                folder.reopen()
                index = try #require(folder.indexes.index(of: account))
                // Added in the midst of it.
                try self.fill(index, 61...61)
                break
            }
        }
        let all = try self.candidates(index)
        while try index.tidy() {
            steps += 1
            try #require(steps < 1000)
            #expect(try self.candidates(index) == all)
        }
        let segments = try index.segments()
        #expect(segments.count < 8, "\(segments)")
        #expect(segments.reduce(0, +) == 61)
        folder.reopen()
        #expect(try self.candidates(#require(folder.indexes.index(of: account))) == all)
        #expect(try #require(folder.indexes.index(of: account)).documents() == 61)
        #expect(folder.indexes.accounts() == [account])
    }

    @Test("a body that is seen again with other trace lines is found after a merge")
    func copies() throws {
        let folder = IndexFolder()
        let index = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        try self.fill(index, 1...5)
        try index.add(
            [SearchIndexTests.message(6, 2, nil, prefix: "Received: from zulu\r\n")], to: SearchIndexTests.inbox, through: UID(rawValue: 6))
        try self.fill(index, 7...20)
        let zulu = try SearchIndexTests.candidates(index, .text("zulu"))
        #expect(zulu.contains(6))
        while try index.tidy() {}
        #expect(try SearchIndexTests.candidates(index, .text("zulu")) == zulu)
    }

    @Test("a file that is as large as it may be says so")
    func limit() throws {
        let folder = IndexFolder(limit: 1 << 16)
        let index = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        #expect(!index.isFull)
        try self.fill(index, 1...200)
        while try index.tidy() {}
        #expect(index.isFull)
        #expect(try !SearchIndexTests.candidates(index, .body("alpha")).isEmpty)
    }
}
