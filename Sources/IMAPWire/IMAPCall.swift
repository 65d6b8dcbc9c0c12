package import NIOCore
package import SASL
package import Vocabulary

// What passes between the machine of an IMAP session and its backend. The machine speaks of UIDs and of names in UTF-8; sequence numbers,
// tags, literals and modified UTF-7 never leave it.

/// What an IMAP session asks of its backend. One is open at a time.
package enum IMAPCall: Sendable {
    /// Answer: `.auth`, or `.refused` for somebody who is who he says and may not come in now. The mechanism is nil for LOGIN.
    case authenticate(AuthRequest, SASLMechanism?, hasTLS: Bool)
    /// UNAUTHENTICATE: forget who is here. Answer: `.done`. [RFC8437-2]
    case forgetLogin
    /// Anything that concerns names and not the messages of the selected mailbox. Answer: `.account` or `.refused`; of a long answer the
    /// beginnings may come as `.piece`, each followed by `readOn`. DELETE of the mailbox that is selected here, by whichever of its names:
    /// `.deletedSelected`.
    case account(AccountRequest, WireMode)
    /// SELECT, EXAMINE. Answer: `.selected` or `.refused`.
    case select(SelectRequest)
    /// The UIDs of the selected mailbox as they were when it was selected: exactly as many as SELECT told. Asked once, at the first command
    /// that needs sequence numbers, or before the first `readChanges`. Answer: `.view`.
    case readView
    /// What has changed in the selected mailbox since; asked before the end of a command where something may have. Changes that this
    /// session made come too: the machine knows them by their modseq. Answer: `.changes`; where nothing has changed, best at once.
    case readChanges(since: ModSeq)
    /// Untagged responses about other mailboxes that wait because of NOTIFY; asked after the hint `noticesWait`. Answer: `.account`.
    case readNotices
    /// CLOSE, UNSELECT, and the end before another SELECT. Answer: `.done`. With `expunging`, those marked \Deleted go.
    case close(expunging: Bool)
    /// Answer: `.piece`, again and again after `readOn`, the last with `isLast`; or `.refused`. A peer that reads slowly gets the next piece
    /// later: between two the backend holds no lock and no transaction.
    case fetch(FetchRequest)
    case readOn
    /// Answer: `.stored` or `.refused`.
    case store(StoreRequest)
    /// STOREs that came together, in order: to be made in as few transactions as may be. One that fails undoes no other. Answer: `.ran`
    /// with an outcome for each, `.stored` or `.refused`; or `.refused` for all.
    case stores([StoreRequest])
    /// The same for COPYs, with `.copied` or `.refused` for each.
    case copies([CopyRequest])
    /// COPY and MOVE. Answer: `.copied` or `.refused`.
    case copy(CopyRequest)
    /// Those marked \Deleted; with UIDs only of these. Answer: `.expunged` or `.refused`.
    case expunge(UIDSet?)
    /// SEARCH, SORT, THREAD, their forms over several mailboxes. Answer: `.found`, `.progress`, or `.refused`.
    case search(SearchRequest)
    /// The next slice of a search that takes long. Answer as for `search`.
    case searchOn
    /// APPEND, REPLACE: checks the mailbox before the literal is asked for. Answer: `.done` or `.refused`.
    case beginAppend(AppendRequest)
    /// A message begins. Answer: `.done` or `.refused`.
    case beginMessage(AppendMessage)
    /// Bytes of its literal, or of TEXT of CATENATE. Answer: `.done` or `.refused` (then the rest is discarded by the machine).
    case messageBytes(ByteBuffer)
    /// A part of CATENATE that is a message, or a part of one, that is here already. Answer: `.done` or `.refused` with BADURL.
    case messageURL(IMAPURL)
    /// Everything has been given: take all or nothing. Answer: `.appended` or `.refused`.
    case finishAppend
    /// The same, and with it further APPENDs of one message each that came together with it, in order: to be made in as few transactions as may be. One
    /// that fails undoes no other. Answer: `.ran` with an outcome for each and the one in hand, `.appended` or `.refused`; or `.refused` for all.
    case finishAppends([AddedMessage])
    /// The command broke off.
    case dropAppend
    /// IDLE or NOTIFY begins or ends. Answer: `.done`, for NOTIFY with its first STATUS responses `.account`, or `.refused`.
    case watch(WatchRequest)
    /// Nothing to do: the driver performs it when the peer has taken what was written. Answer at once: `.resumed`.
    case pause
}

package enum IMAPOutcome: Sendable {
    case auth(AuthOutcome)
    case done
    case resumed
    case refused(IMAPRefusal)
    /// Untagged responses as they go on the wire, whole lines; `code` for the tagged OK, as `[…]` without brackets.
    case account(ByteBuffer, code: String? = nil)
    /// DELETE has taken away what this session has selected: it goes back to where nothing is selected; others' sessions of it end.
    /// [RFC2180-3.3]
    case deletedSelected
    case selected(SelectedMailbox)
    case view(UIDSet)
    case changes(MailboxChanges)
    /// Whole untagged FETCH responses, or a piece of a long one. With `isLast`, `failure` makes the tagged answer NO, and `own` says which
    /// flags this command has changed (\Seen) and told in its answers.
    case piece(ByteBuffer, isLast: Bool, failure: IMAPRefusal? = nil, own: [OwnChange] = [])
    /// The answer broke off where it cannot be mended, inside a literal: the session ends with what was passed on so far.
    case broken
    case stored(StoredFlags)
    /// Of commands that came together.
    case ran([IMAPOutcome])
    case copied(CopiedMessages)
    /// What is gone by this command; told by the machine as EXPUNGE or VANISHED.
    case expunged(UIDSet, ModSeq)
    case found(SearchAnswer)
    /// A search goes on: so many of so many messages were looked at. [RFC9585-4]
    case progress(done: Int, of: Int)
    /// Of REPLACE with what went from the selected mailbox.
    case appended(validity: UIDValidity, uids: UIDSet, replaced: OwnChange? = nil)
}

/// A change that this session made itself: it comes back in `readChanges` and must not be told twice.
package struct OwnChange: Hashable, Sendable {
    package var modSeq: ModSeq
    package var uids: UIDSet

    package init(modSeq: ModSeq, uids: UIDSet) {
        self.modSeq = modSeq
        self.uids = uids
    }
}

/// Something happened that this session asked to be told of.
package enum IMAPEvent: Sendable {
    /// The selected mailbox has changed: a hint, once until the next `readChanges`; the machine asks when it may tell.
    case mailboxChanged
    /// Untagged responses about other mailboxes wait: a hint, once until the next `readNotices`. [RFC5465-4]
    case noticesWait
    /// The selected mailbox is gone: the session must end or go back. [RFC2180-3.3]
    case mailboxGone
    /// The account was locked or removed.
    case accountClosed
    /// The account may not be here any more: `IMAPSettings.mayStay` knows.
    case accountChanged
}

/// Why a command is answered NO, with its response code. [RFC9051-7.1] [RFC5530-3]
package struct IMAPRefusal: Error, Hashable, Sendable {
    /// As it stands in the brackets: `TRYCREATE`, `OVERQUOTA`, …; nil without.
    package var code: String?
    package var phrase: IMAPPhrase
    /// True for BAD instead of NO.
    package var isBad = false

    package init(_ phrase: IMAPPhrase, code: String? = nil, isBad: Bool = false) {
        self.phrase = phrase
        self.code = code
        self.isBad = isBad
    }
}
