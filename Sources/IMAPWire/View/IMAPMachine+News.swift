internal import NIOCore
internal import Vocabulary

// When changes of the selected mailbox are asked for, and when they are told.
extension IMAPMachine {
    /// What comes after news were read or told.
    enum AfterNews: Sendable {
        case ending(Ending)
        case idling
        /// Nobody asked: NOTIFY.
        case unasked

        var isUnasked: Bool { if case .ending = self { false } else { true } }
    }

    /// Reads what has changed; before the first time the view, since changes are told by its numbers.
    mutating func readChanges(_ after: AfterNews, _ out: inout Output) {
        guard let selected = self.selected else { return self.announce(after, &out) }
        if selected.uids == nil { return self.ask(.readView, .view(.changes(after)), &out) }
        // Before it is asked: a hint that comes while the answer is on its way is about something newer.
        self.selected?.isStale = false
        self.ask(.readChanges(since: selected.modSeq), .changes(after), &out)
    }

    /// Tells what may be told here, then goes on.
    mutating func announce(_ after: AfterNews, _ out: inout Output) {
        // Time has passed while it was read.
        if after.isUnasked, self.leavesClosedAccount(&out) { return }
        guard var selected = self.selected, selected.hasNews else { return self.announced(after, &out) }
        let events = self.events(after)
        let mayExpunge = if case .ending = after { self.command.rule.tellsExpunges } else { true }
        let tellsExpunges = mayExpunge && events.contains(.messageExpunge)
        let held = !tellsExpunges && !selected.gone.isEmpty
        let news = selected.takeNews(expunges: tellsExpunges, events: events)
        self.selected = selected
        self.leaveContexts(news, &out)
        // Who saw a modseq above that of a message whose end is not told would never learn of it after a broken connection. [RFC7162-3.2]
        if held, self.mode.isQResync { self.writeUntaggedOK("HIGHESTMODSEQ \(selected.toldModSeq)", .messagesGone, &out) }
        self.write(.news(NewsWriter(news, selected, mode: self.mode), after), &out)
    }

    /// Events that the client wants to hear of here. What its own commands do is told in any case. [RFC5465-3.1]
    private func events(_ after: AfterNews) -> NotifyEvents {
        if case .ending = after, self.command.rule.readsChanges, self.command.rule.needsView || self.command.rule.name == "APPEND" {
            return NotifyState.ordinary
        }
        return self.notify.selectedEvents
    }

    /// News are told; what follows from them comes now: items of new messages, and changes of results that are kept up.
    mutating func newsTold(_ news: News, _ after: AfterNews, _ out: inout Output) {
        let contexts = Array(self.contexts.indices)
        guard !news.arrived.isEmpty, !self.notify.newItems.isEmpty else { return self.updateContexts(contexts, news.changed, after, &out) }
        let items = (self.mode.isUIDOnly || self.notify.newItems.contains(.uid) ? [] : [.uid]) + self.notify.newItems
        let view = self.mode.isUIDOnly ? UIDSet() : news.view
        let request = FetchRequest(items: items, uids: news.arrived, view: view, mode: self.mode)
        self.ask(.fetch(request), .tellingNew(news.changed, after), &out)
    }

    mutating func announced(_ after: AfterNews, _ out: inout Output) {
        switch after {
        case .ending(var ending):
            if ending.code == Self.highestModSeqCode { ending.code = self.selected.map { "HIGHESTMODSEQ \($0.toldModSeq)" } }
            self.writeTagged(ending, &out)
        case .idling: self.phase = .idling
        case .unasked: self.phase = .command
        }
    }

    /// Stands in an ending for HIGHESTMODSEQ with what was told by then.
    static let highestModSeqCode = "HIGHESTMODSEQ"

    /// Between commands with NOTIFY, and in IDLE.
    mutating func tellUnasked(_ out: inout Output) {
        let isIdling = if case .idling = self.phase { true } else { false }
        if isIdling, self.isIdleFresh { return }
        guard isIdling || self.identity != nil else { return }
        if case .exchange = self.phase { return }
        let after: AfterNews = isIdling ? .idling : .unasked
        if self.notify.noticesWait, self.notify.isOn {
            self.notify.noticesWait = false
            return self.ask(.readNotices, .notices(after), &out)
        }
        let isWanted = isIdling ? !self.notify.selectedEvents.isEmpty : self.notify.tellsSelected
        guard let selected = self.selected, selected.isStale, isWanted else { return }
        self.readChanges(after, &out)
    }

    // MARK: Long answers

    /// What is being written in pieces.
    enum Job: Sendable {
        case news(NewsWriter, AfterNews)
        case stored(StoredWriter, Ending)
        case results(ResultWriter, Ending)
        case resync(ResyncWriter, Ending)
    }

    /// Writes up to a piece; what is left comes when the peer has read.
    mutating func write(_ job: Job, _ out: inout Output) {
        let limit = Self.pieceSize
        switch job {
        case .news(var writer, let after):
            guard writer.write(to: &out.replies, limit: limit) else { return self.ask(.pause, .writing(.news(writer, after)), &out) }
            self.newsTold(writer.news, after, &out)
        case .stored(var writer, let ending):
            guard writer.write(to: &out.replies, limit: limit) else { return self.ask(.pause, .writing(.stored(writer, ending)), &out) }
            self.finish(ending, &out)
        case .results(var writer, let ending):
            guard writer.write(to: &out.replies, limit: limit) else { return self.ask(.pause, .writing(.results(writer, ending)), &out) }
            self.finish(ending, &out)
        case .resync(var writer, let ending):
            guard writer.write(to: &out.replies, limit: limit) else { return self.ask(.pause, .writing(.resync(writer, ending)), &out) }
            self.finish(ending, &out)
        }
    }
}
