import Directory
import MailTesting
import SASL
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct SecondFactorTests {
    @Test("[RFC4226-5.3] [RFC6238-4] codes are those of the tables of the texts")
    func vectors() {
        let key = Secret("12345678901234567890")
        let counters = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
        for (counter, code) in counters.enumerated() { #expect(TOTP.code(key, step: Int64(counter)) == code) }
        // Appendix B has eight digits; ours are the last six.
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            #expect(TOTP.code(key, step: TOTP.step(at: Int64(time))) == code)
        }
        #expect(TOTP.base32(Array("foobar".utf8)) == "MZXW6YTBOI" && TOTP.base32(Array("f".utf8)) == "MY")
    }

    @Test("a clock may be half a minute off; a code of another time is wrong")
    func window() {
        let key = Secret("12345678901234567890")
        let now: Int64 = 1_800_000_010
        for (offset, isGood) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let code = TOTP.code(key, step: TOTP.step(at: now + Int64(offset)))
            #expect((TOTP.step(of: code, key, at: now) != nil) == isGood, "\(offset)")
        }
        for wrong in ["", "12345", "1234567", "abcdef", "１２３４５６"] { #expect(TOTP.step(of: wrong, key, at: now) == nil) }
    }

    @Test(
        "switched on with a code, asked at the next login, each code once, a recovery code instead, five wrong ones stop it for ten minutes"
    )
    func login() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        let offered = try browser.get("/own/second-factor")
        #expect(offered.read.contains("otpauth://totp/"))
        #expect(try browser.submit("/own/second-factor", ["password": "secret-1", "code": "000000"]).status == 422)
        let secret = try #require(browser.page.read.firstRange(of: "secret=")).upperBound
        let key = Self.base32Decoded(browser.page.read[secret...].prefix { $0 != "&" })
        #expect(
            try browser.submit("/own/second-factor", ["password": "wrong", "code": TOTP.code(key, step: TOTP.step(at: office.clock.now))])
                .status == 422)
        let done = try browser.submit(
            "/own/second-factor", ["password": "secret-1", "code": TOTP.code(key, step: TOTP.step(at: office.clock.now))])
        #expect(done.status == 200 && done.read.contains("Recovery codes left: 10"))
        let block = try #require(done.read.firstRange(of: "<pre>")).upperBound
        let recovery = done.read[block...].prefix { $0 != "<" }.split(separator: "\n").map(String.init)
        #expect(recovery.count == 10)
        #expect(try office.directory.secondFactor(of: taro)?.recoveryCodes.contains(recovery[0]) == false)
        try browser.submit("/logout")
        // The code that switched it on is spent.
        try browser.logIn("taro@example.test")
        #expect(browser.page.status == 200 && browser.page.text.contains("one-time-code"))
        #expect(try browser.get("/own").status == 401)
        try browser.logIn("taro@example.test")
        #expect(try browser.submit("/login/code", ["code": TOTP.code(key, step: TOTP.step(at: office.clock.now))]).status == 200)
        office.clock.advance(30)
        #expect(try browser.submit("/login/code", ["code": TOTP.code(key, step: TOTP.step(at: office.clock.now))]).location == "/own")
        #expect(try browser.get("/own").status == 200)
        // What a postmaster may undo is not its owner's to look at, without the code and the password.
        let foreign = "/accounts/\(taro.rawValue)/security"
        let token = try #require(Browser.submit(browser.page.text).pairs.first { $0.name == "token" })
        #expect(try browser.get(foreign).status == 403)
        #expect(try browser.post(foreign + "/second-factor/off", [("token", token.value), ("confirmed", "yes")]).status == 403)
        #expect(try office.directory.secondFactor(of: taro) != nil)
        // A recovery code, typed in capitals and without hyphens, once.
        let other = TestBrowser(office)
        let typed = recovery[3].filter { $0 != "-" }.uppercased()
        try other.logIn("taro@example.test")
        #expect(try other.submit("/login/code", ["code": typed]).location == "/own")
        let guesser = TestBrowser(office)
        try guesser.logIn("taro@example.test")
        #expect(try guesser.submit("/login/code", ["code": typed]).status == 200)
        for _ in 0..<4 { try guesser.submit("/login/code", ["code": "000000"]) }
        office.clock.advance(60)
        let late = try guesser.submit("/login/code", ["code": TOTP.code(key, step: TOTP.step(at: office.clock.now))])
        #expect(late.read.contains("Too many"))
        office.clock.advance(600)
        try guesser.logIn("taro@example.test")
        #expect(try guesser.submit("/login/code", ["code": TOTP.code(key, step: TOTP.step(at: office.clock.now))]).location == "/own")
        // Each way in stands in the owner's table, and a wrong code after the right password too.
        let table = try guesser.get("/own/sessions").read
        for words in ["password and code", "password and recovery code", "right password, wrong code"] {
            #expect(table.contains(words), "\(words)")
        }
        try guesser.get("/own/second-factor")
        #expect(try guesser.submit("/own/second-factor/off", ["password": "secret-1"]).status == 200)
        #expect(try office.directory.secondFactor(of: taro) == nil)
    }

    @Test("new recovery codes want the password and a code; those of before are worth nothing then, and the history tells that it was done")
    func newRecoveryCodes() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        let key = try Self.switchOn(browser)
        let before = try Self.codes(browser.page.read)
        let path = "/own/second-factor/recovery-codes"
        func code() -> String { TOTP.code(key, step: TOTP.step(at: office.clock.now)) }
        func ask(_ password: String, _ code: String) throws -> TestBrowser.Answer {
            try browser.get("/own/second-factor")
            return try browser.submit(path, ["new-codes-password": password, "code": code])
        }
        // The code that switched it on is spent, and so are others when they were used.
        #expect(try ask("secret-1", code()).status == 422)
        office.clock.advance(30)
        #expect(try ask("wrong", code()).status == 422)
        #expect(try ask("secret-1", "").status == 422)
        #expect(try office.directory.secondFactor(of: taro)?.recoveryCodes.count == 10)
        let renewed = try ask("secret-1", code())
        let after = try Self.codes(renewed.read)
        #expect(renewed.status == 200 && after.count == 10 && Set(after).isDisjoint(with: before))
        let other = TestBrowser(office)
        try other.logIn("taro@example.test")
        #expect(try other.submit("/login/code", ["code": before[0]]).status == 200)
        #expect(try other.submit("/login/code", ["code": after[0]]).location == "/own")
        let history = try office.directory.history(of: taro, limit: 10).flatMap(\.changes).map(\.field)
        #expect(history.contains("recovery-codes"))
        #expect(!office.events.text.contains(after[1]))
    }

    @Test("an account with the operating system's password confirms its second factor with that one, not with its own of before")
    func systemPassword() throws {
        let office = try WebOfficeInTest(osPassword: { question in
            question.user == "unix-taro" && question.password == Secret("of the system") ? .right : .wrong
        })
        let taro = try office.add("taro@example.test")
        try office.set(taro, "os-user", "unix-taro")
        try office.set(taro, "use-os-password", "yes")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test", "of the system")
        #expect(browser.page.location == "/own")
        _ = try Self.switchOn(browser, password: "secret-1", status: 422)
        #expect(try office.directory.secondFactor(of: taro) == nil)
        _ = try Self.switchOn(browser, password: "of the system")
        #expect(try office.directory.secondFactor(of: taro) != nil)
        // From a place that its own list does not admit, who typed the right password is told that it is the place.
        try office.set(taro, "web-access-restrictions", "198.51.100.0/24")
        let elsewhere = TestBrowser(office)
        try elsewhere.logIn("taro@example.test", "of the system")
        let told = elsewhere.page.read
        try elsewhere.logIn("taro@example.test", "no password")
        #expect(told.contains("not from this") || told != elsewhere.page.read, "\(told)")
        #expect(elsewhere.page.status == 401)
    }

    @Test("the drawing of the address is read back by a reader of QR codes")
    func picture() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        let page = try browser.get("/own/second-factor").text
        let address = try #require(Self.between("<code>otpauth", "</code>", page).map { "otpauth" + Browser.decoded(Substring($0)) })
        #expect(page.contains("aria-label=\"QR code of the address below"))
        let path = try #require(Self.between("<path d=\"", "\"", page))
        let side = try #require(Self.between("viewBox=\"0 0 ", " ", page).flatMap { Int($0) })
        let place = TemporaryDirectory("qr")
        place.write("code.pbm", try Self.bitmap(path, side: side))
        let ending = try ChildProcess("/usr/bin/zbarimg", ["--raw", "-q", place("code.pbm")], output: place("text"))
            .expectEnd(within: 60)
        #expect(ending == .exited(0))
        #expect(ChildProcess.text(of: place("text")).split(separator: "\n").first.map(String.init) == address)
        // Nothing that does not fit is drawn.
        #expect(QRCode(String(repeating: "x", count: 601)) == nil && QRCode("") == nil)
    }

    private static func between(_ start: String, _ end: String, _ text: String) -> String? {
        guard let from = text.firstRange(of: start)?.upperBound, let to = text[from...].firstRange(of: end)?.lowerBound else { return nil }
        return String(text[from..<to])
    }

    /// The drawing as a picture with four dots a module: `M4 7.5h3` is three dark modules from the fourth of the seventh row.
    private static func bitmap(_ path: String, side: Int) throws -> String {
        var rows = [[Int]](repeating: [Int](repeating: 0, count: side), count: side)
        for run in path.split(separator: "M") {
            let numbers = run.split { !$0.isNumber }.compactMap { Int($0) }
            try #require(numbers.count == 4 && numbers[2] == 5 && numbers[0] + numbers[3] <= side && numbers[1] < side)
            for column in numbers[0]..<(numbers[0] + numbers[3]) { rows[numbers[1]][column] = 1 }
        }
        let lines = rows.flatMap { row in
            [String](repeating: row.flatMap { [String](repeating: "\($0)", count: 4) }.joined(separator: " "), count: 4)
        }
        return "P1\n\(side * 4) \(side * 4)\n" + lines.joined(separator: "\n") + "\n"
    }

    /// The key of the factor, when it was switched on.
    private static func switchOn(_ browser: TestBrowser, password: String = "secret-1", status: Int = 200) throws -> Secret {
        let page = try browser.get("/own/second-factor").read
        let secret = try #require(page.firstRange(of: "secret=")).upperBound
        let key = Self.base32Decoded(page[secret...].prefix { $0 != "&" })
        let code = TOTP.code(key, step: TOTP.step(at: browser.office.clock.now))
        #expect(try browser.submit("/own/second-factor", ["password": password, "code": code]).status == status)
        return key
    }

    private static func codes(_ page: String) throws -> [String] {
        let block = try #require(page.firstRange(of: "<pre>")).upperBound
        return page[block...].prefix { $0 != "<" }.split(separator: "\n").map(String.init)
    }

    private static func base32Decoded(_ text: Substring) -> Secret {
        var (held, bits): (UInt32, UInt32) = (0, 0)
        var out: [UInt8] = []
        for byte in text.utf8 {
            let value = byte >= UInt8(ascii: "A") ? byte - UInt8(ascii: "A") : byte - UInt8(ascii: "2") + 26
            held = (held << 5 | UInt32(value)) & 0xFFFF
            bits += 5
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: held >> bits))
            }
        }
        return Secret(out)
    }
}
