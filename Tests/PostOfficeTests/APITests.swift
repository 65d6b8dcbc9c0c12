import Directory
import Forms
import MailTesting
import MessageStore
import PostOffice
import Testing
import Vocabulary
import WebService
import WebTesting

@Suite struct APITests {
    @Test("without a key, with a wrong, deleted or expired one, and without TLS nothing is answered")
    func keysAreNeeded() async throws {
        let running = try await RunningDesk()
        #expect(try running.ask(.get, "/api/v1/status", key: nil).status == 401)
        for wrong in ["", "po", "po_", "po__", "po_a_b", "po_a_b_c", String(repeating: "x", count: 5000), "po_' OR 1=1_x"] {
            #expect(
                try running.ask(.get, "/api/v1/accounts", key: wrong, from: "198.51.100.\(wrong.utf8.count % 200)").status == 401,
                "\(wrong)")
        }
        let key = try running.key(.read)
        #expect(try running.ask(.get, "/api/v1/accounts", key: key).status == 200)
        #expect(try running.ask(.get, "/api/v1/accounts", key: String(key.dropLast()) + "!").status == 401)
        #expect(try running.ask(.get, "/api/v1/accounts", key: key, isTLS: false).status == 403)
        #expect(try running.ask(.get, "/api/v1/accounts", key: key, isTLS: false, from: "127.0.0.1").status == 200)
        #expect(try running.ask(.get, "/api/v1/accounts", key: try running.key(.all, until: "2027-01-14")).status == 401)
        #expect(throws: DirectoryError.self) { try running.key(.all, until: "2020-01-01") }
        let id = try #require(running.desk.directory.token(key)).id
        try running.desk.directory.deleteToken(id, by: Actor(name: "t", interface: "t"))
        #expect(try running.ask(.get, "/api/v1/accounts", key: key).status == 401)
    }

    @Test("a key opens what it is for and nothing else", arguments: TokenScope.allCases)
    func scopesHold(_ scope: TokenScope) async throws {
        let running = try await RunningDesk()
        let key = try running.key(scope)
        let asked: [(WebMethod, String, String, TokenScope)] = [
            (.get, "/accounts", "", .read), (.get, "/configuration", "", .read), (.get, "/queue", "", .read),
            (.get, "/counters", "", .read),
            (.post, "/accounts", "{\"addresses\": [\"n-\(scope.rawValue)@example.test\"]}", .accounts),
            (.patch, "/configuration", "{\"delay-warning\": null}", .configuration),
            (.put, "/domains/\(scope.rawValue).test", "", .configuration),
            (.post, "/queue/999/retry", "", .queue), (.get, "/tokens", "", .all), (.get, "/audit", "", .all),
            (.post, "/tokens", "{\"label\": \"more\", \"scopes\": [\"all\"]}", .all),
        ]
        for (method, path, body, needed) in asked {
            let answer = try running.ask(method, "/api/v1" + path, key: key, body: body)
            let mayPass = scope == .all || scope == needed
            #expect((answer.status != 403) == mayPass, "\(scope) \(method) \(path): \(answer.status) \(answer.text.prefix(200))")
            if !mayPass { #expect(answer.message.contains(needed.rawValue)) }
        }
        for (verb, needed) in [
            ("queue list", TokenScope.read), ("queue delete", .queue), ("account delete", .accounts), ("config set", .configuration),
            ("token add", .all), ("mail read", .all), ("no such verb", .all), ("broadcast", .all),
        ] {
            let answer = try running.ask(.post, "/api/v1/command", key: try running.key(scope, .read), body: "{\"verb\": \"\(verb)\"}")
            #expect((answer.status != 403) == (scope == .all || scope == needed || needed == .read), "\(scope) \(verb): \(answer.status)")
        }
    }

    @Test(
        "A5 a key for accounts touches nobody who administers, and makes nobody administer: by resource or by command; one for everything may"
    )
    func keysBecomeNoMore() async throws {
        let running = try await RunningDesk()
        let (key, all) = (try running.key(.accounts), try running.key(.all))
        let directory = running.desk.directory
        let actor = Actor(name: "test", interface: "test")
        for name in ["plain", "keeper", "chief"] {
            _ = try directory.addAccount(AccountInput(parsing: [(name: "addresses", texts: ["\(name)@example.test"])]), by: actor)
        }
        func change(_ name: String, _ values: [FieldKey: FieldValue]) throws {
            try directory.changeAccount(try #require(directory.find(name)), AccountInput(values: values), by: actor)
        }
        try change("keeper", ["type": .text("administrative")])
        try change("chief", ["postmaster-privilege": .flag(true)])
        let refused: [(WebMethod, String, String)] = [
            (.patch, "/accounts/postmaster", "{\"password\": \"newpmpw99\"}"),
            (.patch, "/accounts/keeper", "{\"password\": \"newpmpw99\"}"),
            (.patch, "/accounts/chief", "{\"note\": \"x\"}"), (.delete, "/accounts/keeper", ""),
            (.patch, "/accounts/plain", "{\"type\": \"administrative\"}"), (.patch, "/accounts/plain", "{\"postmaster-privilege\": true}"),
            (.post, "/accounts", "{\"addresses\": [\"n@example.test\"], \"type\": \"administrative\"}"),
        ]
        for (method, path, body) in refused {
            let answer = try running.ask(method, "/api/v1" + path, key: key, body: body)
            #expect(answer.status >= 400 && answer.text.contains("scope all"), "\(method) \(path): \(answer.status) \(answer.text)")
        }
        let commands = [
            "{\"verb\": \"account set\", \"operands\": [\"postmaster\"], \"input\": \"newpmpw99\", \"options\": {\"set\": [\"note=x\"]}}",
            "{\"verb\": \"account import\", \"options\": {\"update\": []}, \"input\": \"address,note\\nkeeper@example.test,x\\n\"}",
            "{\"verb\": \"account app-password add\", \"operands\": [\"keeper\"], \"options\": {\"label\": [\"phone\"], \"services\": [\"imap\"]}}",
        ]
        for body in commands {
            let answer = try running.ask(.post, "/api/v1/command", key: key, body: body)
            #expect(answer.status == 200 && answer.text.contains("scope all"), "\(body): \(answer.text)")
        }
        // It needs no scope to look with, for what it is for.
        let plain = "{\"verb\": \"account set\", \"operands\": [\"plain\"], \"options\": {\"set\": [\"note=x\"]}}"
        #expect(try running.ask(.post, "/api/v1/command", key: key, body: plain).text.contains("\"done\":0"))
        #expect(try running.ask(.patch, "/api/v1/accounts/plain", key: key, body: "{\"note\": \"y\"}").status == 200)
        #expect(try running.ask(.patch, "/api/v1/accounts/keeper", key: all, body: "{\"note\": \"y\"}").status == 200)
    }

    @Test("accounts are made, looked at, changed and deleted; what is wrong is told field by field, in the reader's language")
    func accounts() async throws {
        let running = try await RunningDesk()
        let key = try running.key(.accounts, .read)
        let made = try running.ask(
            .post, "/api/v1/accounts", key: key,
            body:
                "{\"addresses\": [\"hana@example.test\", \"h@example.test\"], \"real-name\": \"花 <b>\", \"quota\": 1048576, \"password\": \"a good password\"}"
        )
        #expect(made.status == 201 && made.json["real-name"]?.text == "花 <b>" && made.json["quota"]?.number == 1_048_576, "\(made.text)")
        #expect(made.json["has-password"]?.flag == true && !made.text.contains("a good password"))
        let wrong = try running.ask(
            .post, "/api/v1/accounts", key: key, body: "{\"addresses\": [\"no address\"], \"quota\": \"many\", \"colour\": 1}",
            language: .japanese)
        let fields = wrong.json["error"]?["fields"]?.items ?? []
        #expect(wrong.status == 422 && fields.compactMap { $0["field"]?.text } == ["addresses", "quota", "colour"], "\(wrong.text)")
        #expect(fields.allSatisfy { $0["message"]?.text?.unicodeScalars.contains { $0.value > 0x3000 } == true })
        let changed = try running.ask(.patch, "/api/v1/accounts/hana", key: key, body: "{\"real-name\": null, \"state\": \"locked\"}")
        #expect(changed.status == 200 && changed.json["state"]?.text == "locked", "\(changed.text)")
        #expect(try running.ask(.get, "/api/v1/accounts/h@example.test", key: key).json["login"]?.text == "hana")
        let hana = try #require(running.desk.directory.find("hana"))
        let peer = try #require(IPAddress("203.0.113.9"))
        running.desk.directory.noteLogin(hana, .imap, by: .password, from: peer, hasTLS: true)
        let logins = try running.ask(.get, "/api/v1/accounts/h@example.test/logins", key: key)
        #expect(logins.json.items?.first?["client"]?.text == "203.0.113.9", "\(logins.text)")
        #expect(try running.ask(.get, "/api/v1/accounts/nobody/logins", key: key).status == 404)
        let taken = try running.ask(.post, "/api/v1/accounts", key: key, body: "{\"addresses\": [\"h@example.test\"]}")
        #expect(taken.status == 409 && taken.message.contains("h@example.test"), "\(taken.text)")
        #expect(try running.ask(.get, "/api/v1/accounts/nobody", key: key).status == 404)
        for body in ["", "[]", "{", "{\"a\":1,\"a\":2}", "{\"addresses\": {\"x\": 1}}", String(repeating: "[", count: 10_000)] {
            #expect([400, 422].contains(try running.ask(.post, "/api/v1/accounts", key: key, body: body).status), "\(body.prefix(20))")
        }
        #expect(try running.ask(.delete, "/api/v1/accounts/hana", key: key).status == 204)
        #expect(try running.ask(.get, "/api/v1/accounts/hana", key: key).status == 404)
        let page = try running.ask(.get, "/api/v1/accounts", key: key, query: [("limit", "1")])
        #expect(page.json["accounts"]?.items?.count == 1 && page.json["next"]?.number != nil)
        // Who did it stands in the history.
        let history = try running.desk.directory.audit(AuditQuery(interface: "api")).records
        #expect(history.contains { $0.actor.origin == "192.0.2.7" && $0.actor.name.hasPrefix("key k") })
    }

    @Test("settings change all or none, and domains come and go") func configuration() async throws {
        let running = try await RunningDesk()
        let key = try running.key(.configuration, .read)
        let before = running.desk.directory.configuration.values
        let wrong = try running.ask(
            .patch, "/api/v1/configuration", key: key, body: "{\"message-size-limit\": 20971520, \"delay-warning\": \"whenever\", \"x\": 1}"
        )
        #expect(wrong.status == 422 && wrong.json["error"]?["fields"]?.items?.count == 2, "\(wrong.text)")
        #expect(running.desk.directory.configuration.values == before)
        #expect(try running.ask(.put, "/api/v1/domains/Other.TEST", key: key).json["domains"]?.items?.contains(.text("other.test")) == true)
        #expect(try running.ask(.delete, "/api/v1/domains/other.test", key: key).status == 200)
        #expect(try running.ask(.delete, "/api/v1/domains/other.test", key: key).status == 404)
        #expect(try running.ask(.put, "/api/v1/domains/no%20domain", key: key).status == 422)
        let all = try running.ask(.get, "/api/v1/configuration", key: key)
        #expect(all.json["local-mail-domains"]?.items?.first?.text == "example.test")
    }

    @Test("queue, trail and log are paged, and hostile places are refused") func looking() async throws {
        let running = try await RunningDesk()
        let key = try running.key(.read, .queue)
        var seen: Set<Int64> = []
        var place: String?
        repeat {
            let page = try running.ask(
                .get, "/api/v1/queue", key: key, query: [("limit", "3"), ("state", "held")] + (place.map { [("after", $0)] } ?? []))
            for entry in page.json["entries"]?.items ?? [] { seen.insert(entry["id"]?.number ?? 0) }
            place = page.json["next"]?.text
        } while place != nil
        #expect(seen.count == RunningDesk.hostile.count)
        #expect(try running.ask(.get, "/api/v1/queue", key: key, query: [("after", "1;drop table queue")]).status == 422)
        #expect(try running.ask(.get, "/api/v1/queue/\(seen.first ?? 0)", key: key).json["held"]?.flag == true)
        #expect(try running.ask(.get, "/api/v1/trail", key: key, query: [("q", "T3")]).json["traces"]?.items?.count == 1)
        #expect(try running.ask(.get, "/api/v1/trail", key: key).status == 422)
        let log = try running.ask(.get, "/api/v1/log", key: key, query: [("lines", "5")])
        #expect(log.json["lines"]?.items?.count == 5)
        let after = try #require(log.json["after"]?.text)
        #expect(try running.ask(.get, "/api/v1/log", key: key, query: [("after", after)]).json["lines"]?.items == [])
        let counters = try running.ask(.post, "/api/v1/command", key: key, body: "{\"verb\": \"queue list\", \"json\": true}")
        #expect(
            counters.text.split(separator: "\n").count == RunningDesk.hostile.count * 2 + 1 && counters.text.hasSuffix("{\"done\":0}\n"))
    }

    @Test("a command answers as it speaks: output, complaints and progress in their order, how it ended at the end")
    func spoken() async throws {
        let running = try await RunningDesk()
        let rows = ["no address,x"] + (0..<200).map { "bulk\($0)@example.test,Name \($0)" } + ["wrong,x"]
        let body = JSONValue.object([
            ("verb", .text("account import")), ("operands", .list([.text("x.csv")])),
            ("input", .text("address,name\n" + rows.joined(separator: "\n") + "\n")),
        ])
        let answer = try running.ask(.post, "/api/v1/command", key: try running.key(.accounts, .read), body: body.description)
        let said = answer.text.split(separator: "\n").map { (try? JSONValue(reading: Array($0.utf8))) ?? .null }
        let kinds = said.compactMap { $0.members?.first?.key }
        #expect(kinds.first == "problem" && said.first?["problem"]?.text?.contains("line 2") == true, "\(answer.text)")
        let progress = try #require(kinds.firstIndex(of: "progress"))
        let complaint = try #require(kinds.lastIndex(of: "problem"))
        let summary = try #require(kinds.firstIndex(of: "output"))
        #expect(progress < complaint && complaint < summary && said.last?["done"]?.number == 1, "\(kinds)")
        #expect(said[complaint]["problem"]?.text?.contains("line 203") == true)
    }

    @Test("who guesses keys, or asks without end, is slowed down") func rates() async throws {
        let running = try await RunningDesk()
        let host = running.host
        let key = try running.key(.read)
        for _ in 0..<APIGate.failuresPerMinute {
            #expect(try running.ask(.get, "/api/v1/accounts", key: "po_a_b", from: "203.0.113.5", host: host).status == 401)
        }
        #expect(try running.ask(.get, "/api/v1/accounts", key: key, from: "203.0.113.5", host: host).status == 429)
        #expect(try running.ask(.get, "/api/v1/accounts", key: key, from: "203.0.113.6", host: host).status == 200)
        var last = 200
        for _ in 0...APIGate.requestsPerMinute {
            last = try running.ask(.get, "/api/v1/domains", key: key, from: "203.0.113.6", host: host).status
        }
        #expect(last == 429)
    }

    @Test("every verb of the command line is named in the table of keys and audit") func verbsAreNamed() {
        for verb in Administration.registry.verbs { #expect(AdminVerbs.isNamed(verb), "\(verb)") }
    }

    @Test("the audit log has the change, who, when and from where, and never a secret") func auditing() async throws {
        let running = try await RunningDesk()
        let key = try running.key(.all, name: "robot")
        _ = try running.ask(
            .post, "/api/v1/accounts", key: key, body: "{\"addresses\": [\"s@example.test\"], \"password\": \"very secret words\"}")
        _ = try running.ask(.post, "/api/v1/command", key: key, body: "{\"verb\": \"queue hold\", \"options\": {\"all\": []}}")
        _ = try running.ask(
            .patch, "/api/v1/accounts/s", key: key, body: "{\"real-name\": \"After\", \"password\": \"other secret words\"}")
        let page = try running.ask(.get, "/api/v1/audit", key: key, query: [("limit", "100")])
        #expect(page.text.contains("\"new\":\"After\"") && page.text.contains("\"from\":\"192.0.2.7\"") && page.text.contains("queue hold"))
        #expect(!page.text.contains("secret words") && !page.text.contains(key))
    }

    @Test("the OpenAPI document names every operation and every field") func document() async throws {
        let running = try await RunningDesk()
        let document = try running.ask(.get, "/api/v1/openapi.json", key: nil)
        #expect(document.json["openapi"]?.text == "3.1.0")
        let schemas = document.json["components"]?["schemas"]
        for field in FieldTable.configuration where !field.isSecret {
            #expect(schemas?["Configuration"]?["properties"]?[field.key.text] != nil, "\(field.key)")
        }
        for route in Routes.all where route.path.hasPrefix("/api/v1/") && !route.path.hasSuffix("openapi.json") {
            let path = String(route.path.dropFirst("/api/v1".count))
            #expect(document.json["paths"]?[path]?[route.method.rawValue.lowercased()] != nil, "\(route.path)")
        }
    }
}
