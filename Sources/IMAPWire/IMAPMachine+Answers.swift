internal import NIOCore
internal import SASL
internal import Vocabulary

/// What the machine goes on with when the open call is answered.
indirect enum Work: Sendable {
    enum AfterView: Sendable {
        /// The command in hand begins.
        case run
        /// A line of REPLACE is read.
        case append
        case changes(IMAPMachine.AfterNews)
        /// The rest of SELECT's answer.
        case resync(Ending)
    }

    enum AfterClose: Sendable {
        case finish
        case select(SelectRequest)
        /// A SELECT that is none.
        case fail(GrammarFault)
        case unauthenticate
    }

    case login(SASLServer?)
    case forgetting
    case view(AfterView)
    case changes(IMAPMachine.AfterNews)
    case notices(IMAPMachine.AfterNews)
    /// FETCH of new messages, for NOTIFY.
    case tellingNew(UIDSet, IMAPMachine.AfterNews)
    /// A search again over what has changed, for the first of these contexts.
    case updating([Int], UIDSet, IMAPMachine.AfterNews)
    /// The first of these contexts is sorted anew with these messages that come into it.
    case placing([Int], UIDSet, UIDSet, IMAPMachine.AfterNews)
    /// What is told of a mailbox before OK.
    case account(ListLine?)
    case selecting(writtenName: String?)
    case closing(AfterClose)
    case fetching
    case storing(StorePlan)
    case copying(isMove: Bool)
    /// Commands that were asked for together.
    case running([CommandRun.Member])
    case expunging
    case searching(SearchPlan)
    case appending
    /// An APPEND of a run.
    case adding
    case dropping(Ending)
    case watching(Watching)
    case writing(IMAPMachine.Job)

    enum Watching: Sendable {
        case idleBegins
        case idleEnds(isDone: Bool)
        case notify(NotifyState)
    }
}

extension IMAPMachine {
    mutating func answered(_ outcome: IMAPOutcome, _ work: Work, _ out: inout Output) {
        switch (work, outcome) {
        case (.login(let exchange), .auth(let answer)): self.loginAnswered(answer, exchange, &out)
        case (.login, .refused(let refusal)): self.loginRefused(refusal, &out)
        case (.forgetting, .done): self.forgotten(&out)
        case (.view(let after), .view(let uids)): self.viewRead(uids, after, &out)
        case (.changes(let after), .changes(let changes)):
            self.selected?.absorb(changes)
            self.announce(after, &out)
        case (.notices(let after), .account(var lines, _)):
            if self.leavesClosedAccount(&out) { return }
            out.replies.writeBuffer(&lines)
            self.announced(after, &out)
        case (.tellingNew(let changed, let after), .piece(let bytes, let isLast, _, let own)):
            self.pass(bytes, &out)
            for change in own { self.selected?.recordOwn(change) }
            if !isLast { return self.ask(.readOn, .tellingNew(changed, after), &out) }
            self.updateContexts(Array(self.contexts.indices), changed, after, &out)
        case (.tellingNew(let changed, let after), .refused): self.updateContexts(Array(self.contexts.indices), changed, after, &out)
        case (.tellingNew, .broken): self.close(&out)
        case (.updating(let contexts, let changed, let after), .found(let answer)):
            self.contextSearched(answer, contexts, changed, after, &out)
        case (.updating(let contexts, let changed, let after), .progress):
            self.ask(.searchOn, .updating(contexts, changed, after), &out)
        case (.placing(let contexts, let changed, let added, let after), .found(let answer)):
            self.contextSorted(answer, contexts, changed, added, after, &out)
        case (.placing(let contexts, let changed, let added, let after), .progress):
            self.ask(.searchOn, .placing(contexts, changed, added, after), &out)
        case (.updating(let contexts, let changed, let after), .refused), (.placing(let contexts, let changed, _, let after), .refused):
            self.dropContext(contexts, changed, after, &out)
        case (.account(let line), .account(let lines, let code)):
            self.pass(lines, &out)
            if let line { out.replies.writeListLine(line, mode: self.mode) }
            self.finish(.ok(code: code), &out)
        case (.account(let line), .deletedSelected):
            self.leftSelected()
            if let line { out.replies.writeListLine(line, mode: self.mode) }
            if self.mode.isQResync || self.mode.isRev2 { self.writeUntaggedOK("CLOSED", .completed, &out) }
            self.finish(.ok(), &out)
        case (.account, .piece(let lines, _, _, _)):
            self.pass(lines, &out)
            self.ask(.readOn, .account(nil), &out)
        case (.selecting(let writtenName), .selected(let mailbox)): self.opened(mailbox, writtenName: writtenName, &out)
        case (.closing(let after), .done): self.closed(after, &out)
        // What CLOSE should have taken away cannot be now: nothing has changed.
        case (.closing(.finish), .refused(let refusal)): self.finish(.refused(refusal), &out)
        case (.fetching, .piece(let bytes, let isLast, let failure, let own)):
            self.fetched(bytes, isLast: isLast, failure, own, &out)
        case (.fetching, .broken): self.close(&out)
        case (.storing(let plan), .stored(let stored)): self.stored(stored, plan, &out)
        case (.running(let members), .ran(let outcomes)): self.ran(members, outcomes, &out)
        case (.running(let members), .refused): self.ran(members, members.map { _ in outcome }, &out)
        case (.copying(let isMove), .copied(let copied)): self.copied(copied, isMove: isMove, &out)
        case (.expunging, .expunged(let uids, _)):
            self.selected?.expungeOwn(uids)
            self.finish(.ok(code: self.mode.isCondStore && !uids.isEmpty ? Self.highestModSeqCode : nil), &out)
        case (.searching(let plan), .found(let answer)): self.found(answer, plan, &out)
        case (.searching(let plan), .progress(let done, let of)): self.searchGoesOn(done, of, plan, &out)
        case (.searching(let plan), .refused(let refusal)): self.searchRefused(refusal, plan, &out)
        case (.appending, .done): self.stepAppend(&out)
        case (.appending, .appended(let validity, let uids, let replaced)): self.appended(validity, uids, replaced, &out)
        case (.appending, .refused(let refusal)): self.appendRefused(refusal, &out)
        case (.adding, .appended(let validity, let uids, let replaced)): self.appended(validity, uids, replaced, &out)
        case (.dropping(let ending), .done): self.finish(ending, &out)
        case (.watching(let watching), .done): self.watched(watching, ByteBuffer(), &out)
        case (.watching(let watching), .account(let lines, _)): self.watched(watching, lines, &out)
        case (.writing(let job), .resumed): self.write(job, &out)
        case (.view(.changes), .refused), (.changes, .refused), (.notices, .refused): self.sayBye(.unavailable, code: "UNAVAILABLE", &out)
        case (.account, .refused(let refusal)), (.selecting, .refused(let refusal)), (.view, .refused(let refusal)),
            (.fetching, .refused(let refusal)), (.storing, .refused(let refusal)), (.copying, .refused(let refusal)),
            (.expunging, .refused(let refusal)), (.adding, .refused(let refusal)), (.watching, .refused(let refusal)):
            self.finish(.refused(refusal), &out)
        default: self.close(&out)  // The backend broke its contract: better no session than a wrong one.
        }
    }

    private mutating func viewRead(_ uids: UIDSet, _ after: Work.AfterView, _ out: inout Output) {
        // Numbers that do not agree with what SELECT told would name other messages than the client means. [RFC9051-2.3.1.2]
        if let selected = self.selected, selected.uids == nil, uids.count != selected.mailbox.messages {
            return self.sayBye(.unavailable, code: "SERVERBUG", &out)
        }
        self.selected?.setView(uids)
        switch after {
        case .run: self.run(&out)
        case .append: self.resumeAppend(&out)
        case .changes(let after): self.readChanges(after, &out)
        case .resync(let ending): self.resync(ending, &out)
        }
    }

    /// A piece that stands alone is handed on as it is.
    mutating func pass(_ bytes: ByteBuffer, _ out: inout Output) {
        if out.replies.readableBytes == 0 {
            out.replies = bytes
        } else {
            out.replies.writeImmutableBuffer(bytes)
        }
    }
}
