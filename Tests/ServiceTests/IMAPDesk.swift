import Forms
import MailTesting
import Testing
import Vocabulary

/// Two accounts, each with a session: whose mailboxes it is about, and somebody else.
struct IMAPDesk {
    static let word = "correct horse"

    let server: SMTPFixture
    let owner: IMAPTestClient
    let guest: IMAPTestClient
    let guestAccount: AccountID

    init() throws {
        self.server = try SMTPFixture()
        try self.server.account("taro@example.test", password: Self.word)
        self.guestAccount = try self.server.account("hanako@example.test", password: Self.word)
        self.owner = try self.server.imap("taro", Self.word)
        self.guest = try self.server.imap("hanako", Self.word)
    }

    /// A URL of the owner's, or of `client`'s, that carries the right to read what it names.
    func url(_ rump: String, of client: IMAPTestClient? = nil) throws -> String {
        let line = try (client ?? self.owner).ok("GENURLAUTH \"\(rump)\" INTERNAL").first("GENURLAUTH ") ?? ""
        return String(line.dropFirst("GENURLAUTH \"".count).dropLast())
    }
}
