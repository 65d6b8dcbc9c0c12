import Directory
import Forms
import MailTesting
import Testing
import Vocabulary

/// What is remembered of logins, by real clients of each service.
@Suite("Last logins, by POP3, IMAP4 and submission", .serialized)
struct LoginRecordServiceTests {
    @Test("POP3, IMAP4 and SMTP AUTH stand in the table of their account, with what opened them; what was refused too")
    func services() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", password: "taros word")
        let hanako = try server.account("hanako@example.test", password: "hanakos word")
        let phone = try server.directory.addAppPassword(
            taro, label: "phone", services: ["submission"], lastDay: nil, by: Actor(name: "test", interface: "test"))
        for _ in 0..<2 {
            let reader = try server.reader()
            try reader.ok("USER taro")
            try reader.ok("PASS taros word")
            try reader.ok("QUIT")
        }
        _ = try server.imap("taro", "taros word")
        #expect(try server.greeted("submission").login("taro", phone.text).hasPrefix("235"))
        #expect(try server.greeted("submission").login("taro", "taros word").hasPrefix("235"))
        #expect(try server.greeted("submission").login("taro", "no word").hasPrefix("535"))
        let refused = try server.reader()
        try refused.ok("USER taro")
        #expect(try refused.say("PASS no word").hasPrefix("-ERR"))
        let logins = try server.directory.logins(of: taro)
        func count(_ service: ListenerRole.Service, _ method: String, _ refusal: String? = nil) -> Int64? {
            logins.first { $0.service == service && $0.method == method && $0.refusal == refusal }?.count
        }
        #expect(count(.pop3, "password") == 2 && count(.imap, "password") == 1)
        #expect(count(.submission, "password") == 1 && count(.submission, "app-password") == 1)
        #expect(count(.submission, "password", "wrong-password") == 1 && count(.pop3, "password", "wrong-password") == 1)
        #expect(logins.count == 6 && logins.allSatisfy { $0.client == "127.0.0.1" && !$0.hasTLS })
        #expect(logins.first { $0.label != nil }?.label == "phone")
        #expect(try server.directory.logins(of: hanako).isEmpty)
    }
}
