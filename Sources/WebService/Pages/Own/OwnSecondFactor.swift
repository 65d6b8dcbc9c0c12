internal import Directory
internal import Forms
internal import SASL
internal import Vocabulary
internal import WebPages

/// Codes of a telephone beside the password: switched on with a code that shows that the device has the key, off with the password.
enum OwnSecondFactor {
    static let routes = [
        WebRoute(.get, "/own/second-factor", .owner) { request, host in Self.show(request, host) },
        WebRoute(.post, "/own/second-factor", .owner) { request, host in Self.switchOn(request, host) },
        WebRoute(.post, "/own/second-factor/off", .owner) { request, host in Self.switchOff(request, host) },
        WebRoute(.post, "/own/second-factor/recovery-codes", .owner) { request, host in Self.renewRecoveryCodes(request, host) },
    ]

    private static func show(
        _ request: WebRequest, _ host: WebHost, key: [UInt8]? = nil, notices: [Notice] = [], problem: Problem? = nil
    ) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        let factor: SecondFactor?
        do throws(DirectoryError) { factor = try host.directory.secondFactor(of: session.account) } catch {
            return OwnPages.unavailable(request, host)
        }
        var page = OwnPages.page(OwnPages.Words.secondFactor, request, host)
        page.notices += notices
        page.body =
            factor.flatMap { $0.takesCodes ? self.onBody($0, problem, request) : nil }
            ?? self.offBody(key ?? host.random(TOTP.keyLength), problem, request, host)
        return .page(page, status: problem == nil ? 200 : 422)
    }

    private static func onBody(_ factor: SecondFactor, _ problem: Problem?, _ request: WebRequest) -> HTML {
        let language = request.language
        return HTML.build { body in
            body.add(.p, [], Words.isOn(factor.recoveryCodes.count).text(language))
            body.add(.form, [.post, .action("/own/second-factor/off"), .class("login")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                self.password(&form, problem?.field == "password" ? problem : nil, request)
                Parts.buttons(&form, language, submit: Words.off, isDangerous: true)
            }
            body.add(.h2, [], Words.newCodes.text(language))
            body.add(.p, [], Words.aboutNewCodes.text(language))
            body.add(.form, [.post, .action("/own/second-factor/recovery-codes"), .class("login")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                let wrong = problem?.field == Self.newPassword ? problem?.text : nil
                let typed = problem == nil || problem?.field == "password" ? "" : request.form.last("code") ?? ""
                OwnPages.userName(&form, request)
                Parts.password(&form, Self.newPassword, OwnPages.Words.oldPassword, .currentPassword, problem: wrong, language)
                Parts.line(
                    &form, "code", LoginPages.Words.codeLabel, typed, problem: problem?.field == "code" ? problem?.text : nil, language)
                Parts.buttons(&form, language, submit: Words.newCodes)
            }
        }
    }

    private static func offBody(_ key: [UInt8], _ problem: Problem?, _ request: WebRequest, _ host: WebHost) -> HTML {
        let language = request.language
        let text = TOTP.base32(key)
        let name = Link.encoded("Post.Office \(host.directory.configuration.hostName)")
        let address = "otpauth://totp/\(name):\(Link.encoded(request.session?.address ?? ""))?secret=\(text)&issuer=\(name)"
        return HTML.build { body in
            body.add(.p, [], Words.how.text(language))
            if let code = QRCode(address) { body.add(code.svg(Words.picture.text(language))) }
            body.add(.p) {
                $0.add(
                    .code, [],
                    stride(from: 0, to: text.utf8.count, by: 4).map { String(text.dropFirst($0).prefix(4)) }.joined(separator: " "))
            }
            body.add(.p) { $0.add(.code, [], address) }
            body.add(.form, [.post, .action("/own/second-factor")]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                form.hidden(
                    "key", host.sessions?.keys.seal(.key, "\(request.session?.account.rawValue ?? 0) \(Base64URL.encode(key))") ?? "")
                self.password(&form, problem, request)
                let typed = problem == nil ? "" : request.form.last("code") ?? ""
                Parts.line(
                    &form, "code", LoginPages.Words.codeLabel, typed, problem: problem?.field == "code" ? problem?.text : nil, language)
                Parts.buttons(&form, language, submit: Words.on)
            }
        }
    }

    /// What is wrong with a field.
    typealias Problem = (field: String, text: Localized)

    private static func password(_ form: inout HTML, _ problem: Problem?, _ request: WebRequest) {
        let wrong = problem?.field == "password" ? problem?.text : nil
        OwnPages.userName(&form, request)
        Parts.password(&form, "password", OwnPages.Words.oldPassword, .currentPassword, problem: wrong, request.language)
    }

    private static func switchOn(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session, let keys = host.sessions?.keys else {
            return OwnPages.notOffered(request, host)
        }
        let parts = keys.open(.key, request.form.last("key") ?? "")?.split(separator: " ") ?? []
        guard parts.count == 2, parts[0] == "\(session.account.rawValue)", let key = Base64URL.decode(String(parts[1])) else {
            return self.show(request, host)
        }
        if let refusal = self.wrongPassword(request, session, host) {
            return self.show(request, host, key: key, problem: refusal)
        }
        guard let step = TOTP.step(of: request.form.last("code") ?? "", Secret(key), at: host.now()) else {
            return self.show(request, host, key: key, problem: ("code", LoginPages.Words.wrongCode))
        }
        let codes = SecondFactors.freshRecoveryCodes(host)
        let factor = SecondFactor(
            key: Secret(key), lastStep: step, recoveryCodes: codes.map { SecondFactors.mac(ofRecoveryCode: $0, session.account, keys) })
        do throws(DirectoryError) {
            guard try host.directory.secondFactor(of: session.account)?.takesCodes != true else { return self.show(request, host) }
            try host.directory.setSecondFactor(factor, of: session.account, by: Actor(name: session.address, interface: "web"))
            // Logins of before had no second factor.
            try host.sessions?.endOthers(of: session.account, but: session.id)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        OwnPages.record("second-factor-on", request, host, [])
        return self.show(request, host, notices: [Notice(.done, Words.recovery, lines: codes)])
    }

    private static func switchOff(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session else { return OwnPages.unavailable(request, host) }
        if let refusal = self.wrongPassword(request, session, host) { return self.show(request, host, problem: refusal) }
        do throws(DirectoryError) {
            try host.directory.setSecondFactor(nil, of: session.account, by: Actor(name: session.address, interface: "web"))
        } catch {
            return OwnPages.unavailable(request, host)
        }
        OwnPages.record("second-factor-off", request, host, [])
        let hasPasskeys = ((try? host.directory.secondFactor(of: session.account)) ?? nil) != nil
        return self.show(request, host, notices: [Notice(.done, hasPasskeys ? Words.codesOff : Words.isOff)])
    }

    /// The form of new codes stands beside another one that asks for the password.
    private static let newPassword = "new-codes-password"

    /// With the password and a code: who has found a browser logged in gets none, and neither does who knows the password alone.
    private static func renewRecoveryCodes(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session, let keys = host.sessions?.keys else {
            return OwnPages.notOffered(request, host)
        }
        if let refusal = self.wrongPassword(request, session, host, field: Self.newPassword) {
            return self.show(request, host, problem: refusal)
        }
        do throws(DirectoryError) {
            guard try host.directory.secondFactor(of: session.account) != nil else { return self.show(request, host) }
            guard try SecondFactors.take(request.form.last("code") ?? "", session.account, host) != nil else {
                host.guesses.failed(session.account, at: host.now())
                return self.show(request, host, problem: ("code", LoginPages.Words.wrongCode))
            }
            let codes = SecondFactors.freshRecoveryCodes(host)
            let macs = codes.map { SecondFactors.mac(ofRecoveryCode: $0, session.account, keys) }
            try host.directory.renewRecoveryCodes(macs, of: session.account, by: Actor(name: session.address, interface: "web"))
            OwnPages.record("recovery-codes-renewed", request, host, [])
            return self.show(request, host, notices: [Notice(.done, Words.renewed, lines: codes)])
        } catch {
            return OwnPages.unavailable(request, host)
        }
    }

    /// Whoever finds a browser logged in must not change how its owner logs in.
    static func wrongPassword(
        _ request: WebRequest, _ session: WebSession, _ host: WebHost, field: String = "password"
    ) -> Problem? {
        guard host.guesses.mayTry(session.account, at: host.now()) else { return (field, OwnPages.Words.manyGuesses) }
        switch try? host.directory.isLoginPassword(Secret(request.form.last(field) ?? ""), of: session.account) {
        case .right: return nil
        case .wrong:
            host.guesses.failed(session.account, at: host.now())
            return (field, OwnPages.Words.wrongOld)
        case .unavailable, nil: return (field, LoginPages.Words.busy)
        }
    }

    private enum Words {
        static let how = Localized(
            en:
                "Let an authenticator program on your telephone read the picture, or type the key below into it; then type your password and the code that the program shows.",
            ja: "認証アプリで QR コードを読み取るか、下のキーを入力して登録し、パスワードと、アプリに表示されたコードを入力してください。")
        static let picture = Localized(
            en: "QR code of the address below, for the camera of the telephone", ja: "下の otpauth アドレスの QR コード（カメラ読み取り用）")
        static let newCodes = Localized(en: "New recovery codes", ja: "リカバリコードの再発行")
        static let aboutNewCodes = Localized(
            en:
                "Makes new recovery codes; those of before are worth nothing then. Type your password and the code that your device shows now.",
            ja: "リカバリコードを新しく発行します。以前のコードは使用できなくなります。パスワードと、現在の認証コードを入力してください。")
        static let renewed = Localized(
            en: "These are the new recovery codes; those of before are worth nothing any more. They are shown only now.",
            ja: "新しいリカバリコードです。以前のコードは使用できません。今回だけ表示されます。")
        static let on = Localized(en: "Switch on", ja: "有効にする")
        static let off = Localized(en: "Switch off", ja: "無効にする")
        static let codesOff = Localized(
            en: "Codes are not asked for any more; your passkeys are, beside the password.", ja: "認証コードを無効にしました。今後は、パスワードに加えてパスキーを確認します。")
        static let isOff = Localized(en: "The password alone is enough again.", ja: "二段階認証を無効にしました。")
        static let recovery = Localized(
            en:
                "The second factor is on. Keep these recovery codes where nobody finds them: each lets you in once without the device. They are shown only now.",
            ja: "二段階認証を有効にしました。リカバリコードを安全な場所に保管してください。機器が手元にないとき、各コードで 1 回だけログインできます。今回だけ表示されます。")
        static func isOn(_ left: Int) -> Localized {
            Localized(
                en: "The web asks for a code of your device beside the password. Recovery codes left: \(left).",
                ja: "Web ログイン時に、パスワードに加えて認証コードを確認します。残りのリカバリコード: \(left) 個")
        }
    }
}
