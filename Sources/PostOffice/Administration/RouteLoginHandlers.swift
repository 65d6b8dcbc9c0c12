import Delivery
import Directory
import Forms
import Routing
import SASL
import Vocabulary

/// Verbs about logins at next hops: `route-login set`, `list`, `delete`.
enum RouteLoginHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("route-login set", Self.set), Administration.handler("route-login list", Self.list),
        Administration.handler("route-login delete", Self.delete),
    ]

    private static func set(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard request.operands.count == 2, let password = request.input else {
            throw AdminFailure(
                Localized(
                    en: "name a host and a user, and give the password by --password-stdin or --password-file",
                    ja: "ホストとユーザを指定し、パスワードを --password-stdin か --password-file で渡してください"), .misuse)
        }
        let field = NextHopField.logins
        let security = request.option("security")
        // A host typed with brackets of its own, or without.
        let typed = (request.operands + (security.map { [$0] } ?? [])).joined(separator: " ")
        guard let row = try field.parse(["[\(typed)]"]).rows.first else { return .failed }
        let revision = try context.directory.setRouteLogin(row, password: Secret(password), by: request.actor)
        output.line(Localized(en: "changed, revision \(revision)", ja: "変更しました（リビジョン \(revision)）"))
        guard let login = context.directory.snapshot.routeLogins.first(where: { $0.name == NextHopName(row[0]) }) else { return .done }
        let hops = Self.hops(login, context.directory.configuration.routes)
        if hops.isEmpty {
            output.problem(
                Localized(
                    en: "note: no row of mail-routing-table leads to \(login.route), so this login is not used yet",
                    ja: "注意: mail-routing-table に \(login.route) への行がないため、このログインはまだ使われません"))
        }
        let count = try context.remoteDelivery?.retry(hops) ?? 0
        if count > 0 { output.line(Localized(en: "\(count) waiting entries are tried now", ja: "待機中の \(count) 件を再送します")) }
        return .done
    }

    /// Names of the queue for the next hops that a login is for.
    private static func hops(_ login: RouteLogin, _ routes: RouteTable) -> Set<String> {
        Set(routes.routes.map { $0.hop(for: "example.invalid") }.filter(login.fits).map(\.queueName))
    }

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let troubles = context.remoteDelivery?.troubles.all ?? []
        let routes = context.directory.configuration.routes
        for login in context.directory.snapshot.routeLogins {
            let hops = Self.hops(login, routes)
            let trouble = troubles.first { hops.contains($0.name) }
            if request.wantsJSON {
                output.line(
                    JSONValue.object([
                        ("host", .text(login.route)), ("user", .text(login.user)), ("security", .text(login.security.rawValue)),
                        ("has-password", .bool(login.password != nil)), ("routes", .number(hops.count)),
                        ("trouble", trouble.map { .text($0.fault.words.text(request.language)) } ?? .null),
                    ]).description)
                continue
            }
            let state =
                if let trouble {
                    trouble.fault.words
                } else if login.password == nil {
                    RouteLoginTexts.noPassword
                } else if hops.isEmpty {
                    RouteLoginTexts.unused
                } else {
                    Localized(en: "password stored", ja: "パスワード設定済み")
                }
            output.line("\(login.route)  \(login.user)  \(login.security.rawValue)  \(state.text(request.language))")
        }
        return .done
    }

    private static func delete(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let text = try request.only("name the host of one login", "ログインのホストを 1 つ指定してください")
        let field = NextHopField.logins
        let rows = context.directory.configuration.value(field).rows
        let rest = rows.filter { $0.first != text && $0.first.flatMap { NextHopName($0) } != NextHopName(text) }
        guard rest.count < rows.count else {
            throw AdminFailure(
                Localized(
                    en: "there is no login for \(text); `postoffice route-login list` shows them",
                    ja: "\(text) のログインはありません。postoffice route-login list で確認できます"))
        }
        let revision = try context.directory.configure([field.key: rest.isEmpty ? .none : .rows(rest)], by: request.actor)
        output.line(Localized(en: "changed, revision \(revision ?? 0)", ja: "変更しました（リビジョン \(revision ?? 0)）"))
        return .done
    }
}

private enum RouteLoginTexts {
    static let noPassword = Localized(en: "no password stored", ja: "パスワード未設定")
    static let unused = Localized(en: "no route leads there", ja: "このホストへの経路なし")
}
