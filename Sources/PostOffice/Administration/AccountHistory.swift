import Bytes
import Directory
import Forms
import Vocabulary

/// `account history`: who changed what about an account and when.
enum AccountHistory {
    static func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let limit = request.option("limit").flatMap { Int($0) } ?? 20
        let id = try self.find(name, context)
        let revisions = try context.directory.history(of: id, limit: min(max(1, limit), 10_000))
        if request.wantsJSON {
            output.line(JSONValue.list(revisions.map(self.json)).description)
            return .done
        }
        for revision in revisions {
            output.line(
                "\(revision.id)  \(CivilTime(unixSeconds: revision.time).rfc3339)  \(revision.actor.name), \(revision.actor.interface)")
            for change in revision.changes { self.show(change, output) }
        }
        return .done
    }

    /// Also one that is deleted, by its last primary address.
    private static func find(_ name: String, _ context: AdminContext) throws -> AccountID {
        if let id = context.directory.find(name) { return id }
        if let id = try context.directory.deletedAccount(name) { return id }
        return try AccountHandlers.find(name, context)
    }

    private static func show(_ change: AccountRevision.Change, _ output: AdminOutput) {
        if let event = self.event(change) { return output.line(event) }
        if let old = change.old { output.line("    - \(change.field): \(self.text(old, change.field, output.language))") }
        if let new = change.new { output.line("    + \(change.field): \(self.text(new, change.field, output.language))") }
    }

    /// What is told in words.
    private static func event(_ change: AccountRevision.Change) -> Localized? {
        switch (change.field, change.old, change.new) {
        case ("account", nil, let new?): Localized(en: "    added as \(new)", ja: "    \(new) を追加")
        case ("account", let old?, nil): Localized(en: "    deleted, was \(old)", ja: "    \(old) を削除")
        case (_, nil, nil): Localized(en: "    \(change.field): a new secret", ja: "    \(change.field): 変更（値は記録されません）")
        default: nil
        }
    }

    /// On one line, as a person reads it; a value that was cut is shown as it was kept.
    private static func text(_ stored: String, _ field: String, _ language: Language) -> String {
        let shown = FieldTable.account(named: field).map { $0.shown($0.value(stored: stored), language) } ?? stored
        return shown.isEmpty ? stored : shown
    }

    private static func json(_ revision: AccountRevision) -> JSONValue {
        let changes = revision.changes.map {
            JSONValue.object([("field", .text($0.field)), ("old", .optional($0.old)), ("new", .optional($0.new))])
        }
        return .object([
            ("revision", .int(revision.id)), ("time", .text(CivilTime(unixSeconds: revision.time).rfc3339)),
            ("by", .text(revision.actor.name)), ("interface", .text(revision.actor.interface)), ("note", .text(revision.note)),
            ("changes", .list(changes)),
        ])
    }
}
