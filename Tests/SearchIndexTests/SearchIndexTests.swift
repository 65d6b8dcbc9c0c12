import Glibc
import MIME
import NIOCore
import Search
import SearchIndex
import Testing
import Vocabulary

/// A folder of its own that is gone afterwards, and indexes in it.
final class IndexFolder {
    let path: String
    private(set) var indexes: SearchIndexes
    private let limit: Int64

    init(owner: [UInt8] = [1], next: Int64 = .max, limit: Int64 = 4 << 30) {
        var template = Array("/tmp/po-index-XXXXXX".utf8CString)
        self.path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/po-index"
        self.limit = limit
        self.indexes = Self.open(self.path, owner, next, limit)
    }

    deinit {
        self.indexes.close()
        for folder in 0..<100 {
            let name = "\(self.path)/\(folder < 10 ? "0" : "")\(folder)"
            for account in 1...3 { for suffix in ["", "-wal", "-shm"] { unlink("\(name)/\(account).db\(suffix)") } }
            rmdir(name)
        }
        rmdir(self.path)
    }

    func reopen(owner: [UInt8] = [1], next: Int64 = .max) {
        self.indexes.close()
        self.indexes = Self.open(self.path, owner, next, self.limit)
    }

    private static func open(_ path: String, _ owner: [UInt8], _ next: Int64, _ limit: Int64) -> SearchIndexes {
        SearchIndexes(directory: path, owner: owner, next: { BlobID(rawValue: next) }, limit: limit, note: { _ in })
    }
}

@Suite("Search index")
struct SearchIndexTests {
    static let inbox = MailboxID(rawValue: 7)
    static let archive = MailboxID(rawValue: 8)
    static let context = SearchContext(now: 0) { _ in nil }

    static func text(_ body: String) -> SearchText {
        let blob = ByteBuffer(string: "Content-Type: text/plain; charset=utf-8\r\nSubject: mail\r\n\r\n\(body)\r\n")
        return SearchText.make(prefix: ByteBuffer(), parts: MessageSummaryBuilder.summary(of: blob).parts) { range throws(Never) in
            blob.getSlice(at: Int(range.lowerBound), length: range.count) ?? ByteBuffer()
        }
    }

    static func message(_ uid: UInt32, _ blob: Int64, _ body: String?, prefix: String = "") -> IndexedMessage {
        IndexedMessage(
            uid: UID(rawValue: uid), blob: BlobID(rawValue: blob), prefix: ByteBuffer(string: prefix), text: body.map { self.text($0) })
    }

    static func candidates(_ index: SearchIndex, _ key: SearchKey, in mailbox: MailboxID = inbox) throws -> [UInt32] {
        let narrowing = try #require(SearchPlan(SearchProgram(key), self.context)?.narrowing)
        return try index.candidates(narrowing, in: mailbox).map(\.rawValue)
    }

    @Test("messages are found by their pieces, in their mailbox, over several batches")
    func finding() throws {
        let folder = IndexFolder()
        let index = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        #expect(try index.progress(of: Self.inbox) == nil)
        try index.add([Self.message(1, 11, "invoice 会議の件"), Self.message(3, 12, "report")], to: Self.inbox, through: UID(rawValue: 3))
        try index.add([Self.message(4, 13, "an invoice again")], to: Self.inbox, through: UID(rawValue: 9))
        try index.add([Self.message(1, 14, "invoice elsewhere")], to: Self.archive, through: UID(rawValue: 1))
        #expect(try index.progress(of: Self.inbox) == UID(rawValue: 9))
        #expect(try Self.candidates(index, .body("invoice")) == [1, 4])
        #expect(try Self.candidates(index, .body("会議")) == [1])
        #expect(try Self.candidates(index, .body("nothing")) == [])
        #expect(try Self.candidates(index, .body("invoice"), in: Self.archive) == [1])
        #expect(try Self.candidates(index, .and([.body("invoice"), .body("again")])) == [4])
        #expect(try Self.candidates(index, .or(.body("report"), .body("again"))) == [3, 4])
        #expect(try index.known([11, 12, 99].map { BlobID(rawValue: $0) }) == [BlobID(rawValue: 11), BlobID(rawValue: 12)])
    }

    @Test("a copy shares the text of its body, and has its own trace lines")
    func copies() throws {
        let folder = IndexFolder()
        let index = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        try index.add([Self.message(1, 11, "invoice", prefix: "Received: from alpha\r\n")], to: Self.inbox, through: UID(rawValue: 1))
        try index.add([Self.message(5, 11, nil, prefix: "Received: from omega\r\n")], to: Self.inbox, through: UID(rawValue: 5))
        #expect(try Self.candidates(index, .body("invoice")) == [1, 5])
        // A superset: bodies are documents.
        #expect(try Self.candidates(index, .text("omega")).contains(5))
        #expect(try Self.candidates(index, .text("alpha")).contains(1))
        #expect(try index.text(of: BlobID(rawValue: 11)) == Self.text("invoice"))
        #expect(try index.text(of: BlobID(rawValue: 12)) == nil)
    }

    @Test("what was added is there after the file was closed; another store, another past, and damage begin anew")
    func files() throws {
        let folder = IndexFolder()
        let account = AccountID(rawValue: 2)
        func add() throws {
            try #require(folder.indexes.index(of: account)).add([Self.message(1, 11, "invoice")], to: Self.inbox, through: UID(rawValue: 1))
        }
        func progress() throws -> UID? { try #require(folder.indexes.index(of: account)).progress(of: Self.inbox) }
        try add()
        folder.reopen()
        #expect(try progress() == UID(rawValue: 1))
        folder.reopen(owner: [2])
        #expect(try progress() == nil)
        try add()
        folder.reopen(owner: [2], next: 11)
        #expect(try progress() == nil)
        folder.indexes.close()
        let file = try #require(fopen("\(folder.path)/02/2.db", "w"))
        fputs("no database", file)
        fclose(file)
        folder.reopen()
        #expect(try progress() == nil)
        try add()
        folder.indexes.remove(account)
        #expect(try progress() == nil)
    }

    @Test("many accounts: the least used are closed, and open again when they are asked")
    func manyAccounts() throws {
        let folder = IndexFolder()
        let first = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        try first.add([Self.message(1, 11, "invoice")], to: Self.inbox, through: UID(rawValue: 1))
        for account in Int64(100)..<140 { #expect(folder.indexes.index(of: AccountID(rawValue: account)) != nil) }
        #expect(throws: (any Error).self) { try first.progress(of: Self.inbox) }
        #expect(try folder.indexes.index(of: AccountID(rawValue: 1))?.progress(of: Self.inbox) == UID(rawValue: 1))
        for account in Int64(100)..<140 { folder.indexes.remove(AccountID(rawValue: account)) }
    }

    @Test("answers with and without the index are the same, in random text and mailboxes")
    func sameAnswers() throws {
        let folder = IndexFolder()
        let index = try #require(folder.indexes.index(of: AccountID(rawValue: 1)))
        var random = SystemRandomNumberGenerator()
        let letters = Array("abcＡｶﾞが会議日本 x".unicodeScalars)
        func text(_ length: Int) -> String {
            String(String.UnicodeScalarView((0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }))
        }
        var bodies: [UInt32: SearchText] = [:]
        var uid: UInt32 = 0
        for _ in 0..<5 {
            var batch: [IndexedMessage] = []
            for _ in 0..<60 {
                uid += UInt32.random(in: 1...3)
                let body = text(Int.random(in: 1...40))
                bodies[uid] = Self.text(body)
                batch.append(Self.message(uid, Int64(uid), body))
            }
            try index.add(batch, to: Self.inbox, through: UID(rawValue: uid))
        }
        var found = 0
        let summary = MessageSummaryBuilder.summary(of: ByteBuffer(string: "Subject: mail\r\n\r\n"))
        for _ in 0..<300 {
            let key = SearchKey.or(.body(text(Int.random(in: 2...4))), .and([.text(text(3)), .body(text(2))]))
            let plan = try #require(SearchPlan(SearchProgram(key), Self.context))
            guard let narrowing = plan.narrowing else { continue }
            let candidates = try index.candidates(narrowing, in: Self.inbox)
            for (uid, text) in bodies {
                let facts = SearchFacts(uid: UID(rawValue: uid), flags: [], size: 1, internalDate: 0)
                guard plan.decide(facts, summary, text) == .yes else { continue }
                found += 1
                #expect(candidates.contains(UID(rawValue: uid)), "\(key)")
            }
        }
        #expect(found > 0)
    }
}
