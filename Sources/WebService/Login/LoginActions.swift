internal import Directory
internal import Policy
internal import SASL
internal import Synchronization
internal import Vocabulary
internal import WebPages

/// Logging in, rising, going.
enum LoginActions {
    typealias Reply = @Sendable (WebReply) -> Void

    static let routes =
        [
            // What a link or a reload behind a failed login asks for.
            WebRoute(.get, "/login", .anyone) { Self.form($0, $1) },
            WebRoute(.get, "/login/code", .anyone) { Self.form($0, $1) },
            // The form may carry a whole other form.
            WebRoute(.post, "/login", .anyone, bodyLimit: 1 << 20, later: { Self.login($0, $1, $2) }),
            WebRoute(.post, "/login/code", .anyone, bodyLimit: 1 << 20, later: { Self.code($0, $1, $2) }),
            WebRoute(.get, "/rise", .owner) { request, host in
                Self.mayRise(request, host) ? LoginPages.rise(request, host, LoginPages.Errand(request)) : Self.notPrivileged(request, host)
            },
            WebRoute(.post, "/rise", .owner, bodyLimit: 1 << 20, later: { Self.rise($0, $1, $2) }),
            WebRoute(.post, "/lower", .owner) { Self.lower($0, $1) },
            WebRoute(.post, "/logout", .owner) { Self.logOut($0, $1) },
        ] + PasskeyLogin.routes

    private static func form(_ request: WebRequest, _ host: WebHost) -> WebReply {
        request.session == nil ? LoginPages.authentication(request, host, LoginPages.Errand(request)) : .redirect(to: "/")
    }

    // MARK: Step 2 and 3 of the manual: the account's own list and the password, which the authenticator asks in that order

    private static func login(_ request: WebRequest, _ host: WebHost, _ reply: @escaping Reply) {
        let errand = LoginPages.Errand(request)
        let typed = request.form.last("login") ?? ""
        let login = typed.split(whereSeparator: \.isWhitespace).joined()
        let password = Secret(request.form.last("password") ?? "")
        guard let authenticator = host.authenticator, login.utf8.count <= 500, !login.isEmpty else {
            let notice = LoginPages.refusal(.badCredentials, request)
            return reply(LoginPages.authentication(request, host, errand, login: typed, notice: notice, status: 401))
        }
        authenticator.answer(.password(login: login, password), self.context(request)) { outcome in
            switch outcome {
            case .accepted(let identity): reply(self.known(identity.account, request, host, errand))
            case .refused(let refusal):
                let notice = LoginPages.refusal(refusal, request)
                reply(LoginPages.authentication(request, host, errand, login: typed, notice: notice, status: 401))
            case .verifier: reply(LoginPages.authentication(request, host, errand, login: typed, status: 500))
            }
        }
    }

    static func context(_ request: WebRequest) -> LoginContext {
        LoginContext(facts: request.facts, hasTLS: request.isTLS, hostName: request.hostName, mechanism: "web")
    }

    /// The password was right.
    private static func known(_ account: AccountID, _ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand) -> WebReply {
        do throws(DirectoryError) {
            guard try host.directory.secondFactor(of: account) != nil else {
                return self.admit(account, request, host, errand, how: "password")
            }
        } catch {
            return self.unavailable(request, host, errand)
        }
        let step = "\(account.rawValue) \(host.now()) \(WebSessions.network(request.client))"
        guard let sealed = host.sessions?.keys.seal(.step, step) else { return self.unavailable(request, host, errand) }
        return LoginPages.code(request, host, errand, step: sealed)
    }

    private static func code(_ request: WebRequest, _ host: WebHost, _ reply: @escaping Reply) { reply(self.checkedCode(request, host)) }

    private static func checkedCode(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let errand = LoginPages.Errand(request)
        let sealed = request.form.last("step") ?? ""
        guard let account = SecondStep(sealed, request, host)?.account else { return LoginPages.authentication(request, host, errand) }
        guard host.guesses.mayTry(account, at: host.now()) else {
            return LoginPages.code(request, host, errand, step: sealed, notice: Notice(.failure, LoginPages.Words.manyCodes))
        }
        do throws(DirectoryError) {
            guard let how = try SecondFactors.take(request.form.last("code") ?? "", account, host) else {
                host.guesses.failed(account, at: host.now())
                self.refused(account, "wrong-code", .code, request, host)
                return LoginPages.code(request, host, errand, step: sealed, notice: Notice(.failure, LoginPages.Words.wrongCode))
            }
            guard host.directory.snapshot.mayUse(.http, account) else { return LoginPages.authentication(request, host, errand) }
            return self.admit(account, request, host, errand, how: how, by: how == "code" ? .code : .recoveryCode)
        } catch {
            return self.unavailable(request, host, errand)
        }
    }

    /// A session begins; then the page that was wanted, or what had been submitted.
    static func admit(
        _ account: AccountID, _ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand, how: String,
        by method: LoginMethod = .password
    ) -> WebReply {
        // Whoever logs in as the Postmaster account itself has its rights at once.
        let isPostmaster = host.directory.snapshot.postmaster?.account == account
        let session: WebSession
        do throws(DirectoryError) {
            guard let sessions = host.sessions else { return self.unavailable(request, host, errand) }
            session = try sessions.begin(account, isPostmaster: isPostmaster, request)
        } catch {
            return self.unavailable(request, host, errand)
        }
        self.record(isPostmaster ? "login-as-postmaster" : "login", account, request, host, [("by", how), ("session", "\(session.id)")])
        self.note(account, method, request, host)
        if isPostmaster {
            host.audit(AuditEntry(at: host.now(), who: session.address, from: request.client, action: "login as Postmaster", subject: ""))
        }
        return self.goOn(session, request, host, errand)
    }

    private static func goOn(_ session: WebSession, _ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand) -> WebReply {
        var reply: WebReply
        if let sealed = errand.carried {
            reply = .carryOn(sealed)
        } else {
            reply = .redirect(to: errand.next ?? session.home)
        }
        reply.session = session
        return reply
    }

    // MARK: Postmaster

    /// On the Delivery list of the Postmaster, or of the administrative type.
    static func mayRise(_ request: WebRequest, _ host: WebHost) -> Bool {
        guard let session = request.session else { return false }
        return (try? host.directory.isPrivileged(session.account)) ?? false
    }

    static func notPrivileged(_ request: WebRequest, _ host: WebHost) -> WebReply {
        ErrorPages.page(LoginPages.Words.notPrivileged, 403, request, host)
    }

    private static func rise(_ request: WebRequest, _ host: WebHost, _ reply: @escaping Reply) {
        let errand = LoginPages.Errand(request)
        guard let own = request.session, self.mayRise(request, host), let authenticator = host.authenticator,
            let postmaster = host.directory.snapshot.postmaster
        else { return reply(self.notPrivileged(request, host)) }
        let password = Secret(request.form.last("password") ?? "")
        authenticator.answer(.password(login: "\(postmaster.primary)", password), self.context(request)) { outcome in
            guard case .accepted(let identity) = outcome, identity.account == postmaster.account else {
                let refusal: AuthRefusal = if case .refused(let refusal) = outcome { refusal } else { .badCredentials }
                let notice = LoginPages.refusal(refusal, request)
                return reply(LoginPages.rise(request, host, errand, notice: notice, status: 401))
            }
            self.note(postmaster.account, .password, request, host)
            reply(self.change(own, to: true, request, host, errand))
        }
    }

    private static func lower(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session else { return .redirect(to: "/") }
        // The Postmaster account has nothing to go back to.
        guard session.isPostmaster, session.account != host.directory.snapshot.postmaster?.account else {
            return .redirect(to: session.home)
        }
        return self.change(session, to: false, request, host, LoginPages.Errand())
    }

    /// Other rights, other session: a token of before is worth nothing.
    private static func change(
        _ old: WebSession, to isPostmaster: Bool, _ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand
    ) -> WebReply {
        do throws(DirectoryError) {
            guard let sessions = host.sessions else { return self.unavailable(request, host, errand) }
            let session = try sessions.begin(old.account, isPostmaster: isPostmaster, request)
            try sessions.end(old.id)
            self.record(isPostmaster ? "rose-to-postmaster" : "lowered", old.account, request, host, [("session", "\(session.id)")])
            let action = isPostmaster ? "rose to Postmaster" : "became an owner again"
            host.audit(AuditEntry(at: host.now(), who: old.address, from: request.client, action: action, subject: ""))
            return self.goOn(session, request, host, errand)
        } catch {
            return self.unavailable(request, host, errand)
        }
    }

    private static func logOut(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let session = request.session, let sessions = host.sessions else { return .redirect(to: "/") }
        try? sessions.end(session.id)
        self.record("logout", session.account, request, host, [("session", "\(session.id)")])
        var reply = WebReply.redirect(to: "/")
        reply.endsSession = true
        return reply
    }

    static func unavailable(_ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand) -> WebReply {
        LoginPages.authentication(request, host, errand, notice: Notice(.failure, LoginPages.Words.busy), status: 503)
    }

    /// In the log, and in the list that the owner sees.
    static func refused(_ account: AccountID?, _ reason: String, _ method: LoginMethod, _ request: WebRequest, _ host: WebHost) {
        self.record("login-refused", account, request, host, [("reason", reason)])
        if let account { self.note(account, method, request, host, refusal: reason) }
    }

    private static func note(
        _ account: AccountID, _ method: LoginMethod, _ request: WebRequest, _ host: WebHost, refusal: String? = nil
    ) {
        host.directory.noteLogin(account, .http, by: method, from: request.client, hasTLS: request.isTLS, refusal: refusal)
    }

    private static func record(
        _ event: String, _ account: AccountID?, _ request: WebRequest, _ host: WebHost, _ facts: [(key: String, value: String)]
    ) {
        let address = account.map { account in host.directory.snapshot.author(account).map { "\($0.address)" } ?? "\(account)" } ?? ""
        let all = [("account", address), ("peer", "\(request.client)"), ("tls", request.isTLS ? "yes" : "no")] + facts
        host.events.record(TrailEvent(.webServer, event, trace: request.trace, all), switchedBy: nil)
    }
}
