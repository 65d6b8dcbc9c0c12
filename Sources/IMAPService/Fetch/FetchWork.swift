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
    struct Progress {
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
    let request: FetchRequest
    let selection: Selection
    let backend: IMAPBackend
    let marksSeen: Bool
    let pageSize: Int
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
    func produce(_ progress: consuming Progress, _ out: ByteBuffer, _ answer: SessionAnswer<IMAPOutcome>?) {
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

    // MARK: Messages

    private func writeRows(_ progress: inout Progress, _ out: inout ByteBuffer, upTo size: Int) {
        guard var writer = RowWriter(self.request, keywords: progress.messages.keywords) else { return }
        let first = progress.at
        writer.write(to: &out, upTo: size) { lines in
            while progress.at < progress.rows.count {
                let row = progress.rows[progress.at]
                // The view has what this session was told of; a message that came since has no number yet.
                if let place = self.request.mode.isUIDOnly ? 0 : self.request.view.index(of: row.uid) {
                    guard lines.write(row, place: place) else { return }
                }
                progress.at += 1
            }
        }
        self.backend.noteFetched(progress.at - first)
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
