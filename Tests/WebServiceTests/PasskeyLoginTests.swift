import Directory
import Forms
import SASL
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct PasskeyLoginTests {
    /// What the page asks the device for.
    private static func options(_ browser: TestBrowser) throws -> JSONValue {
        let start = try #require(browser.page.text.firstRange(of: " data-passkey=\"")).upperBound
        let text = Browser.decoded(browser.page.text[start...].prefix { $0 != "\"" })
        return try JSONValue(reading: Array(text.utf8))
    }

    private static func challenge(_ browser: TestBrowser) throws -> [UInt8] {
        let text = try self.options(browser)["challenge"]?.text
        return try #require(Base64URL.decode(text ?? "?"))
    }

    private static func fields(_ fields: [(String, String)]) -> [String: String?] {
        Dictionary(fields.map { ($0.0, Optional($0.1)) }) { $1 }
    }

    /// Somebody logged in makes a passkey.
    @discardableResult
    private static func register(
        _ browser: TestBrowser, _ device: inout SoftwareAuthenticator, label: String = "Telephone <b>", password: String = "secret-1"
    ) throws -> TestBrowser.Answer {
        try browser.get("/own/passkeys")
        try browser.submit("/own/passkeys", ["label": label, "password": password])
        guard browser.page.text.contains("data-passkey") else { return browser.page }
        let options = try self.options(browser)
        device.userHandle = try #require(Base64URL.decode(options["user"]?["id"]?.text ?? "?"))
        return try browser.submit("/own/passkeys/made", self.fields(device.registering(try self.challenge(browser))))
    }

    /// At the page in hand.
    @discardableResult
    private static func prove(_ browser: TestBrowser, _ device: inout SoftwareAuthenticator) throws -> TestBrowser.Answer {
        try browser.submit("/login/passkey", self.fields(try device.proving(try self.challenge(browser))))
    }

    private static func recoveryCodes(_ browser: TestBrowser) throws -> [String] {
        let block = try #require(browser.page.read.firstRange(of: "<pre>")).upperBound
        return browser.page.read[block...].prefix { $0 != "<" }.split(separator: "\n").map(String.init)
    }

    @Test(
        "a passkey is made with name and password, asked beside the password or instead of it, and worth nothing once it is deleted",
        arguments: Language.allCases)
    func life(_ language: Language) throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        browser.headers = [("accept-language", language.rawValue)]
        try browser.logIn("taro@example.test")
        let empty = try browser.get("/own/passkeys")
        #expect(empty.status == 200 && empty.text.contains("name=\"password\""))
        #expect(Wellformed(Array(empty.text.utf8)).faults == [])
        #expect(empty.read.contains(language == .japanese ? "パスキーの作成" : "New passkey"))
        for (typing, wrong) in [(["label": "", "password": "secret-1"], "label"), (["label": "x", "password": "nope"], "password")] {
            let refused = try browser.submit("/own/passkeys", typing)
            #expect(refused.status == 422 && refused.text.contains("p-\(wrong)-problem") && !refused.text.contains("data-passkey"))
        }
        var device = SoftwareAuthenticator(signCount: 1)
        let done = try Self.register(browser, &device)
        #expect(done.status == 200 && done.read.contains("Telephone <b>") && Wellformed(Array(done.text.utf8)).faults == [])
        #expect(done.read.contains(language == .japanese ? "残りのリカバリコード: 10" : "Recovery codes left: 10"))
        let recovery = try Self.recoveryCodes(browser)
        #expect(recovery.count == 10 && office.events.names.contains("passkey-added"))
        let kept = try #require(try office.directory.passkeys(of: taro).first)
        #expect(kept.host == "mail.example.test" && kept.key == device.publicKey && kept.signCount == 1)
        // The password alone is not enough any more.
        try browser.submit("/logout")
        try browser.logIn("taro@example.test")
        #expect(try browser.page.status == 200 && browser.copy().get("/own").status == 401)
        #expect(Wellformed(Array(browser.page.text.utf8)).faults == [])
        #expect(browser.page.read.contains(language == .japanese ? "パスキーを使う" : "Use a passkey"))
        let asked = try Self.options(browser)
        #expect(
            asked["allowCredentials"]?.items?.first?["id"]?.text == Base64URL.encode(device.id)
                && asked["rpId"]?.text == "mail.example.test")
        // Beside the password a touch is enough.
        device.flags = [.present]
        #expect(try Self.prove(browser, &device).location == "/own")
        #expect(try browser.get("/own").status == 200)
        #expect(try office.directory.passkeys(of: taro).first?.lastUsed != nil)
        try browser.submit("/logout")
        // Instead of it the device must know who holds it, and of whom it is.
        let form = try browser.get("/")
        #expect(form.read.contains(language == .japanese ? "パスキーでログイン" : "Log in with a passkey"))
        #expect(try Self.options(browser)["userVerification"]?.text == "required")
        #expect(try Self.options(browser)["allowCredentials"]?.items?.isEmpty == true)
        #expect(try Self.prove(browser, &device).status == 401)
        device.flags = [.present, .verified]
        #expect(try Self.prove(browser, &device).location == "/own")
        #expect(try browser.get("/own").status == 200 && office.events.text.contains("passkey"))
        // Deleting asks for the password, and says that it is the last.
        let page = "/own/passkeys/\(kept.id)"
        #expect(try browser.get(page).text.contains("notice warning"))
        #expect(try browser.submit(page, ["password": "nope"]).status == 422)
        let gone = try browser.submit(page, ["password": "secret-1"])
        #expect(gone.status == 200)
        #expect(try office.directory.passkeys(of: taro).isEmpty && office.directory.secondFactor(of: taro) == nil)
        try browser.submit("/logout")
        try browser.get("/")
        #expect(try Self.prove(browser, &device).status == 401)
        #expect(office.events.text.contains("unknown-passkey"))
        try browser.logIn("taro@example.test")
        #expect(browser.page.location == "/own")
    }

    @Test(
        "the same proof twice, one of another browser, of another account, of another purpose, too late, or with a count of before: refused"
    )
    func replays() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        try office.add("jiro@example.test", password: "secret-2")
        let (browser, other) = (TestBrowser(office), TestBrowser(office))
        try browser.logIn("taro@example.test")
        var (device, foreign) = (SoftwareAuthenticator(signCount: 5), SoftwareAuthenticator())
        try Self.register(browser, &device)
        try other.logIn("jiro@example.test", "secret-2")
        try Self.register(other, &foreign)
        try browser.submit("/logout")
        try other.submit("/logout")
        // Another's passkey beside one's password.
        try browser.logIn("taro@example.test")
        #expect(try Self.prove(browser, &foreign).status == 200 && browser.copy().get("/own").status == 401)
        // A proof for the login page in the place of that for the step, and the other way round.
        let step = try Self.challenge(browser)
        let stepPage = Browser.submit(browser.page.text).pairs
        try browser.get("/")
        let fields = try device.proving(step)
        #expect(try browser.submit("/login/passkey", Self.fields(fields)).status == 401)
        let login = try Self.challenge(browser)
        let mixed =
            stepPage.filter { pair in !["token"].contains(pair.name) }
            + Browser.submit(browser.page.text).pairs.filter { $0.name == "token" }
        let wrong =
            mixed.filter { pair in !fields.contains { $0.0 == pair.name } } + (try device.proving(login)).map { (name: $0.0, value: $0.1) }
        #expect(try browser.post("/login/passkey", wrong.map { ($0.name, $0.value) }).status == 200)
        #expect(try browser.copy().get("/own").status == 401)
        // Of another browser.
        try other.get("/")
        try browser.get("/")
        #expect(try other.submit("/login/passkey", Self.fields(try device.proving(try Self.challenge(browser)))).status == 401)
        // Too late.
        try browser.get("/")
        let late = try device.proving(try Self.challenge(browser))
        office.clock.advance(301)
        #expect(try browser.submit("/login/passkey", Self.fields(late)).status == 401)
        // Once, and then never again, from the very same browser.
        try browser.get("/")
        let page = Browser.submit(browser.page.text).pairs
        let proof = try device.proving(try Self.challenge(browser))
        let sent = page.filter { pair in !proof.contains { $0.0 == pair.name } }.map { ($0.name, $0.value) } + proof
        #expect(try browser.post("/login/passkey", sent).location == "/own")
        try browser.get("/own")
        try browser.submit("/logout")
        #expect(try browser.post("/login/passkey", sent).status == 401)
        #expect(office.events.text.contains("wrong-challenge"))
        // A copy of the device that counted less.
        var copy = device
        copy.signCount = 2
        try browser.get("/")
        #expect(try Self.prove(browser, &copy).status == 401 && office.events.text.contains("copied"))
        // The handle of somebody else.
        try browser.get("/")
        device.userHandle = foreign.userHandle
        #expect(try Self.prove(browser, &device).status == 401)
    }

    @Test("wrong, cut and huge fields of a proof are answered like any wrong login, and cost the budget of failed logins")
    func garbage() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        var device = SoftwareAuthenticator()
        try Self.register(browser, &device)
        try browser.submit("/logout")
        let huge = String(repeating: "A", count: 100_000)
        for name in ["credential", "client-data", "device-data", "signature", "user-handle"] {
            for value in [nil, "", "!", "AA==", huge] as [String?] where !(name == "user-handle" && value == nil) {
                office.clock.advance(700)
                try browser.get("/")
                var fields = Self.fields(try device.proving(try Self.challenge(browser)))
                fields[name] = .some(value)
                let answer = try browser.submit("/login/passkey", fields)
                #expect(answer.status == 401 && answer.text.contains("data-passkey"), "\(name) \(value?.prefix(5) ?? "nil")")
            }
        }
        // Without a form of ours nothing is looked at.
        #expect(try TestBrowser(office).post("/login/passkey", [("credential", "AA")]).status == 403)
        office.clock.advance(700)
        try office.configure("login-failure-budget", "3")
        for _ in 0..<3 {
            try browser.get("/")
            var stranger = SoftwareAuthenticator()
            #expect(try Self.prove(browser, &stranger).text.contains("was not taken"))
        }
        try browser.get("/")
        #expect(try Self.prove(browser, &device).text.contains("Too many"))
        office.clock.advance(700)
        try browser.get("/")
        #expect(try Self.prove(browser, &device).location == "/own")
    }

    @Test("what keeps a password out keeps a passkey out: lock, expiry, service, the account's own list; and who is deleted has none")
    func states() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        var device = SoftwareAuthenticator()
        try Self.register(browser, &device)
        try browser.submit("/logout")
        for (field, value, back, told) in [
            ("state", "locked", "active", "locked"), ("services", "pop3", "pop3 imap submission web", "may not be used for the web"),
            ("web-access-restrictions", "198.51.100.7", "", "may not be used from 192.0.2.7"),
        ] {
            try office.set(taro, field, value)
            try browser.get("/")
            #expect(try Self.prove(browser, &device).text.contains(told), "\(field)")
            try office.set(taro, field, back)
        }
        try browser.get("/")
        #expect(try Self.prove(browser, &device).location == "/own")
        try office.directory.removeAccount(taro, by: WebOfficeInTest.actor)
        #expect(try office.directory.passkey(device.id) == nil)
        try browser.get("/")
        #expect(try Self.prove(browser, &device).status == 401)
    }

    @Test("made for another place, twice, of a browser that has none, with a stale form, or one too many: refused, each with the reason")
    func registering() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        var evil = SoftwareAuthenticator(origin: "https://evil.test")
        #expect(try Self.register(browser, &evil).text.contains("notice failure"))
        var elsewhere = SoftwareAuthenticator(host: "example.test")
        #expect(try Self.register(browser, &elsewhere).text.contains("notice failure"))
        #expect(try office.directory.passkeys(of: taro).isEmpty)
        var device = SoftwareAuthenticator()
        #expect(try Self.register(browser, &device).text.contains("notice done"))
        // The same credential, and the same name.
        #expect(try Self.register(browser, &device, label: "Another").text.contains("notice failure"))
        #expect(try Self.register(browser, &device).status == 422)
        // It is named to the device, so that it makes no second one.
        try browser.get("/own/passkeys")
        try browser.submit("/own/passkeys", ["label": "Third", "password": "secret-1"])
        #expect(try Self.options(browser)["excludeCredentials"]?.items?.first?["id"]?.text == Base64URL.encode(device.id))
        // Too late, and of another session.
        var third = SoftwareAuthenticator()
        let fields = third.registering(try Self.challenge(browser))
        let page = Browser.submit(browser.page.text).pairs
        office.clock.advance(299)
        try browser.get("/own")
        office.clock.advance(10)
        let sent = page.filter { pair in !fields.contains { $0.0 == pair.name } }.map { ($0.name, $0.value) } + fields
        #expect(try browser.post("/own/passkeys/made", sent).text.contains("five minutes"))
        third.signCount = 0
        #expect(try office.directory.passkeys(of: taro).count == 1)
        for number in 2...Directory.mostPasskeys {
            var next = SoftwareAuthenticator()
            try Self.register(browser, &next, label: "\(number)")
        }
        #expect(try office.directory.passkeys(of: taro).count == Directory.mostPasskeys)
        var surplus = SoftwareAuthenticator()
        #expect(try Self.register(browser, &surplus, label: "surplus").status == 422)
        #expect(try office.directory.passkey(surplus.id) == nil)
        // Another account does not delete it.
        try office.add("jiro@example.test", password: "secret-2")
        let other = TestBrowser(office)
        try other.logIn("jiro@example.test", "secret-2")
        let first = try #require(try office.directory.passkeys(of: taro).first)
        #expect(try other.get("/own/passkeys/\(first.id)").status == 404)
        let token = try #require(Browser.submit(other.page.text).pairs.first { $0.name == "token" })
        #expect(try other.post("/own/passkeys/\(first.id)", [("token", token.value), ("password", "secret-2")]).status == 404)
        #expect(try office.directory.passkey(device.id) != nil)
    }

    @Test(
        "at an address, without TLS, or where the postmaster allows none, there are no passkeys, and the page says why; another name has its own"
    )
    func places() throws {
        let office = try WebOfficeInTest(certificate: nil)
        try office.add("taro@example.test")
        try office.configure("plaintext-login-networks", "192.0.2.0/24", "127.0.0.0/8")
        let browser = TestBrowser(office)
        for (host, isTLS, client, has) in [
            ("mail.example.test", true, "192.0.2.7", true), ("mail.example.test:8443", true, "192.0.2.7", true),
            ("192.0.2.1", true, "192.0.2.7", false), ("mail.example.test", false, "192.0.2.7", false),
            ("localhost:8080", false, "127.0.0.1", true), ("[2001:db8::1]", true, "192.0.2.7", false),
        ] {
            (browser.host, browser.isTLS, browser.client) = (host, isTLS, client)
            #expect(try browser.get("/").text.contains("data-passkey") == has, "\(host)")
            try browser.logIn("taro@example.test")
            let own = try browser.get("/own/passkeys")
            #expect(own.text.contains("action=\"/own/passkeys\"") == has && own.read.contains("only under https") == !has, "\(host)")
            try browser.submit("/logout")
        }
        // Made under one name it is not asked for under another, where the page says so.
        (browser.host, browser.isTLS, browser.client) = ("mail.example.test:8443", true, "192.0.2.7")
        try browser.logIn("taro@example.test")
        var device = SoftwareAuthenticator(origin: "https://mail.example.test:8443")
        try Self.register(browser, &device)
        let recovery = try Self.recoveryCodes(browser)
        try browser.submit("/logout")
        browser.host = "webmail.example.test"
        try browser.logIn("taro@example.test")
        #expect(browser.page.read.contains("mail.example.test") && !browser.page.text.contains("data-passkey"))
        #expect(try browser.submit("/login/code", ["code": recovery[0]]).location == "/own")
        // A code of a telephone is none of somebody who has none.
        try browser.get("/own")
        try browser.submit("/logout")
        try browser.logIn("taro@example.test")
        let code = TOTP.code(Secret(""), step: TOTP.step(at: office.clock.now))
        #expect(try browser.submit("/login/code", ["code": code]).status == 200 && browser.copy().get("/own").status == 401)
        #expect(try browser.submit("/login/code", ["code": recovery[1]]).location == "/own")
        try office.configure("users-may-second-factor", "no")
        #expect(try browser.get("/own/passkeys").status == 403)
    }

    @Test("codes of a telephone and passkeys beside one another: each lets in, and one goes without the other")
    func both() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let key = Secret("12345678901234567890")
        try office.directory.setSecondFactor(
            SecondFactor(key: key, lastStep: 0, recoveryCodes: ["a", "b"]), of: taro, by: WebOfficeInTest.actor)
        let browser = TestBrowser(office)
        func code() -> String { TOTP.code(key, step: TOTP.step(at: office.clock.now)) }
        try browser.logIn("taro@example.test")
        try browser.submit("/login/code", ["code": code()])
        var device = SoftwareAuthenticator()
        // It has recovery codes already.
        #expect(try !Self.register(browser, &device).text.contains("<pre>"))
        #expect(try office.directory.secondFactor(of: taro)?.recoveryCodes == ["a", "b"])
        try browser.submit("/logout")
        office.clock.advance(60)
        try browser.logIn("taro@example.test")
        #expect(browser.page.text.contains("one-time-code") && browser.page.text.contains("data-passkey"))
        #expect(try browser.submit("/login/code", ["code": code()]).location == "/own")
        try browser.get("/own/second-factor")
        try browser.submit("/own/second-factor/off", ["password": "secret-1"])
        #expect(try office.directory.secondFactor(of: taro)?.takesCodes == false)
        #expect(try browser.get("/own/second-factor").text.contains("otpauth://"))
        try browser.submit("/logout")
        try browser.logIn("taro@example.test")
        #expect(!browser.page.text.contains("one-time-code"))
        #expect(try Self.prove(browser, &device).location == "/own")
        // A postmaster ends all of it.
        try office.directory.endSecondFactor(of: taro, by: WebOfficeInTest.actor)
        #expect(try office.directory.passkeys(of: taro).isEmpty && office.directory.secondFactor(of: taro) == nil)
    }
}
