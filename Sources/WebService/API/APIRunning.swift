internal import Bytes
internal import Counters
internal import Directory
internal import Forms
internal import MessageStore
internal import Queue
internal import Vocabulary

/// Queue, trail, log, counters, status, audit log and keys; and every command of the command line.
enum APIRunning {
    static let operations: [APIOperation] = [
        APIOperation(
            method: .get, path: "/status", name: "status", summary: "What `postoffice status` says.", scope: .read, gives: "Anything"
        ) {
            let result = $0.perform("status")
            // A server with a trouble tells of it; that is no failed request.
            return result.lines.isEmpty ? APIReply.failed(result, $0.language) : Self.raw(result)
        },
        APIOperation(
            method: .get, path: "/counters", name: "counters", summary: "What was counted, in equal steps.", scope: .read,
            query: [("span", false, "hour, day or month.")], gives: "Anything"
        ) {
            Self.passed($0.perform("counters", options: ["span": [$0.request.query["span"] ?? "hour"]]), $0)
        },
        APIOperation(
            method: .get, path: "/queue", name: "listQueue", summary: "Entries of the queue, page by page.", scope: .read,
            query: [
                ("state", false, "due, deferred or held."), ("sender", false, "An address, a domain, or <> for reports."),
                ("recipient", false, "An address or a domain."), ("route", false, "A next hop."), ("text", false, "In the reason."),
                ("after", false, "The next of the page before."), ("limit", true, "At most so many, up to 500."),
            ], gives: "QueuePage", respond: Self.queue),
        APIOperation(
            method: .get, path: "/queue/{entry}", name: "showQueueEntry", summary: "One entry.", scope: .queue, gives: "QueueEntry",
            respond: Self.entry),
        APIOperation(
            method: .post, path: "/queue/{entry}/{action}", name: "changeQueueEntry",
            summary: "retry, release, hold, return, redirect or delete one entry.", scope: .queue, takes: "QueueAction", gives: "Done",
            respond: Self.act),
        APIOperation(
            method: .get, path: "/trail", name: "trail", summary: "What happened to messages: by an address, an id, or a word of the log.",
            scope: .read, query: [("q", false, "What to look for."), ("days", true, "The newest so many days; 2.")], gives: "Anything",
            respond: Self.trail),
        APIOperation(
            method: .get, path: "/log", name: "log", summary: "The newest lines of the log, or those behind a place.", scope: .read,
            query: [
                ("module", false, "SMTP-Accept …"), ("text", false, "Somewhere in the line."),
                ("after", false, "A place, as `after` says it."),
                ("before", false, "A place, as `before` says it."), ("lines", true, "At most so many."),
            ], gives: "Anything", respond: Self.log),
        APIOperation(
            method: .get, path: "/audit", name: "audit", summary: "Who did what, when, from where, before and after.", scope: .all,
            query: [("text", false, "In a name, action or value."), ("limit", true, "At most so many.")], gives: "Anything"
        ) {
            var options = ["limit": ["\($0.number("limit", 50, 1...1000))"]]
            options["text"] = $0.request.query["text"].map { [$0] }
            return Self.passed($0.perform("audit", options: options), $0)
        },
        APIOperation(
            method: .get, path: "/tokens", name: "listTokens", summary: "Keys of the API.", scope: .all, gives: "Anything"
        ) {
            Self.passed($0.perform("token list"), $0)
        },
        APIOperation(
            method: .post, path: "/tokens", name: "addToken", summary: "Make a key; it is told this once.", scope: .all, takes: "NewToken",
            gives: "Anything", status: 201, respond: Self.addToken),
        APIOperation(
            method: .delete, path: "/tokens/{token}", name: "deleteToken", summary: "A key opens nothing any more.", scope: .all,
            status: 204
        ) {
            let name = $0.request.parameters["token"] ?? ""
            let isThere = ((try? $0.host.directory.tokens()) ?? []).contains { "\($0.id)" == name || $0.label == name }
            guard isThere else { return $0.problem(404, APIWords.noResource) }
            let result = $0.perform("token delete", [name])
            return result.isDone ? WebReply(status: 204) : APIReply.failed(result, $0.language)
        },
        APIOperation(
            method: .post, path: "/command", name: "command",
            summary:
                "A command of `postoffice`, as `--server` sends it; the answer is a line of JSON for each thing it says. What the key must be for depends on the command.",
            scope: nil, takes: "Command", gives: nil, respond: Self.command),
    ]

    /// A command's JSON as it is, or its failure.
    static func passed(_ result: WebCommandResult, _ call: APICall) -> WebReply {
        result.isDone ? self.raw(result) : APIReply.failed(result, call.language)
    }

    private static func raw(_ result: WebCommandResult) -> WebReply { .json(Array(result.lines.joined().utf8)) }

    // MARK: Queue

    private static func queue(_ call: APICall) -> WebReply {
        guard let store = call.host.store else { return call.problem(503, QueueWords.unreadable) }
        let filter = QueueFilter { call.request.query[$0] }
        let place = call.request.query["after"].map { QueuePlace(text: $0) }
        if case .some(nil) = place { return call.problem(422, Localized(en: "after is no place of a page", ja: "after の値が正しくありません")) }
        do {
            let page = try store.queuePage(
                filter.query, after: place ?? nil, limit: call.number("limit", 100, 1...500), now: call.host.now())
            let underWay = call.host.watch?.underWay() ?? []
            return APIReply.json(
                .object([
                    ("entries", .list(page.entries.map { self.json($0, underWay.contains($0.id)) })), ("next", .optional(page.next?.text)),
                ]))
        } catch { return call.problem(503, QueueWords.unreadable) }
    }

    private static func entry(_ call: APICall) -> WebReply {
        guard let id = call.request.parameters["entry"].flatMap({ Int64($0) }), let store = call.host.store,
            let entry = (try? store.queueEntry(QueueID(rawValue: id))).flatMap({ $0 })
        else { return call.problem(404, QueueWords.gone) }
        return APIReply.json(self.json(entry, call.host.watch?.underWay().contains(entry.id) ?? false))
    }

    private static func json(_ entry: StoredQueueEntry, _ isUnderWay: Bool) -> JSONValue {
        let isHeld = entry.draft.due >= MessageStore.never
        return .object([
            ("id", .int(entry.id.rawValue)), ("trace", .text(entry.trace.text)),
            ("from", .text(entry.envelope.sender.map { "\($0)" } ?? "")), ("to", .text("\(entry.draft.recipient.address)")),
            ("channel", .text("\(entry.draft.channel)")), ("route", .text(entry.draft.destination)), ("size", .int(entry.bodySize)),
            ("accepted", .text(CivilTime(unixSeconds: entry.acceptedAt).rfc3339)),
            ("due", isHeld ? .null : .text(CivilTime(unixSeconds: entry.draft.due).rfc3339)), ("held", .bool(isHeld)),
            ("being-delivered", .bool(isUnderWay)), ("attempts", .number(entry.attempts)), ("reason", .text(entry.reason)),
        ])
    }

    private static func act(_ call: APICall) -> WebReply {
        guard let id = call.request.parameters["entry"].flatMap({ Int64($0) }),
            let action = call.request.parameters["action"].flatMap(QueueAction.init(rawValue:))
        else { return call.problem(404, APIWords.noResource) }
        var options: [String: [String]] = [:]
        if !call.request.body.isEmpty {
            guard let members = call.members() else { return call.problem(400, APIWords.unreadable) }
            for (name, value) in members where name == "to" || name == "reason" { options[name] = value.text.map { [$0] } }
        }
        let result = call.perform("queue \(action.rawValue)", ["\(id)"], options: options)
        guard result.isDone else { return APIReply.failed(result, call.language) }
        return APIReply.json(.object([("done", .bool(true)), ("words", .list(Self.words(result).map { .text($0) }))]))
    }

    private static func words(_ result: WebCommandResult) -> [String] { result.lines.joined().split(separator: "\n").map(String.init) }

    // MARK: Trail and log

    /// Nanoseconds that a search may take.
    private static let patience: Int64 = 5_000_000_000

    private static func trail(_ call: APICall) -> WebReply {
        guard let term = call.request.query["q"], !term.isEmpty, let watch = call.host.watch else {
            return call.problem(422, Localized(en: "q is missing: say what to look for", ja: "q に検索する語を指定してください"))
        }
        let (found, isComplete) = TrailReader(directory: watch.log).search(
            term, days: call.number("days", 2, 1...366), limit: 200, within: self.patience)
        return APIReply.json(
            .object([
                ("traces", .list(found.map { .object([("id", .text($0.id)), ("lines", .list($0.lines.map { .text($0) }))]) })),
                ("complete", .bool(isComplete)),
            ]))
    }

    private static func log(_ call: APICall) -> WebReply {
        guard let watch = call.host.watch else { return call.problem(503, APIWords.noResource) }
        let reader = LogReader(directory: watch.log)
        let query = LogQuery(module: call.request.query["module"], text: call.request.query["text"])
        let lines = call.number("lines", 200, 1...5000)
        let page =
            call.request.query["after"].flatMap(LogPlace.init(text:)).map { reader.following(query, after: $0, limit: lines) }
            ?? reader.newest(query, before: call.request.query["before"].flatMap(LogPlace.init(text:)), limit: lines)
        return APIReply.json(
            .object([
                ("lines", .list(page.lines.map { .text($0) })), ("before", .optional(page.before?.text)),
                ("after", .optional(page.after?.text)),
            ]))
    }

    // MARK: Keys and commands

    private static func addToken(_ call: APICall) -> WebReply {
        guard let members = call.members() else { return call.problem(400, APIWords.unreadable) }
        let body = JSONValue.object(members)
        var options = ["scope": (body["scopes"]?.items ?? []).compactMap(\.text)]
        options["until"] = body["last-day"]?.text.map { [$0] }
        let result = call.perform("token add", [body["label"]?.text ?? ""], options: options)
        guard result.isDone else { return APIReply.failed(result, call.language) }
        var reply = self.raw(result)
        reply.status = 201
        return reply
    }

    /// One command: the key must be for what the command does. The answer is what it says, as it says it, a line of JSON for each thing, `done` last.
    private static func command(_ call: APICall) -> WebReply {
        guard let members = call.members() else { return call.problem(400, APIWords.unreadable) }
        let body = JSONValue.object(members)
        guard let verb = body["verb"]?.text else {
            return call.problem(422, Localized(en: "verb is missing", ja: "verb がありません"))
        }
        let scope = call.host.scopeOf(verb)
        guard call.token.allows(scope) else { return call.problem(403, APIWords.notAllowed(scope)) }
        var options: [String: [String]] = [:]
        for (name, value) in body["options"]?.members ?? [] { options[name] = (value.items ?? []).compactMap(\.text) }
        var command = WebCommand(
            verb, (body["operands"]?.items ?? []).compactMap(\.text), options: options, input: body["input"]?.text,
            language: body["language"]?.text.flatMap(Language.init(rawValue:)) ?? call.language, wantsJSON: body["json"]?.flag ?? false)
        command.actor = call.actor
        var reply = WebReply(contentType: "application/x-ndjson")
        let (host, asked) = (call.host, command)
        reply.stream = WebStream { write in
            let say: @Sendable (String, JSONValue) -> Void = { write(Array((JSONValue.object([($0, $1)]).description + "\n").utf8)) }
            let status = host.speak(asked) { word in
                switch word {
                case .output(let text): say("output", .text(text))
                case .problem(let text): say("problem", .text(text))
                case .progress(let text): say("progress", .text(text))
                }
            }
            say("done", .number(status))
        }
        return reply
    }
}
