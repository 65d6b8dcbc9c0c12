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
