internal import Database

extension Routes {
    /// What the page of a request answers, past session and form token, which the desk looks at: to try pages by themselves.
    package static func answer(_ request: WebRequest, _ host: WebHost) -> WebReply {
        switch RouteTable(self.all).find(request.method, request.path) {
        case .nothing: return ErrorPages.notFound(request, host)
        case .otherMethods(let methods): return ErrorPages.otherMethods(methods, request, host)
        case .route(let route, let parameters):
            var request = request
            request.parameters = parameters
            switch route.body {
            case .now(let respond): return respond(request, host)
            case .later(let respond):
                let answer = Monitor<WebReply?>(nil)
                respond(request, host) { reply in
                    answer.withLock { $0 = reply }
                    answer.signal()
                }
                return answer.wait(until: { $0 != nil }, then: { $0 ?? .busy })
            }
        }
    }
}
