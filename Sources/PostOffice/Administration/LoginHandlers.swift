import Bytes
import Directory
import Forms
import Vocabulary

/// `account logins`: who logged in to an account, from where and with what.
enum LoginHandlers {
    static let all: [AdminHandler] = [Administration.handler("account logins", Self.perform)]

    private static func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let logins = try context.directory.logins(of: try AccountHandlers.find(name, context))
        if request.wantsJSON {
            output.line(JSONValue.list(logins.map(self.json)).description)
            return .done
        }
        if logins.isEmpty { output.line(Localized(en: "no logins", ja: "ログインの記録はありません")) }
        for login in logins {
            let service = login.serviceLabel.text(request.language)
            let method = login.methodLabel.text(request.language)
            let security = login.hasTLS ? Localized(en: "TLS", ja: "TLS") : Localized(en: "without TLS", ja: "暗号化なし")
            let count = Localized(
                en: "\(login.count) since \(CivilTime(unixSeconds: login.first).rfc3339)",
                ja: "\(CivilTime(unixSeconds: login.first).rfc3339) から \(login.count) 回")
            let refusal = login.refusalLabel.map { Localized(en: "  REFUSED: \($0.english)", ja: "  拒否: \($0.japanese)") }
            output.line(
                "\(CivilTime(unixSeconds: login.last).rfc3339)  \(service)  \(login.client)  \(method), \(security.text(request.language))"
                    + "  \(count.text(request.language))\(refusal?.text(request.language) ?? "")")
        }
        return .done
    }

    private static func json(_ login: LoginRecord) -> JSONValue {
        .object([
            ("last", .text(CivilTime(unixSeconds: login.last).rfc3339)), ("first", .text(CivilTime(unixSeconds: login.first).rfc3339)),
            ("count", .int(login.count)), ("service", .text(login.service == .http ? "web" : login.service.rawValue)),
            ("client", .text(login.client)), ("tls", .bool(login.hasTLS)), ("method", .text(login.method)),
            ("app-password", .optional(login.label)), ("refusal", .optional(login.refusal)),
        ])
    }
}
