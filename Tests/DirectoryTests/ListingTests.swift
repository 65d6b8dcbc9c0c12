import Directory
import Forms
import Testing
import Vocabulary

@Suite struct ListingTests {
    private func names(_ page: AccountListPage) -> [String] { page.lines.map { $0.name.isEmpty ? $0.address : $0.name } }

    @Test("accounts stand by type and initial: readings before names, katakana with hiragana, addresses where a name says nothing")
    func order() throws {
        let fixture = try Fixture()
        try fixture.add("z1@example.test", fields: ["real-name": "山田 太郎", "reading": "やまだ たろう"])
        try fixture.add("z2@example.test", fields: ["real-name": "ｶﾄｳ"])
        try fixture.add("z3@example.test", fields: ["real-name": "がんばる"])
        try fixture.add("z4@example.test", fields: ["real-name": "Émile Zola"])
        try fixture.add("q@example.test", fields: ["real-name": "漢字"])
        try fixture.add("9@example.test")
        try fixture.add("keep@example.test", fields: ["type": "reserved"])
        try fixture.add("boss@example.test", fields: ["type": "administrative"])
        let general = fixture.directory.list(.general)
        #expect(self.names(general) == ["Émile Zola", "漢字", "ｶﾄｳ", "がんばる", "山田 太郎", "9@example.test"])
        #expect(general.initials == [.latin(4): 1, .latin(16): 1, .kana(1): 2, .kana(7): 1, .other: 1])
        #expect(self.names(fixture.directory.list(.general, initial: .kana(1))) == ["ｶﾄｳ", "がんばる"])
        #expect(self.names(fixture.directory.list(.general, initial: AccountInitial(label: "Q"))) == ["漢字"])
        #expect(self.names(fixture.directory.list(.reserved)) == ["keep@example.test"])
        #expect(fixture.directory.list(.administrative).lines.map(\.address).sorted() == ["boss@example.test", "postmaster@example.test"])
    }

    @Test("every kana and letter has its row, and every row its label back") func initials() {
        for initial in AccountInitial.all { #expect(AccountInitial(label: initial.label) == initial) }
        #expect(AccountInitial(label: "x") == nil && AccountInitial(label: "") == nil)
        #expect(AccountInitial.all.map(\.label).joined() == "ABCDEFGHIJKLMNOPQRSTUVWXYZあかさたなはまやらわ#")
    }

    @Test("the list follows what is added, renamed, given another type and removed") func follows() throws {
        let fixture = try Fixture()
        for name in ["c", "a", "b"] { try fixture.add("\(name)@example.test") }
        #expect(self.names(fixture.directory.list(.general)) == ["a@example.test", "b@example.test", "c@example.test"])
        let b = try #require(fixture.directory.find("b@example.test"))
        try fixture.directory.changeAccount(b, AccountInput(values: [AccountField.realName.key: .text("Zoe")]), by: Fixture.actor)
        try fixture.add("d@example.test")
        #expect(self.names(fixture.directory.list(.general)) == ["a@example.test", "c@example.test", "d@example.test", "Zoe"])
        try fixture.directory.changeAccount(b, AccountInput(values: [AccountField.type.key: .text("reserved")]), by: Fixture.actor)
        let a = try #require(fixture.directory.find("a@example.test"))
        try fixture.directory.removeAccount(a, by: Fixture.actor)
        #expect(self.names(fixture.directory.list(.general)) == ["c@example.test", "d@example.test"])
        #expect(self.names(fixture.directory.list(.reserved)) == ["Zoe"])
    }

    @Test("a search finds parts of name, reading, address and login name in any case and kana; pages and odd places hold") func search()
        throws
    {
        let fixture = try Fixture()
        try fixture.add("taro@example.test", fields: ["real-name": "山田 太郎", "reading": "ヤマダ タロウ", "login-name": "YT"])
        for number in 10..<40 { try fixture.add("user\(number)@example.test", fields: ["real-name": "User \(number)"]) }
        for wanted in ["山田", "やまだ", "ヤマ", "TARO@", "yt", "ﾔﾏﾀﾞ"] {
            #expect(self.names(fixture.directory.list(.general, search: wanted)) == ["山田 太郎"], "\(wanted)")
        }
        let second = fixture.directory.list(.general, search: "user", start: 10, limit: 10)
        #expect(second.total == 30 && self.names(second) == (20..<30).map { "User \($0)" })
        #expect(fixture.directory.list(.general, search: "nobody").lines.isEmpty)
        for start in [-5, 31, 1000, Int.max] { _ = fixture.directory.list(.general, initial: .kana(3), start: start) }
        #expect(fixture.directory.list(.general, start: 25, limit: 10).lines.count == 6)
        #expect(fixture.directory.list(.general, start: Int.max).lines.isEmpty)
    }
}
