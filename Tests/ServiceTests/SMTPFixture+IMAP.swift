import MailTesting

extension SMTPFixture {
    /// A session behind its login.
    func imap(_ login: String, _ password: String) throws -> IMAPTestClient {
        let client = try self.imap()
        try client.ok("LOGIN \(login) \"\(password)\"")
        return client
    }

    func imap() throws -> IMAPTestClient { try IMAPTestClient(port: self.port("imap")) }
}
