internal import IMAPWire
internal import MessageStore
internal import Synchronization
internal import Vocabulary

/// A session's selected mailbox, and up to where the session knows it.
final class Selection: Sendable {
    struct Known: Sendable {
        var modSeq: ModSeq
        var uidNext: UID
    }

    let mailbox: OpenMailbox
    let ticket: OpenMailbox.Ticket
    let owner: AccountID
    /// The session's user owns it.
    let isOwn: Bool
    let isReadOnly: Bool
    /// As it was when it was selected.
    let selected: Known
    private let known: Mutex<Known>
    /// This session has changed something: the feed may not have said so yet.
    private let mustLook = Mutex(false)
    /// The newest change of this session, where the mailbox's MODSEQ before and after it is known: nobody else's lies between.
    private let own = Mutex<(before: ModSeq, after: ModSeq)?>(nil)

    init(_ mailbox: OpenMailbox, _ ticket: OpenMailbox.Ticket, owner: AccountID, isOwn: Bool, isReadOnly: Bool, known: Known) {
        self.mailbox = mailbox
        self.ticket = ticket
        self.owner = owner
        self.isOwn = isOwn
        self.isReadOnly = isReadOnly
        self.selected = known
        self.known = Mutex(known)
    }

    var id: MailboxID { self.mailbox.id }
    var uidNext: UID { self.known.withLock { $0.uidNext } }

    func told(_ changes: StoredChanges) {
        self.known.withLock { $0 = Known(modSeq: changes.modSeq, uidNext: max($0.uidNext, changes.uidNext)) }
    }

    func noteOwnChange() { self.mustLook.withLock { $0 = true } }

    /// The same of a change whose answer has told everything, if the session knew the mailbox as it was right before it.
    func noteOwnChange(from before: ModSeq?, to after: ModSeq) {
        guard let before else { return self.noteOwnChange() }
        // Right behind the one before it they are one change.
        self.own.withLock { own in own = (own?.after == before ? own?.before ?? before : before, after) }
    }

    /// Up to where there is nothing new to a session that knows the mailbox up to `since`: behind its own change.
    func known(from since: ModSeq) -> ModSeq {
        self.own.withLock { own in
            defer { own = nil }
            return own?.before == since ? own?.after ?? since : since
        }
    }

    func told(upTo modSeq: ModSeq) { self.known.withLock { $0.modSeq = max($0.modSeq, modSeq) } }

    /// True once after each `noteOwnChange`.
    func takeMustLook() -> Bool {
        self.mustLook.withLock { mustLook in
            defer { mustLook = false }
            return mustLook
        }
    }
}

extension IMAPBackend {
    /// What the user may do in his selected mailbox now: in somebody else's it is asked anew for each command, so that a right that is taken away
    /// is gone at once. EXAMINE leaves what changes nothing. Waits for the disk, but not in the user's own mailboxes.
    func rights(in selection: Selection) throws(IMAPRefusal) -> Rights {
        let rights: Rights
        if selection.isOwn {
            rights = .all
        } else {
            let finder = try self.finder()
            rights = try self.reading { () throws(StoreError) in try finder.rights(on: selection.id, of: selection.owner) }
            guard rights.contains(.read) else { throw .notPermitted }
        }
        return selection.isReadOnly ? rights.intersection([.lookup, .read, .administer]) : rights
    }

    /// Whether the user may still look into it.
    func mayRead(_ selection: Selection) throws(IMAPRefusal) -> Bool {
        guard !selection.isOwn else { return true }
        let finder = try self.finder()
        return try self.reading { () throws(StoreError) in try finder.rights(on: selection.id, of: selection.owner) }.contains(.read)
    }

    /// Runs `body` where it may wait; in the user's own mailboxes, where nothing has to be asked, at once.
    func inSelection(_ answer: Answer, _ body: @escaping @Sendable (Selection, Rights) throws(IMAPRefusal) -> Void) {
        guard let selection = self.state.withLock({ $0.selection }) else { return answer(.refused(.nothingSelected)) }
        let run: @Sendable () throws(IMAPRefusal) -> Void = { () throws(IMAPRefusal) in
            try body(selection, try self.rights(in: selection))
        }
        guard selection.isOwn else { return self.startOnWorker(answer, run) }
        do throws(IMAPRefusal) { try run() } catch { answer(.refused(error)) }
    }
}
