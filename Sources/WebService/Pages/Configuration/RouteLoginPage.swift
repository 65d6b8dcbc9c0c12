internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// Passwords for logins at next hosts. They are kept apart from the table of logins and shown nowhere.
enum RouteLoginPage {
    private static let path: Link = "/configuration/mail-routing/password"
    private static let title = Localized(en: "Password for a next host", ja: "転送先のパスワード")
    static let routes = [
        WebRoute(.post, "/configuration/mail-routing/password", .postmaster) { request, host in Self.submit(request, host) }
    ]

    /// Below the mail routing options, while there are logins.
    static func form(_ request: WebRequest, _ host: WebHost) -> HTML { Self.form(request, host, problem: nil) }

    private static func form(_ request: WebRequest, _ host: WebHost, problem: Localized?) -> HTML {
        let logins = host.directory.snapshot.routeLogins
        guard !logins.isEmpty else { return HTML() }
        let language = request.language
        return HTML.build { out in
            out.add(.h2, [], Self.title.text(language))
            out.add(.ul) { list in
                for login in logins {
                    list.add(.li) { item in
                        item.foreign("\(login.route) \(login.user)")
                        item.text(": ")
                        item.text(login.password == nil ? Self.missing : Self.stored, language)
                    }
                }
            }
            out.add(.form, [.post, .action(Self.path), .novalidate]) { form in
                form.hidden(Page.csrfName, request.session?.formToken ?? "")
                form.add(.div, [.class("field")]) { box in
                    box.add(.label, [.class("name"), .for("p-login")], NextHopField.logins.label.text(language))
                    box.add(.select, [.id("p-login"), .name("login")]) { select in
                        for (index, login) in logins.enumerated() {
                            let value = "\(index) \(login.route) \(login.user)"
                            let isChosen = request.form.last("login") == value
                            select.add(
                                .option, [.value(value)] + (isChosen ? [.selected] : []), "\(login.route) \(login.user)")
                        }
                    }
                }
                let label = Localized(en: "Password", ja: "パスワード")
                Parts.password(&form, "password", label, .newPassword, problem: problem, language)
                Parts.buttons(&form, language)
            }
        }
    }

    private static let missing = Localized(en: "no password yet", ja: "パスワード未設定")
    private static let stored = Localized(en: "password stored", ja: "パスワード設定済み")

    private static func submit(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let form = ConfigurationForms.mailRouting
        let rows = host.directory.configuration.value(NextHopField.logins).rows
        let logins = host.directory.snapshot.routeLogins
        let wanted = request.form.last("login") ?? ""
        let index = wanted.split(separator: " ").first.flatMap { Int($0) } ?? -1
        // The row that was shown must still be there.
        guard logins.indices.contains(index), rows.indices.contains(index),
            wanted == "\(index) \(logins[index].route) \(logins[index].user)"
        else {
            return self.reply(form, [FormWork.changedMeanwhile], 409, request, host)
        }
        guard let password = request.form.last("password"), !password.isEmpty else {
            return self.wrong(form, Localized(en: "Put in the password.", ja: "パスワードを入力してください。"), request, host)
        }
        let row = rows[index]
        var options: [String: [String]] = [:]
        if row.count > 2, !row[2].isEmpty { options["security"] = [row[2]] }
        let result = host.perform(request.command("route-login set", Array(row.prefix(2)), options: options, input: password))
        guard result.isDone else { return self.wrong(form, result.problem, request, host) }
        request.audit(host, "password for a next host set", "\(logins[index].route) \(logins[index].user)")
        return self.reply(form, result.notices(), 200, request, host)
    }

    /// The form of the password with the problem at it.
    private static func wrong(_ form: ConfigurationForm, _ problem: Localized, _ request: WebRequest, _ host: WebHost) -> WebReply {
        var page = ConfigurationPages.page(form, nil, request, host, withBelow: false)
        page.body.add(Self.form(request, host, problem: problem))
        return .page(page, status: 422)
    }

    private static func reply(_ form: ConfigurationForm, _ notices: [Notice], _ status: Int, _ request: WebRequest, _ host: WebHost)
        -> WebReply
    {
        var page = ConfigurationPages.page(form, nil, request, host)
        page.notices += notices
        return .page(page, status: status)
    }
}
