internal import Database
package import Vocabulary

// Rights and annotations: rows that the store keeps and does not read.
extension MessageStore {
    /// In the order of the identifiers.
    package func rights(of mailbox: MailboxID, completion: @escaping Answer<[RightsEntry]>) {
        self.reading(completion) { () throws(StoreError) in try self.rights(of: mailbox) }
    }

    package func rights(of mailbox: MailboxID) throws(StoreError) -> [RightsEntry] {
        try self.readMail { db throws(DatabaseError) in
            try db.rows(FolderSQL.rights, .int(mailbox.rawValue)) { RightsEntry(identifier: $0.text(0), rights: $0.text(1)) }
        }
    }

    /// - Parameter rights: nil removes the row.
    package func setRights(_ rights: String?, of identifier: String, on mailbox: MailboxID, completion: @escaping Answer<Void>) {
        self.changing(completion) { writer throws(StoreError) in
            let box = try writer.known(mailbox.rawValue)
            try StoreError.wrap { () throws(DatabaseError) in
                if let rights {
                    try writer.connection.run(FolderSQL.setRights, .int(mailbox.rawValue), .text(identifier), .text(rights))
                } else {
                    try writer.connection.run(FolderSQL.dropRights, .int(mailbox.rawValue), .text(identifier))
                }
            }
            writer.effects.events.append((box.account, .rights(mailbox)))
        }
    }

    /// Mailboxes that have a row for one of the identifiers, whoever owns them; each once, in the order of owner and name.
    package func mailboxesSharedWith(_ identifiers: [String], completion: @escaping Answer<[MailboxFacts]>) {
        self.reading(completion) { () throws(StoreError) in try self.mailboxesSharedWith(identifiers) }
    }

    package func mailboxesSharedWith(_ identifiers: [String]) throws(StoreError) -> [MailboxFacts] {
        var found: [MailboxID: MailboxFacts] = [:]
        for identifier in identifiers {
            let some = try self.readMail { db throws(DatabaseError) in
                try db.rows(FolderSQL.sharedWith, .text(identifier), read: Self.facts)
            }
            for mailbox in some where !self.parts.removed.contains(mailbox.account.rawValue) { found[mailbox.id] = mailbox }
        }
        return found.values.sorted { ($0.account, $0.name) < ($1.account, $1.name) }
    }

    // MARK: Annotations

    /// Largest value, and most entries of one mailbox or of one account's server entries.
    package static let metadataLimits = (bytes: 64 << 10, entries: 1000)

    /// Annotations of a mailbox, or of the server as the account sees it (nil), in the order of their names.
    /// - Parameter account: whose private ones; 0 is nobody's, those that all see.
    package func metadata(of mailbox: MailboxID?, account: AccountID, completion: @escaping Answer<[MetadataEntry]>) {
        self.reading(completion) { () throws(StoreError) in try self.metadata(of: mailbox, account: account) }
    }

    package func metadata(of mailbox: MailboxID?, account: AccountID) throws(StoreError) -> [MetadataEntry] {
        let place: Int64 = mailbox?.rawValue ?? 0
        return try self.readMail { db throws(DatabaseError) in
            try db.rows(FolderSQL.metadata, .int(place), .int(account.rawValue)) {
                MetadataEntry(name: $0.text(0), value: $0.bytes(1))
            }
        }
    }

    /// Sets all or none. An empty value and none are different; nil removes. Fails with `.tooLarge` beyond `metadataLimits`.
    /// - Parameters:
    ///   - mailbox: nil is the server.
    ///   - account: whose private ones; 0 is nobody's, those that all see.
    package func setMetadata(
        _ entries: [(name: String, value: [UInt8]?)], of mailbox: MailboxID?, account: AccountID, completion: @escaping Answer<Void>
    ) {
        guard entries.allSatisfy({ ($0.value?.count ?? 0) <= Self.metadataLimits.bytes }) else { return completion(.failure(.tooLarge)) }
        self.changing(completion) { writer throws(StoreError) in
            let owner = try mailbox.map { (id) throws(StoreError) in try writer.known(id.rawValue).account } ?? account.rawValue
            let number: Int64 = mailbox?.rawValue ?? 0
            let place = Value.int(number)
            let count = try StoreError.wrap { () throws(DatabaseError) in
                for (name, value) in entries {
                    if let value {
                        try writer.connection.run(FolderSQL.setMetadata, place, .int(account.rawValue), .text(name), .blob(value))
                    } else {
                        try writer.connection.run(FolderSQL.dropMetadata, place, .int(account.rawValue), .text(name))
                    }
                }
                return try writer.connection.row(FolderSQL.countMetadata, place, .int(account.rawValue)) { $0.int(0) } ?? 0
            }
            if count > Int64(Self.metadataLimits.entries) { throw .tooLarge }
            writer.effects.events.append((owner, .metadata(mailbox, names: entries.map(\.name))))
        }
    }
}
