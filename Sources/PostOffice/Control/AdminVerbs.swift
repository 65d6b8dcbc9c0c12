package import Directory
import Vocabulary

/// What a verb may do and what of it goes into the audit log: one table for the API's keys and for the log.
package enum AdminVerbs {
    struct Rule: Sendable {
        /// What a key must be for.
        var scope: TokenScope
        /// Options whose values are told in the audit log; nil where the verb changes nothing, or notes its changes itself.
        var told: [String]?
    }

    /// A verb that is not named here is a postmaster's alone, and is noted.
    package static func scope(_ verb: String) -> TokenScope { self.rule(verb).scope }

    static func rule(_ verb: String) -> Rule { self.table[verb] ?? Rule(scope: .all, told: []) }

    /// Named here; a test holds every verb to it.
    package static func isNamed(_ verb: String) -> Bool { self.table[verb] != nil }

    private static let queueOptions = ["recipient", "sender", "route", "state", "text", "all", "to", "reason"]

    private static let table: [String: Rule] = {
        var table: [String: Rule] = [:]
        func add(_ scope: TokenScope, _ verbs: [String], told: [String]? = nil) {
            for verb in verbs { table[verb] = Rule(scope: scope, told: told) }
        }
        add(
            .read,
            [
                "account history", "account list", "account logins", "account show", "account app-password list", "account passkey list",
                "account default show", "blocked list", "cert show", "config diff", "config export", "config get", "config history",
                "counts", "dns", "faults", "health", "limited",
                "queue list", "queue-state", "reach", "route", "route-login list", "seats show", "unasked", "drop list", "status", "trace",
                "log", "counters", "information",
            ])
        // What the directory's history has anyway is not noted twice.
        add(
            .accounts,
            [
                "account add", "account set", "account delete", "account import", "account export", "account default set",
                "account app-password add", "account app-password revoke", "account passkey remove",
            ])
        add(.accounts, ["account release"], told: [])
        add(.queue, ["queue show", "drop show"])
        add(
            .queue, ["queue hold", "queue release", "queue retry", "queue return", "queue redirect", "queue delete"],
            told: AdminVerbs.queueOptions)
        add(.queue, ["drop release", "drop delete"], told: ["all"])
        add(
            .configuration,
            [
                "config set", "config form", "config apply", "config rollback", "seats set", "route-login set", "route-login delete",
                "filter test", "check",
            ])
        add(.configuration, ["aliases"], told: ["dry-run"])
        add(.configuration, ["cert self-signed", "cert request", "cert install"], told: ["name", "organization"])
        add(.configuration, ["reload"], told: [])
        add(.configuration, ["blocked release"], told: ["all"])
        add(.all, ["account import-unix"])
        add(.all, ["broadcast"], told: ["domain", "subject"])
        // A call for each message: the first of an import or export is noted.
        add(.all, ["mail add", "mail read"])
        add(.all, ["mail mailboxes"], told: [])
        add(.all, ["audit", "token list", "token add", "token delete"])
        return table
    }()

    /// Notes what was done; a log that cannot be written is told, and undoes nothing.
    static func note(
        _ request: AdminRequest, _ status: AdminStatus, _ facts: [AdminOutput.Fact], _ context: AdminContext, _ output: AdminOutput
    ) {
        guard let told = self.rule(request.verb).told, status != .misuse, !request.has("preview"), !request.has("dry-run") else { return }
        var noted: [(field: String, old: String?, new: String?)] = []
        if !request.operands.isEmpty { noted.append(("operands", nil, request.operands.joined(separator: " "))) }
        for name in told {
            if let values = request.options[name] { noted.append((name, nil, values.isEmpty ? "yes" : values.joined(separator: ", "))) }
        }
        noted += facts.map { ($0.field, $0.old, $0.new) }
        if status != .done { noted.append(("outcome", nil, "failed")) }
        do {
            try context.directory.noteAction(request.verb, noted, by: request.actor)
        } catch {
            output.problem(
                Localized(
                    en: "this could not be noted in the audit log: \(error.message.english)",
                    ja: "監査ログに記録できませんでした: \(error.message.japanese)"))
        }
    }
}
