internal import Database
internal import Vocabulary

extension MessageStore {
    /// Large bodies that no record of the log names were never promised: a crash came before.
    func removeUnadopted() {
        do throws(StoreError) {
            for number in try self.parts.directory.numbers() {
                let isKnown = try StoreError.wrap { () throws(DatabaseError) in
                    try self.parts.mail.read { db throws(DatabaseError) in
                        try db.row(Self.knowsSegment, .int(number)) { _ in true } ?? false
                    }
                }
                guard !isKnown, let handle = try? self.parts.directory.handle(number), handle.header.kind == .large else { continue }
                let isQueued = try StoreError.wrap { () throws(DatabaseError) in
                    try self.parts.accept.read { db throws(DatabaseError) in
                        try db.row(AcceptSQL.usesSegment, .int(number)) { _ in true } ?? false
                    }
                }
                guard !isQueued else { continue }
                try StoreError.wrap { () throws(IOFailure) in try self.parts.files.unlink(handle.path) }
            }
        } catch {
            self.options.events.record(TrailEvent(.store, "clean-up-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
        }
    }

    private static let knowsSegment = Statement("SELECT 1 FROM segment WHERE number = ?1")

    /// Looks at every byte and number of the open store. Blocks for minutes on a large one; mail goes on meanwhile. One at a time.
    package func check(progress: @escaping (Progress) -> Void = { _ in }) throws(StoreError) -> CheckReport {
        self.parts.watch.begin()
        defer { self.parts.watch.end() }
        // What was accepted before is filed before: from here on everything that moves is watched.
        self.parts.folder.waitUntilFiled()
        var checker = StoreChecker(
            mail: self.parts.mail, accept: self.parts.accept, directory: self.parts.directory, location: self.location,
            watch: self.parts.watch,
            active: try self.parts.directory.numbers().last { self.isLog($0) }, sequence: self.parts.identifiers.peek(), progress: progress)
        return try checker.run()
    }

    private func isLog(_ number: UInt32) -> Bool { (try? self.parts.directory.handle(number))?.header.kind == .log }
}
