internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary

/// Accounts as resources.
enum APIAccounts {
    static let operations: [APIOperation] = [
        APIOperation(
            method: .get, path: "/accounts", name: "listAccounts", summary: "Accounts in the order of their numbers, page by page.",
            scope: .read,
            query: [("after", true, "Number of the last account of the page before."), ("limit", true, "At most so many, up to 500.")],
            gives: "AccountPage", respond: Self.list),
        APIOperation(
            method: .post, path: "/accounts", name: "addAccount", summary: "Make an account.", scope: .accounts, takes: "NewAccount",
            gives: "Account", status: 201, respond: Self.add),
        APIOperation(
            method: .get, path: "/accounts/{account}", name: "showAccount", summary: "One account, by an address, login name or number.",
            scope: .read, gives: "Account", respond: Self.show),
        APIOperation(
            method: .patch, path: "/accounts/{account}", name: "changeAccount",
            summary: "Change fields of an account; null is the default.",
            scope: .accounts, takes: "NewAccount", gives: "Account", respond: Self.change),
        APIOperation(
            method: .delete, path: "/accounts/{account}", name: "deleteAccount", summary: "Delete an account and its mail, for good.",
            scope: .accounts, status: 204, respond: Self.delete),
        APIOperation(
            method: .get, path: "/accounts/{account}/history", name: "accountHistory", summary: "Who changed what about it and when.",
            scope: .read, query: [("limit", true, "At most so many.")], gives: "Anything", respond: Self.history),
        APIOperation(
            method: .get, path: "/accounts/{account}/logins", name: "accountLogins",
            summary: "Last logins by all services, and refused ones: when, from where, with what.", scope: .read, gives: "Anything",
            respond: Self.logins),
    ]

    /// Fields that go out and come in.
    static let fields = FieldTable.account.filter { !$0.isSecret && $0.key != DeliveryField.mailboxSize.key }

    private static func list(_ call: APICall) -> WebReply {
        let limit = call.number("limit", 100, 1...500)
        let after = call.request.query["after"].flatMap { Int64($0) } ?? 0
        do {
            let page = try call.host.directory.page(after: AccountID(rawValue: max(0, after)), limit: limit)
            return APIReply.json(
                .object([
                    ("accounts", .list(page.map { self.json($0) })),
                    ("next", page.count == limit ? page.last.map { .int($0.id.rawValue) } ?? .null : .null),
                ]))
        } catch { return APIReply.error(error, call.language) }
    }

    static func json(_ account: AccountDetails) -> JSONValue {
        .object(
            [("id", .int(account.id.rawValue)), ("login", .text(account.login))]
                + self.fields.filter { $0.key != DeliveryField.loginName.key }.map { ($0.key.text, $0.json(account.value($0))) }
                + [
                    ("has-password", .bool(account.hasPassword)), ("created", .text(CivilTime(unixSeconds: account.created).rfc3339)),
                    ("changed", .text(CivilTime(unixSeconds: account.changed).rfc3339)),
                ])
    }

    private static func find(_ call: APICall) -> AccountID? {
        guard let name = call.request.parameters["account"] else { return nil }
        if let id = call.host.directory.find(name) { return id }
        guard let number = Int64(name) else { return nil }
        return (try? call.host.directory.details(AccountID(rawValue: number))).flatMap { $0 }?.id
    }

    private static func show(_ call: APICall) -> WebReply {
        guard let id = self.find(call) else { return call.problem(404, APIWords.noResource) }
        return self.shown(id, call, 200)
    }

    private static func shown(_ id: AccountID, _ call: APICall, _ status: Int) -> WebReply {
        do {
            guard let details = try call.host.directory.details(id) else { return call.problem(404, APIWords.noResource) }
            return APIReply.json(self.json(details), status: status)
        } catch { return APIReply.error(error, call.language) }
    }

    /// Fields of the body as the options of a command, each checked by itself; or what is wrong with them.
    private static func options(_ call: APICall) -> Result<(set: [String], password: String?, addresses: [String]), Refusal> {
        guard let members = call.members() else { return .failure(Refusal(call.problem(400, APIWords.unreadable))) }
        var (set, problems): ([String], [FieldProblem]) = ([], [])
        var password: String?
        var addresses: [String] = []
        for (name, value) in members {
            if name == "password" {
                password = value.text
                continue
            }
            guard let field = FieldTable.account(named: name), field.editors != .system, !field.isSecret else {
                problems.append(AccountInput.unknownField(name))
                continue
            }
            do throws(FieldProblem) {
                _ = try field.parse(json: value)
                let texts = try field.texts(json: value)
                if field.key == AccountField.addresses.key { addresses = texts }
                set += texts.isEmpty ? ["\(field.key.text)="] : texts.map { "\(field.key.text)=\($0)" }
            } catch { problems.append(error) }
        }
        guard problems.isEmpty else { return .failure(Refusal(APIReply.error(DirectoryError(problems), call.language))) }
        return .success((set, password, addresses))
    }

    private struct Refusal: Error {
        let reply: WebReply
        init(_ reply: WebReply) { self.reply = reply }
    }

    private static func add(_ call: APICall) -> WebReply {
        switch self.options(call) {
        case .failure(let refusal): return refusal.reply
        case .success(let options):
            let others = options.set.filter { !$0.hasPrefix("\(AccountField.addresses.key.text)=") }
            let result = call.perform("account add", options.addresses, options: ["set": others], input: options.password)
            guard result.isDone, let first = options.addresses.first, let id = call.host.directory.find(first) else {
                return APIReply.failed(result, call.language)
            }
            return self.shown(id, call, 201)
        }
    }

    private static func change(_ call: APICall) -> WebReply {
        guard let id = self.find(call), let details = (try? call.host.directory.details(id)).flatMap({ $0 }) else {
            return call.problem(404, APIWords.noResource)
        }
        switch self.options(call) {
        case .failure(let refusal): return refusal.reply
        case .success(let options):
            let result = call.perform("account set", [details.login], options: ["set": options.set], input: options.password)
            return result.isDone ? self.shown(id, call, 200) : APIReply.failed(result, call.language)
        }
    }

    private static func delete(_ call: APICall) -> WebReply {
        guard let id = self.find(call), let details = (try? call.host.directory.details(id)).flatMap({ $0 }) else {
            return call.problem(404, APIWords.noResource)
        }
        let result = call.perform("account delete", [details.login])
        return result.isDone ? WebReply(status: 204) : APIReply.failed(result, call.language)
    }

    private static func history(_ call: APICall) -> WebReply {
        guard let name = call.request.parameters["account"] else { return call.problem(404, APIWords.noResource) }
        let limit = call.number("limit", 50, 1...1000)
        return APIRunning.passed(call.perform("account history", [name], options: ["limit": ["\(limit)"]]), call)
    }

    private static func logins(_ call: APICall) -> WebReply {
        guard let id = self.find(call), let details = (try? call.host.directory.details(id)).flatMap({ $0 }) else {
            return call.problem(404, APIWords.noResource)
        }
        return APIRunning.passed(call.perform("account logins", [details.login]), call)
    }
}
