internal import Forms
package import Vocabulary

// What people read of a login, on pages and from commands.
extension LoginRecord {
    package var serviceLabel: Localized {
        let name = self.service == .http ? "web" : self.service.rawValue
        if case .words(let choices) = DeliveryField.services.type, let found = choices.first(where: { $0.name == name }) {
            return found.label
        }
        return Localized(en: name, ja: name)
    }

    package var methodLabel: Localized {
        switch self.method {
        case "app-password":
            self.label.map { Localized(en: "app password \(Shown.text($0))", ja: "アプリパスワード \(Shown.text($0))") }
                ?? Localized(en: "app password (revoked)", ja: "アプリパスワード（取り消し済み）")
        case "code": Localized(en: "password and code", ja: "パスワードと認証コード")
        case "recovery-code": Localized(en: "password and recovery code", ja: "パスワードとリカバリコード")
        case "passkey": Localized(en: "passkey", ja: "パスキー")
        default: Localized(en: "password", ja: "パスワード")
        }
    }

    /// nil for a login that was let in.
    package var refusalLabel: Localized? {
        guard let refusal = self.refusal else { return nil }
        return switch LoginFault(rawValue: refusal) {
        case .wrongPassword: Localized(en: "wrong password", ja: "パスワードの誤り")
        case .noPassword: Localized(en: "the account has no password", ja: "パスワードが未設定")
        case .locked, .reserved: Localized(en: "the account is locked", ja: "アカウントがロック中")
        case .expired: Localized(en: "the account has expired", ja: "アカウントの有効期限切れ")
        case .serviceOff: Localized(en: "this service is switched off for the account", ja: "このサービスは使用不可")
        case .appPasswordScope: Localized(en: "app password for other services, or past its last day", ja: "アプリパスワードの対象外または期限切れ")
        case .accountList: Localized(en: "not from this address, by the account's access restrictions", ja: "アクセス制限により拒否された接続元")
        case .needsTLS: Localized(en: "without TLS", ja: "暗号化されていない接続")
        case nil where refusal == "wrong-code": Localized(en: "right password, wrong code", ja: "認証コードの誤り（パスワードは正しい）")
        case nil where self.method == "passkey": Localized(en: "passkey not taken (\(refusal))", ja: "パスキーの確認に失敗 (\(refusal))")
        default: Localized(en: refusal, ja: refusal)
        }
    }

    /// Sending by SMTP AUTH is one thing, whatever the port.
    static func service(_ service: ListenerRole.Service) -> ListenerRole.Service { service == .smtp ? .submission : service }
}
