package import Database

// Every batch of messages is a segment: a row for each piece in it. Who looks for a piece reads a row of each segment, so that many small ones
// are made into few large ones, some hundred pieces in a transaction. Readers join whatever rows a piece has, so that it does not matter to them how
// far a merge has come; nor after a crash, where it is begun again: rows that were joined before are one already.
extension SearchIndex {
    struct Merge: Sendable {
        var segments: [Segment]
        var pieces: [UInt64]
        var done = 0
    }

    struct Segment: Sendable {
        var id: Int64
        var documents: Int64
    }

    /// Segments of fewer documents are of a class; so many of one class, or smaller, side by side become one.
    private static let classes: [(documents: Int64, most: Int)] = [(1 << 10, 8), (1 << 14, 16), (1 << 18, 16), (.max, 64)]
    /// Pieces of one transaction.
    private static let slice = 500

    private static let allSegments = Statement("SELECT id, documents FROM segment ORDER BY id")
    private static let piecesOfSegment = Statement("SELECT pieces FROM segment WHERE id = ?1")
    private static let somePieces = Statement("SELECT piece FROM posting WHERE segment = ?1")
    private static let readPosting = Statement(
        "SELECT documents FROM posting WHERE piece = ?1 AND segment BETWEEN ?2 AND ?3 ORDER BY segment")
    private static let dropPostings = Statement("DELETE FROM posting WHERE piece = ?1 AND segment BETWEEN ?2 AND ?3")
    private static let writePosting = Statement("INSERT INTO posting(piece, segment, documents) VALUES(?1, ?2, ?3)")
    private static let dropSegments = Statement("DELETE FROM segment WHERE id > ?1 AND id <= ?2")
    private static let writeSegment = Statement("UPDATE segment SET documents = ?2, pieces = ?3 WHERE id = ?1")
    private static let pages = Statement("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
    private static let countDocuments = Statement("SELECT count(*) FROM document")

    /// A step of what keeps the index small and quick. To be called by the one thread that adds.
    /// - Returns: true when there is more to do.
    package func tidy() throws(DatabaseError) -> Bool {
        let size = try self.database.read { db throws(DatabaseError) in try db.row(Self.pages) { $0.int(0) } ?? 0 }
        self.octets.store(size, ordering: .relaxed)
        var inHand = self.merge.withLock { $0 }
        if inHand == nil { inHand = try self.nextMerge() }
        guard var merge = inHand else { return false }
        try self.step(&merge)
        let isOver = merge.done >= merge.pieces.count
        self.merge.withLock { [merge] in $0 = isOver ? nil : merge }
        return true
    }

    /// The file is as large as it may be: nothing more is taken in.
    package var isFull: Bool { self.octets.load(ordering: .relaxed) >= self.limit }

    /// Bodies that are known, those that are gone included.
    package func documents() throws(DatabaseError) -> Int64 {
        try self.database.read { db throws(DatabaseError) in try db.row(Self.countDocuments) { $0.int(0) } ?? 0 }
    }

    /// Segments there are; for tests.
    package func segments() throws(DatabaseError) -> [Int64] {
        try self.database.read { db throws(DatabaseError) in try db.rows(Self.allSegments) { $0.int(1) } }
    }

    private func nextMerge() throws(DatabaseError) -> Merge? {
        let segments = try self.database.read { db throws(DatabaseError) in
            try db.rows(Self.allSegments) { Segment(id: $0.int(0), documents: $0.int(1)) }
        }
        guard let chosen = Self.choice(segments) else { return nil }
        var lists: [[UInt64]] = []
        for segment in chosen { lists.append(try self.pieces(of: segment.id)) }
        return Merge(segments: chosen, pieces: PieceList.union(lists))
    }

    /// The oldest run of enough segments of one class.
    static func choice(_ segments: [Segment]) -> [Segment]? {
        for (documents, most) in Self.classes {
            var run: [Segment] = []
            for segment in segments {
                if segment.documents < documents { run.append(segment) } else { run = [] }
                if run.count == most { return run }
            }
        }
        return nil
    }

    /// Segments of an older version do not say which pieces they have.
    private func pieces(of segment: Int64) throws(DatabaseError) -> [UInt64] {
        try self.database.read { db throws(DatabaseError) in
            let kept = try db.row(Self.piecesOfSegment, .int(segment)) { row in
                row.isNull(0) ? nil : row.withBytes(0) { PieceList.decoded($0) }
            }
            if let kept = kept ?? nil { return kept }
            return try db.rows(Self.somePieces, .int(segment)) { UInt64(bitPattern: $0.int(0)) }
        }
    }

    private func step(_ merge: inout Merge) throws(DatabaseError) {
        guard let first = merge.segments.first, let last = merge.segments.last else { return }
        let end = min(merge.done + Self.slice, merge.pieces.count)
        let (some, isLast) = (merge.pieces[merge.done..<end], end == merge.pieces.count)
        let sum = merge.segments.reduce(0) { $0 + $1.documents }
        let all = isLast ? PieceList.encoded(merge.pieces) : []
        try self.change { db throws(DatabaseError) in
            for piece in some { try self.join(Int64(bitPattern: piece), first.id, last.id, db) }
            guard isLast else { return }
            try db.run(Self.writeSegment, .int(first.id), .int(sum), .blob(all))
            try db.run(Self.dropSegments, .int(first.id), .int(last.id))
        }
        merge.done = end
    }

    /// The rows of a piece become one, of the first segment.
    private func join(_ piece: Int64, _ first: Int64, _ last: Int64, _ db: Connection) throws(DatabaseError) {
        let lists = try db.rows(Self.readPosting, .int(piece), .int(first), .int(last)) { row in
            row.withBytes(0) { DocumentList.decoded($0) }
        }
        guard !lists.isEmpty else { return }
        try db.run(Self.dropPostings, .int(piece), .int(first), .int(last))
        try db.run(Self.writePosting, .int(piece), .int(first), .blob(DocumentList.encoded(DocumentList.union(lists))))
    }
}
