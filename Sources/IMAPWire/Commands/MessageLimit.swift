internal import Bytes
internal import Vocabulary

// MESSAGELIMIT and SAVELIMIT: so many messages and no more in one command. [RFC9738-3]
extension IMAPMachine {
    /// The newest messages of these that one command takes. The code for its answer where some are left: the limit and the lowest UID that
    /// was taken, from which the client goes on.
    func withinLimit(_ uids: UIDSet) -> (uids: UIDSet, code: String?) {
        let limit = self.settings.messageLimit
        guard uids.count > limit else { return (uids, nil) }
        let taken = uids.slice((uids.count - limit)..<uids.count)
        return (taken, taken.first.map { "MESSAGELIMIT \(limit) \($0.rawValue)" })
    }

    /// Of commands that do all or nothing: COPY, MOVE, APPEND, SORT, THREAD.
    func checkLimit(_ count: Int) throws(GrammarFault) {
        let limit = self.settings.messageLimit
        guard count <= limit else { throw GrammarFault(.limitExceeded, code: "MESSAGELIMIT \(limit)", isNO: true) }
    }
}
