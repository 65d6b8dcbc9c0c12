import Bytes
import Directory
import Forms
import Vocabulary

/// Verbs about the configuration, and `route`.
enum ConfigurationHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("config get", Self.get), Administration.handler("config set", Self.set),
        Administration.handler("config export", Self.export), Administration.handler("config diff", Self.diff),
        Administration.handler("config apply", Self.apply), Administration.handler("config history", Self.history),
        Administration.handler("config rollback", Self.rollback), Administration.handler("config form", Self.form),
        Administration.handler("route", RouteReport.answer),
    ]

    // MARK: Looking

    private static func get(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let fields = request.operands.isEmpty ? FieldTable.configuration : try request.operands.map(self.field)
        let configuration = context.directory.configuration
        if request.wantsJSON {
            output.line(JSONValue.object(fields.map { ($0.key.text, FieldReference.json($0, configuration.value($0))) }).description)
            return .done
        }
        for field in fields {
            let texts = field.written(configuration.value(field))
            // One field alone is for scripts: the bare value, an entry a line.
            if request.operands.count == 1 {
                for text in texts { output.line(text) }
            } else {
                output.line("\(field.key): \(texts.joined(separator: ", "))")
            }
        }
        return .done
    }

    private static func export(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) -> AdminStatus {
        output.part(ConfigurationText.write(context.directory.configuration.values, all: request.has("all"), request.language))
        return .done
    }

    private static func diff(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let values = context.directory.differing(try ConfigurationText.read(request.input ?? ""))
        self.show(values, context.directory.configuration.values, output)
        return .done
    }

    private static func history(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let limit = request.option("limit").flatMap { Int($0) } ?? 20
        let revisions = try context.directory.history(limit: min(max(1, limit), 10_000))
        if request.wantsJSON {
            output.line(JSONValue.list(revisions.map(self.json)).description)
            return .done
        }
        for revision in revisions {
            let note = revision.note.isEmpty ? "" : " (\(revision.note))"
            output.line(
                "\(revision.id)  \(CivilTime(unixSeconds: revision.time).rfc3339)  \(revision.actor.name), \(revision.actor.interface)\(note)"
            )
            for change in revision.changes { self.show(change, output) }
        }
        return .done
    }

    private static func json(_ revision: Revision) -> JSONValue {
        let changes = revision.changes.compactMap { change -> JSONValue? in
            FieldTable.configuration(named: change.field.text).map {
                .object([
                    ("field", .text($0.key.text)), ("old", FieldReference.json($0, change.old)),
                    ("new", FieldReference.json($0, change.new)),
                ])
            }
        }
        return .object([
            ("revision", .int(revision.id)), ("time", .text(CivilTime(unixSeconds: revision.time).rfc3339)),
            ("by", .text(revision.actor.name)),
            ("interface", .text(revision.actor.interface)), ("note", .text(revision.note)), ("changes", .list(changes)),
        ])
    }

    private static func show(_ change: Revision.Change, _ output: AdminOutput) {
        guard let field = FieldTable.configuration(named: change.field.text) else { return }
        for text in field.written(change.old) { output.line("    - \(field.key): \(text)") }
        for text in field.written(change.new) { output.line("    + \(field.key): \(text)") }
    }

    /// What would change, entry by entry.
    private static func show(_ values: [FieldKey: FieldValue], _ now: [FieldKey: FieldValue], _ output: AdminOutput) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let field = FieldTable.configuration(named: key.text) else { continue }
            let old = field.written(now[key] ?? .none)
            let new = field.written(value)
            let (before, after) = (Set(old), Set(new))
            // The same entries in another order: the order is the change.
            let isOrder = before == after
            for text in old where isOrder || !after.contains(text) { output.line("- \(field.key): \(text)") }
            for text in new where isOrder || !before.contains(text) { output.line("+ \(field.key): \(text)") }
        }
    }

    // MARK: Changing

    private static func set(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard let name = request.operands.first else {
            throw AdminFailure(Localized(en: "name a field and its value", ja: "フィールドと値を指定してください"), .misuse)
        }
        let field = try self.field(name)
        let texts = Array(request.operands.dropFirst())
        let isReset = request.has("default")
        guard isReset == texts.isEmpty else {
            throw AdminFailure(
                Localized(en: "give a value, or --default to take it back", ja: "値を指定してください。元に戻すには --default を指定します"), .misuse)
        }
        var value = isReset ? FieldValue.none : try field.parse(texts)
        if request.has("add") || request.has("remove") { value = try self.edited(field, value, request, context) }
        try RouteCircle.refuse([field.key: value], context)
        let before = context.directory.configuration
        let revision = try context.directory.configure([field.key: value], by: request.actor)
        self.tell(revision, output)
        try Advice.afterChange(of: before, context, output)
        return .done
    }

    /// The entries there are, with some added or taken away.
    private static func edited(
        _ field: Field, _ value: FieldValue, _ request: AdminRequest, _ context: AdminContext
    ) throws(AdminFailure) -> FieldValue {
        let now = context.directory.configuration.value(field)
        func edit<Entry: Hashable>(_ old: [Entry], _ named: [Entry]) -> [Entry] {
            request.has("remove") ? old.filter { !named.contains($0) } : old + named.filter { !old.contains($0) }
        }
        switch (now, value) {
        case (_, .list(let named)):
            let entries = edit(now.list, named)
            return entries.isEmpty ? .none : .list(entries)
        case (_, .rows(let named)):
            let rows = edit(now.rows, named)
            return rows.isEmpty ? .none : .rows(rows)
        default:
            throw AdminFailure(Localized(en: "\(field.key) has one value, no list", ja: "\(field.key) はリストではありません"), .misuse)
        }
    }

    private static func apply(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let values = context.directory.differing(try ConfigurationText.read(request.input ?? ""))
        try RouteCircle.refuse(values, context)
        return try self.carryOut(values, "apply", request, context, output)
    }

    /// Several fields at once, as a form has them: all or none.
    private static func form(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        var values: [FieldKey: FieldValue] = [:]
        var problems: [FieldProblem] = []
        for (name, texts) in try AdminRequest.fields(request.options["set"] ?? []) {
            let field = try self.field(name)
            do throws(FieldProblem) { values[field.key] = try field.parse(texts) } catch { problems.append(error) }
        }
        guard problems.isEmpty else { throw DirectoryError(problems) }
        let differing = context.directory.differing(values)
        try RouteCircle.refuse(differing, context)
        return try self.carryOut(differing, "", request, context, output)
    }

    private static func rollback(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let text = try request.only(
            "give the number of a revision; `postoffice config history` shows them", "リビジョン番号を指定してください（postoffice config history で表示できます）")
        guard let number = Int64(text), let values = try context.directory.values(asOf: number) else {
            throw AdminFailure(
                Localized(
                    en: "there is no revision \(Shown.text(text)); `postoffice config history` shows them",
                    ja: "リビジョン \(Shown.text(text)) はありません。postoffice config history で表示できます"))
        }
        return try self.carryOut(context.directory.differing(values), "rollback to \(number)", request, context, output)
    }

    private static func carryOut(
        _ values: [FieldKey: FieldValue], _ note: String, _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws -> AdminStatus {
        let problems = context.directory.problems(configuring: values)
        guard problems.isEmpty else { throw DirectoryError(problems) }
        self.show(values, context.directory.configuration.values, output)
        if request.has("dry-run") {
            output.line(Localized(en: "dry run: nothing was changed", ja: "確認のみ: 何も変更していません"))
            return .done
        }
        let before = context.directory.configuration
        self.tell(try context.directory.configure(values, by: request.actor, note: note), output)
        try Advice.afterChange(of: before, context, output)
        return .done
    }

    private static func tell(_ revision: Int64?, _ output: AdminOutput) {
        guard let revision else { return output.line(Localized(en: "nothing to change", ja: "変更はありません")) }
        output.line(Localized(en: "changed, revision \(revision)", ja: "変更しました（リビジョン \(revision)）"))
    }

    private static func field(_ name: String) throws(AdminFailure) -> Field {
        guard let field = FieldTable.configuration(named: name) else {
            throw AdminFailure(FieldProblem.unknown(name, in: FieldTable.configuration).message, .misuse)
        }
        return field
    }
}
