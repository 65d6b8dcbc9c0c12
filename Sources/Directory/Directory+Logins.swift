internal import Database
package import Vocabulary

/// What is remembered of the logins of an account by one way from one place.
package struct LoginRecord: Sendable, Hashable {
    package var service: ListenerRole.Service
    /// `password`, `app-password`, `code`, `recovery-code`, `passkey`.
    package var method: String
    /// What the app password is called, also when it is revoked since.
    package var label: String?
    /// Why they were refused, as the log says it; nil when they were let in.
    package var refusal: String?
    /// Of the last one; others came from the same IPv4 address or /64.
    package var client: String
    package var hasTLS: Bool
    /// Seconds since 1970.
    package var first: Int64
    package var last: Int64
    package var count: Int64
}

// Who logged in where. For the account's owner and the postmaster, nobody else.
extension Directory {
    /// Never blocks on the disk: written a few seconds later, with others.
    /// - Parameter refusal: in a word, as for the log; nil for a login that was let in.
    package func noteLogin(
        _ account: AccountID, _ service: ListenerRole.Service, by method: LoginMethod, from client: IPAddress, hasTLS: Bool,
        refusal: String? = nil
    ) {
        let line = LoginBook.Line(
            account: account, service: LoginRecord.service(service), peer: PeerBlock(client), method: method, refusal: refusal)
        self.logins.note(line, from: client, hasTLS: hasTLS, at: self.location.now())
    }

    /// From now on what was noted is written every few seconds, until `close`.
    package func startWritingLogins() { self.logins.start() }

    /// The newest first, up to this moment. Blocks.
    package func logins(of account: AccountID) throws(DirectoryError) -> [LoginRecord] {
        self.logins.write()
        return try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.logins, .int(account.rawValue)) { row in
                let label = row.text(2)
                let refusal = row.text(3)
                return LoginRecord(
                    service: ListenerRole.Service(rawValue: row.text(0)) ?? .smtp, method: row.text(1),
                    label: label.isEmpty ? nil : label, refusal: refusal.isEmpty ? nil : refusal, client: row.text(4),
                    hasTLS: row.int(5) != 0, first: row.int(6), last: row.int(7), count: row.int(8))
            }
        }
    }
}
