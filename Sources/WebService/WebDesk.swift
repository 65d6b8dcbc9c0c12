internal import Bytes
internal import Directory
internal import Policy
internal import SASL
internal import Vocabulary
internal import WebPages

/// Decides about every request before a page sees it, and about the headers of every reply.
struct WebDesk: Sendable {
    let host: WebHost
    let routes: RouteTable

    init(_ host: WebHost, _ routes: RouteTable) {
        self.host = host
        self.routes = routes
    }

    /// For the guard, which has read no more than the header.
    func bodyLimit(_ method: String, _ target: String) -> Int {
        guard let target = Target(target), let method = WebMethod(rawValue: method),
            case .route(let route, _) = self.routes.find(method, target.path)
        else { return 64 << 10 }
        return route.bodyLimit
    }

    /// Answers once, from any thread. Blocks where the page does.
    func answer(_ input: HTTPInput, _ completion: @escaping @Sendable (WebReply) -> Void) {
        let isTLS = input.facts.listener.implicitTLS
        let request = self.request(input)
        let finish: @Sendable (WebReply) -> Void = { completion(self.finished($0, to: request, isTLS: isTLS)) }
        guard let request else { return finish(.text("This request cannot be read.\n", status: 400)) }
        if let reply = self.refusal(request) { return finish(reply) }
        guard let method = WebMethod(rawValue: input.method == "HEAD" ? "GET" : input.method) else {
            guard request.path.hasPrefix("/api/") else { return finish(.text("This method is not known here.\n", status: 501)) }
            return finish(APIReply.error(501, Localized(en: "This method is not known here.", ja: "このメソッドには対応していません。"), request.language))
        }
        switch self.routes.find(method, request.path) {
        case .nothing: finish(ErrorPages.notFound(request, self.host))
        case .otherMethods(let methods): finish(ErrorPages.otherMethods(methods, request, self.host))
        case .route(let route, let parameters):
            var request = request
            request.parameters = parameters
            self.perform(route, request, finish)
        }
    }

    /// Session, audience and token, in this order; then the page.
    private func perform(_ route: WebRoute, _ request: WebRequest, _ finish: @escaping @Sendable (WebReply) -> Void) {
        var request = request
        var expired: WebSession?
        switch self.host.sessions?.find(request) ?? .nobody {
        case .live(let session): request.session = session
        case .expired(let session): expired = session
        case .nobody: break
        }
        let answered = request
        let close: @Sendable (WebReply) -> Void = { self.close($0, route, answered, finish) }
        if let reply = self.door(route, request, expired) { return close(reply) }
        switch route.body {
        case .now(let respond): close(respond(request, self.host))
        case .later(let respond): respond(request, self.host, close)
        }
    }

    /// What keeps this person from this page; nil lets him in.
    private func door(_ route: WebRoute, _ request: WebRequest, _ expired: WebSession?) -> WebReply? {
        if route.isAPI { return nil }
        if !route.method.isSafe, self.isForeign(request) { return self.outOfDate(request) }
        guard route.audience != .anyone else {
            guard !route.method.isSafe, !self.hasToken(request, request.session), !LoginToken.isGood(request, self.host) else { return nil }
            // Nobody's form can be submitted from elsewhere either: it would log a victim in as somebody else.
            return self.stale(route, request)
        }
        guard let session = request.session else { return self.stranger(route, request, expired) }
        if !route.method.isSafe, !self.hasToken(request, session) { return self.outOfDate(request) }
        guard route.audience == .postmaster, !session.isPostmaster else { return nil }
        guard LoginActions.mayRise(request, self.host) else { return LoginActions.notPrivileged(request, self.host) }
        return LoginPages.rise(request, self.host, self.errand(route, request, session), status: 403)
    }

    private func stranger(_ route: WebRoute, _ request: WebRequest, _ expired: WebSession?) -> WebReply {
        guard !route.method.isSafe else {
            return LoginPages.authentication(request, self.host, self.errand(route, request, nil), status: 401)
        }
        // Only what came from a form of that very session is kept: nobody can have something carried out by who logs in next.
        guard let expired, self.hasToken(request, expired) else {
            return LoginPages.authentication(request, self.host, .init(), notice: Notice(.failure, LoginPages.Words.ended), status: 401)
        }
        let errand = self.errand(route, request, expired)
        let notice = errand.carried == nil ? Notice(.failure, LoginPages.Words.notKept) : nil
        return LoginPages.authentication(request, self.host, errand, login: expired.address, notice: notice, status: 401)
    }

    private func errand(_ route: WebRoute, _ request: WebRequest, _ session: WebSession?) -> LoginPages.Errand {
        guard route.method.isSafe else {
            return LoginPages.Errand(carried: session.flatMap { CarriedInput.seal(request, $0, self.host) })
        }
        let path = request.path.split(separator: "/").map(String.init)
        let query = request.query.without("language").pairs.map { ($0.name, $0.value) }
        return LoginPages.Errand(next: request.path == "/" ? nil : Link(path, query: query))
    }

    private func stale(_ route: WebRoute, _ request: WebRequest) -> WebReply {
        LoginPages.authentication(
            request, self.host, LoginPages.Errand(next: nil), notice: Notice(.failure, LoginPages.Words.outOfDate), status: 403)
    }

    private func outOfDate(_ request: WebRequest) -> WebReply { ErrorPages.page(LoginPages.Words.outOfDate, 403, request, self.host) }

    private func hasToken(_ request: WebRequest, _ session: WebSession?) -> Bool {
        guard let session, let field = request.form.last(Page.csrfName) else { return false }
        return constantTimeEqual(Array(field.utf8), Array(session.formToken.utf8))
    }

    /// A browser says that another site sends this.
    private func isForeign(_ request: WebRequest) -> Bool {
        if let site = request.header("sec-fetch-site"), site != "same-origin", site != "none" { return true }
        guard let origin = request.header("origin"), origin != "null" || request.header("sec-fetch-site") == nil else { return false }
        let scheme = request.isTLS ? "https://" : "http://"
        guard origin.hasPrefix(scheme), let name = HostName(String(origin.dropFirst(scheme.count))) else { return true }
        return name.text != request.host
    }

    /// Cookies, what was carried, and the audit log.
    private func close(
        _ reply: WebReply, _ route: WebRoute, _ request: WebRequest, _ finish: @escaping @Sendable (WebReply) -> Void
    ) {
        var reply = reply
        self.audit(route, request, reply)
        if let session = reply.session, let sealed = reply.carried {
            return self.carryOn(sealed, session, request) { carried in
                var carried = carried
                if carried.session == nil { carried.session = session }
                finish(self.withCookie(carried, request))
            }
        }
        if reply.session == nil, !reply.endsSession { reply.session = request.session }
        finish(self.withCookie(reply, request))
    }

    private func withCookie(_ reply: WebReply, _ request: WebRequest) -> WebReply {
        var reply = reply
        guard let sessions = self.host.sessions, !reply.isCacheable else { return reply }
        if reply.endsSession { reply.setCookie(sessions.noCookie(request)) }
        if let session = reply.session { reply.setCookie(sessions.cookie(session, request)) }
        return reply
    }

    /// The form that was submitted when the login had run out, now with the new login of the same person.
    private func carryOn(
        _ sealed: String, _ session: WebSession, _ request: WebRequest, _ finish: @escaping @Sendable (WebReply) -> Void
    ) {
        var request = request
        request.session = session
        guard let carried = CarriedInput(sealed, request, self.host), carried.account == session.account,
            case .route(let route, let parameters) = self.routes.find(.post, carried.path)
        else { return finish(ErrorPages.page(LoginPages.Words.other, 409, request, self.host)) }
        request.method = .post
        request.path = carried.path
        request.parameters = parameters
        request.form = carried.form
        request.query = WebFields()
        if route.audience == .postmaster, !session.isPostmaster {
            guard LoginActions.mayRise(request, self.host) else { return finish(LoginActions.notPrivileged(request, self.host)) }
            return finish(LoginPages.rise(request, self.host, LoginPages.Errand(carried: sealed)))
        }
        let answered = request
        let close: @Sendable (WebReply) -> Void = { reply in
            self.audit(route, answered, reply)
            finish(reply)
        }
        switch route.body {
        case .now(let respond): close(respond(request, self.host))
        case .later(let respond): respond(request, self.host, close)
        }
    }

    private func audit(_ route: WebRoute, _ request: WebRequest, _ reply: WebReply) {
        guard !route.method.isSafe, route.audience == .postmaster, let session = request.session, session.isPostmaster else { return }
        let who = session.who(self.host)
        let notes = request.auditNote.all
        if notes.isEmpty, !request.auditNote.isTold {
            // What an action did not describe: that it was asked for, and how it was answered.
            let entry = AuditEntry(
                at: self.host.now(), who: who, from: request.client, action: "\(route.method.rawValue) \(route.path)",
                subject: request.path + " \(reply.status)")
            return self.host.audit(entry)
        }
        for note in notes {
            self.host.audit(
                AuditEntry(
                    at: self.host.now(), who: who, from: request.client, action: note.action, subject: note.subject, changes: note.changes))
        }
    }

    // MARK: What came

    private func request(_ input: HTTPInput) -> WebRequest? {
        guard let target = Target(input.target), let query = WebFields(encoded: target.query) else { return nil }
        let name = HostName(target.authority ?? input.authority)
        guard let name else { return nil }
        var request = WebRequest(
            WebMethod(rawValue: input.method) ?? .get, target.path, query: query, headers: input.headers, body: input.body,
            host: name.text, isTLS: input.facts.listener.implicitTLS, facts: input.facts)
        request.hostName = input.hostName
        request.authority = (target.authority ?? input.authority).asciiLowercased
        request.isHead = input.method == "HEAD"
        request.language = self.language(of: request)
        let type = request.header("content-type") ?? ""
        if let boundary = Multipart.boundary(type) {
            guard let form = Multipart.parse(input.body, boundary: boundary) else { return nil }
            request.form = form
        } else if String(type.prefix { $0 != ";" && $0 != " " }).asciiLowercased == "application/x-www-form-urlencoded" {
            guard let form = WebFields(encoded: input.body) else { return nil }
            request.form = form.posted
        }
        return request
    }

    private func language(of request: WebRequest) -> Language {
        if let chosen = request.query["language"].flatMap(Language.init(rawValue:)) { return chosen }
        if let chosen = request.cookie("language").flatMap(Language.init(rawValue:)) { return chosen }
        let wanted = request.header("accept-language").flatMap(AcceptedLanguages.first)
        return wanted ?? self.host.directory.configuration.language
    }

    /// What keeps a request from every page.
    private func refusal(_ request: WebRequest) -> WebReply? {
        let snapshot = self.host.directory.snapshot
        // The first of the manual's three steps, before anything is shown.
        guard snapshot.configuration.connections.access(.http).match(request.client, request.hostName) == .yes else {
            self.host.events.record(
                TrailEvent(.webServer, "refused-at-connect", trace: request.trace, [("peer", "\(request.client)"), ("cause", "list")]),
                switchedBy: .refusedAtConnect)
            return ErrorPages.notFromHere(request, self.host)
        }
        guard OwnNames(snapshot).contains(request.host, local: request.facts.local) else { return ErrorPages.otherHost(request, self.host) }
        return self.secured(request, snapshot)
    }

    /// Plain HTTP goes on with TLS, except on this machine and where there is no certificate.
    private func secured(_ request: WebRequest, _ snapshot: DirectorySnapshot) -> WebReply? {
        guard !request.isTLS, !request.client.isLoopback, self.host.certificate() != nil,
            let port = self.host.ports().first(where: \.isTLS)?.port
        else { return nil }
        let name = request.host.isEmpty ? snapshot.configuration.hostName : request.host
        let authority = (name.contains(":") ? "[\(name)]" : name) + (port == 443 ? "" : ":\(port)")
        // What was posted has crossed the net already; it is asked for again, under TLS.
        let path =
            request.method.isSafe ? request.path.split(separator: "/").map { Link.encoded(String($0)) }.joined(separator: "/") : ""
        let query = request.query.isEmpty || !request.method.isSafe ? "" : "?" + request.query.encoded
        return .redirect(toURL: "https://\(authority)/\(path)\(query)")
    }

    // MARK: What leaves

    private func finished(_ reply: WebReply, to request: WebRequest?, isTLS: Bool) -> WebReply {
        var reply = reply
        // A link of the language switch: kept for a year; it tells nothing about anybody.
        if let language = request?.query["language"].flatMap(Language.init(rawValue:)) {
            let secure = isTLS ? "; Secure" : ""
            reply.setCookie("language=\(language.rawValue); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax\(secure)")
        }
        for header in SafetyHeaders.always { reply.headers.append(header) }
        if !reply.isCacheable { reply.headers.append(("Cache-Control", "no-store")) }
        reply.headers.append(("Date", CivilTime(unixSeconds: self.host.now()).httpDate))
        if isTLS, let certificate = self.host.certificate(), !certificate.isSelfSigned {
            reply.headers.append(SafetyHeaders.strictTransport)
        }
        return reply
    }
}
