import Directory
import Forms
import MailTesting
import NetKit
import Routing
import SASL
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct AccountPageTests {
    @Test(
        "must-have 60, 61: until there is a postmaster the wrap-up form is shown; filled in wrong it keeps what was typed, right it makes the account",
        arguments: Language.allCases)
    func wrapUp(_ language: Language) throws {
        let desk = try PageDesk()
        let visitor = desk.visitor(language)
        #expect(visitor.get("/menu").headers.contains { $0.name == "Location" && $0.value == "/wrap-up" })
        let form = visitor.get("/wrap-up")
        #expect(form.status == 200 && Wellformed(form.bytes).faults == [])
        #expect(form.read.contains(language == .japanese ? "メール管理者の実名" : "Administrator's real name"))
        #expect(form.read.contains(language == .japanese ? "送信するメールにはいつもこのアドレスが入ります" : "is put into all mail sent"))
        #expect(form.read.contains(language == .japanese ? "どの項目も後から変更でき" : "can easily be changed later"))
        let typed: [String: String?] = [
            "real-name": "山田 <太郎>", "password": "a good password", "password.again": "a good password",
            "addresses": "taro@example.test\r\nyamada@example.test", "pop3-delivery": "yes",
        ]
        // Delivery is ticked, so that a login name is needed.
        let wrong = visitor.fill("/wrap-up", typing: typed)
        #expect(wrong.status == 422 && wrong.text.contains("href=\"#f-login-name\""))
        #expect(wrong.read.contains("山田 <太郎>") && wrong.read.contains("yamada@example.test") && !wrong.text.contains("a good password"))
        let other = visitor.fill("/wrap-up", typing: typed.merging(["login-name": "taro", "password.again": "another"]) { $1 })
        #expect(other.status == 422 && other.text.contains("href=\"#f-password\""))
        #expect(try desk.account("taro") == nil)
        let stranger = visitor.fill("/wrap-up", typing: typed.merging(["login-name": "taro", "addresses": "taro@elsewhere.test"]) { $1 })
        #expect(stranger.status == 422 && stranger.text.contains("name@example.test"), "\(stranger.read)")
        let right = visitor.fill("/wrap-up", typing: typed.merging(["login-name": "taro", "access-restrictions": "192.0.2.0/24"]) { $1 })
        #expect(right.status == 200 && right.text.contains("href=\"/menu\""), "\(right.read)")
        let account = try #require(try desk.account("taro"))
        #expect(account.addresses == ["taro@example.test", "yamada@example.test"] && account.hasPassword)
        #expect(
            account.value(AccountField.type) == .text("administrative") && account.value(AccountField.postmasterPrivilege) == .flag(true))
        #expect(account.values[AccountSecurityField.access.key] == .list(["192.0.2.0/24"]))
        // Must-have 157: what was submitted stays editable, and the form itself is gone.
        #expect(visitor.get("/menu").status == 200 && !visitor.get("/wrap-up").text.contains("<form method=\"post\" action=\"/wrap-up\""))
        let edit = visitor.fill("/accounts/\(account.id.rawValue)", typing: ["real-name": "Taro Yamada"])
        #expect(edit.status == 200)
        #expect(try desk.account("taro")?.values[AccountField.realName.key] == .text("Taro Yamada"))
    }

    @Test(
        "A postmaster switches off the second factor of a lost telephone, revokes app passwords, and sees who changed what",
        arguments: Language.allCases)
    func security(_ language: Language) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor(language)
        let input = try AccountInput(parsing: [("addresses", ["jane@example.test"]), ("real-name", ["Jane <b>Doe"])])
        let jane = try desk.directory.addAccount(input, by: Actor(name: "test", interface: "test"))
        let page = "/accounts/\(jane.rawValue)/security"
        #expect(visitor.get("/accounts/\(jane.rawValue)").text.contains("href=\"\(page)\""))
        #expect(!visitor.get(page).text.contains("second-factor/off"))
        let factor = SecondFactor(key: Secret("12345678901234567890"), lastStep: 0, recoveryCodes: [])
        try desk.directory.setSecondFactor(factor, of: jane, by: Actor(name: "jane@example.test", interface: "web"))
        let device = try desk.directory.addAppPassword(
            jane, label: "old <i>phone", services: ["imap"], lastDay: nil, by: Actor(name: "jane@example.test", interface: "web"))
        let peer = try #require(IPAddress("203.0.113.7"))
        desk.directory.noteLogin(jane, .imap, by: .appPassword(device.id), from: peer, hasTLS: true)
        desk.directory.noteLogin(jane, .pop3, by: .password, from: peer, hasTLS: false, refusal: "wrong-password")
        let shown = visitor.get(page)
        #expect(shown.status == 200 && Wellformed(shown.bytes).faults == [] && shown.read.contains("old <i>phone"))
        #expect(shown.read.contains("203.0.113.7") && shown.read.contains(language == .japanese ? "パスワードの誤り" : "wrong password"))
        #expect(
            shown.read.contains("added as jane@") == (language == .english) && shown.read.contains("jane@example.test, web"),
            "\(shown.read)")
        #expect(!shown.text.contains(device.text) && !shown.text.contains(TOTP.base32(Array("12345678901234567890".utf8))))
        let asked = visitor.post(page + "/second-factor/off", PostedForm())
        #expect(asked.status == 200 && asked.text.contains("confirmed") && Wellformed(asked.bytes).faults == [])
        #expect(try desk.directory.secondFactor(of: jane) != nil)
        // One's own is not switched off here, where no password is asked for.
        var herself = visitor
        herself.session = WebSession(
            id: 2, account: jane, address: "jane@example.test", name: "Jane", isPostmaster: true, formToken: "t")
        let yes = PostedForm([("confirmed", "yes")])
        #expect(herself.get(page).text.contains("href=\"/own/second-factor\""))
        #expect(herself.post(page + "/second-factor/off", yes).text.contains("href=\"/own/second-factor\""))
        #expect(try desk.directory.secondFactor(of: jane) != nil)
        let off = visitor.post(page + "/second-factor/off", yes)
        #expect(off.status == 200 && off.read.contains(language == .japanese ? "無効にし" : "alone is enough"))
        #expect(try desk.directory.secondFactor(of: jane) == nil)
        let revoked = visitor.post(page + "/app-passwords/\(device.id)/revoke", PostedForm())
        #expect(revoked.status == 200)
        #expect(try desk.directory.appPasswords(of: jane).isEmpty)
        // Its owner hears of both, in his own language.
        let mail = try desk.mail("jane@example.test")
        #expect(mail.count == 2 && mail[0].contains("jane@example.test"), "\(mail)")
        #expect(mail.joined().contains("postmaster@example.test") && !mail.joined().contains(device.text))
        #expect(desk.audited.withLock { $0.map(\.action) }.suffix(2) == ["second factor switched off", "app password revoked"])
        #expect(visitor.get(page).read.contains("second-factor"))
        try Self.passkeys(of: jane, desk, visitor, herself)
        // What is none of its own is refused in words, and an account that is gone as well.
        #expect(visitor.post(page + "/app-passwords/99999999999999999999/revoke", PostedForm()).status == 404)
        #expect(visitor.post(page + "/app-passwords/987654/revoke", PostedForm()).read.contains("987654"))
        #expect(desk.audited.withLock { $0.count { $0.action == "app password revoked" } } == 1)
        #expect(visitor.get("/accounts/987654/security").status == 404)
    }

    /// Another's passkeys are removed after a second question, one's own elsewhere.
    private static func passkeys(of jane: AccountID, _ desk: PageDesk, _ visitor: Visitor, _ herself: Visitor) throws {
        let page = "/accounts/\(jane.rawValue)/security"
        for number in 1...3 {
            let passkey = Passkey(
                account: jane, credential: [UInt8(number)], key: [1], host: "mail.example.test", label: "key <b>\(number)", signCount: 0,
                isBackupEligible: false, isBackedUp: false)
            _ = try desk.directory.addPasskey(passkey, recoveryCodes: ["a"], by: Actor(name: "jane@example.test", interface: "web"))
        }
        let shown = visitor.get(page)
        #expect(shown.read.contains("key <b>2") && Wellformed(shown.bytes).faults == [])
        let second = try desk.directory.passkeys(of: jane)[1]
        let place = page + "/passkeys/\(second.id)/remove"
        let yes = PostedForm([("confirmed", "yes")])
        #expect(herself.post(place, yes).text.contains("href=\"/own/passkeys\""))
        #expect(visitor.post(place, PostedForm()).text.contains("confirmed"))
        #expect(try desk.directory.passkeys(of: jane).count == 3)
        #expect(visitor.post(place, yes).status == 200)
        #expect(try desk.directory.passkeys(of: jane).map(\.label) == ["key <b>1", "key <b>3"])
        #expect(visitor.post(place, yes).read.contains("\(second.id)"))
        #expect(visitor.post(page + "/passkeys/x/remove", yes).status == 404)
        #expect(try desk.directory.passkeys(of: jane).count == 2)
        _ = visitor.post(page + "/second-factor/off", yes)
        #expect(try desk.directory.passkeys(of: jane).isEmpty && desk.directory.secondFactor(of: jane) == nil)
        #expect(desk.audited.withLock { $0.count { $0.action == "passkey removed" } } == 1)
    }

    @Test("who administers is not shut out by a list that misses the browser in which it is typed; a list of other accounts may be any")
    func ownList() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let postmaster = try #require(desk.directory.find("postmaster"))
        _ = visitor.fill(
            "/accounts/new",
            typing: ["addresses": "jane@example.test", "password": "secret words", "password.again": "secret words"])
        let jane = try #require(desk.directory.find("jane"))
        let refused = visitor.fill("/accounts/\(postmaster.rawValue)", typing: ["web-access-restrictions": "192.0.2.1"])
        #expect(refused.status == 422 && refused.read.contains("hut out this browser"), "\(refused.read)")
        for (id, list) in [(postmaster, "127.0.0.0/8 192.0.2.1"), (jane, "192.0.2.1")] {
            let page = visitor.fill("/accounts/\(id.rawValue)", typing: ["web-access-restrictions": list])
            #expect(page.status == 200, "\(page.read)")
        }
    }

    @Test("must-have 73: an account is added; the form comes back empty, prefilled from the default account, with the result above")
    func add() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        #expect(visitor.fill("/accounts/default", typing: ["quota": "300 MiB"]).status == 200)
        let form = visitor.get("/accounts/new")
        #expect(form.text.contains("value=\"300 MiB\"") && Wellformed(form.bytes).faults == [])
        let added = visitor.fill(
            "/accounts/new",
            typing: [
                "real-name": "Jane <Doe>", "addresses": "jane@example.test", "password": "secret words", "password.again": "secret words",
                "forwarding-addresses": "jane@elsewhere.test", "note": "first\r\nsecond",
            ])
        #expect(added.status == 200 && added.read.contains("added jane@example.test"), "\(added.read)")
        #expect(
            !added.text.contains("value=\"jane@example.test\"") && !added.text.contains("Jane &lt;Doe&gt;")
                && added.text.contains("value=\"300 MiB\""))
        let account = try #require(try desk.account("jane"))
        #expect(account.values[AccountField.realName.key] == .text("Jane <Doe>") && account.hasPassword)
        #expect(account.values[DeliveryField.quota.key] == .integer(300 << 20))
        #expect(account.values[AccountField.note.key] == .text("first\nsecond"))
        // Nothing is stored that nobody said.
        #expect(account.values.count == 5, "\(account.values.keys)")
        // The same address again: the refusal stands at its field, with everything typed.
        let again = visitor.fill("/accounts/new", typing: ["addresses": "jane@example.test", "real-name": "Other"])
        #expect(
            again.status == 422 && again.text.contains("href=\"#f-addresses\"") && again.text.contains("value=\"Other\""), "\(again.read)")
        let none = visitor.fill("/accounts/new", typing: ["addresses": " ", "quota": "lots"])
        #expect(none.status == 422 && none.text.contains("href=\"#f-quota\"") && none.text.contains("href=\"#f-addresses\""))
    }

    @Test("every field of an account can be changed and cleared again; what is wrong changes nothing", arguments: Language.allCases)
    func change(_ language: Language) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let id = try desk.directory.addAccount(
            try AccountInput(parsing: [("addresses", ["jane@example.test"])]), by: Actor(name: "test", interface: "test"))
        let visitor = desk.visitor(language)
        let path = "/accounts/\(id.rawValue)"
        let page = visitor.get(path)
        #expect(page.status == 200 && Wellformed(page.bytes).faults == [], "\(Wellformed(page.bytes).faults)")
        for field in FieldTable.account { #expect(page.text.contains("id=\"f-\(field.key)\""), "\(field.key)") }
        #expect(visitor.fill(path, typing: [:]).status == 200)
        let entries: [(Field, String)] = [
            (AccountField.expiryDate, "2030-01-31"), (DeliveryField.quota, "1 GiB"), (AccountField.fromRewrite, "comment"),
            (DeliveryField.autoReply, "vacation"), (DeliveryField.autoReplyText, "away\r\n<back> soon"),
            (DirectoryField.telephone, "+81-3-1234-5678"),
            (AccountSecurityField.access, "192.0.2.0/24\r\n*.example.net"), (AccountField.language, "ja"), (DeliveryField.finger, "plan"),
        ]
        for (field, text) in entries {
            #expect(visitor.fill(path, typing: [field.key.text: text]).status == 200, "\(field.key)")
            #expect(try desk.account("jane")?.values[field.key] == (try field.parse([text])), "\(field.key)")
        }
        for (field, _) in entries where field.defaultValue.isNone {
            #expect(visitor.fill(path, typing: [field.key.text: ""]).status == 200)
            #expect(try desk.account("jane")?.values[field.key] == nil, "\(field.key)")
        }
        let before = try desk.account("jane")?.values
        for (name, text) in [
            ("addresses", "nobody"), ("quota", "x"), ("pop3-delivery", ""), ("password", "abc"), ("expiry-date", "31.1.2030"),
        ] {
            let wrong = visitor.fill(path, typing: [name: text, "real-name": "Typed 'by' hand", "auto-reply": "off"])
            #expect(wrong.status == 422 && wrong.read.contains("Typed 'by' hand"), "\(name): \(wrong.status)")
            #expect(wrong.text.contains("href=\"#f-\(name)\""), "\(name)")
        }
        #expect(try desk.account("jane")?.values == before)
        #expect(visitor.get("/accounts/999").status == 404 && visitor.get("/accounts/x").status == 404)
        #expect(visitor.get("/accounts/99999999999999999999").status == 404)
    }

    @Test("must-have 49: accounts are listed by type and initial, found, and deleted from their page, which says what that means")
    func listAndDelete() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let actor = Actor(name: "test", interface: "test")
        for number in 0..<120 {
            _ = try desk.directory.addAccount(
                try AccountInput(parsing: [("addresses", ["q\(number)@example.test"]), ("real-name", ["Queue <\(number)>"])]), by: actor)
        }
        let visitor = desk.visitor(.japanese)
        let list = visitor.get("/accounts", [("type", "general"), ("initial", "Q")])
        #expect(list.status == 200 && Wellformed(list.bytes).faults == [])
        #expect(list.read.contains("120 件中 1-50 件") && list.text.contains("一般アカウント") && list.read.contains("Queue <0>"))
        let next = visitor.get("/accounts", [("type", "general"), ("initial", "Q"), ("start", "100")])
        #expect(next.read.contains("120 件中 101-120 件"))
        #expect(visitor.get("/accounts", [("search", "q77@")]).text.contains("q77@example.test"))
        for odd in [("start", "-3"), ("start", "99999999999"), ("initial", "<b>"), ("type", "x"), ("search", "<script>")] {
            let page = visitor.get("/accounts", [odd])
            #expect(page.status == 200 && Wellformed(page.bytes).faults == [])
        }
        let id = try #require(desk.directory.find("q5@example.test"))
        #expect(visitor.get("/accounts/\(id.rawValue)").text.contains("href=\"/accounts/\(id.rawValue)/delete\""))
        let question = visitor.get("/accounts/\(id.rawValue)/delete")
        #expect(question.read.contains("メールも失われ") && question.text.contains("アカウント削除"), "\(question.read)")
        // Without the question answered nothing goes.
        #expect(visitor.post("/accounts/\(id.rawValue)/delete", PostedForm()).status == 404)
        #expect(try desk.account("q5@example.test") != nil)
        let gone = visitor.post("/accounts/\(id.rawValue)/delete", Browser.submit(question.text))
        #expect(gone.status == 200 && gone.text.contains("class=\"notice done\""), "\(gone.read)")
        #expect(try desk.account("q5@example.test") == nil)
        #expect(visitor.get("/accounts/\(id.rawValue)").status == 404)
        let postmaster = try #require(desk.directory.find("postmaster"))
        #expect(visitor.get("/accounts/\(postmaster.rawValue)/delete").status == 422)
        #expect(desk.audited.withLock { $0 }.map(\.action) == ["account deleted"])
    }

    @Test("many accounts come in as pasted text or a file, with a report of what could not go in") func imports() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let csv =
            "address,name,quota\r\na1@example.test,\"A, One\",1 GiB\r\nboss@example.test,Again,\r\na2@example.test,Two,lots\r\na3@example.test,Three,\r\n"
        let trial = visitor.fill("/accounts/import", typing: ["text": csv, "dry-run": "yes"])
        #expect(try desk.account("a1") == nil && trial.read.contains("a2@example.test"), "\(trial.read)")
        let done = visitor.post(
            "/accounts/import", PostedForm([("text", "")], files: ["file": PostedForm.File(name: "a.csv", bytes: Array(csv.utf8))]))
        #expect(done.read.contains("boss@example.test") && Wellformed(done.bytes).faults == [], "\(done.read)")
        #expect(try desk.account("a1")?.values[DeliveryField.quota.key] == .integer(1 << 30))
        #expect(try desk.account("a3") != nil && desk.account("a2") == nil)
        #expect(visitor.fill("/accounts/import", typing: ["text": ""]).status == 422)
        let binary = PostedForm([], files: ["file": PostedForm.File(name: "a.csv", bytes: [0xFF, 0xFE, 0x41])])
        #expect(visitor.post("/accounts/import", binary).status == 422)
    }

    /// What is written into names, notes and everything else that a page shows.
    @Test("W1 names and texts that are markup stay text on every page that shows them") func markup() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let attack = "\"><script>alert(1)</script><b title='"
        let texts: [(name: String, texts: [String])] = [
            ("addresses", ["\"<b>\"@example.test"]), ("real-name", [attack]), ("note", [attack]), ("finger-information", [attack]),
            ("title", [attack]),
            ("auto-reply-text", [attack]), ("login-name", ["<b>"]),
        ]
        let id = try desk.directory.addAccount(try AccountInput(parsing: texts), by: Actor(name: "test", interface: "test"))
        let visitor = desk.visitor()
        for path in ["/accounts", "/accounts/\(id.rawValue)", "/accounts/\(id.rawValue)/delete"] {
            let page = visitor.get(path)
            #expect(page.status == 200 && Wellformed(page.bytes).faults == [], "\(path)")
            #expect(!page.text.contains("<script>alert") && !page.text.contains("<b>") && page.text.contains("&lt;b"), "\(path)")
        }
    }

    @Test("the checklist says what is done and what is missing, with records ready to copy", arguments: Language.allCases)
    func checklist(_ language: Language) throws {
        let desk = try PageDesk()
        let page = desk.visitor(language).get("/checklist")
        #expect(page.status == 200 && Wellformed(page.bytes).faults == [])
        #expect(page.read.contains("example.test. IN MX 10 mail.example.test."))
        #expect(page.read.contains("_dmarc.example.test. IN TXT \"v=DMARC1"))
        for key in ["domain", "mx", "a", "ptr", "spf", "dkim", "dmarc", "mta-sts", "certificate", "relay", "account", "backup"] {
            #expect(page.text.contains("id=\"check-\(key)\""))
        }
        #expect(page.text.contains("href=\"/wrap-up\""))
    }

    @Test("an account that may not send is let go again from its page") func release() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let id = try desk.directory.addAccount(
            try AccountInput(parsing: [("addresses", ["jane@example.test"]), ("sending", ["suspended"])]),
            by: Actor(name: "test", interface: "test"))
        let visitor = desk.visitor(.japanese)
        let path = "/accounts/\(id.rawValue)"
        #expect(visitor.get(path).text.contains("送信停止を解除") && visitor.get("/accounts").text.contains("送信停止中"))
        let released = visitor.post(path + "/release", PostedForm())
        #expect(
            released.status == 200 && !released.text.contains("/release\"") && Wellformed(released.bytes).faults == [], "\(released.read)")
        #expect(!desk.directory.snapshot.isSuspended(id))
    }

    @Test("136: the checklist asks DNS and tells a server that can send but not receive from one that can do both") func checklistDNS()
        throws
    {
        let desk = try PageDesk()
        try desk.wrapUp()
        let address = try #require(IPAddress("8.8.4.4"))
        let dns = FakeResolver()
        func ask(_ language: Language = .japanese) -> String {
            desk.visitor(language, resolver: dns, own: [address]).get("/checklist", [("check", "yes")]).read
        }
        func state(_ key: String, _ text: String) -> Substring {
            let rest = text[(text.firstRange(of: "id=\"check-\(key)\"")?.upperBound ?? text.endIndex)...]
            return rest[..<(rest.firstRange(of: "</section>")?.lowerBound ?? rest.endIndex)]
        }
        let nothing = ask()
        #expect(state("mx", nothing).contains("メールの送信はできますが、受信ができない状態です") && state("mx", nothing).contains("未完了"))
        #expect(
            state("a", nothing).contains("mail.example.test. IN A 8.8.4.4")
                && state("ptr", nothing).contains("4.4.8.8.in-addr.arpa. IN PTR"))
        #expect(state("spf", nothing).contains("要確認"))
        dns.set("example.test", .mx, .success(DNSAnswer(records: .exchanges([MXRecord(preference: 5, host: "other.example")]))))
        #expect(state("mx", ask(.english)).contains("can send mail but not receive it") && state("mx", ask()).contains("other.example"))
        dns.set("example.test", .mx, .success(DNSAnswer(records: .exchanges([MXRecord(preference: 5, host: "mail.example.test")]))))
        dns.addHost("mail.example.test", ["8.8.4.4"])
        dns.set("example.test", .txt, .success(DNSAnswer(records: .texts([Array("v=spf1 mx -all".utf8), Array("<script>x".utf8)]))))
        dns.set("_dmarc.example.test", .txt, .success(DNSAnswer(records: .texts([Array("v=DMARC1; p=none".utf8)]))))
        let all = ask()
        for key in ["mx", "a", "ptr", "spf", "dmarc"] {
            #expect(state(key, all).contains("完了") && !state(key, all).contains("未完了"), "\(key)")
        }
        dns.set("example.test", .txt, .success(DNSAnswer(records: .texts([Array("v=spf1 -all".utf8), Array("v=spf1 mx".utf8)]))))
        dns.set("example.test", .mx, .failure(.timedOut))
        #expect(state("spf", ask()).contains("2 つ以上") && state("mx", ask()).contains("未確認"))
    }
}
