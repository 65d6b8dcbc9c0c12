internal import Bytes
internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// One FETCH: reads rows page by page and writes responses, a part of at most about 64 KiB at a time. Between two parts it holds rows of one
/// page and, in the midst of a long message, that message's open file.
final class FetchWork: PartWork {
    /// What is in hand; taken out by the one worker whose turn it is.
    private struct Progress {
        var rows: [MessageRow] = []
        var at = 0
        /// Where the next page begins; nil when there is none.
        var next: UID? = UID(rawValue: 1)
        var messages: FetchedMessages
        var message: FetchedMessage?
        /// UIDs whose \Seen this command has set: their flags are told even where nobody asked.
        var seenNow: Set<UID> = []
        var own: [OwnChange] = []
        var failure: IMAPRefusal?
        var unread = UnreadMessages()
        var isPrepared = false
        /// UIDs still to be read.
        var uids: UIDSet
        /// Where flags alone are asked for: no row is read.
        var flags: FlagPages?
    }

    /// A part is given out once it is this long.
    static let partSize = 64 << 10
    /// The same to a client that takes part after part as fast as they are made: each costs it, the loop and the worker a change of threads.
    private static let longPartSize = 240 << 10
    /// Who comes back within this time is fast.
    private static let fast = Duration.milliseconds(20)
    /// Answers about so many messages are expected to fill a part, whatever is asked of them.
    private static let many = 500
    private let request: FetchRequest
    private let selection: Selection
    private let backend: IMAPBackend
    private let marksSeen: Bool
    private let pageSize: Int
    private let readsBodies: Bool
    /// Answered from rows: nothing else is looked at.
    private let isOfRowsAlone: Bool
    /// A part will be as long as it may be.
    private let fillsParts: Bool
    private let parts: PartsAhead<Progress>
    private let pace = Mutex((asked: ContinuousClock.Instant?.none, size: FetchWork.partSize))

    init(_ request: FetchRequest, _ selection: Selection, _ backend: IMAPBackend, account: AccountID, mayMarkSeen: Bool) {
        self.request = request
        self.selection = selection
        self.backend = backend
        self.readsBodies = request.items.contains { $0.readsLongContent }
        self.marksSeen = mayMarkSeen && request.items.contains { $0.marksSeen }
        self.isOfRowsAlone = RowWriter(request, keywords: []) != nil
        self.fillsParts = self.readsBodies || self.isOfRowsAlone || request.uids.count >= Self.many
        // What a page needs lies in memory: opened messages, summaries, or rows alone.
        self.pageSize = self.readsBodies ? 100 : request.items.contains { $0.needsSummary || $0.readsContent } ? 250 : 1000
        let environment = backend.environment
        let summaries = Summaries(store: environment.store, crashGuard: environment.crashGuard, account: account)
        self.parts = PartsAhead(
            Progress(messages: FetchedMessages(request.items, selection.id, summaries), uids: request.uids))
    }

    func goOn(_ answer: SessionAnswer<IMAPOutcome>) {
        self.pace.withLock { pace in
            let now = ContinuousClock.now
            let isFast = pace.asked.map { now - $0 < Self.fast } ?? false
            pace = (now, isFast ? min(2 * pace.size - (8 << 10), Self.longPartSize) : Self.partSize)
        }
        switch self.parts.ask(answer) {
        case .make(let progress): self.produce(progress, ByteBuffer(), answer)
        case .waits: break
        case .made(let made):
            self.give(made, answer)
            if !made.isLast, let progress = self.parts.claim() { self.produce(progress, ByteBuffer(), nil) }
        }
    }

    private typealias Made = PartsAhead<Progress>.Made

    /// What came of making a part.
    private enum Step {
        case made(Made)
        /// The turn was over before there was anything to hand out.
        case nothing
        /// The store was asked and goes on with its answer.
        case asked
    }

    /// Makes parts: first the one that was asked for, if there is one, then the one behind it, while the first is on its way.
    private func produce(_ progress: consuming Progress, _ out: ByteBuffer, _ answer: SessionAnswer<IMAPOutcome>?) {
        var (progress, out, answer) = (progress, out, answer)
        let turn = self.backend.turn()
        while true {
            switch self.part(&progress, &out, turn, answer) {
            case .asked: return
            case .nothing:
                guard let waiting = answer ?? self.parts.putBackUnlessAsked(progress) else { return }
                return self.goOnLater(progress, waiting)
            case .made(let made):
                let goesOn = !made.isLast && !self.marksSeen && !turn.isOver && PartsAheadCount.hasRoom
                guard let receiver = answer ?? self.parts.keepUnlessAsked(made, made.isLast ? nil : progress) else { return }
                guard goesOn else {
                    if !made.isLast { self.parts.putBack(progress) }
                    return self.give(made, receiver)
                }
                self.give(made, receiver)
                (answer, out) = (nil, ByteBuffer())
            }
        }
    }

    private func give(_ made: Made, _ answer: SessionAnswer<IMAPOutcome>) {
        if made.isLast { self.backend.partDone() }
        answer(made.outcome)
    }

    private func part(
        _ progress: inout Progress, _ out: inout ByteBuffer, _ turn: Turn, _ answer: SessionAnswer<IMAPOutcome>?
    ) -> Step {
        do throws(StoreError) {
            if !progress.isPrepared {
                try self.prepare(&progress, &out)
                progress.isPrepared = true
            }
            // Growing would copy what is there again and again.
            let size = self.pace.withLock { $0.size }
            if self.fillsParts { out.reserveCapacity(size + (8 << 10)) }
            while out.readableBytes < size {
                if progress.message != nil {
                    try self.write(&progress, &out, upTo: size, turn)
                    if progress.message != nil { break }
                } else if progress.flags != nil {
                    if turn.isOver { break }
                    try self.writeFlags(&progress, &out, upTo: size)
                } else if self.isOfRowsAlone, progress.at < progress.rows.count {
                    if turn.isOver, out.readableBytes > 0 { break }
                    self.writeRows(&progress, &out, upTo: size)
                } else if progress.at < progress.rows.count {
                    // Long messages, and those that are summed up for the first time: others get their turn.
                    if self.readsBodies || progress.at % 8 == 0, turn.isOver { break }
                    try self.beginMessage(&progress, &out)
                } else if progress.next != nil {
                    try self.readPage(&progress, &out)
                    if self.marksSeen, let answer, self.markSeen(progress, out, answer) { return .asked }
                } else {
                    progress.unread.tell(self.backend)
                    return .made(Made(outcome: .piece(out, isLast: true, failure: progress.failure, own: progress.own), isLast: true))
                }
            }
            guard out.readableBytes > 0 else { return .nothing }
            return .made(Made(outcome: .piece(out, isLast: false), isLast: false))
        } catch {
            let refusal = self.backend.refusal(error)
            // Within a response nothing can be taken back: the session ends. Elsewhere the answer says so.
            if progress.message != nil { return .made(Made(outcome: .broken, isLast: true)) }
            return .made(Made(outcome: .piece(out, isLast: true, failure: refusal, own: progress.own), isLast: true))
        }
    }

    /// Nothing to hand out yet, and the turn is over. Who is gone is not worked for.
    private func goOnLater(_ progress: Progress, _ answer: SessionAnswer<IMAPOutcome>) {
        let isTaken = !self.backend.hasEnded && self.backend.onTurn { self.produce(progress, ByteBuffer(), answer) }
        guard !isTaken else { return }
        self.backend.partDone()
        if progress.message != nil { return answer(.broken) }
        answer(.piece(ByteBuffer(), isLast: true, failure: .unavailable, own: progress.own))
    }

    // MARK: Pages

    private func prepare(_ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
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

    private func readPage(_ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
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

    private func writeGone(_ gone: UIDSet, _ out: inout ByteBuffer) {
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
    private func markSeen(_ progress: Progress, _ out: ByteBuffer, _ answer: SessionAnswer<IMAPOutcome>) -> Bool {
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

    // MARK: Messages

    private func writeRows(_ progress: inout Progress, _ out: inout ByteBuffer, upTo size: Int) {
        guard var writer = RowWriter(self.request, keywords: progress.messages.keywords) else { return }
        let first = progress.at
        while progress.at < progress.rows.count, out.readableBytes < size {
            let row = progress.rows[progress.at]
            progress.at += 1
            // The view has what this session was told of; a message that came since has no number yet.
            guard let place = self.request.mode.isUIDOnly ? 0 : self.request.view.index(of: row.uid) else { continue }
            writer.write(row, place: place, to: &out)
        }
        self.backend.noteFetched(progress.at - first)
    }

    /// Reads some flags, or writes those that are there.
    private func writeFlags(_ progress: inout Progress, _ out: inout ByteBuffer, upTo size: Int) throws(StoreError) {
        var taken: FlagPages?
        // One owner while it changes: what is read behind it is not to be copied.
        swap(&taken, &progress.flags)
        guard var pages = taken else { return }
        taken = nil
        progress.next = pages.next
        guard pages.isReady else {
            if try pages.readOn(self.selection.mailbox) { progress.flags = pages }
            return
        }
        let keywords = Keywords.list(try self.selection.mailbox.keywords(covering: pages.flags))
        guard var writer = RowWriter(self.request, keywords: keywords) else { return }
        var count = 0
        let hasMore = pages.each { uid, flags in
            // The view has what this session was told of; a message that came since has no number yet.
            guard let place = self.request.mode.isUIDOnly ? 0 : self.request.view.index(of: uid) else { return true }
            writer.write(uid, flags, place: place, to: &out)
            count += 1
            return out.readableBytes < size
        }
        self.backend.noteFetched(count)
        if hasMore || !pages.isReady {
            progress.flags = pages
        } else {
            progress.next = nil
            self.writeGone(pages.gone.intersection(self.request.view), &out)
        }
    }

    private func beginMessage(_ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
        let row = progress.rows[progress.at]
        progress.at += 1
        // Before a word is said of it: a message that another session has removed since its row was read is passed over. [RFC2180-4.1.2]
        do throws(StoreError) {
            try progress.messages.prepare(row, at: progress.at - 1)
        } catch {
            switch error {
            case .noSuchMessage: return self.writeGone(UIDSet(row.uid.rawValue...row.uid.rawValue), &out)
            // Left out alone: those behind it are whole.
            case .damaged, .io:
                progress.failure = progress.unread.refusal(error, about: row.uid, self.backend)
                return
            default: throw error
            }
        }
        // The view has what this session was told of; a message that came since has no number yet.
        guard let place = self.request.mode.isUIDOnly ? 0 : self.request.view.index(of: row.uid) else { return }
        out.beginFetch(row.uid, place: place, mode: self.request.mode)
        progress.message = FetchedMessage(row, tellsFlags: !progress.seenNow.isEmpty && progress.seenNow.contains(row.uid))
    }

    private func write(_ progress: inout Progress, _ out: inout ByteBuffer, upTo size: Int, _ turn: Turn) throws(StoreError) {
        guard var message = progress.message else { return }
        progress.message = nil
        do throws(StoreError) {
            let isDone = try message.write(self.request, &progress.messages, &out, upTo: size, turn)
            progress.failure = progress.failure ?? message.failure
            if isDone {
                out.endFetch()
                self.backend.noteFetched()
            } else {
                progress.message = message
            }
        } catch {
            progress.message = message
            throw error
        }
    }
}

extension FetchItem {
    /// Bytes of the message are needed, or what is known of them, for more than its own header.
    var readsLongContent: Bool {
        if case .section(let section) = self { return !section.isOfOwnHeader }
        return self.readsContent
    }

    /// Bytes of the message are needed, or what is known of them.
    var readsContent: Bool {
        switch self {
        case .section, .binary, .binarySize: true
        case .uid, .flags, .internalDate, .size, .modSeq, .emailID, .threadID, .saveDate, .envelope, .body, .bodyStructure, .preview: false
        }
    }

    /// Must the summary be there?
    var needsSummary: Bool {
        switch self {
        case .envelope, .body, .bodyStructure, .binary, .binarySize, .threadID: true
        case .preview(let isLazy): !isLazy
        case .section(let section): !section.isWholeMessage && !section.isOfOwnHeader
        case .uid, .flags, .internalDate, .size, .modSeq, .emailID, .saveDate: false
        }
    }

    var marksSeen: Bool {
        switch self {
        case .section(let section): !section.isPeek
        case .binary(_, _, let isPeek): !isPeek
        default: false
        }
    }
}

extension BodySection {
    var isWholeMessage: Bool { self.part.isEmpty && self.text == .all }

    /// The message's own header or fields of it: what is kept may answer it.
    var isOfOwnHeader: Bool {
        guard self.part.isEmpty else { return false }
        switch self.text {
        case .header, .fields, .fieldsNot: return true
        case .all, .text, .mime: return false
        }
    }
}
