internal import Bytes
internal import Directory
internal import Forms
internal import SASL
internal import Vocabulary
internal import WebPages

/// Passwords for single devices and programs: made here, shown once, taken back here.
enum OwnAppPasswords {
    static let routes = [
        WebRoute(.get, "/own/app-passwords", .owner) { request, host in Self.show(request, host) },
        WebRoute(.post, "/own/app-passwords", .owner) { request, host in Self.add(request, host) },
        WebRoute(.post, "/own/app-passwords/{id}/revoke", .owner) { request, host in Self.revoke(request, host) },
    ]

    /// - Parameter problem: what is wrong with a field; what was typed stays then.
    private static func show(
        _ request: WebRequest, _ host: WebHost, notices: [Notice] = [], problem: (field: String, text: Localized)? = nil
    ) -> WebReply {
        guard OwnMenu.allows(SecurityField.userAppPasswords, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        let rows: [AppPasswordDetails]
        do throws(DirectoryError) { rows = try host.directory.appPasswords(of: session.account) } catch {
            return OwnPages.unavailable(request, host)
        }
        var page = OwnPages.page(OwnPages.Words.appPasswords, request, host)
        page.notices += notices
        let language = request.language
        page.body = HTML.build { body in
            body.add(.p, [.class("advice")], Words.about.text(language))
            body.add(self.table(rows, below: ["own", "app-passwords"], request, host).html(language))
            body.add(.h2, [], Words.add.text(language))
            body.add(.form, [.post, .action("/own/app-passwords"), .novalidate]) { form in
                form.hidden(Page.csrfName, session.formToken)
                let typed = problem == nil ? PostedForm() : request.form
                func wrong(_ field: String) -> Localized? { problem?.field == field ? problem?.text : nil }
                Parts.line(&form, "label", Words.label, typed.last("label") ?? "", problem: wrong("label"), language)
                let offered = Directory.appPasswordServices.filter { $0 != "ldap" && $0 != "sieve" }
                Parts.ticks(
                    &form, "service", Words.services, offered.map { ($0, Self.label($0)) },
                    on: problem == nil ? offered : typed.all("service"), problem: wrong("service"), language)
                Parts.line(&form, "last-day", Words.lastDay, typed.last("last-day") ?? "", problem: wrong("last-day"), language)
                Parts.buttons(&form, language)
            }
        }
        return .page(page, status: problem == nil ? 200 : 422)
    }

    /// - Parameter below: the page under which each is revoked.
    static func table(_ rows: [AppPasswordDetails], below: [String], _ request: WebRequest, _ host: WebHost) -> DataTable {
        var table = DataTable(
            OwnPages.Words.appPasswords,
            [
                .init(Words.label, headsRow: true), .init(Words.services), .init(Words.lastDay), .init(Words.made), .init(Words.used),
                .init(Words.action),
            ])
        table.rows = rows.map { row in
            [
                HTML.build { $0.foreign(row.label) },
                HTML(text: row.services.map { self.label($0).text(request.language) }.joined(separator: ", ")),
                HTML(text: row.lastDay ?? ""), HTML(text: WebTime.text(row.created, host)),
                HTML(text: row.lastUsed.map { WebTime.text($0, host) } ?? Words.never.text(request.language)),
                HTML.build { cell in
                    Parts.button(
                        &cell, Link(below + ["\(row.id)", "revoke"]), Words.revoke, request, isDangerous: true)
                },
            ]
        }
        return table
    }

    private static func add(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard OwnMenu.allows(SecurityField.userAppPasswords, host), let session = request.session else {
            return OwnPages.notOffered(request, host)
        }
        let services = Directory.appPasswordServices.filter(request.form.all("service").contains)
        let day = request.form.last("last-day").flatMap { $0.isEmpty ? nil : $0 }
        do throws(DirectoryError) {
            let made = try host.directory.addAppPassword(
                session.account, label: request.form.last("label") ?? "", services: services, lastDay: day,
                by: Actor(name: session.address, interface: "web"))
            OwnPages.record("app-password-made", request, host, [("id", "\(made.id)")])
            return self.show(request, host, notices: [Notice(.done, Words.shown, lines: [made.text])])
        } catch {
            guard error.kind == .invalid || error.kind == .conflict else {
                return self.show(request, host, notices: [Notice(.failure, error.message)])
            }
            return self.show(request, host, problem: (self.wrongField(request, services, error.kind), error.message))
        }
    }

    /// The directory looks at name, services and day in this order, and at names that there are last.
    private static func wrongField(_ request: WebRequest, _ services: [String], _ kind: DirectoryError.Kind) -> String {
        let label = request.form.last("label") ?? ""
        if label.allSatisfy(\.isWhitespace) || label.unicodeScalars.count > 100 || label.unicodeScalars.contains(where: { $0.value < 0x20 })
        {
            return "label"
        }
        if services.isEmpty { return "service" }
        return kind == .invalid ? "last-day" : "label"
    }

    private static func revoke(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session, let id = request.parameters["id"].flatMap(Int64.init) else {
            return ErrorPages.notFound(request, host)
        }
        do throws(DirectoryError) {
            let isGone = try host.directory.revokeAppPassword(
                session.account, AppPasswordID(rawValue: id), by: Actor(name: session.address, interface: "web"))
            if isGone { OwnPages.record("app-password-revoked", request, host, [("id", "\(id)")]) }
            return self.show(request, host, notices: [Notice(.done, Words.revoked)])
        } catch {
            return self.show(request, host, notices: [Notice(.failure, error.message)])
        }
    }

    private static func label(_ service: String) -> Localized {
        if case .words(let choices) = DeliveryField.services.type, let found = choices.first(where: { $0.name == service }) {
            return found.label
        }
        return Localized(en: service, ja: service)
    }

    private enum Words {
        static let about = Localized(
            en: "A mail program with a password of its own can be shut out alone, and never learns the password of your account.",
            ja: "メールプログラムごとに専用のパスワードを使うと、アカウントのパスワードを知らせずに済み、個別に取り消すことができます。")
        static let add = Localized(en: "New app password", ja: "アプリパスワードの作成")
        static let label = Localized(en: "Name (the device it is for)", ja: "名前（使用する機器など）")
        static let services = Localized(en: "Services", ja: "サービス")
        static let lastDay = Localized(en: "Last day (2027-03-31)", ja: "使用期限 (2027-03-31)")
        static let made = Localized(en: "Made", ja: "作成日時")
        static let used = Localized(en: "Last used", ja: "最後の使用")
        static let never = Localized(en: "never", ja: "未使用")
        static let action = Localized(en: "Action", ja: "操作")
        static let revoke = Localized(en: "Revoke", ja: "取り消し")
        static let revoked = Localized(en: "The app password is no longer good.", ja: "アプリパスワードを取り消しました。")
        static let shown = Localized(
            en: "This is the new password. It is shown only now: type it into the program.", ja: "新しいパスワードです。今回だけ表示されます。プログラムに設定してください。")
    }
}

/// Times on pages.
enum WebTime {
    static func text(_ unixSeconds: Int64, _ host: WebHost) -> String {
        let time = CivilTime(unixSeconds: unixSeconds, offsetMinutes: host.offset(unixSeconds))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(time.year)-\(two(time.month))-\(two(time.day)) \(two(time.hour)):\(two(time.minute))"
    }
}
