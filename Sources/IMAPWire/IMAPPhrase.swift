/// Texts of tagged answers; each in English and Japanese. The key is stable, the text is for people. [RFC5255-3]
package enum IMAPPhrase: String, Hashable, Sendable, CaseIterable {
    case noSuchMailbox, mailboxExists, notPermitted, overQuota, tooLarge, unavailable, noSuchMessage, tooManyKeywords, badURL, mailboxGone,
        inboxStays, badName, hasNoPlace, unknownTransferEncoding, accountClosed, loginFailed
}
