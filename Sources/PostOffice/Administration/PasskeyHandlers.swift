import Bytes
import Directory
import Forms
import Queue
import SASL
import Vocabulary

/// Verbs about passkeys. They are made in browsers only.
enum PasskeyHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("account passkey list", Self.list), Administration.handler("account passkey remove", Self.remove),
    ]

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let all = try context.directory.passkeys(of: try AccountHandlers.find(name, context))
        if request.wantsJSON {
            output.line(JSONValue.list(all.map(self.json)).description)
            return .done
        }
        if all.isEmpty { output.line(Localized(en: "no passkeys", ja: "パスキーはありません")) }
        for passkey in all {
            let used = passkey.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 }
            let line = Localized(
                en: used.map { "last used \($0)" } ?? "never used", ja: used.map { "最終使用 \($0)" } ?? "未使用")
            output.line("\(passkey.id)  \(Shown.text(passkey.label))  \(passkey.host)  \(line.text(request.language))")
        }
        return .done
    }

    private static func json(_ passkey: Passkey) -> JSONValue {
        .object([
            ("id", .int(passkey.id)), ("label", .text(passkey.label)), ("host", .text(passkey.host)), ("synced", .bool(passkey.isBackedUp)),
            ("created", .text(CivilTime(unixSeconds: passkey.created).rfc3339)),
            ("last-used", .optional(passkey.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 })),
        ])
    }

    private static func remove(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard let name = request.operands.first else {
            throw AdminFailure(Localized(en: "name one account", ja: "アカウントを 1 つ指定してください"), .misuse)
        }
        let id = try AccountHandlers.find(name, context)
        let wanted =
            request.has("all")
            ? try context.directory.passkeys(of: id).map(\.id) : request.operands.dropFirst().compactMap { Int64($0) }
        var status = AdminStatus.done
        var removed: [String] = []
        for number in wanted {
            if let label = try context.directory.removePasskey(id, number, by: request.actor) {
                removed.append(label)
                self.record(id, context, request)
                output.line(Localized(en: "removed \(number)", ja: "\(number) を削除しました"))
            } else {
                output.problem(
                    Localized(
                        en: "the account has no passkey \(number); `passkey list` shows them",
                        ja: "パスキー \(number) はありません。passkey list で確認できます"))
                status = .failed
            }
        }
        if !removed.isEmpty, let problem = OwnerNotice.send(.passkeysRemoved(removed), to: id, context) { output.problem(problem) }
        if wanted.isEmpty { output.line(Localized(en: "no passkeys", ja: "パスキーはありません")) }
        if status == .done, !wanted.isEmpty, try context.directory.secondFactor(of: id) == nil {
            output.line(
                Localized(
                    en: "it was the last one: the password alone is enough to log in on the web now",
                    ja: "最後のパスキーでした。Web にはパスワードだけでログインできます"))
        }
        return status
    }

    private static func record(_ id: AccountID, _ context: AdminContext, _ request: AdminRequest) {
        let primary = context.directory.snapshot.recipient(id)?.primary.description ?? "\(id)"
        TrailWriter.append(
            TrailEvent(.accountManager, "passkey-removed", trace: nil, [("account", primary), ("by", request.actor.name)]),
            directory: context.start.logDirectory)
    }
}
