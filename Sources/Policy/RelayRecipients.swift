package import Vocabulary

/// How a host that passes mail on knows who gets mail behind it.
package struct RelayRecipients: Sendable, Hashable {
    package enum Check: String, Sendable, Hashable {
        case ask, list, none
    }

    package var check = Check.none
    package var list = MailPatterns()
    /// What cannot be asked about now is taken; otherwise the sender is to try again.
    package var takesUnchecked = true

    package init() {}
}

/// What is known of a recipient behind the next host.
package enum RecipientAnswer: Sendable, Hashable {
    case taken
    /// That host refuses it for good.
    case refused(Reply)
    /// It could not be asked, or did not want to say: words for the log.
    case unknown(String)
}
