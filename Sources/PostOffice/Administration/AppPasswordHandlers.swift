import Bytes
import Directory
import Forms
import Queue
import SASL
import Vocabulary

/// Verbs about app passwords.
enum AppPasswordHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("account app-password add", Self.add), Administration.handler("account app-password list", Self.list),
        Administration.handler("account app-password revoke", Self.revoke),
    ]

    private static func add(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let id = try AccountHandlers.find(name, context)
        let services = (request.option("services") ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map { $0.lowercased() }
        let made = try context.directory.addAppPassword(
            id, label: request.option("label") ?? "", services: services, lastDay: request.option("expires"), by: request.actor)
        self.record("app-password-added", id, context, request)
        if request.wantsJSON {
            output.line(JSONValue.object([("id", .int(made.id.rawValue)), ("password", .text(made.text))]).description)
            return .done
        }
        output.line(made.text)
        output.problem(
            Localized(
                en: "app password \(made.id); it is shown this once only. Hyphens may be left out.",
                ja: "アプリパスワード \(made.id) です。表示されるのは今回だけです。ハイフンは省略できます。"))
        return .done
    }

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let all = try context.directory.appPasswords(of: try AccountHandlers.find(name, context))
        if request.wantsJSON {
            output.line(JSONValue.list(all.map(self.json)).description)
            return .done
        }
        if all.isEmpty { output.line(Localized(en: "no app passwords", ja: "アプリパスワードはありません")) }
        for password in all {
            let used = password.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 }
            let end = password.lastDay
            let line = Localized(
                en: "\(used.map { "last used \($0)" } ?? "never used")\(end.map { ", until \($0)" } ?? "")",
                ja: "\(used.map { "最終使用 \($0)" } ?? "未使用")\(end.map { "、期限 \($0)" } ?? "")")
            output.line(
                "\(password.id)  \(password.label)  \(password.services.joined(separator: ","))  \(line.text(request.language))")
        }
        return .done
    }

    private static func json(_ password: AppPasswordDetails) -> JSONValue {
        .object([
            ("id", .int(password.id.rawValue)), ("label", .text(password.label)),
            ("services", .list(password.services.map { .text($0) })), ("last-day", .optional(password.lastDay)),
            ("created", .text(CivilTime(unixSeconds: password.created).rfc3339)),
            ("last-used", .optional(password.lastUsed.map { CivilTime(unixSeconds: $0).rfc3339 })),
        ])
    }

    private static func revoke(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard let name = request.operands.first else {
            throw AdminFailure(Localized(en: "name one account", ja: "アカウントを 1 つ指定してください"), .misuse)
        }
        let id = try AccountHandlers.find(name, context)
        let present = try context.directory.appPasswords(of: id)
        let wanted =
            request.has("all")
            ? present.map(\.id)
            : request.operands.dropFirst().compactMap { Int64($0).map(AppPasswordID.init(rawValue:)) }
        var status = AdminStatus.done
        var revoked: [String] = []
        for number in wanted {
            if try context.directory.revokeAppPassword(id, number, by: request.actor) {
                revoked.append(present.first { $0.id == number }?.label ?? "\(number)")
                self.record("app-password-revoked", id, context, request)
                output.line(Localized(en: "revoked \(number)", ja: "\(number) を取り消しました"))
            } else {
                output.problem(
                    Localized(
                        en: "the account has no app password \(number); `app-password list` shows them",
                        ja: "アプリパスワード \(number) はありません。app-password list で確認できます"))
                status = .failed
            }
        }
        if !revoked.isEmpty, let problem = OwnerNotice.send(.appPasswordsRevoked(revoked), to: id, context) { output.problem(problem) }
        if wanted.isEmpty { output.line(Localized(en: "no app passwords", ja: "アプリパスワードはありません")) }
        return status
    }

    private static func record(_ event: String, _ id: AccountID, _ context: AdminContext, _ request: AdminRequest) {
        let primary = context.directory.snapshot.recipient(id)?.primary.description ?? "\(id)"
        TrailWriter.append(
            TrailEvent(.accountManager, event, trace: nil, [("account", primary), ("by", request.actor.name)]),
            directory: context.start.logDirectory)
    }
}
