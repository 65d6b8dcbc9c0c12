import Bytes
import Directory
import Forms
import Vocabulary

/// Verbs about the audit log and the keys of the API: `audit`, `token add`, `token list`, `token delete`.
enum AuditHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("audit", Self.audit), Administration.handler("token list", Self.list),
        Administration.handler("token add", Self.add), Administration.handler("token delete", Self.delete),
    ]

    private static func audit(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let limit = request.option("limit").flatMap { Int($0) } ?? 50
        let query = AuditQuery(text: request.option("text"), interface: request.option("interface"))
        var (left, before) = (min(max(1, limit), 100_000), Int64.max)
        var records: [AuditRecord] = []
        while left > 0 {
            let page = try context.directory.audit(query, before: before, limit: min(left, 500))
            records += page.records
            left -= page.records.count
            guard let next = page.next else { break }
            before = next
        }
        if request.wantsJSON {
            output.line(JSONValue.list(records.map(self.json)).description)
            return .done
        }
        for record in records {
            let origin = record.actor.origin.isEmpty ? "" : " \(record.actor.origin)"
            output.line(
                "\(record.id)  \(CivilTime(unixSeconds: record.time).rfc3339)  \(record.actor.name), \(record.actor.interface)\(origin)  \(record.action)"
            )
            for change in record.changes {
                let whose = change.address ?? change.account.map { "account \($0)" } ?? ""
                let name = whose.isEmpty ? change.field : "\(whose) \(change.field)"
                if let old = change.old { output.line("    - \(name): \(OneLine.of(old))") }
                if let new = change.new { output.line("    + \(name): \(OneLine.of(new))") }
                if change.old == nil, change.new == nil { output.line("    \(name): …") }
            }
        }
        return .done
    }

    static func json(_ record: AuditRecord) -> JSONValue {
        .object([
            ("id", .int(record.id)), ("time", .text(CivilTime(unixSeconds: record.time).rfc3339)), ("by", .text(record.actor.name)),
            ("interface", .text(record.actor.interface)), ("from", .text(record.actor.origin)), ("action", .text(record.action)),
            (
                "changes",
                .list(
                    record.changes.map { change in
                        .object([
                            ("account", .optional(change.address ?? change.account.map { "\($0)" })), ("field", .text(change.field)),
                            ("old", .optional(change.old)), ("new", .optional(change.new)),
                        ])
                    })
            ),
        ])
    }

    // MARK: Keys

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let tokens = try context.directory.tokens()
        if request.wantsJSON {
            output.line(JSONValue.list(tokens.map(self.json)).description)
            return .done
        }
        for token in tokens {
            let used = token.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 } ?? "-"
            output.line(
                "\(token.id)  \(token.label)  \(token.scopeNames.joined(separator: ","))  \(CivilTime(unixSeconds: token.created).rfc3339)  \(token.createdBy)  \(token.lastDay ?? "-")  \(used)"
            )
        }
        if tokens.isEmpty { output.line(Localized(en: "there are no keys", ja: "キーはありません")) }
        return .done
    }

    static func json(_ token: TokenDetails) -> JSONValue {
        .object([
            ("id", .int(token.id)), ("label", .text(token.label)), ("scopes", .list(token.scopeNames.map { .text($0) })),
            ("created", .text(CivilTime(unixSeconds: token.created).rfc3339)), ("created-by", .text(token.createdBy)),
            ("last-day", .optional(token.lastDay)),
            ("last-used", .optional(token.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 })),
        ])
    }

    private static func add(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let label = try request.only("give the key one name", "キーの名前を 1 つ指定してください")
        var scopes: Set<TokenScope> = []
        for name in (request.options["scope"] ?? []).flatMap({ $0.split(separator: ",").map(String.init) }) {
            guard let scope = TokenScope(rawValue: name) else {
                let known = TokenScope.allCases.map(\.rawValue).joined(separator: ", ")
                throw AdminFailure(
                    Localized(
                        en: "\(Shown.text(name)) is no scope; there are: \(known)", ja: "\(Shown.text(name)) というスコープはありません。使えるもの: \(known)"),
                    .misuse)
            }
            scopes.insert(scope)
        }
        let made = try context.directory.addToken(label: label, scopes: scopes, lastDay: request.option("until"), by: request.actor)
        if request.wantsJSON {
            output.line(JSONValue.object([("id", .int(made.id)), ("token", .text(made.text))]).description)
            return .done
        }
        output.line(made.text)
        output.problem(
            Localized(
                en: "keep it now: it is shown this once (key \(made.id), for POSTOFFICE_TOKEN or --token-file)",
                ja: "このキーは一度だけ表示されます。今すぐ控えてください（番号 \(made.id)。POSTOFFICE_TOKEN か --token-file で使います）"))
        return .done
    }

    private static func delete(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let text = try request.only("name the key by its number in `token list`", "token list の番号を指定してください")
        guard let id = Int64(text), try context.directory.deleteToken(id, by: request.actor) else {
            throw AdminFailure(Localized(en: "there is no key \(Shown.text(text))", ja: "番号 \(Shown.text(text)) のキーはありません"))
        }
        output.line(Localized(en: "deleted: it opens nothing any more", ja: "削除しました。このキーはもう使えません"))
        return .done
    }
}
