package import Database
package import NIOCore
package import Search
internal import Synchronization
package import Vocabulary

// Invariants of search indexes:
// 1. Nothing depends on them: whatever is wrong with a file, it is thrown away and begun anew, and searches go without meanwhile.
// 2. What an index answers is a superset of what matches among the messages that it knows; it knows all messages of a mailbox up to a UID.
// 3. Messages never change and UIDs are never given twice, so nothing in an index becomes wrong; what is gone is left out by the caller, who
//    knows what is there.
// 4. A document is a body; copies of a message share it. Pieces of trace lines, which differ, are added for each copy.

/// A message to be taken into an index.
package struct IndexedMessage: Sendable {
    package var uid: UID
    package var blob: BlobID
    /// Trace lines of this delivery.
    package var prefix: ByteBuffer
    /// Text of the body without trace lines; needed only where the index does not know the body yet.
    package var text: SearchText?

    package init(uid: UID, blob: BlobID, prefix: ByteBuffer, text: SearchText?) {
        self.uid = uid
        self.blob = blob
        self.prefix = prefix
        self.text = text
    }
}

/// The index of one account's messages, and their texts, in a file of its own. All calls block; none may come from an event loop.
package final class SearchIndex: Sendable {
    /// Messages that are best added at once: lists of pieces are then few and long.
    package static let bestBatch = 1024
    /// Larger texts are not kept: their message is read again when they are asked for.
    private static let longestKept = 256 << 10
    /// Pieces of one needle that are looked up; the rest would narrow little more.
    private static let mostPieces = 32

    let database: Database
    /// Octets of the file from which on nothing more is taken in.
    let limit: Int64
    /// As it was when it was last looked at.
    let octets = Atomic<Int64>(0)
    /// The one in hand.
    let merge = Mutex<Merge?>(nil)

    // MARK: Opening

    private static let schema = Schema(
        applicationID: 0x504F_5349,
        steps: [
            """
            CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), owner BLOB NOT NULL, version INTEGER NOT NULL);
            CREATE TABLE document(id INTEGER PRIMARY KEY, blob INTEGER NOT NULL UNIQUE, text BLOB);
            CREATE TABLE place(mailbox INTEGER NOT NULL, document INTEGER NOT NULL, uid INTEGER NOT NULL,
                PRIMARY KEY(mailbox, document, uid)) WITHOUT ROWID;
            CREATE TABLE progress(mailbox INTEGER PRIMARY KEY, uid INTEGER NOT NULL);
            CREATE TABLE posting(piece INTEGER NOT NULL, segment INTEGER NOT NULL, documents BLOB NOT NULL,
                PRIMARY KEY(piece, segment)) WITHOUT ROWID;
            CREATE TABLE segment(id INTEGER PRIMARY KEY, documents INTEGER NOT NULL);
            """,
            "ALTER TABLE segment ADD COLUMN pieces BLOB",
        ])
    private static let state = Statement("SELECT owner, version FROM state WHERE id = 1")
    private static let claim = Statement("INSERT INTO state(id, owner, version) VALUES(1, ?1, ?2)")
    private static let greatest = Statement("SELECT max(blob) FROM document")

    /// - Parameters:
    ///   - owner: says which store the file belongs to.
    ///   - next: the store gives bodies this number and greater ones from now on: a file that knows greater ones is of another past.
    /// - Throws: also for a file of another owner or version: it is to be thrown away.
    init(path: String, owner: [UInt8], next: BlobID, limit: Int64) throws(DatabaseError) {
        var options = DatabaseOptions()
        options.readers = 4
        options.writerCacheKiB = 8 << 10
        let database = try Database.open(path, Self.schema, options)
        do throws(DatabaseError) {
            let (known, greatest) = try database.read { db throws(DatabaseError) in
                (try db.row(Self.state) { ($0.bytes(0), $0.int(1)) }, try db.row(Self.greatest) { $0.int(0) } ?? 0)
            }
            if let known {
                guard known.0 == owner, known.1 == Int64(SearchText.version), greatest < next.rawValue else {
                    throw DatabaseError(code: 1, text: "of another store", operation: "open \(path)")
                }
            } else {
                try database.write { db throws(DatabaseError) in try db.run(Self.claim, .blob(owner), .int(SearchText.version)) }
            }
        } catch {
            database.close()
            throw error
        }
        self.database = database
        self.limit = limit
    }

    func close() { self.database.close() }

    // MARK: What it knows

    private static let progress = Statement("SELECT uid FROM progress WHERE mailbox = ?1")
    private static let find = Statement("SELECT id FROM document WHERE blob = ?1")

    /// All messages of the mailbox up to and with this UID are in the index; nil when none is.
    package func progress(of mailbox: MailboxID) throws(DatabaseError) -> UID? {
        try self.database.read { db throws(DatabaseError) in
            try db.row(Self.progress, .int(mailbox.rawValue)) { UID(rawValue: UInt32(clamping: $0.int(0))) }
        }
    }

    /// Those whose text need not be made.
    package func known(_ blobs: [BlobID]) throws(DatabaseError) -> Set<BlobID> {
        try self.database.read { db throws(DatabaseError) in
            var known: Set<BlobID> = []
            for blob in blobs where try db.row(Self.find, .int(blob.rawValue), read: { _ in true }) == true { known.insert(blob) }
            return known
        }
    }

    private static let text = Statement("SELECT text FROM document WHERE blob = ?1")

    /// The text of a body, without trace lines; nil where it is not kept.
    package func text(of blob: BlobID) throws(DatabaseError) -> SearchText? {
        let packed: [UInt8]?? = try self.database.read { db throws(DatabaseError) in
            try db.row(Self.text, .int(blob.rawValue)) { $0.isNull(0) ? nil : $0.bytes(0) }
        }
        guard let packed = packed ?? nil, let plain = Packing.unpacked(packed) else { return nil }
        return SearchText(decoding: ByteBuffer(bytes: plain))
    }

    /// Those of several bodies that are kept, in one look: of so many of them, from the first on, as have about these octets together.
    package func texts(of blobs: [BlobID], octets: Int) throws(DatabaseError) -> (texts: [BlobID: SearchText], covered: Int) {
        var packed: [[UInt8]?] = []
        try self.database.read { db throws(DatabaseError) in
            for blob in blobs {
                let found: [UInt8]?? = try db.row(Self.text, .int(blob.rawValue)) { $0.isNull(0) ? nil : $0.bytes(0) }
                packed.append(found ?? nil)
            }
        }
        var (out, sum): ([BlobID: SearchText], Int) = ([:], 0)
        for (index, bytes) in packed.enumerated() {
            guard sum < octets else { return (out, index) }
            guard let bytes, let plain = Packing.unpacked(bytes) else { continue }
            sum += plain.count
            out[blobs[index]] = SearchText(decoding: ByteBuffer(bytes: plain))
        }
        return (out, packed.count)
    }

    // MARK: Adding

    private static let addDocument = Statement("INSERT INTO document(blob, text) VALUES(?1, ?2)")
    private static let lastDocument = Statement("SELECT max(id) FROM document")
    private static let addPlace = Statement("INSERT OR IGNORE INTO place(mailbox, document, uid) VALUES(?1, ?2, ?3)")
    private static let advance = Statement(
        "INSERT INTO progress(mailbox, uid) VALUES(?1, ?2) ON CONFLICT(mailbox) DO UPDATE SET uid = max(uid, excluded.uid)")
    private static let addSegment = Statement("INSERT INTO segment(documents, pieces) VALUES(?1, ?2)")
    private static let lastSegment = Statement("SELECT max(id) FROM segment")
    private static let addPosting = Statement("INSERT INTO posting(piece, segment, documents) VALUES(?1, ?2, ?3)")

    /// Takes in messages of a mailbox: all that are there between its progress and `end`, or this index will never find those left out.
    ///
    /// - Parameter end: the mailbox's progress from now on.
    package func add(_ messages: [IndexedMessage], to mailbox: MailboxID, through end: UID) throws(DatabaseError) {
        // What takes time is made before the file is locked.
        let packed = messages.map { message in message.text.flatMap { $0.size <= Self.longestKept ? Packing.packed($0.encoded) : nil } }
        let pieces = messages.map { ($0.text ?? SearchText()).adding(prefix: $0.prefix).pieces }
        try self.change { db throws(DatabaseError) in
            var postings: [Posting] = []
            for (index, message) in messages.enumerated() {
                let document = try self.document(message, packed[index], db)
                try db.run(Self.addPlace, .int(mailbox.rawValue), .int(document), .int(message.uid.rawValue))
                for piece in pieces[index] { postings.append(Posting(piece: piece.rawValue, document: document)) }
            }
            try self.write(&postings, messages.count, db)
            try db.run(Self.advance, .int(mailbox.rawValue), .int(end.rawValue))
        }
    }

    private func document(_ message: IndexedMessage, _ packed: [UInt8]?, _ db: Connection) throws(DatabaseError) -> Int64 {
        if let known = try db.row(Self.find, .int(message.blob.rawValue), read: { $0.int(0) }) { return known }
        try db.run(Self.addDocument, .int(message.blob.rawValue), packed.map { .blob($0) } ?? .null)
        return try db.row(Self.lastDocument) { $0.int(0) } ?? 0
    }

    private func write(_ postings: inout [Posting], _ count: Int, _ db: Connection) throws(DatabaseError) {
        guard !postings.isEmpty else { return }
        postings.sort()
        var pieces: [UInt64] = []
        for posting in postings where pieces.last != posting.piece { pieces.append(posting.piece) }
        try db.run(Self.addSegment, .int(count), .blob(PieceList.encoded(pieces)))
        let segment = try db.row(Self.lastSegment) { $0.int(0) } ?? 0
        let insert = try db.prepare(Self.addPosting)
        var start = 0
        while start < postings.count {
            let piece = postings[start].piece
            var end = start
            while end < postings.count, postings[end].piece == piece { end += 1 }
            let list = DocumentList.encoded(postings[start..<end].map(\.document))
            try insert.bind(1, Int64(bitPattern: piece))
            try insert.bind(2, segment)
            try insert.bind(3, .blob(list))
            try insert.finish()
            start = end
        }
    }

    func change(_ body: (Connection) throws(DatabaseError) -> Void) throws(DatabaseError) {
        try self.database.withWriter { db throws(DatabaseError) in
            try db.set(.repeatable)
            try db.transaction { () throws(DatabaseError) in try body(db) }
        }
    }

    // MARK: Asking

    private static let posting = Statement("SELECT documents FROM posting WHERE piece = ?1 ORDER BY segment")
    private static let placesOfDocument = Statement("SELECT uid FROM place WHERE mailbox = ?1 AND document = ?2")
    private static let placesOfMailbox = Statement("SELECT document, uid FROM place WHERE mailbox = ?1")
    /// Documents from which on a mailbox's places are read from front to back.
    private static let fewDocuments = 5000

    /// Of the messages that it knows of a mailbox those that can match: each must still be asked itself. Messages behind `progress` are not
    /// among them.
    package func candidates(_ narrowing: SearchNarrowing, in mailbox: MailboxID) throws(DatabaseError) -> UIDSet {
        try self.database.read { db throws(DatabaseError) in
            let documents = try self.documents(narrowing, db)
            var uids: [UInt32] = []
            if documents.count < Self.fewDocuments {
                for document in documents {
                    uids += try db.rows(Self.placesOfDocument, .int(mailbox.rawValue), .int(document)) { UInt32(clamping: $0.int(0)) }
                }
            } else {
                // Both ascend.
                var at = 0
                try db.each(Self.placesOfMailbox, .int(mailbox.rawValue)) { row throws(DatabaseError) in
                    let document = row.int(0)
                    while at < documents.count, documents[at] < document { at += 1 }
                    if at < documents.count, documents[at] == document { uids.append(UInt32(clamping: row.int(1))) }
                    return at < documents.count
                }
            }
            return UIDSet(ascending: uids.sorted())
        }
    }

    /// Ascending. Depth is that of the search program, which its parser bounds.
    private func documents(_ narrowing: SearchNarrowing, _ db: Connection) throws(DatabaseError) -> [Int64] {
        switch narrowing {
        case .pieces(let pieces):
            var lists: [[Int64]] = []
            for piece in pieces.prefix(Self.mostPieces) {
                let list = try self.list(piece, db)
                if list.isEmpty { return [] }
                lists.append(list)
            }
            return DocumentList.intersection(lists)
        case .and(let parts):
            var lists: [[Int64]] = []
            for part in parts { lists.append(try self.documents(part, db)) }
            return DocumentList.intersection(lists)
        case .or(let parts):
            var lists: [[Int64]] = []
            for part in parts { lists.append(try self.documents(part, db)) }
            return DocumentList.union(lists)
        }
    }

    private func list(_ piece: SearchPiece, _ db: Connection) throws(DatabaseError) -> [Int64] {
        var lists: [[Int64]] = []
        try db.each(Self.posting, .int(Int64(bitPattern: piece.rawValue))) { row throws(DatabaseError) in
            lists.append(row.withBytes(0) { DocumentList.decoded($0) })
            return true
        }
        return DocumentList.union(lists)
    }
}

/// One piece in one document.
private struct Posting: Comparable {
    var piece: UInt64
    var document: Int64

    static func < (a: Self, b: Self) -> Bool { a.piece != b.piece ? a.piece < b.piece : a.document < b.document }
}
