internal import Bytes
internal import Vocabulary

// MESSAGELIMIT: so many messages and no more in one command. SAVELIMIT, which a server tells instead where only COPY and APPEND are limited,
// would have to be the 1,000 of an APPEND, and COPY would be held to it: an APPEND of more is refused as what runs into a limit of another
// kind. [RFC9738-3] [RFC5530-3]
extension IMAPMachine {
    /// The newest messages of these that one command takes. The code for its answer where some are left: the limit and the lowest UID that
    /// was taken, from which the client goes on.
    func withinLimit(_ uids: UIDSet) -> (uids: UIDSet, code: String?) {
        let limit = self.settings.messageLimit
        guard uids.count > limit else { return (uids, nil) }
        let taken = uids.slice((uids.count - limit)..<uids.count)
        return (taken, taken.first.map { "MESSAGELIMIT \(limit) \($0.rawValue)" })
    }

    /// Of commands that do all or nothing: COPY, SORT, THREAD.
    func checkLimit(_ count: Int) throws(GrammarFault) {
        let limit = self.settings.messageLimit
        guard count <= limit else { throw GrammarFault(.limitExceeded, code: "MESSAGELIMIT \(limit)", isNO: true) }
    }
}
