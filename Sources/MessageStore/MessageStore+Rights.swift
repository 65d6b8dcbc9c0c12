internal import Database
package import Vocabulary

// Rights and annotations: rows that the store keeps and does not read.
extension MessageStore {
    /// In the order of the identifiers.
    package func rights(of mailbox: MailboxID, completion: @escaping Answer<[MailboxRights]>) {
        completion(.failure(.failed("not built yet")))
    }

    /// - Parameter rights: nil removes the row.
    package func setRights(_ rights: String?, of identifier: String, on mailbox: MailboxID, completion: @escaping Answer<Void>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Mailboxes that have a row for one of the identifiers, whoever owns them.
    package func mailboxesSharedWith(_ identifiers: [String], completion: @escaping Answer<[MailboxFacts]>) {
        completion(.failure(.failed("not built yet")))
    }

    // MARK: Annotations

    /// Largest value, and most entries of one mailbox or of one account's server entries.
    package static let metadataLimits = (bytes: 64 << 10, entries: 1000)

    /// Annotations of a mailbox, or of the server as the account sees it, in the order of their names.
    package func metadata(of mailbox: MailboxID?, account: AccountID, completion: @escaping Answer<[MetadataEntry]>) {
        completion(.failure(.failed("not built yet")))
    }

    /// Sets all or none. An empty value and none are different; nil removes. Fails with `.tooLarge` beyond `metadataLimits`.
    /// - Parameter mailbox: nil is the server.
    package func setMetadata(
        _ entries: [(name: String, value: [UInt8]?)], of mailbox: MailboxID?, account: AccountID, completion: @escaping Answer<Void>
    ) {
        completion(.failure(.failed("not built yet")))
    }
}
