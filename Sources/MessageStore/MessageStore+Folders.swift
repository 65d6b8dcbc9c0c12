internal import Database
package import Vocabulary

// Mailboxes by name. Names are UTF-8 NFC, "/" between levels, INBOX in capitals; whoever calls has seen to that.
extension MessageStore {
    /// All mailboxes of an account in the order of their names' bytes, INBOX among them (it is made when it is not there yet).
    package func mailboxes(of account: AccountID, completion: @escaping Answer<[MailboxFacts]>) {
        completion(.failure(.failed("not built yet")))
    }

    package func mailbox(_ mailbox: MailboxID, completion: @escaping Answer<MailboxFacts>) {
        completion(.failure(.failed("not built yet")))
    }

    /// nil when there is none of that name. INBOX is always found.
    package func findMailbox(_ name: String, of account: AccountID, completion: @escaping Answer<MailboxFacts?>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Fails with `.mailboxExists`. Levels above are not made.
    package func createMailbox(
        _ name: String, of account: AccountID, specialUse: SpecialUse = [], completion: @escaping Answer<MailboxFacts>
    ) {
        completion(.failure(.failed("not built yet")))
    }

    /// Gone at once for everybody, with its rights, keywords and annotations; mailboxes below it stay. Its number never comes back, and a
    /// mailbox made later under the same name has a greater UIDVALIDITY. [RFC9051-6.3.5]
    package func deleteMailbox(_ mailbox: MailboxID, completion: @escaping Answer<Void>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Renames a mailbox and all below it in one transaction. Of INBOX the messages move into a new mailbox; it and what is below it
    /// stay. [RFC9051-6.3.6]
    package func renameMailbox(_ from: String, to: String, of account: AccountID, completion: @escaping Answer<Void>) {
        completion(.failure(.failed("not built yet")))
    }

    package func setSpecialUse(_ mailbox: MailboxID, _ use: SpecialUse, completion: @escaping Answer<Void>) {
        completion(.failure(.failed("not built yet")))
    }

    // MARK: Subscriptions

    /// Names that the account subscribed to, in the order of their bytes; a name may outlive its mailbox. [RFC9051-6.3.7]
    package func subscriptions(of account: AccountID, completion: @escaping Answer<[String]>) {
        completion(.failure(.failed("not built yet")))
    }

    package func setSubscribed(_ name: String, _ isSubscribed: Bool, of account: AccountID, completion: @escaping Answer<Void>) {
        completion(.failure(.failed("not built yet")))
    }

    // MARK: Keywords

    /// Names of a mailbox's keywords by bit (`Flags.keyword`).
    package func keywords(of mailbox: MailboxID, completion: @escaping Answer<[Int: String]>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Bits of these names; those that the mailbox does not have yet are made. Fails with `.tooManyKeywords`.
    package func makeKeywords(_ names: [String], of mailbox: MailboxID, completion: @escaping Answer<Flags>) {
        completion(.failure(.failed("not built yet")))
    }
}
