import Directory
import Forms
import Testing
import Vocabulary
import WebService

@Suite struct OwnPagesTests {
    @Test(
        "144 73 the Personal Account Information form: wrong at its field with what was typed, right in force at once; what is the postmaster's is only shown"
    )
    func account() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test", fields: ["access-restrictions": ["192.0.2.0/24"]])
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        let form = try browser.get("/own/account")
        for word in ["POP3/IMAP4 delivery", "Forward to", "taro@example.test", "192.0.2.0/24"] {
            #expect(form.read.contains(word), "\(word)")
        }
        let wrong = try browser.submit("/own/account", ["forwarding-addresses": "not an address", "auto-reply-subject": "away <&>"])
        #expect(wrong.status == 422 && wrong.read.contains("not an address") && wrong.read.contains("away <&>"))
        let right = try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"])
        #expect(right.status == 200 && office.directory.snapshot.forwarding(of: taro).map(\.description) == ["a@b.test"])
        // Fields that are not on the form are not taken from it.
        try browser.submit(
            "/own/account",
            ["addresses": "other@example.test", "quota": "0", "account-type": "administrative", "postmaster-privilege": "yes"])
        let details = try #require(try office.directory.details(taro))
        #expect(details.addresses == ["taro@example.test"] && details.value(AccountField.type).text == "general")
        #expect(try !office.directory.isPrivileged(taro))
        // The last way of delivery cannot go.
        let last = try browser.submit("/own/account", ["forwarding-addresses": "", "pop3-delivery": ""])
        #expect(last.status == 422)
    }

    @Test("the end-user options hide entries and refuse what they hide, one by one")
    func options() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        for (option, path, word) in [
            ("users-may-change-password", "/own/password", "/own/password"),
            ("users-may-app-passwords", "/own/app-passwords", "/own/app-passwords"),
            ("users-may-second-factor", "/own/second-factor", "/own/second-factor"),
            ("users-may-view-account-directory", "/directory", "href=\"/directory\""),
        ] {
            #expect(try browser.get("/own").text.contains(word))
            try office.configure(option, "no")
            #expect(try !browser.get("/own").text.contains(word), "\(option)")
            if path.hasPrefix("/own") { #expect(try browser.get(path).status == 403) }
        }
        for (option, field) in [
            ("users-may-delivery-methods", "forwarding-addresses"), ("users-may-vacation", "auto-reply-subject"),
            ("users-may-view-addresses", "E-mail addresses"), ("users-may-view-access-restrictions", "Access restrictions"),
        ] {
            #expect(try browser.get("/own/account").read.lowercased().contains(field.lowercased()), "\(field)")
            try office.configure(option, "no")
            let page = try browser.get("/own/account")
            #expect(page.status == 403 || !page.read.lowercased().contains(field.lowercased()), "\(option)")
        }
        try office.configure("users-may-delivery-methods", "no")
        try browser.get("/own/sessions")
        #expect(try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"]).status == 403)
        #expect(office.directory.snapshot.forwarding(of: taro).isEmpty)
    }

    @Test("the postmaster keeps one account's delivery to himself: it is shown, and not changed")
    func mayChooseDelivery() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test", fields: ["may-choose-delivery": ["no"]])
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        #expect(try !browser.get("/own/account").text.contains("name=\"forwarding-addresses\""))
        try browser.submit("/own/account", ["forwarding-addresses": "a@b.test"])
        #expect(office.directory.snapshot.forwarding(of: taro).isEmpty)
    }

    @Test("app passwords: made and shown once, listed, revoked; not good for the web")
    func appPasswords() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let browser = TestBrowser(office)
        try browser.logIn("taro@example.test")
        try browser.get("/own/app-passwords")
        #expect(try browser.submit("/own/app-passwords", ["label": ""]).status == 422)
        let made = try browser.submit("/own/app-passwords", ["label": "Phone <1>"])
        let block = try #require(made.text.firstRange(of: "<pre>")).upperBound
        let password = String(made.text[block...].prefix { $0 != "<" })
        #expect(password.utf8.count == 24 && made.read.contains("Phone <1>"))
        #expect(try !browser.get("/own/app-passwords").text.contains(password))
        let other = TestBrowser(office)
        try other.logIn("taro@example.test", password)
        #expect(other.page.status == 401)
        let id = try #require(try office.directory.appPasswords(of: taro).first?.id)
        #expect(try browser.submit("/own/app-passwords/\(id)/revoke").status == 200)
        #expect(try office.directory.appPasswords(of: taro).isEmpty)
    }

    @Test("the Mail Account Directory tells strangers what was published, and of others nothing")
    func directory() throws {
        let office = try WebOfficeInTest()
        let taro = try office.add("taro@example.test")
        let stranger = TestBrowser(office)
        #expect(try !stranger.get("/directory?name=taro").text.contains("taro@example.test"))
        try office.directory.changeAccount(
            taro,
            try AccountInput(
                parsing: [
                    (name: "directory-entry-published", texts: ["yes"]), (name: "telephone", texts: ["+81 3 1234 5678"]),
                    (name: "telephone-published", texts: ["yes"]), (name: "fax", texts: ["+81 3 9999 9999"]),
                ]), by: WebOfficeInTest.actor)
        let found = try stranger.get("/directory?name=taro")
        #expect(found.text.contains("taro@example.test") && found.read.contains("+81 3 1234 5678") && !found.read.contains("9999 9999"))
        #expect(!found.text.contains("<b>Yamada"))
    }
}
