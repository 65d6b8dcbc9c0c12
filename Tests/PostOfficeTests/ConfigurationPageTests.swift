import Directory
import Forms
import Foundation
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct ConfigurationPageTests {
    static let forms = [
        "channel-aliases", "mail-routing", "mail-blocking", "relay-restrictions", "system-security", "local-domains", "filters",
        "error-responses",
        "end-user-options", "default-messages", "queue", "limits", "storage", "network", "logging", "finger", "programs", "seats",
    ]

    @Test("the configuration menu leads to every form, and every page is well-formed", arguments: Language.allCases) func menu(
        _ language: Language
    )
        throws
    {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor(language)
        let menu = visitor.get("/configuration")
        for form in Self.forms { #expect(menu.text.contains("href=\"/configuration/\(form)\"")) }
        let others = [
            "/menu", "/configuration", "/configuration/ssl", "/configuration/filters/try", "/information", "/broadcast", "/checklist",
        ]
        for path in Self.forms.map({ "/configuration/\($0)" }) + others {
            let page = visitor.get(path)
            #expect(page.status == 200 && Wellformed(page.bytes).faults == [], "\(path): \(Wellformed(page.bytes).faults)")
            #expect(page.text.contains("<html lang=\"\(language.rawValue)\">"))
        }
        #expect(visitor.get("/configuration/nothing").status == 404)
        #expect(visitor.post("/configuration/nothing", PostedForm()).status == 404)
    }

    @Test("every setting stands on one form, with its label, and on one only") func everyField() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        var pages: [String: [String]] = [:]
        for form in Self.forms {
            let text = desk.visitor(.japanese).get("/configuration/\(form)").text
            for field in FieldTable.configuration where text.contains("id=\"f-\(field.key)\"") {
                pages[field.key.text, default: []].append(form)
            }
        }
        for field in FieldTable.configuration { #expect(pages[field.key.text]?.count == 1, "\(field.key): \(pages[field.key.text] ?? [])") }
    }

    @Test("a form sent as it came changes nothing", arguments: forms) func untouched(_ form: String) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let before = desk.directory.configuration.values
        let reply = desk.visitor().fill("/configuration/\(form)", typing: [:])
        #expect(reply.status == 200 && reply.text.contains("Nothing was different"), "\(reply.read)")
        #expect(desk.directory.configuration.values == before)
        #expect(desk.audited.withLock { $0 }.isEmpty)
    }

    /// What a person types that is right, where it goes, and something wrong at the same field.
    static let entries: [(form: String, name: String, right: String, wrong: String)] = [
        ("channel-aliases", "smtp-channel-aliases.0.in", "info@example.test", "no address"),
        ("mail-routing", "mail-routing-table.0.pattern", "*.remote.test", "a b"),
        ("mail-blocking", "blocked-hosts", "192.0.2.0/24", "192.0.2.1/24"),
        ("relay-restrictions", "relay-domains", "backup.test", "*.com"), ("system-security", "password-minimum-length", "12", "3"),
        ("local-domains", "local-mail-domains", "example.test\r\nother.test", "not a domain!"),
        ("filters", "filters", "junk: if subject /cheap/i then refuse", "junk: if then"),
        ("error-responses", "returned-size-limit", "2 MiB", "huge"),
        ("queue", "delay-warning", "2 d", "50 d"), ("limits", "message-size-limit", "20 MiB", "1"),
        ("storage", "default-quota", "1 GiB", "-1"),
        ("network", "name-servers", "192.0.2.53", "ns.example"), ("logging", "log-days", "45", "many"), ("seats", "seat-limit", "50", "0"),
        ("programs", "allowed-programs", "archive", "/bin/sh"),
        ("default-messages", "report-text", "Sorry, says {host}.", "Dear {name}"),
    ]

    @Test(
        "each form filled in wrong says so at the field and keeps what was typed, filled in right is in force", arguments: entries,
        Language.allCases)
    func wrongAndRight(_ entry: (form: String, name: String, right: String, wrong: String), _ language: Language) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor(language)
        let path = "/configuration/\(entry.form)"
        // The other cells of the row.
        let row: [String: String?] =
            switch entry.form {
            case "channel-aliases": ["smtp-channel-aliases.0.out": "boss@example.test"]
            case "mail-routing": ["mail-routing-table.0.host": "127.0.0.1", "mail-routing-table.0.port": "2525"]
            default: [:]
            }
        let key = String(entry.name.prefix { $0 != "." })
        let before = desk.directory.configuration.values
        let wrong = visitor.fill(path, typing: row.merging([entry.name: entry.wrong]) { $1 })
        #expect(wrong.status == 422 && Wellformed(wrong.bytes).faults == [], "\(Wellformed(wrong.bytes).faults)")
        #expect(wrong.text.contains("id=\"errors\"") && wrong.text.contains("href=\"#f-\(key)\""))
        #expect(wrong.read.contains(entry.wrong) && wrong.text.contains("aria-invalid=\"true\""))
        #expect(desk.directory.configuration.values == before)
        let right = visitor.fill(path, typing: row.merging([entry.name: entry.right]) { $1 })
        #expect(right.status == 200 && right.text.contains("class=\"notice done\""), "\(right.read)")
        #expect(desk.directory.configuration.values != before)
        #expect(visitor.get(path).read.contains(entry.right.split(separator: "\r\n").joined(separator: "\n")))
        let audited = try #require(desk.audited.withLock { $0 }.first)
        #expect(audited.changes.map(\.key) == [key] && audited.who == "postmaster@example.test")
        let revision = try #require(try desk.directory.history().first)
        #expect(revision.actor == Actor(name: "postmaster@example.test", interface: "web", origin: "127.0.0.1"))
    }

    @Test("boxes that are unticked are switched off, one that cannot be read is no box") func ticks() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let page = visitor.fill("/configuration/end-user-options", typing: ["users-may-vacation": "", "users-may-finger": ""])
        #expect(page.status == 200)
        #expect(desk.value(SecurityField.userVacation) == .flag(false) && desk.value(SecurityField.userFinger) == .flag(false))
        #expect(desk.value(SecurityField.userPassword) == .flag(true))
        #expect(visitor.fill("/configuration/end-user-options", typing: ["users-may-vacation": "perhaps"]).status == 422)
    }

    @Test("who fills in a form that somebody else changed meanwhile is told, and loses nothing that he typed") func meanwhile() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let form = Browser.submit(visitor.get("/configuration/queue").text, typing: ["queue-time": "6 d"])
        _ = visitor.fill("/configuration/queue", typing: ["delay-warning": "12 h"])
        let late = visitor.post("/configuration/queue", form)
        #expect(late.status == 409 && late.read.contains("6 d") && late.text.contains("Somebody else changed"))
        // What a second submission would change is told, also what only the other one had changed.
        #expect(late.read.contains("now 12 h; in this form"), "\(late.read)")
        #expect(desk.value(QueueField.keepFor) == .integer(5 * 86_400) && desk.value(QueueField.warnAfter) == .integer(43_200))
    }

    @Test("must-have 158: the advice against spam is another one for a host without accounts") func relayAdvice() throws {
        let desk = try PageDesk()
        let without = desk.visitor(.japanese).get("/configuration/relay-restrictions").text
        #expect(without.contains("このホストにはアカウントが登録されていないため") && without.contains("メールリレーの制限"))
        try desk.wrapUp()
        let with = desk.visitor(.japanese).get("/configuration/relay-restrictions").text
        #expect(!with.contains("このホストにはアカウントが登録されていないため") && with.contains("受信者の有無を先に確認する設定が効きます"))
    }

    @Test("must-have 72: configuration information shows the directories, in both languages", arguments: Language.allCases)
    func information(_ language: Language) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let page = desk.visitor(language).get("/information")
        #expect(page.status == 200 && page.read.contains(desk.place.path) && page.read.contains(desk.place("mailbox")))
    }

    @Test("filters can be tried with a message before they are in force") func filterTrial() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let message = "Subject: Cheap <watches>\r\n\r\nbody\r\n"
        let path = "/configuration/filters/try"
        let refused = visitor.fill(path, typing: ["message": message, "rules": "junk: if subject /cheap/i then refuse"])
        #expect(refused.status == 200 && refused.read.contains("refuse: 550") && refused.read.contains("(junk)"), "\(refused.read)")
        #expect(refused.read.contains("Cheap <watches>") && Wellformed(refused.bytes).faults == [])
        #expect(visitor.fill(path, typing: ["message": message, "rules": "junk: if"]).status == 422)
        #expect(visitor.fill(path, typing: ["message": " "]).status == 422)
        #expect(desk.value(FilterField.rules).isNone)
    }

    @Test("SSL: 1 makes a certificate, 2 a request, 3 shows, 4 installs what an authority issued and says what is wrong with it")
    func certificates() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let made = visitor.post("/configuration/ssl/self-signed", PostedForm([("names", "mail.example.test")]))
        #expect(made.status == 200 && made.read.contains("mail.example.test"), "\(made.read)")
        let request = visitor.post("/configuration/ssl/request", PostedForm([("names", ""), ("organization", "Example <Ltd>")]))
        #expect(request.status == 200 && request.text.contains("-----BEGIN CERTIFICATE REQUEST-----"))
        #expect(!request.text.contains("PRIVATE KEY"))
        #expect(visitor.post("/configuration/ssl/install", PostedForm([("chain", "nonsense"), ("key", "")])).status == 422)
        let other = try #require(try? String(contentsOfFile: desk.place("certificates/main/chain.pem"), encoding: .utf8))
        let wrong = visitor.post("/configuration/ssl/install", PostedForm([("chain", other), ("key", "")]))
        #expect(wrong.status == 422 && wrong.text.contains("class=\"problem\""), "\(wrong.read)")
        #expect(desk.audited.withLock { $0 }.map(\.action) == ["self-signed certificate made", "certificate requested"])
    }

    @Test("a broadcast asks once more, with the number of people, and goes to all of them") func broadcast() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        #expect(visitor.fill("/broadcast", typing: ["subject": "", "text": "x"]).status == 422)
        let asked = visitor.fill("/broadcast", typing: ["subject": "Maintenance <tonight>", "text": "From 22:00\r\n<on>"])
        #expect(asked.status == 200 && asked.read.contains("1 accounts would get it"), "\(asked.read)")
        let sent = visitor.post("/broadcast", Browser.submit(asked.text))
        #expect(sent.status == 200 && sent.read.contains("sent to 1 accounts"), "\(sent.read)")
        #expect(desk.audited.withLock { $0 }.map(\.action) == ["broadcast sent"])
    }

    @Test("must-have 132: without a certificate the page says that nothing works under SSL; the checklist says so too") func noCertificate()
        throws
    {
        let desk = try PageDesk()
        try desk.wrapUp()
        let without = desk.visitor(.japanese)
        #expect(without.get("/configuration/ssl").text.contains("SSL は使用できません") && without.get("/checklist").text.contains("証明書がありません"))
        let own = desk.visitor(.japanese, certificate: WebCertificate(isSelfSigned: true, names: ["mail.example.test"]))
        #expect(!own.get("/configuration/ssl").text.contains("SSL は使用できません") && own.get("/checklist").text.contains("自己署名証明書です"))
    }

    @Test("must-have 151: pages say that postmasters should be few, and where there are many, how many") func fewPostmasters() throws {
        let desk = try PageDesk()
        #expect(desk.visitor(.japanese).get("/wrap-up").text.contains("パスワード"))
        try desk.wrapUp()
        for name in ["a", "b", "c"] {
            let input = try AccountInput(parsing: [("addresses", ["\(name)@example.test"]), ("postmaster-privilege", ["yes"])])
            _ = try desk.directory.addAccount(input, by: Actor(name: "test", interface: "test"))
        }
        #expect(desk.visitor().get("/configuration/system-security").text.contains("There are 4 postmasters"))
        #expect(desk.visitor(.japanese).get("/accounts/new").read.contains("人数は少なくしてください"))
    }

    @Test("the password of a next host is set, shown nowhere, and only for a row that is still there") func routeLogins() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        let path = "/configuration/mail-routing"
        let set = visitor.fill(
            path, typing: ["route-logins.0.host": "smtp.example", "route-logins.0.user": "me", "route-logins.0.security": ""])
        #expect(set.status == 200 && set.text.contains("no password yet"), "\(set.read)")
        let login = try #require(desk.directory.snapshot.routeLogins.first)
        let form = PostedForm([("login", "0 \(login.route) me"), ("password", "s3cret words")])
        let stored = visitor.post("\(path)/password", form)
        #expect(stored.status == 200 && stored.text.contains("password stored") && !stored.text.contains("s3cret"), "\(stored.read)")
        #expect(desk.directory.snapshot.routeLogins.first?.password != nil)
        #expect(visitor.post("\(path)/password", PostedForm([("login", "0 other me"), ("password", "x")])).status == 409)
        #expect(visitor.post("\(path)/password", PostedForm([("login", "0 \(login.route) me"), ("password", "")])).status == 422)
        #expect(!desk.audited.withLock { $0 }.flatMap(\.changes).contains { $0.after.contains("s3cret") })
    }

    @Test(
        "The configuration goes out as a file and comes back in two steps: what would change, mistakes with their lines, no change of others undone",
        arguments: Language.allCases)
    func file(_ language: Language) throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor(language)
        let path = "/configuration/file"
        #expect(visitor.get("/configuration").text.contains("href=\"\(path)\"") && Wellformed(visitor.get(path).bytes).faults == [])
        let out = visitor.get(path + "/export")
        #expect(out.status == 200 && out.read.contains("host-name: mail.example.test"), "\(out.read)")
        // The same again changes nothing.
        let same = visitor.post(path, PostedForm([("text", out.text)]))
        #expect(same.status == 200 && same.text.contains("notice done"), "\(same.read)")
        let wrong = visitor.post(path, PostedForm([("text", "message-size-limit: 20 MiB\nlog-days: <b>many\nno-such-thing: 1\n")]))
        #expect(wrong.status == 422 && wrong.read.contains("no-such-thing: 1") && Wellformed(wrong.bytes).faults == [], "\(wrong.read)")
        for line in [2, 3] { #expect(wrong.read.contains(language == .english ? "line \(line):" : "\(line) 行目:"), "\(wrong.read)") }
        #expect(visitor.post(path, PostedForm([("text", "a: [b")])).status == 422)
        #expect(visitor.post(path, PostedForm([("text", " ")])).status == 422)
        let before = desk.directory.configuration.values
        let question = visitor.post(path, PostedForm([("text", "log-days: 77\n")]))
        #expect(question.status == 200 && question.read.contains("+ log-days: 77") && Wellformed(question.bytes).faults == [])
        #expect(desk.directory.configuration.values == before)
        // Somebody else is faster: it is asked once more.
        try desk.directory.configure([LimitField.messageSize.key: .integer(30 << 20)], by: Actor(name: "test", interface: "test"))
        let late = visitor.post(path, Browser.submit(question.text))
        #expect(late.status == 409 && late.read.contains("+ log-days: 77"), "\(late.read)")
        let done = visitor.post(path, Browser.submit(late.text))
        #expect(done.status == 200 && desk.value(LogField.retention) == .integer(77), "\(done.read)")
    }

    @Test("a setting with more entries than a form can hold says so and is left alone") func tooMany() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let domains = (0..<25_000).map { "d\($0).example.test" }
        try desk.directory.configure([RoutingField.localMailDomains.key: .list(domains)], by: Actor(name: "test", interface: "test"))
        let visitor = desk.visitor(.japanese)
        let page = visitor.get("/configuration/local-domains")
        #expect(page.bytes.count < 20_000 && page.read.contains("25,000 件あり") && Wellformed(page.bytes).faults == [])
        #expect(visitor.fill("/configuration/local-domains", typing: [:]).status == 200)
        #expect(desk.value(RoutingField.localMailDomains).list.count == 25_000)
    }

    @Test("the history shows who changed what; the way back is shown first, then taken") func history() throws {
        let desk = try PageDesk()
        try desk.wrapUp()
        let visitor = desk.visitor()
        _ = visitor.fill("/configuration/storage", typing: ["default-quota": "1 GiB"])
        let revision = try #require(try desk.directory.history().first).id
        _ = visitor.fill("/configuration/storage", typing: ["default-quota": "2 GiB"])
        let page = visitor.get("/configuration/history")
        #expect(page.status == 200 && Wellformed(page.bytes).faults == [])
        #expect(page.read.contains("2 GiB") && page.read.contains("postmaster@example.test, web"))
        let path = "/configuration/history/\(revision)"
        let question = visitor.get(path)
        #expect(question.status == 200 && question.read.contains("+ default-quota: 1 GiB"), "\(question.read)")
        #expect(desk.value(LimitField.defaultQuota) == .integer(2 << 30))
        let back = visitor.post(path, Browser.submit(question.text))
        #expect(back.status == 200 && desk.value(LimitField.defaultQuota) == .integer(1 << 30), "\(back.read)")
        #expect(visitor.get("/configuration/history/99999").status == 422 && visitor.get("/configuration/history/x").status == 422)
        #expect(visitor.get("/configuration/history", [("before", "1")]).status == 200)
    }
}
