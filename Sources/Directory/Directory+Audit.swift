internal import Database
internal import Forms
package import Vocabulary

/// What somebody who may administer did: when, from where, and what was so before and is so since. Changes of accounts and settings and
/// everything else stand in one history.
package struct AuditRecord: Sendable {
    package let id: Int64
    /// Seconds since 1970.
    package let time: Int64
    package let actor: Actor
    /// Constant words of what was done, as `queue retry`; empty where the changes say it.
    package let action: String
    package let changes: [Change]

    package struct Change: Sendable, Hashable {
        /// Whose; nil for the configuration and for what is about neither.
        package let account: AccountID?
        /// Its first address, where it is there.
        package let address: String?
        package let field: String
        /// nil for nothing, and for what is secret.
        package let old: String?
        package let new: String?
    }
}

/// Which records somebody wants to see.
package struct AuditQuery: Sendable, Hashable {
    /// A part of the name of who did it, of the address, of the action, or of a field; ASCII case is not looked at.
    package var text: String?
    /// `web`, `api`, `command` …
    package var interface: String?

    package init(text: String? = nil, interface: String? = nil) {
        self.text = text
        self.interface = interface
    }
}

extension Directory {
    /// Stands for the configuration, and for what is done beside accounts and settings.
    private static let configurationNumber: Int64 = 0
    static let actionNumber: Int64 = -1

    /// Characters of a value that are kept.
    private static let longestFact = 400
    private static let mostFacts = 60

    /// Notes something that was done beside the accounts and settings, whose changes note themselves. Values must hold no secret.
    package func noteAction(
        _ action: String, _ facts: [(field: String, old: String?, new: String?)], by actor: Actor
    ) throws(DirectoryError) {
        do throws(DatabaseError) {
            try self.database.write { connection throws(DatabaseError) in
                let revision = try self.revision(connection, actor, String(action.prefix(Self.longestFact)))
                var seen: Set<String> = []
                for fact in facts.prefix(Self.mostFacts) where seen.insert(fact.field).inserted {
                    try connection.run(
                        DirectorySchema.insertChange, .int(revision), .int(Self.actionNumber), .text(fact.field),
                        .text(fact.old.map { String($0.prefix(Self.longestFact)) }),
                        .text(fact.new.map { String($0.prefix(Self.longestFact)) }))
                }
            }
        } catch { throw DirectoryError(error) }
    }

    /// Newest first; those before `id` where it is given. At most `limit`, found among so many as can be looked through at once: `next` says
    /// where to go on, nil at the end.
    package func audit(
        _ query: AuditQuery = AuditQuery(), before id: Int64 = .max, limit: Int = 50
    ) throws(DirectoryError) -> (records: [AuditRecord], next: Int64?) {
        let limit = min(max(1, limit), 1000)
        return try self.reading { connection throws(DatabaseError) in
            var found: [AuditRecord] = []
            var last = id
            var examined = 0
            while examined < Self.mostExamined {
                let heads = try connection.rows(DirectorySchema.allRevisions, .int(last), 0, .int(limit)) { row in
                    (row.int(0), row.int(1), Actor(name: row.text(2), interface: row.text(3), origin: row.text(5)), row.text(4))
                }
                for (id, time, actor, note) in heads {
                    examined += 1
                    last = id
                    if let interface = query.interface, interface != actor.interface { continue }
                    let record = AuditRecord(
                        id: id, time: time, actor: actor, action: note, changes: try Self.auditChanges(connection, id))
                    guard query.text.map({ record.mentions($0) }) ?? true else { continue }
                    found.append(record)
                    if found.count == limit { return (found, id) }
                }
                if heads.count < limit { return (found, nil) }
            }
            return (found, last)
        }
    }

    private static let mostExamined = 5000

    private static func auditChanges(_ connection: Connection, _ revision: Int64) throws(DatabaseError) -> [AuditRecord.Change] {
        try connection.rows(DirectorySchema.allChanges, .int(revision), .int(Self.mostFacts)) { row in
            let number = row.int(0)
            let name = row.text(1)
            let field = number == Self.configurationNumber ? FieldTable.configuration(named: name) : FieldTable.account(named: name)
            return AuditRecord.Change(
                account: number > Self.configurationNumber ? AccountID(rawValue: number) : nil, address: row.optionalText(4),
                field: name, old: Self.shown(row.optionalText(2), field), new: Self.shown(row.optionalText(3), field))
        }
    }

    /// As commands write it, not as it is stored.
    private static func shown(_ stored: String?, _ field: Field?) -> String? {
        guard let stored, let field, stored.contains("\t") || stored.contains("\n") else { return stored }
        return field.written(field.value(stored: stored)).joined(separator: ", ")
    }
}

extension AuditRecord {
    fileprivate func mentions(_ text: String) -> Bool {
        let wanted = text.lowercased()
        func holds(_ value: String?) -> Bool { value?.lowercased().contains(wanted) ?? false }
        if holds(self.actor.name) || holds(self.actor.origin) || holds(self.action) { return true }
        return self.changes.contains { holds($0.field) || holds($0.address) || holds($0.old) || holds($0.new) }
    }
}
