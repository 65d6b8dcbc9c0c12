import Directory
import Policy
import Testing
import Vocabulary

@Suite(.serialized) struct LoginRecordTests {
    @Test("Logins of one service from one place by the same means are one line with first time, last time and number")
    func lines() throws {
        let desk = try LoginDesk()
        let id = try desk.fixture.add("jane@example.test", password: "secret word")
        let other = try desk.fixture.add("taro@example.test", password: "other word")
        let phone = try desk.fixture.directory.addAppPassword(id, label: "phone", services: ["imap"], lastDay: nil, by: Fixture.actor)
        for _ in 0..<3 {
            #expect(try desk.login("jane", "secret word") == nil)
            desk.pass(seconds: 60)
        }
        #expect(try desk.login("jane@example.test", "secret word", from: "192.0.2.2", service: .smtp) == nil)
        #expect(try desk.login("jane", "secret word", from: "192.0.2.2", service: .submission) == nil)
        desk.pass(seconds: 1)
        #expect(try desk.login("jane", phone.text, from: "2001:db8::1", service: .imap) == nil)
        desk.pass(seconds: 1)
        #expect(try desk.login("jane", phone.text, from: "2001:db8::2", service: .imap) == nil)
        desk.pass(seconds: 1)
        #expect(try desk.login("jane", "wrong word", from: "198.51.100.9") == .badCredentials)
        #expect(try desk.login("nobody", "wrong word", from: "198.51.100.9") == .badCredentials)
        // The password is half of it on the web; the session tells there.
        #expect(try desk.login("jane", "secret word", service: .http) == nil)
        let logins = try desk.fixture.directory.logins(of: id)
        #expect(logins.map(\.service) == [.pop3, .imap, .submission, .pop3])
        #expect(logins.map(\.refusal) == ["wrong-password", nil, nil, nil])
        #expect(logins.map(\.count) == [1, 2, 2, 3] && logins.map(\.method) == ["password", "app-password", "password", "password"])
        #expect(logins[1].label == "phone" && logins[1].client == "2001:db8::2" && logins[1].hasTLS)
        #expect(logins[3].last - logins[3].first == 120 && logins[3].client == "192.0.2.1")
        #expect(try desk.fixture.directory.logins(of: other).isEmpty)
        // The name of the app password outlives it; another time adds to the line that is in the file.
        try desk.fixture.directory.revokeAppPassword(id, phone.id, by: Fixture.actor)
        #expect(try desk.login("jane", "secret word") == nil)
        let later = try desk.fixture.directory.logins(of: id)
        #expect(later.first?.count == 4 && later.first?.service == .pop3 && later.contains { $0.label == "phone" })
        let words = later.map { [$0.serviceLabel, $0.methodLabel, $0.refusalLabel ?? Localized(en: "-", ja: "-")] }.joined()
        for word in words { #expect(!word.english.isEmpty && !word.japanese.isEmpty) }
    }

    @Test("An account keeps its newest logins, of each kind so many, and who guesses passwords drives out none of its owner's")
    func bounds() throws {
        let fixture = try Fixture()
        let id = try fixture.add("jane@example.test")
        func note(_ number: Int, refusal: String?) throws {
            let address = try #require(IPAddress("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"))
            fixture.directory.noteLogin(id, .imap, by: .password, from: address, hasTLS: true, refusal: refusal)
        }
        for number in 0..<20 { try note(number, refusal: nil) }
        // More than wait at once: what is too many is lost, and nothing else.
        for number in 0..<20_000 { try note(number, refusal: "wrong-password") }
        let first = try fixture.directory.logins(of: id)
        #expect(first.count { $0.refusal == nil } == 20 && first.count { $0.refusal != nil } == 30)
        for number in 100..<300 { try note(number, refusal: nil) }
        #expect(try fixture.directory.logins(of: id).count { $0.refusal == nil } == 50)
        #expect(try fixture.directory.logins(of: id).count == 80)
    }

    @Test("They are there after a restart, and go with the account, also those that were not written yet")
    func restart() throws {
        let fixture = try Fixture()
        let jane = try fixture.add("jane@example.test")
        let taro = try fixture.add("taro@example.test")
        let peer = try #require(IPAddress("192.0.2.1"))
        fixture.directory.startWritingLogins()
        for id in [jane, taro] { fixture.directory.noteLogin(id, .pop3, by: .password, from: peer, hasTLS: false) }
        let again = try fixture.reopened()
        #expect(try again.logins(of: jane).map(\.client) == ["192.0.2.1"])
        again.noteLogin(taro, .imap, by: .password, from: peer, hasTLS: false)
        try again.removeAccount(taro, by: Fixture.actor)
        #expect(try again.logins(of: taro).isEmpty)
        again.noteLogin(taro, .imap, by: .password, from: peer, hasTLS: false)
        #expect(try again.logins(of: taro).isEmpty)
        again.close()
    }
}
