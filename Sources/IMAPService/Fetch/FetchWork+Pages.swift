internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Vocabulary

// What a FETCH reads of the mailbox before it looks at messages: rows page by page, or flags alone.
extension FetchWork {
    func prepare(_ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
        if let among = self.request.vanishedAmong, let since = self.request.changedSince {
            // What this session still counts is told when its numbers may change.
            let gone = try self.backend.vanished(among, since: since, in: self.selection).subtracting(self.request.view)
            if !gone.isEmpty {
                out.writeStaticString("* VANISHED (EARLIER) ")
                out.writeIMAPSet(gone)
                out.writeStaticString("\r\n")
            }
        }
        guard let since = self.request.changedSince else {
            progress.flags = try FlagPages(self.request, progress.uids, self.selection.mailbox)
            return
        }
        let changed = try self.backend.reads.changed(in: self.selection.id, since: since)
        progress.uids = progress.uids.intersection(UIDSet(ascending: changed.lazy.map(\.uid.rawValue)))
        guard let window = self.request.partial else { return }
        progress.uids = progress.uids.slice(window.places(of: progress.uids.count))
    }

    private func rows(_ uids: UIDSet, from first: UID) throws(StoreError) -> [MessageRow] {
        let isAll = uids.count == self.request.view.count
        return try self.selection.mailbox.rows(uids, from: first, limit: self.pageSize, isAll: isAll)
    }

    private static func following(_ rows: [MessageRow], full: Int) -> UID? {
        guard rows.count >= full, let last = rows.last, last.uid.rawValue < UInt32.max else { return nil }
        return UID(rawValue: last.uid.rawValue + 1)
    }

    /// Messages are marked as seen before they are given out. Who goes away meanwhile has seen nearly all of these.
    private static func some(of rows: [MessageRow]) -> [MessageRow] {
        var octets: Int64 = 0
        var count = 0
        for row in rows {
            octets += row.size
            if count > 0, octets > Self.octetsMarked { break }
            count += 1
        }
        return Array(rows[..<count])
    }

    private static let octetsMarked: Int64 = 256 << 10

    func readPage(_ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
        guard let first = progress.next else { return }
        let page = try self.rows(progress.uids, from: first)
        let rows = self.marksSeen ? Self.some(of: page) : page
        progress.next = Self.following(rows, full: rows.count < page.count ? rows.count : self.pageSize)
        progress.rows = rows
        progress.at = 0
        if let newest = rows.lazy.map(\.modSeq).max() { self.selection.mailbox.noteRead(newest) }
        self.writeGone(first, progress, &out)
        progress.seenNow = []
        let flags = progress.rows.reduce(into: Flags()) { $0.formUnion($1.flags) }
        progress.messages.keywords = Keywords.list(try self.selection.mailbox.keywords(covering: flags))
        try progress.messages.page(progress.rows)
    }

    /// Messages that others have removed, of which this session was not told yet: still in its view, they have a UID and no more. A client that is
    /// told of removals by UID must be able to learn it. [RFC7162-3.2.10]
    private func writeGone(_ first: UID, _ progress: Progress, _ out: inout ByteBuffer) {
        guard self.request.changedSince == nil else { return }
        let end = progress.next.map { $0.rawValue - 1 } ?? UInt32.max
        guard first.rawValue <= end else { return }
        let wanted = progress.uids.intersection(self.request.view).intersection(UIDSet(first.rawValue...end))
        guard wanted.count > progress.rows.count else { return }
        self.writeGone(wanted.subtracting(UIDSet(ascending: progress.rows.lazy.map(\.uid.rawValue))), &out)
    }

    func writeGone(_ gone: UIDSet, _ out: inout ByteBuffer) {
        guard self.request.items.contains(.uid), !self.request.mode.isUIDOnly, gone.count <= Self.mostGone else { return }
        for uid in gone {
            guard let place = self.request.view.index(of: uid) else { continue }
            out.beginFetch(uid, place: place, mode: self.request.mode)
            out.writeFetchUID(uid)
            out.endFetch()
        }
    }

    private static let mostGone = 2000

    /// Who reads a body has seen the message. True when the store is asked: it goes on with its answer. [RFC9051-6.4.5]
    func markSeen(_ progress: Progress, _ out: ByteBuffer, _ answer: SessionAnswer<IMAPOutcome>) -> Bool {
        let unseen = UIDSet(ascending: progress.rows.lazy.filter { !$0.flags.contains(.seen) }.map(\.uid.rawValue))
        guard !unseen.isEmpty else { return false }
        let store = self.backend.environment.store
        store.changeFlags(self.selection.id, unseen, .add(.seen)) { [progress] result in
            var progress = progress
            // Flags that cannot be written now (a full disk) must not keep anybody from reading.
            if case .success(let changed) = result { Self.note(changed, &progress) }
            self.selection.noteOwnChange()
            let isTaken = self.backend.onTurn { [progress] in self.produce(progress, out, answer) }
            if !isTaken { answer(.refused(.unavailable)) }
        }
        return true
    }

    private static func note(_ changed: FlagsChanged, _ progress: inout Progress) {
        var flags: [UID: ChangedFlags] = [:]
        for change in changed.changed {
            flags[change.uid] = change
            if let last = progress.own.indices.last, progress.own[last].modSeq == change.modSeq {
                progress.own[last].uids.append(change.uid.rawValue)
            } else {
                progress.own.append(OwnChange(modSeq: change.modSeq, uids: UIDSet(change.uid.rawValue...change.uid.rawValue)))
            }
        }
        for index in progress.rows.indices {
            guard let change = flags[progress.rows[index].uid] else { continue }
            progress.rows[index].flags = change.flags
            progress.rows[index].modSeq = change.modSeq
            progress.seenNow.insert(change.uid)
        }
    }

    // MARK: Flags alone

    /// Reads some flags, or writes those that are there.
    func writeFlags(_ progress: inout Progress, _ out: inout ByteBuffer, upTo size: Int) throws(StoreError) {
        var taken: FlagPages?
        // One owner while it changes: what is read behind it is not to be copied.
        swap(&taken, &progress.flags)
        guard var pages = taken else { return }
        taken = nil
        progress.next = pages.next
        guard pages.isReady else {
            if try pages.readOn(self.selection.mailbox) {
                progress.flags = pages
            } else if let next = pages.next, next.rawValue > 1 {
                // Rows tell of those that went behind it.
                let before = UIDSet(1...(next.rawValue - 1))
                self.writeGone(pages.gone.intersection(self.request.view).intersection(before), &out)
            }
            return
        }
        let keywords = Keywords.list(try self.selection.mailbox.keywords(covering: pages.flags))
        guard var writer = RowWriter(self.request, keywords: keywords) else { return }
        var count = 0
        var hasMore = false
        writer.write(to: &out, upTo: size) { lines in
            hasMore = pages.each { uid, flags in
                // The view has what this session was told of; a message that came since has no number yet.
                guard let place = self.request.mode.isUIDOnly ? 0 : self.request.view.index(of: uid) else { return true }
                guard lines.write(uid, flags, place: place) else { return false }
                count += 1
                return true
            }
        }
        self.backend.noteFetched(count)
        if hasMore || !pages.isReady {
            progress.flags = pages
        } else {
            progress.next = nil
            self.writeGone(pages.gone.intersection(self.request.view), &out)
        }
    }
}
