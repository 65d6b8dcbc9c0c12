package import Vocabulary

/// Why a route's login did not succeed. It is a fault of set-up, not of the mail: everything waits until somebody sets it right.
package struct RouteLoginFault: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// The other host said no.
        case refused(Reply)
        /// No password is stored for it.
        case noPassword
        /// The other host offers no way of logging in that we know.
        case noMechanism
        /// Mail without a login is refused, and none is set. [RFC4954-6]
        case wanted(Reply)
        /// The connection is not as safe as the setting asks for.
        case notSafe(String)
    }

    /// As the setting names it: host and port.
    package var route: String
    package var user: String
    package var reason: Reason

    package init(route: String, user: String, reason: Reason) {
        self.route = route
        self.user = user
        self.reason = reason
    }

    package var reply: Reply? {
        switch self.reason {
        case .refused(let reply), .wanted(let reply): reply
        case .noPassword, .noMechanism, .notSafe: nil
        }
    }

    /// What is wrong, and what to do: one sentence without a full stop.
    package var words: Localized {
        Localized(en: "\(self.what.english); \(self.cure.english)", ja: "\(self.what.japanese)。\(self.cure.japanese)")
    }

    package var what: Localized {
        switch self.reason {
        case .refused(let reply):
            Localized(
                en: "the route \(self.route) refuses the login of \(self.user) (\(DeliveryFailure.text(reply)))",
                ja: "転送先 \(self.route) が \(self.user) のログインを拒否しました (\(DeliveryFailure.text(reply)))")
        case .noPassword:
            Localized(
                en: "the route \(self.route) needs a login, and no password of \(self.user) is stored",
                ja: "転送先 \(self.route) にはログインが必要ですが、\(self.user) のパスワードが未設定です")
        case .wanted(let reply):
            Localized(
                en: "the route \(self.route) takes mail only after a login (\(DeliveryFailure.text(reply)))",
                ja: "転送先 \(self.route) へのメール送信にはログインが必要です (\(DeliveryFailure.text(reply)))")
        case .noMechanism:
            Localized(
                en: "the route \(self.route) offers no login with a password (AUTH PLAIN or LOGIN)",
                ja: "転送先 \(self.route) はパスワードによるログイン (AUTH PLAIN、LOGIN) に対応していません")
        case .notSafe(let why):
            Localized(
                en: "the password for the route \(self.route) was not sent: \(why)",
                ja: "転送先 \(self.route) のパスワードを送信しませんでした: \(why)")
        }
    }

    package var cure: Localized {
        let command = "postoffice route-login set \(self.route) \(self.user) --password-stdin"
        return switch self.reason {
        case .refused: Localized(en: "set the password anew: `\(command)`", ja: "パスワードを設定し直してください: \(command)")
        case .noPassword: Localized(en: "set it: `\(command)`", ja: "設定してください: \(command)")
        case .wanted:
            Localized(
                en: "set one: `postoffice route-login set \(self.route) USER --password-stdin`",
                ja: "設定してください: postoffice route-login set \(self.route) ユーザ --password-stdin")
        case .noMechanism:
            Localized(
                en: "ask who runs it for the right port, or take the login away: `postoffice route-login delete \(self.route)`",
                ja: "正しいポートを管理者に確認するか、ログインを削除してください: postoffice route-login delete \(self.route)")
        case .notSafe:
            Localized(
                en: "if you can accept that, see --security in `postoffice route-login set --help`",
                ja: "許容できる場合は postoffice route-login set --help の --security を参照してください")
        }
    }
}
