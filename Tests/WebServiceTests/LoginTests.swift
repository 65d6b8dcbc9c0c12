import Directory
import SASL
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct LoginTests {
    @Test("64 login by e-mail address and password: the form hides what is typed; right leads to the menu, wrong keeps the name")
    func login() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        let form = try browser.get("/")
        #expect(form.status == 200 && form.text.contains("type=\"password\""))
        #expect(form.read.contains("Authenticate") && form.text.contains("/directory"))
        let wrong = try browser.submit("/login", ["login": "taro@example.test", "password": "nope"])
        #expect(wrong.status == 401 && wrong.text.contains("value=\"taro@example.test\"") && !wrong.text.contains("nope"))
        let nobody = try browser.submit("/login", ["login": "nobody@example.test", "password": "nope"])
        #expect(wrong.text.contains("is wrong") && nobody.text.contains("is wrong"))
        let right = try browser.submit("/login", ["login": "taro@example.test", "password": "secret-1"])
        #expect(right.status == 303 && right.location == "/own")
        let menu = try browser.get("/own")
        #expect(menu.status == 200 && menu.read.contains("Taro <b>Yamada</b>") && !menu.text.contains("<b>Yamada"))
        #expect(!office.events.text.contains("secret-1") && !office.events.text.contains("nope"))
        browser.headers = [("accept-language", "ja,en;q=0.5")]
        #expect(try TestBrowser(office).get("/?language=ja").read.contains("認証"))
        // Where a failed login was, a link of the page or a reload leads to the form again.
        #expect(try TestBrowser(office).get("/login?language=ja").read.contains("認証"))
        #expect(try TestBrowser(office).get("/login/code").status == 200)
        #expect(try browser.get("/login").status == 303)
    }

    @Test(
        "63 the list of web access domains: empty is everybody; who is not on it gets an error page before any form, and the connection closes"
    )
    func globalList() throws {
        let office = try WebOfficeInTest()
        let browser = TestBrowser(office)
        #expect(try browser.get("/").status == 200)
        try office.configure("web-access", "198.51.100.0/24")
        let refused = try browser.get("/")
        #expect(refused.status == 403 && !refused.text.contains("type=\"password\"") && refused.text.contains("192.0.2.7"))
        #expect(office.events.names.contains("refused-at-connect"))
        // Not even a page that tells nothing, and no login.
        #expect(try browser.get("/directory").status == 403)
        #expect(try browser.post("/login", [("login", "x"), ("password", "y")]).status == 403)
        browser.client = "198.51.100.9"
        #expect(try browser.get("/").status == 200)
    }

    @Test("65 the account's own list: from elsewhere a wrong password is just wrong, and only who knows it learns that it is the place")
    func ownList() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test", fields: ["web-access-restrictions": ["198.51.100.7"]])
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test", "nope")
        #expect(browser.page.status == 401 && browser.page.text.contains("is wrong"))
        try browser.logIn("taro@example.test")
        #expect(browser.page.status == 401 && browser.page.text.contains("may not be used from 192.0.2.7"))
        #expect(office.events.text.contains("access-list-of-account"))
        browser.client = "198.51.100.7"
        try browser.logIn("taro@example.test")
        #expect(browser.page.status == 303)
    }

    @Test("66 68 a token is good for its client's address alone, IPv6 for its /64, and not when a letter is changed")
    func bound() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        let thief = browser.copy()
        thief.client = "192.0.2.8"
        #expect(try thief.get("/own").status == 401)
        #expect(try browser.get("/own").status == 200)
        let six = TestBrowser(office)
        six.client = "2001:db8:1:2::1"
        try six.logIn("taro@example.test")
        six.client = "2001:db8:1:2:ffff::9"
        #expect(try six.get("/own").status == 200)
        six.client = "2001:db8:1:3::1"
        #expect(try six.get("/own").status == 401)
        let token = try #require(browser.cookies["__Host-session"])
        for index in token.indices where token[index] != "." {
            var forged = token
            forged.replaceSubrange(index...index, with: token[index] == "1" ? "2" : "1")
            let forger = TestBrowser(office)
            forger.headers = [("cookie", "__Host-session=\(forged)")]
            #expect(try forger.get("/own").status == 401, "\(forged)")
        }
    }

    @Test("67 a token lives five minutes or what System Security says, and each request renews it")
    func life() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        for _ in 0..<5 {
            office.clock.advance(299)
            #expect(try browser.get("/own").status == 200)
        }
        office.clock.advance(301)
        #expect(try browser.get("/own").status == 401)
        try office.configure("web-token-life", "1h")
        try browser.logIn("taro@example.test")
        office.clock.advance(3599)
        #expect(try browser.get("/own").status == 200)
    }

    @Test("W2 a form counts only with its session's token; other sites' forms, and forms that log a victim in, are refused")
    func tokens() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        #expect(try browser.post("/login", [("login", "taro@example.test"), ("password", "secret-1")]).status == 403)
        try browser.logIn("taro@example.test")
        #expect(try browser.post("/own/account", [("forwarding-addresses", "a@b.test")]).status == 403)
        #expect(try browser.post("/own/account", [("token", "x"), ("forwarding-addresses", "a@b.test")]).status == 403)
        try browser.get("/own/account")
        browser.headers = [("origin", "https://evil.test")]
        #expect(try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"]).status == 403)
        browser.headers = [("sec-fetch-site", "cross-site")]
        try browser.get("/own/account")
        #expect(try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"]).status == 403)
        browser.headers = [("origin", "https://mail.example.test"), ("sec-fetch-site", "same-origin")]
        try browser.get("/own/account")
        #expect(try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"]).status == 200)
        #expect(office.directory.snapshot.forwarding(of: try #require(office.directory.find("taro@example.test"))).count == 1)
        for cookie in browser.page.headers where cookie.name == "Set-Cookie" {
            #expect(cookie.value.contains("HttpOnly") && cookie.value.contains("SameSite=Strict") && cookie.value.contains("Secure"))
        }
    }

    @Test("a login leads where somebody wanted to go, but never to another site")
    func next() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        #expect(try browser.get("/own/sessions?x=1").status == 401)
        #expect(try browser.submit("/login", ["login": "taro@example.test", "password": "secret-1"]).location == "/own/sessions?x=1")
        for evil in ["//evil.test/", "https://evil.test/", "/\\evil.test", "/\u{9}/evil.test", "javascript:alert(1)"] {
            let other = TestBrowser(office)
            try other.get("/")
            let reply = try other.submit("/login", ["login": "taro@example.test", "password": "secret-1", "next": evil])
            #expect(reply.location == "/own", "\(evil)")
        }
    }

    @Test("what was submitted when the token had run out is kept over the login and carried out for the same person only")
    func carried() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        try office.add("hanako@example.test", password: "secret-2")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        try browser.get("/own/account")
        office.clock.advance(1000)
        let again = try browser.submit("/own/account", ["forwarding-addresses": "<script>@b.test\nc@d.test"])
        #expect(again.status == 401 && again.read.contains("is kept") && !again.text.contains("c@d.test"))
        let typed = again
        // A problem in it is shown at its field, with all that was typed.
        let result = try browser.submit("/login", ["login": "taro@example.test", "password": "secret-1"])
        #expect(result.status == 422 && result.read.contains("<script>@b.test"))
        let fixed = try browser.submit("/own/account", ["forwarding-addresses": "c@d.test"])
        #expect(fixed.status == 200 && office.directory.snapshot.forwarding(of: taro).map(\.description) == ["c@d.test"])
        // Somebody else at the same browser does not do it.
        let other = TestBrowser(office)
        try other.get("/")
        let stolen = Browser.submit(typed.text).pairs.first { $0.name == "carried" }?.value
        let reply = try other.submit("/login", ["login": "hanako@example.test", "password": "secret-2", "carried": stolen])
        #expect(reply.status == 409)
        let hanako = try #require(office.directory.find("hanako@example.test"))
        #expect(office.directory.snapshot.forwarding(of: hanako).isEmpty)
    }

    @Test("what another site submits with an old token is not kept")
    func notCarried() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        office.clock.advance(1000)
        let reply = try browser.post("/own/account", [("token", "guess"), ("forwarding-addresses", "evil@b.test")])
        #expect(reply.status == 401 && !reply.text.contains("carried"))
    }

    @Test("53 57 a postmaster logs in as himself and rises with the Postmaster's password; others cannot; both leave a record")
    func rising() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test", fields: ["postmaster-privilege": ["yes"]])
        try office.add("hanako@example.test", password: "secret-2")
        let other = TestBrowser(office)
        try other.logIn("hanako@example.test", "secret-2")
        #expect(try other.get("/configuration").status == 403)
        #expect(try other.get("/rise").status == 403)
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        #expect(browser.page.location == "/own")
        let before = browser.cookies
        let wanted = try browser.get("/configuration")
        #expect(wanted.status == 403 && wanted.text.contains("action=\"/rise\""))
        #expect(try browser.submit("/rise", ["password": "wrong"]).status == 401)
        try browser.get("/configuration")
        #expect(try browser.submit("/rise", ["password": WebOfficeInTest.postmasterPassword]).location == "/configuration")
        #expect(try browser.get("/configuration").status == 200)
        #expect(office.audit.map(\.action) == ["rose to Postmaster"] && office.audit.first?.who == "taro@example.test")
        // The token of before is worth nothing now.
        let old = TestBrowser(office)
        old.headers = [("cookie", before.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))]
        #expect(try old.get("/own").status == 401)
        #expect(office.events.names.contains("rose-to-postmaster"))
        let direct = TestBrowser(office)
        try direct.logIn("postmaster@example.test", WebOfficeInTest.postmasterPassword)
        #expect(direct.page.location == "/menu" && office.events.names.contains("login-as-postmaster"))
    }

    @Test("what a postmaster changes is recorded: who, when, from where, as whom")
    func audited() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test", fields: ["postmaster-privilege": ["yes"]])
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        try browser.get("/rise")
        try browser.submit("/rise", ["password": WebOfficeInTest.postmasterPassword])
        let other = TestBrowser(office)
        try other.logIn("taro@example.test")
        try browser.get("/sessions")
        try browser.submit("/sessions/3/end")
        let entry = try #require(office.audit.last)
        #expect(entry.who == "taro@example.test as Postmaster" && "\(entry.from)" == "192.0.2.7" && entry.at == office.clock.now)
        #expect(entry.action == "ended a web login")
        #expect(try other.get("/own").status == 401)
    }

    @Test("sessions are listed, ended by their owner, by a new password, by a lock, by logging out, and live over a restart")
    func sessions() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browsers = [TestBrowser(office), TestBrowser(office), TestBrowser(office)]
        for (number, browser) in browsers.enumerated() {
            browser.headers = [("user-agent", "Agent-\(number)<script>")]
            try browser.logIn("taro@example.test")
        }
        let list = try browsers[0].get("/own/sessions")
        #expect(list.read.contains("Agent-2<script>") && !list.text.contains("Agent-2<script>"))
        try browsers[0].submit("/own/sessions/2/end")
        #expect(try browsers[1].get("/own").status == 401)
        #expect(try browsers[2].get("/own").status == 200)
        let again = try WebSessions(office.directory, now: { [clock = office.clock] in clock.now })
        #expect(try office.directory.webSessions(of: taro).filter { again.isLive($0) }.map(\.id) == [3, 1])
        try browsers[0].get("/own/password")
        #expect(try browsers[0].submit("/own/password", ["old": "wrong", "new": "another-1", "again": "another-1"]).status == 422)
        #expect(try browsers[0].submit("/own/password", ["old": "secret-1", "new": "another-1", "again": "another-2"]).status == 422)
        #expect(try browsers[0].submit("/own/password", ["old": "secret-1", "new": "another-1", "again": "another-1"]).status == 200)
        #expect(try browsers[0].get("/own").status == 200)
        #expect(try browsers[2].get("/own").status == 401)
        try browsers[0].get("/own")
        #expect(try browsers[0].submit("/logout").location == "/")
        #expect(browsers[0].cookies["__Host-session"] == nil)
        try browsers[2].logIn("taro@example.test", "another-1")
        #expect(try browsers[2].get("/own").status == 200)
        try office.set(taro, "account-state", "locked")
        #expect(try browsers[2].get("/own").status == 401)
    }

    @Test("150 login without TLS says so, and names the encrypted place")
    func plain() throws {
        let office = try WebOfficeInTest(ports: [WebPort(port: 10_443, isTLS: true)])
        let browser = TestBrowser(office)
        browser.isTLS = false
        browser.client = "127.0.0.1"
        let page = try browser.get("/")
        #expect(page.status == 200 && page.read.contains("not encrypted") && page.read.contains("https://mail.example.test:10443/"))
        browser.client = "192.0.2.1"
        #expect(try browser.get("/own/account?a=b%20c").location == "https://mail.example.test:10443/own/account?a=b%20c")
        let bare = TestBrowser(try WebOfficeInTest(certificate: nil, ports: []))
        bare.isTLS = false
        #expect(try bare.get("/").read.contains("not encrypted"))
    }

    @Test("133 HSTS only with a certificate that is not self-signed; safety headers and no-store on every page, errors too")
    func headers() throws {
        for isSelfSigned in [true, false] {
            let office = try WebOfficeInTest(certificate: WebCertificate(isSelfSigned: isSelfSigned, names: []))
            let browser = TestBrowser(office)
            for path in ["/", "/nothing", "/own", "/directory"] {
                let page = try browser.get(path)
                #expect((page.header("Strict-Transport-Security") == nil) == isSelfSigned)
                #expect(page.header("Content-Security-Policy")?.contains("default-src 'none'") == true)
                #expect(page.header("X-Content-Type-Options") == "nosniff" && page.header("X-Frame-Options") == "DENY")
                #expect(page.header("Cache-Control") == "no-store")
            }
            #expect(try browser.get(Asset.stylesheet.link.text).header("Cache-Control")?.contains("immutable") == true)
        }
    }

    @Test("further names of the web pages are answered when the setting has them, names below them are not")
    func furtherNames() throws {
        let office = try WebOfficeInTest()
        let browser = TestBrowser(office)
        browser.host = "post.other.test"
        #expect(try browser.get("/").status == 421)
        try office.configure("web-host-names", "post.other.test")
        #expect(try browser.get("/").status == 200)
        browser.host = "x.post.other.test"
        #expect(try browser.get("/").status == 421)
    }

    @Test("the Mail Account Directory can be closed to strangers: they are asked to log in and then go on to it")
    func closedDirectory() throws {
        let office = try WebOfficeInTest()
        try office.add("taro@example.test")
        let browser = TestBrowser(office)
        #expect(try browser.get("/directory").status == 200)
        try office.configure("account-directory-for-all", "no")
        #expect(try !browser.get("/").text.contains("href=\"/directory\""))
        let asked = try browser.get("/directory?name=taro")
        #expect(asked.status == 401 && asked.text.contains("type=\"password\"") && !asked.text.contains("taro@"))
        #expect(try browser.submit("/login", ["login": "taro@example.test", "password": "secret-1"]).location == "/directory")
        #expect(try browser.get("/directory").status == 200)
    }

    @Test("a browser that has a static file already gets no bytes")
    func knownAsset() throws {
        let browser = TestBrowser(try WebOfficeInTest())
        let first = try browser.get(Asset.script.link.text)
        browser.headers = [("if-none-match", first.header("ETag") ?? "")]
        let again = try browser.get(Asset.script.link.text)
        #expect(first.status == 200 && again.status == 304 && again.text.isEmpty && again.header("ETag") == first.header("ETag"))
        browser.headers = [("if-none-match", "\"else\"")]
        #expect(try browser.get(Asset.script.link.text).status == 200)
    }

    @Test("a name that is not this server's gets no page: DNS rebinding")
    func hostNames() throws {
        let browser = TestBrowser(try WebOfficeInTest())
        for name in ["evil.test", "mail.example.test.evil.test", "xexample.test"] {
            browser.host = name
            #expect(try browser.get("/").status == 421, "\(name)")
        }
        for name in ["mail.example.test..", "a..example.test", ".example.test", "[2001:db8::1]evil.test", "mail.example.test:80x"] {
            browser.host = name
            #expect(try browser.get("/").status != 200, "\(name)")
        }
        for name in [
            "mail.example.test:8443", "example.test", "webmail.example.test", "MAIL.example.TEST.", "192.0.2.1:80", "[2001:db8::1]",
            "localhost",
        ] {
            browser.host = name
            #expect(try browser.get("/").status == 200, "\(name)")
        }
        for name in ["a b", "x:y", "<script>", "[::1"] {
            browser.host = name
            #expect(try browser.get("/").status == 400, "\(name)")
        }
    }
}
