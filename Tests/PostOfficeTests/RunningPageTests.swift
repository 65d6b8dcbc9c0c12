import Directory
import Forms
import MailTesting
import MessageStore
import PostOffice
import Testing
import Vocabulary
import WebPages
import WebService
import WebTesting

@Suite struct RunningPageTests {
    private static let pages: [(path: String, query: [(String, String)])] = [
        ("/queue", []), ("/queue", [("state", "held")]), ("/queue", [("text", "<script>")]), ("/queue", [("sender", "near.test")]),
        ("/queue", [("after", "\"><b>")]), ("/deferred", []), ("/trail", [("q", "T0")]), ("/trail", [("q", "<script>alert(1)</script>")]),
        ("/log", []), ("/log", [("text", "\"><img")]), ("/log", [("module", "SMTP-Accept"), ("before", "../../etc/passwd.9")]),
        ("/dashboard", []), ("/dashboard", [("span", "day")]), ("/dashboard", [("span", "month")]), ("/storage", []), ("/audit", []),
        ("/audit", [("text", "'><script>")]), ("/tokens", []), ("/status", []),
    ]

    @Test("everything that the status tells has a word in both languages on its page") func statusWords() async throws {
        let running = try await RunningDesk()
        let status = try running.ask(.get, "/api/v1/status", key: try running.key(.read)).json
        func names(_ value: JSONValue) -> [String] {
            if let items = value.items { return items.flatMap(names) }
            return (value.members ?? []).flatMap { [$0.key] + names($0.value) }
        }
        let parts = (status.members ?? []).filter { !["troubles", "notes"].contains($0.key) }
        let found = Set(parts.flatMap { [$0.key] + names($0.value) })
        #expect(found.count > 10)
        #expect(found.filter { !StatusLabels.isKnown($0) } == [])
        #expect(running.visitor(.japanese).get("/status").read.contains("スプールディレクトリ"))
    }

    @Test(
        "W1 strings that would run are shown as text on every page about queue, trail, log, history, keys and figures, in both languages",
        arguments: Language.allCases)
    func hostileTextsAreText(_ language: Language) async throws {
        let running = try await RunningDesk()
        let visitor = running.visitor(language)
        var pages = Self.pages
        for entry in try running.desk.store.queueEntries(limit: 100) { pages.append(("/queue/\(entry.id)", [])) }
        for (path, query) in pages {
            let shown = visitor.get(path, query)
            #expect(shown.status == 200, "\(path) \(query)")
            #expect(Wellformed(shown.bytes).faults == [], "\(path) \(query)")
            for text in ["<script>alert", "<img src=x", "<svg/onload", "<b>", "\u{202E}"] {
                #expect(!shown.text.contains(text), "\(path) \(query): \(text)")
            }
            if language == .japanese { #expect(shown.text.contains("lang=\"ja\"")) }
        }
        // They are there, as text.
        #expect(visitor.get("/queue").read.contains("<script>alert(1)</script>"))
        #expect(visitor.get("/log").read.contains("<script>alert(1)</script>"))
        #expect(visitor.get("/audit").read.contains("<script>alert(1)</script>"))
        let entry = try #require(try running.desk.store.queueEntries(limit: 1).first)
        #expect(visitor.get("/queue/\(entry.id)").read.contains("Subject: <script>alert(1)</script>"))
    }

    @Test("must-have 74: the queue's pages lead through all of it, whatever is asked for")
    func theQueueIsPaged() async throws {
        let running = try await RunningDesk()
        let store = running.desk.store
        for number in 0..<130 {
            let draft = QueueDraft(
                .remote, recipient: .init(Address(localPart: "many\(number)", domain: "far.test")), destination: "far.test",
                due: 1_800_000_100)
            let item = AcceptItem(
                body: .memory(.init(string: "\r\n")), envelope: Envelope(sender: Address(localPart: "s", domain: "here.test")),
                receivedAt: 1_799_999_999, trace: TraceID("M\(number)"), deliveries: [], queue: [draft])
            _ = try await awaited("accept") { store.accept(item, completion: $0) }
        }
        #expect(eventually { (try? store.queueCount()) == 130 + RunningDesk.hostile.count * 2 })
        let visitor = running.visitor()
        for query in [[], [("state", "deferred")], [("recipient", "far.test")], [("sender", "s@here.test")]] as [[(String, String)]] {
            var seen: Set<String> = []
            var place = query
            for _ in 0..<10 {
                let shown = visitor.get("/queue", place)
                for part in shown.text.split(separator: "href=\"/queue/").dropFirst() { seen.insert(String(part.prefix { $0 != "\"" })) }
                let pager = shown.text.split(separator: "class=\"pager\"").last ?? ""
                guard let link = pager.split(separator: "after=").dropFirst().first else { break }
                let next = link.prefix { $0 != "\"" && $0 != "&" }
                place = query + [("after", String(next))]
            }
            let filter = QueueQuery(
                state: query.first { $0.0 == "state" }.flatMap { QueueQuery.State(rawValue: $0.1) },
                sender: query.first { $0.0 == "sender" }?.1, recipient: query.first { $0.0 == "recipient" }?.1)
            let wanted = try store.queueEntries(limit: 1000).filter { filter.contains($0, now: 1_800_000_000) }
            #expect(seen == Set(wanted.map { "\($0.id)" }), "\(query)")
        }
    }

    @Test("what cannot be undone, and what is about many, is asked for a second time; what is unclear does nothing")
    func finalActionsAreAskedFor() async throws {
        let running = try await RunningDesk()
        let visitor = running.visitor()
        let entry = try #require(try running.desk.store.queueEntries(limit: 1).first)
        for (path, pairs) in [
            ("/queue/\(entry.id)", [("action", "delete")]), ("/queue/\(entry.id)", [("action", "return")]),
            ("/queue/all", [("action", "hold"), ("sender", "near.test")]), ("/queue/all", [("action", "delete")]),
        ] {
            let asked = visitor.post(path, PostedForm(pairs))
            #expect(asked.status == 200 && asked.text.contains("name=\"confirmed\""), "\(path)")
            #expect(Wellformed(asked.bytes).faults == [])
            for (name, value) in pairs { #expect(asked.text.contains("name=\"\(name)\" value=\"\(value)\"")) }
        }
        for pairs in [[("action", "explode")], [], [("action", "redirect")]] as [[(String, String)]] {
            #expect(visitor.post("/queue/all", PostedForm(pairs)).status == 400)
        }
        #expect(visitor.post("/queue/\(entry.id)", PostedForm([("action", "redirect")])).text.contains("class=\"problem\""))
        #expect(visitor.get("/queue/999999").status == 404 && visitor.get("/queue/x").status == 404)
        #expect(try running.desk.store.queueCount() == RunningDesk.hostile.count * 2)
    }

    @Test("the log's pages go back to its first line, and a place of somebody's own reads no other file")
    func theLogIsPaged() async throws {
        let running = try await RunningDesk()
        let visitor = running.visitor()
        let all = visitor.get("/log", [("text", "recipient-refused")])
        #expect(all.read.contains("recipient-refused") && !all.read.contains(" helo "))
        #expect(visitor.get("/log", [("before", "2027-01-15.0")]).status == 200)
        #expect(!visitor.get("/log", [("before", "/etc/passwd.100")]).text.contains("root:"))
    }

    @Test("a dashboard shows the same numbers as the counters, and draws them with a table beside") func theDashboardTells() async throws {
        let running = try await RunningDesk()
        for span in ["hour", "day", "month"] {
            let shown = running.visitor().get("/dashboard", [("span", span)])
            #expect(shown.text.contains("<svg") && shown.text.contains("Messages accepted") && shown.text.contains("<details>"))
            #expect(shown.bytes.count < 200_000, "\(span): \(shown.bytes.count)")
        }
    }

    @Test("a key is made and taken back on its page, and shown once") func keysOnThePage() async throws {
        let running = try await RunningDesk()
        let visitor = running.visitor()
        let made = visitor.post(
            "/tokens", PostedForm([("label", "backup"), ("scope", "read"), ("scope", "queue"), ("until", "2030-01-01")]))
        let key = try #require(made.text.split(separator: "<pre id=\"made\">").dropFirst().first?.prefix { $0 != "<" })
        #expect(key.hasPrefix("po_") && made.status == 200)
        #expect(!visitor.get("/tokens").text.contains(key))
        let token = try #require(running.desk.directory.token(String(key)))
        #expect(token.scopes == [.read, .queue] && token.label == "backup")
        #expect(visitor.post("/tokens", PostedForm([("label", ""), ("scope", "read")])).text.contains("class=\"problem\""))
        #expect(visitor.post("/tokens", PostedForm([("label", "x")])).text.contains("class=\"problem\""))
        #expect(
            visitor.post("/tokens", PostedForm([("label", "x"), ("scope", "read"), ("until", "soon")])).text.contains(
                "class=\"problem\""))
        #expect(visitor.post("/tokens/\(token.id)/delete", PostedForm([])).status == 200)
        #expect(running.desk.directory.token(String(key)) == nil)
        let history = try running.desk.directory.audit(AuditQuery(text: "backup")).records
        #expect(history.count == 2 && history.allSatisfy { $0.actor.origin == "127.0.0.1" && $0.actor.interface == "web" })
    }
}
