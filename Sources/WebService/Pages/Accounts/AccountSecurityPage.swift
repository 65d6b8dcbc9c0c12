internal import Directory
internal import Vocabulary
internal import WebPages

/// What a postmaster may know and undo of how somebody else logs in: the second factor of a lost device, app passwords of lost devices,
/// where it was logged in, and who changed what about the account.
enum AccountSecurityPage {
    static let routes = [
        WebRoute(.get, "/accounts/{id}/security", .postmaster) { request, host in Self.show(request, host) },
        WebRoute(.post, "/accounts/{id}/security/second-factor/off", .postmaster) { request, host in Self.switchOff(request, host) },
        WebRoute(.post, "/accounts/{id}/security/passkeys/{number}/remove", .postmaster) { request, host in
            Self.removePasskey(request, host)
        },
        WebRoute(.post, "/accounts/{id}/security/app-passwords/{number}/revoke", .postmaster) { request, host in
            Self.revoke(request, host)
        },
    ]

    static let title = Localized(en: "Logins and history of the account", ja: "アカウントの認証と変更履歴")
    private static let mostChanges = 50

    private static func show(_ request: WebRequest, _ host: WebHost, notices: [Notice] = []) -> WebReply {
        guard let details = AccountPages.details(request, host) else { return AccountPages.gone(request, host) }
        let factor: SecondFactor?
        let passwords: [AppPasswordDetails]
        let passkeys: [Passkey]
        let logins: [LoginRecord]
        do throws(DirectoryError) {
            factor = try host.directory.secondFactor(of: details.id)
            passwords = try host.directory.appPasswords(of: details.id)
            passkeys = try host.directory.passkeys(of: details.id)
            logins = try host.directory.logins(of: details.id)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        let language = request.language
        let history = host.perform(
            request.command("account history", [details.login], options: ["limit": ["\(Self.mostChanges)"]]))
        var page = request.page(Self.title, host, path: AccountPages.path + [(AccountPages.form, AccountPages.link(details.id))])
        page.notices += notices
        page.body = HTML.build { body in
            body.add(.p) { $0.add(.strong) { $0.foreign(details.primary) } }
            body.add(.h2, [], OwnPages.Words.secondFactor.text(language))
            body.add(.p, [], (factor == nil ? Words.isOff : Words.isOn).text(language))
            if factor != nil {
                if details.id == request.session?.account {
                    body.add(.p) { $0.link("/own/second-factor", [], Words.ownPlace.text(language)) }
                } else {
                    Parts.button(&body, Self.off(details.id), Words.off, request, isDangerous: true)
                }
            }
            body.add(.h2, [], OwnPasskeys.title.text(language))
            body.add(
                OwnPasskeys.table(passkeys, request, host) { cell, passkey in
                    guard details.id != request.session?.account else {
                        return cell.link(Link(["own", "passkeys", "\(passkey.id)"]), OwnPasskeys.Words.delete.text(language))
                    }
                    let place = AccountPages.link(details.id, "security", "passkeys", "\(passkey.id)", "remove")
                    Parts.button(&cell, place, OwnPasskeys.Words.delete, request, isDangerous: true)
                }.html(language))
            body.add(.h2, [], OwnPages.Words.appPasswords.text(language))
            let below = ["accounts", "\(details.id.rawValue)", "security", "app-passwords"]
            body.add(OwnAppPasswords.table(passwords, below: below, request, host).html(language))
            LoginTable.add(logins, to: &body, request, host)
            body.add(.h2, [], Words.history.text(language))
            body.add(.pre) { block in
                for line in WebCommandResult.split(history.isDone ? history.lines : history.problems) {
                    block.foreign(line)
                    block.text("\n")
                }
            }
        }
        return .page(page)
    }

    private static func off(_ id: AccountID) -> Link { AccountPages.link(id, "security", "second-factor", "off") }

    private static func switchOff(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = AccountPages.details(request, host) else { return AccountPages.gone(request, host) }
        // One's own wants one's password: whoever finds a browser logged in must not change how its owner logs in.
        guard details.id != request.session?.account else {
            return self.show(
                request, host, notices: [Notice(.failure, Words.ownPlace, link: ("/own/second-factor", OwnPages.Words.secondFactor))])
        }
        guard request.form.last("confirmed") != nil else {
            return self.ask(details, Words.question, Self.off(details.id), Words.off, request, host)
        }
        do throws(DirectoryError) {
            try host.directory.endSecondFactor(of: details.id, by: request.actor(host))
            // Whoever found the telephone may be logged in with it.
            try host.sessions?.endOthers(of: details.id, but: request.session?.id)
        } catch {
            return OwnPages.unavailable(request, host)
        }
        request.audit(host, "second factor switched off", details.primary)
        let untold = host.tellSecondFactorOff(details.id).map { Notice(.warning, $0) }
        return self.show(request, host, notices: [Notice(.done, Words.done)] + (untold.map { [$0] } ?? []))
    }

    private static func ask(
        _ details: AccountDetails, _ question: Localized, _ action: Link, _ label: Localized, _ request: WebRequest, _ host: WebHost
    ) -> WebReply {
        var page = request.page(Self.title, host, path: AccountPages.path + [(AccountPages.form, AccountPages.link(details.id))])
        page.notices = [Notice(.warning, question)]
        page.body = HTML.build { body in
            body.add(.p) { $0.add(.strong) { $0.foreign(details.primary) } }
            Parts.button(&body, action, label, request, hidden: [("confirmed", "yes")], isDangerous: true)
            body.add(.p) { $0.link(AccountPages.link(details.id, "security"), PageWords.cancel.text(request.language)) }
        }
        return .page(page)
    }

    private static func removePasskey(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = AccountPages.details(request, host) else { return AccountPages.gone(request, host) }
        guard let number = request.parameters["number"].flatMap({ Int64($0) }) else { return ErrorPages.notFound(request, host) }
        // One's own wants one's password, as the second factor does.
        guard details.id != request.session?.account else {
            return self.show(request, host, notices: [Notice(.failure, Words.ownPlace, link: ("/own/passkeys", OwnPasskeys.title))])
        }
        guard request.form.last("confirmed") != nil else {
            let place = AccountPages.link(details.id, "security", "passkeys", "\(number)", "remove")
            return self.ask(details, Words.passkeyQuestion, place, OwnPasskeys.Words.delete, request, host)
        }
        let result = host.perform(request.command("account passkey remove", [details.login, "\(number)"]))
        if result.isDone {
            // Whoever found the device may be logged in with it.
            try? host.sessions?.endOthers(of: details.id, but: request.session?.id)
            request.audit(host, "passkey removed", details.primary)
        }
        return self.show(request, host, notices: result.notices())
    }

    private static func revoke(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let details = AccountPages.details(request, host) else { return AccountPages.gone(request, host) }
        guard let number = request.parameters["number"].flatMap({ Int64($0) }) else { return ErrorPages.notFound(request, host) }
        let result = host.perform(request.command("account app-password revoke", [details.login, "\(number)"]))
        if result.isDone { request.audit(host, "app password revoked", details.primary) }
        return self.show(request, host, notices: result.notices())
    }

    private enum Words {
        static let isOn = Localized(
            en: "Switched on. Somebody who has lost the device and the recovery codes cannot log in here until it is switched off.",
            ja: "有効です。機器とリカバリコードの両方を失った利用者は、無効にするまでログインできません。")
        static let question = Localized(
            en:
                "The password alone will be enough to log in as this person, and passkeys end. Make sure that it is this person who asks for it.",
            ja: "以後はパスワードだけでログインできるようになり、パスキーも削除されます。依頼した人が本人であることを確かめてください。")
        static let passkeyQuestion = Localized(
            en:
                "Whoever has this passkey cannot log in with it any more. With the last one of somebody without codes of a telephone, the password alone will be enough.",
            ja: "このパスキーではログインできなくなります。認証アプリを使用していない利用者の最後のパスキーを削除すると、パスワードだけでログインできるようになります。")
        static let ownPlace = Localized(
            en: "One's own is switched off or deleted with one's password.", ja: "自分の二段階認証とパスキーは、自分のパスワードを入力して無効にします。")
        static let isOff = Localized(en: "Not switched on.", ja: "使用していません。")
        static let off = Localized(en: "Switch off the second factor", ja: "二段階認証を無効にする")
        static let done = Localized(
            en: "The password alone is enough again, the account's logins on the web have ended, and its owner is told by mail.",
            ja: "二段階認証を無効にし、このアカウントの Web のログインを終了しました。所有者にはメールで通知します。")
        static let history = Localized(en: "Changes, newest first", ja: "変更履歴（新しい順）")
    }
}
