internal import Directory
internal import Forms
internal import SASL
internal import Vocabulary
internal import WebPages

/// Passkeys of one's own: a name and the password, then the device is asked; deleted with the password.
enum OwnPasskeys {
    static let routes = [
        WebRoute(.get, "/own/passkeys", .owner) { request, host in Self.show(request, host) },
        WebRoute(.post, "/own/passkeys", .owner) { request, host in Self.begin(request, host) },
        WebRoute(.post, "/own/passkeys/made", .owner) { request, host in Self.add(request, host) },
        WebRoute(.get, "/own/passkeys/{id}", .owner) { request, host in Self.ask(request, host) },
        WebRoute(.post, "/own/passkeys/{id}", .owner) { request, host in Self.remove(request, host) },
    ]

    /// What is wrong with a field.
    typealias Problem = (field: String, text: Localized)

    static let title = Localized(en: "Passkeys", ja: "パスキー")

    // MARK: The list, and a name for a new one

    private static func show(
        _ request: WebRequest, _ host: WebHost, notices: [Notice] = [], problem: Problem? = nil
    ) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        let (passkeys, factor): ([Passkey], SecondFactor?)
        do throws(DirectoryError) {
            passkeys = try host.directory.passkeys(of: session.account)
            factor = try host.directory.secondFactor(of: session.account)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        var page = OwnPages.page(Self.title, request, host)
        page.notices += notices
        let language = request.language
        page.body = HTML.build { body in
            body.add(.p, [.class("advice")], Words.about.text(language))
            body.add(
                self.table(passkeys, request, host) { cell, passkey in
                    cell.link(Link(["own", "passkeys", "\(passkey.id)"]), Words.delete.text(language))
                }.html(language))
            if let factor, !passkeys.isEmpty { body.add(.p, [], Words.left(factor.recoveryCodes.count).text(language)) }
            body.add(.h2, [], Words.new.text(language))
            guard PasskeyPlace(request) != nil else {
                body.add(.p, [], Words.notHere(host.directory.configuration.hostName).text(language))
                return
            }
            body.add(.form, [.post, .action("/own/passkeys")]) { form in
                form.hidden(Page.csrfName, session.formToken)
                let typed = problem == nil ? "" : request.form.last("label") ?? ""
                Parts.line(
                    &form, "label", Words.label, typed, problem: problem?.field == "label" ? problem?.text : nil, language)
                self.password(&form, problem, request)
                Parts.buttons(&form, language, submit: Words.next)
            }
            body.add(.p, [.class("advice")], Words.where.text(language))
        }
        return .page(page, status: problem == nil ? 200 : 422)
    }

    static func table(
        _ passkeys: [Passkey], _ request: WebRequest, _ host: WebHost, _ action: (inout HTML, Passkey) -> Void
    ) -> DataTable {
        var table = DataTable(
            Self.title,
            [
                .init(Words.label, headsRow: true), .init(Words.host), .init(Words.kept), .init(Words.made), .init(Words.used),
                .init(Words.action),
            ])
        table.rows = passkeys.map { passkey in
            [
                HTML.build { $0.foreign(passkey.label) }, HTML(text: passkey.host),
                HTML(text: (passkey.isBackedUp ? Words.synced : Words.single).text(request.language)),
                HTML(text: WebTime.text(passkey.created, host)),
                HTML(text: passkey.lastUsed.map { WebTime.text($0, host) } ?? Words.never.text(request.language)),
                HTML.build { action(&$0, passkey) },
            ]
        }
        return table
    }

    private static func password(_ form: inout HTML, _ problem: Problem?, _ request: WebRequest) {
        OwnPages.userName(&form, request)
        let wrong = problem?.field == "password" ? problem?.text : nil
        Parts.password(&form, "password", OwnPages.Words.oldPassword, .currentPassword, problem: wrong, request.language)
    }

    // MARK: A new one

    /// Name and password are right: now the device is asked, on a page of its own that is fresh.
    private static func begin(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        guard let place = PasskeyPlace(request), let keys = host.sessions?.keys else { return self.show(request, host) }
        let label: String
        do throws(DirectoryError) {
            label = try host.directory.checkedPasskeyLabel(request.form.last("label") ?? "", of: session.account)
        } catch {
            return self.show(request, host, problem: ("label", error.message))
        }
        if let refusal = OwnSecondFactor.wrongPassword(request, session, host) { return self.show(request, host, problem: refusal) }
        let here: [Passkey]
        do throws(DirectoryError) {
            here = try host.directory.passkeys(of: session.account).filter { $0.host == place.host }
        } catch {
            return OwnPages.unavailable(request, host)
        }
        let note = "\(session.account.rawValue) \(session.id) \(host.now()) \(Base64URL.encode(Array(label.utf8)))"
        guard let sealed = keys.seal(.passkey, note) else { return OwnPages.unavailable(request, host) }
        var page = request.page(Words.new, host, path: [(OwnPages.Words.menu, "/own"), (Self.title, "/own/passkeys")])
        page.usesPasskeys = true
        page.body = HTML.build { body in
            body.add(.p, [], Words.touch.text(request.language))
            PasskeyForm.advice(&body, PasskeyForm.Words.needsScript, request)
            let options = place.making(session, besides: here, host)
            PasskeyForm.make(&body, options, "/own/passkeys/made", request, hidden: [("making", sealed)])
            body.add(.p) { $0.link("/own/passkeys", PageWords.cancel.text(request.language)) }
        }
        return .page(page)
    }

    private static func add(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userSecondFactor, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        guard let place = PasskeyPlace(request), let sessions = host.sessions, let label = self.asked(request, session, host) else {
            return self.show(request, host, notices: [Notice(.failure, Words.late)])
        }
        let (client, attestation) = (self.bytes("client-data", request), self.bytes("attestation", request))
        let made: MadePasskey
        do throws(PasskeyProblem) {
            made = try place.check(.make, "\(session.id)", host).made(clientData: client, attestation: attestation)
            guard let challenge = PasskeyCheck.challenge(in: client),
                sessions.challenges.spend(challenge, of: session.account, at: host.now())
            else { throw .challenge }
        } catch {
            OwnPages.record("passkey-refused", request, host, [("reason", error.rawValue)])
            return self.show(request, host, notices: [Notice(.failure, error == .challenge ? Words.late : Words.refused)])
        }
        let codes = SecondFactors.freshRecoveryCodes(host)
        let passkey = Passkey(
            account: session.account, credential: made.id, key: made.key, host: place.host, label: label, signCount: made.signCount,
            isBackupEligible: made.isBackupEligible, isBackedUp: made.isBackedUp)
        do throws(DirectoryError) {
            let isFirst = try host.directory.addPasskey(
                passkey, recoveryCodes: codes.map { SecondFactors.mac(ofRecoveryCode: $0, session.account, sessions.keys) },
                by: Actor(name: session.address, interface: "web"))
            OwnPages.record("passkey-added", request, host, [("label", label), ("host", place.host)])
            // Logins of before had no second factor.
            if isFirst { try sessions.endOthers(of: session.account, but: session.id) }
            return self.show(
                request, host, notices: [isFirst ? Notice(.done, Words.recovery, lines: codes) : Notice(.done, Words.added)])
        } catch {
            return self.show(request, host, notices: [Notice(.failure, error.message)])
        }
    }

    /// The name that was typed with the right password, in this session, in the last minutes.
    private static func asked(_ request: WebRequest, _ session: WebSession, _ host: WebHost) -> String? {
        let parts = host.sessions?.keys.open(.passkey, request.form.last("making") ?? "")?.split(separator: " ") ?? []
        guard parts.count == 4, parts[0] == "\(session.account.rawValue)", parts[1] == "\(session.id)", let time = Int64(parts[2]),
            host.now() - time <= PasskeyChallenges.life, let label = Base64URL.decode(String(parts[3]))
        else { return nil }
        return String(validating: label, as: UTF8.self)
    }

    private static func bytes(_ name: String, _ request: WebRequest) -> [UInt8] {
        guard let text = request.form.last(name), text.utf8.count <= PasskeyLimits.attestation * 2 else { return [] }
        return Base64URL.decode(text) ?? []
    }

    // MARK: Deleting

    private static func ask(_ request: WebRequest, _ host: WebHost, problem: Problem? = nil) -> WebReply {
        guard let session = request.session else { return OwnPages.unavailable(request, host) }
        let all = (try? host.directory.passkeys(of: session.account)) ?? []
        guard let passkey = all.first(where: { "\($0.id)" == request.parameters["id"] }) else { return ErrorPages.notFound(request, host) }
        let factor = (try? host.directory.secondFactor(of: session.account)) ?? nil
        var page = request.page(Words.deleting, host, path: [(OwnPages.Words.menu, "/own"), (Self.title, "/own/passkeys")])
        if all.count == 1, factor?.takesCodes != true { page.notices.append(Notice(.warning, Words.last)) }
        page.body = HTML.build { body in
            body.add(.p) { $0.add(.strong) { $0.foreign(passkey.label) } }
            body.add(.form, [.post, .action(Link(["own", "passkeys", "\(passkey.id)"])), .class("login")]) { form in
                form.hidden(Page.csrfName, session.formToken)
                self.password(&form, problem, request)
                Parts.buttons(&form, request.language, submit: Words.delete, isDangerous: true)
            }
            body.add(.p) { $0.link("/own/passkeys", PageWords.cancel.text(request.language)) }
        }
        return .page(page, status: problem == nil ? 200 : 422)
    }

    private static func remove(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session, let id = request.parameters["id"].flatMap({ Int64($0) }) else {
            return ErrorPages.notFound(request, host)
        }
        if let refusal = OwnSecondFactor.wrongPassword(request, session, host) { return self.ask(request, host, problem: refusal) }
        do throws(DirectoryError) {
            let label = try host.directory.removePasskey(session.account, id, by: Actor(name: session.address, interface: "web"))
            guard let label else { return ErrorPages.notFound(request, host) }
            // Whoever has the device may be logged in with it.
            try host.sessions?.endOthers(of: session.account, but: session.id)
            OwnPages.record("passkey-deleted", request, host, [("label", label)])
        } catch {
            return OwnPages.unavailable(request, host)
        }
        return self.show(request, host, notices: [Notice(.done, Words.deleted)])
    }

    enum Words {
        static let about = Localized(
            en:
                "A passkey is a key that your telephone, computer or security key keeps. With it you log in to these pages beside your password, or, where the device asks for your finger, face or code, without it. No other site can use it, so nobody can lure it out of you.",
            ja: "パスキーは、電話、コンピュータ、セキュリティキーに保管される鍵です。パスワードに加えて使用するほか、機器が指紋、顔、暗証番号を確認する場合はパスワードの代わりに使用できます。他のサイトでは使えないため、だまし取られることがありません。")
        static let new = Localized(en: "New passkey", ja: "パスキーの作成")
        static let next = Localized(en: "Go on to the device", ja: "機器の確認に進む")
        static let touch = Localized(
            en:
                "Press the button, then do what the browser asks: touch the security key, or use the telephone or the lock of this computer. You have five minutes.",
            ja: "ボタンを押し、ブラウザの指示に従って、セキュリティキーに触れるか、電話またはこのコンピュータのロックを解除してください。制限時間は 5 分です。")
        static let label = Localized(en: "Name (the device it is on)", ja: "名前（保管する機器など）")
        static let host = Localized(en: "For", ja: "使用先")
        static let kept = Localized(en: "Kept", ja: "保管")
        static let synced = Localized(en: "on several devices", ja: "複数の機器で同期")
        static let single = Localized(en: "on one device", ja: "1 台の機器")
        static let made = Localized(en: "Made", ja: "作成日時")
        static let used = Localized(en: "Last used", ja: "最後の使用")
        static let never = Localized(en: "never", ja: "未使用")
        static let action = Localized(en: "Action", ja: "操作")
        static let delete = Localized(en: "Delete", ja: "削除")
        static let deleting = Localized(en: "Delete a passkey", ja: "パスキーの削除")
        static let deleted = Localized(
            en: "The passkey is no longer good, and your other logins on the web have ended. Remove it from the device, too.",
            ja: "パスキーを削除し、他の Web ログインを終了しました。機器に残っているパスキーも削除してください。")
        static let last = Localized(
            en: "This is your last one: the password alone will be enough again, and the recovery codes end.",
            ja: "最後のパスキーです。削除すると、パスワードだけでログインできるようになり、リカバリコードも無効になります。")
        static let added = Localized(en: "The passkey is registered.", ja: "パスキーを登録しました。")
        static let recovery = Localized(
            en:
                "The passkey is registered, and the web asks for it beside the password from now on. Keep these recovery codes where nobody finds them: each lets you in once without the device. They are shown only now.",
            ja: "パスキーを登録しました。今後は Web ログイン時に、パスワードに加えてパスキーを確認します。リカバリコードを安全な場所に保管してください。機器が手元にないとき、各コードで 1 回だけログインできます。今回だけ表示されます。")
        static let late = Localized(
            en: "That took longer than five minutes, or was sent twice. Begin again.", ja: "5 分の制限時間を過ぎたか、二度送信されました。最初からやり直してください。")
        static let refused = Localized(
            en: "What the device sent was not taken. Begin again, or use another device.", ja: "機器から送られた内容は使用できません。最初からやり直すか、別の機器を使用してください。"
        )
        static let `where` = Localized(
            en:
                "A passkey is good for the address of this server that you see in the browser now. The certificate must be one that the browser trusts.",
            ja: "パスキーは、現在ブラウザに表示されているサーバのアドレスでのみ使えます。ブラウザが信頼する証明書が必要です。")

        static func notHere(_ name: String) -> Localized {
            Localized(
                en:
                    "Browsers make passkeys only under https and only for a name, not for an IP address. Open this page as https://\(name)/.",
                ja: "パスキーは、https で、IP アドレスではなくホスト名を使ってアクセスしている場合にのみ作成できます。https://\(name)/ を開いてください。")
        }

        static func left(_ count: Int) -> Localized { Localized(en: "Recovery codes left: \(count).", ja: "残りのリカバリコード: \(count) 個") }
    }
}
