package import Vocabulary

/// Texts that a person may see behind OK, NO, BAD and BYE; programs look at the codes before them.
package enum IMAPPhrase: String, Hashable, Sendable, CaseIterable {
    // Of the service.
    case noSuchMailbox, mailboxExists, notPermitted, overQuota, tooLarge, unavailable, noSuchMessage, tooManyKeywords, badURL, mailboxGone,
        inboxStays, badName, hasNoPlace, unknownTransferEncoding, accountClosed, loginFailed, hasChildren, tooManyMailboxes, useIsTaken,
        noSuchRoot, unknownIdentifier, badRights, metadataTooLarge, metadataTooMany, noPrivateMetadata, readOnly, messageWithheld, inUse,
        nothingSaved, resultTooLarge, tooManySessions, tooMuchWatched, diskFull, damaged
    // Of logins.
    case notFromHere, accountLocked, accountExpired, serviceOff, tooManyFailures, tlsFirst, cancelled, malformedAuth, unknownMechanism,
        loggedIn,
        welcomeBack
    // Of commands.
    case completed, unknownCommand, badArguments, notNow, loginFirst, selectFirst, alreadyLoggedIn, badLineEnd, lineTooLong,
        literalTooLarge,
        commandTooLarge, badCharacters, tooDeep, tooManyKeys, badMailboxName, noSuchPlace, badCharset, uidRequired, uidsOnly, expectedDone,
        notEnabled, alreadyOn, emptyMessage, appendTooLarge, limitExceeded, unknownFlag, enableFirst,
        tooMuchHeld, unknownEvent, onlyPart, batchTooSmall
    // Of the session.
    case beginTLS, tlsActive, tlsUnavailable, farewell, tooManyErrors, idleTooLong, shuttingDown, stillHere, idling, ready, selected,
        readOnlySelected, searchGoesOn, languageChanged, languageUnknown, stoppedMidway, foreignProtocol, messagesGone, compressing

    package func text(_ language: Language) -> StaticString {
        switch language {
        case .english: self.english
        case .japanese: self.japanese
        }
    }
}
