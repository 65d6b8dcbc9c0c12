internal import Database
internal import Glibc
internal import Vocabulary

extension MessageStore {
    /// Large bodies that no record of the log names were never promised: a crash came before, perhaps so early that not even the header
    /// was on stable storage.
    func removeUnadopted() {
        do throws(StoreError) {
            for number in try self.parts.directory.numbers() {
                guard let header = self.readableHeader(number), header.kind == .large else { continue }
                guard try !self.isReferred(to: number) else { continue }
                let path = self.parts.directory.path(of: number)
                try StoreError.wrap { () throws(IOFailure) in try self.parts.files.unlink(path) }
            }
        } catch {
            self.options.events.record(TrailEvent(.store, "clean-up-failed", trace: nil, [("reason", error.description)]), switchedBy: nil)
        }
    }

    /// nil when it cannot be read; a damaged one is set aside when nothing refers to its segment.
    private func readableHeader(_ number: UInt32) -> SegmentHeader? {
        do throws(StoreError) {
            return try self.parts.directory.handle(number).header
        } catch {
            if case .damaged = error { self.setAside([number]) }
            return nil
        }
    }

    /// A segment whose header cannot be read and to which no row refers is what a crash left of one that was just begun: the header is
    /// synced before anything is promised about a segment. It is kept under another name, in case the disk is to blame after all.
    func setAside(_ unreadable: [UInt32]) {
        for number in unreadable {
            let path = self.parts.directory.path(of: number)
            guard let isReferred = try? self.isReferred(to: number), !isReferred else { continue }
            let outcome = rename(path, path + ".unfinished") == 0 ? "renamed" : String(cString: strerror(errno))
            self.options.events.record(
                TrailEvent(.store, "segment-set-aside", trace: nil, [("path", path), ("outcome", outcome)]), switchedBy: nil)
        }
    }

    private func isReferred(to number: UInt32) throws(StoreError) -> Bool {
        let isKnown = try StoreError.wrap { () throws(DatabaseError) in
            try self.parts.mail.read { db throws(DatabaseError) in try db.row(Self.knowsSegment, .int(number)) { _ in true } ?? false }
        }
        if isKnown { return true }
        return try StoreError.wrap { () throws(DatabaseError) in
            try self.parts.accept.read { db throws(DatabaseError) in
                try db.row(AcceptSQL.usesSegment, .int(number)) { _ in true } ?? false
            }
        }
    }

    private static let knowsSegment = Statement("SELECT 1 FROM segment WHERE number = ?1")

    /// Looks at every byte and number of the open store. Blocks for minutes on a large one; mail goes on meanwhile. One at a time.
    package func check(progress: @escaping (Progress) -> Void = { _ in }) throws(StoreError) -> CheckReport {
        self.parts.watch.begin()
        defer { self.parts.watch.end() }
        // A transaction that was under way has noted nothing, and would commit between two numbers that belong together.
        try StoreError.wrap { () throws(DatabaseError) in try self.parts.mail.withWriter { _ in } }
        // What was accepted or promised before is in its rows before: from here on everything that moves is watched.
        self.parts.folder.waitUntilFiled()
        _ = self.parts.folder.waitUntilWritten()
        // 0 where there is none yet: the first one may appear, and be written to, while we look.
        let active = try self.parts.directory.numbers().last { self.isLog($0) } ?? 0
        var checker = StoreChecker(
            mail: self.parts.mail, accept: self.parts.accept, directory: self.parts.directory, location: self.location,
            watch: self.parts.watch,
            active: active, sequence: self.parts.identifiers.peek(), progress: progress)
        return try checker.run()
    }

    private func isLog(_ number: UInt32) -> Bool { (try? self.parts.directory.handle(number))?.header.kind == .log }
}
