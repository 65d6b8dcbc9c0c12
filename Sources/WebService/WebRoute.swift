/// One page or action: where it is, who may ask for it, what answers.
package struct WebRoute: Sendable {
    package enum Audience: Sendable, Hashable {
        /// Everybody who is let in by the list of the System Security form.
        case anyone
        /// Who has logged in as an account.
        case owner
        /// Who has risen to Postmaster.
        case postmaster
    }

    enum Body: Sendable {
        /// Answered when it returns; runs on a thread that may wait for the disk.
        case now(@Sendable (WebRequest, WebHost) -> WebReply)
        /// Answered when the completion is called, once, from any thread.
        case later(@Sendable (WebRequest, WebHost, @escaping @Sendable (WebReply) -> Void) -> Void)
    }

    /// What a form of normal size may hold.
    package static let formLimit = 1 << 20

    package let method: WebMethod
    /// `/accounts/{id}`: a name in braces stands for one part of the path.
    package let path: String
    package let audience: Audience
    /// Bytes that the body of a request may have.
    package let bodyLimit: Int
    /// Asked with a token of the API instead of a session's cookie; then there is no CSRF token.
    package let isAPI: Bool
    let body: Body

    package init(
        _ method: WebMethod, _ path: String, _ audience: Audience, bodyLimit: Int = WebRoute.formLimit, isAPI: Bool = false,
        _ respond: @escaping @Sendable (WebRequest, WebHost) -> WebReply
    ) {
        self.init(method, path, audience, bodyLimit, isAPI, .now(respond))
    }

    package init(
        _ method: WebMethod, _ path: String, _ audience: Audience, bodyLimit: Int = WebRoute.formLimit, isAPI: Bool = false,
        later respond: @escaping @Sendable (WebRequest, WebHost, @escaping @Sendable (WebReply) -> Void) -> Void
    ) {
        self.init(method, path, audience, bodyLimit, isAPI, .later(respond))
    }

    private init(_ method: WebMethod, _ path: String, _ audience: Audience, _ bodyLimit: Int, _ isAPI: Bool, _ body: Body) {
        self.method = method
        self.path = path
        self.audience = audience
        self.bodyLimit = bodyLimit
        self.isAPI = isAPI
        self.body = body
    }
}

/// Methods that some route could have. HEAD is answered by what answers GET.
package enum WebMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Changes nothing, so that it needs no CSRF token.
    package var isSafe: Bool { self == .get }
}

/// Finds the route of a path. Fixed parts go before names in braces.
struct RouteTable: Sendable {
    private struct Node {
        var fixed: [String: Node] = [:]
        /// One for all names in braces at this place: their names are the route's.
        var any: [Node] = []
        var routes: [WebMethod: WebRoute] = [:]
    }

    enum Found {
        case route(WebRoute, parameters: [String: String])
        /// The path is there, with these methods.
        case otherMethods([WebMethod])
        case nothing
    }

    private var root = Node()

    init(_ routes: [WebRoute]) { for route in routes { Self.add(route, Self.parts(route.path)[...], to: &self.root) } }

    private static func add(_ route: WebRoute, _ parts: ArraySlice<String>, to node: inout Node) {
        guard let first = parts.first else {
            // SAFETY: routes stand in the code alone, and the first table is made at start: nothing that a request says gets here.
            precondition(node.routes[route.method] == nil, "two routes \(route.method.rawValue) \(route.path)")
            node.routes[route.method] = route
            return
        }
        if first.hasPrefix("{") {
            if node.any.isEmpty { node.any = [Node()] }
            Self.add(route, parts.dropFirst(), to: &node.any[0])
        } else {
            Self.add(route, parts.dropFirst(), to: &node.fixed[first, default: Node()])
        }
    }

    func find(_ method: WebMethod, _ path: String) -> Found {
        let parts = Self.parts(path)
        guard parts.count <= 12, let node = Self.find(parts[...], self.root) else { return .nothing }
        guard let route = node.routes[method] else { return .otherMethods(WebMethod.allCases.filter { node.routes[$0] != nil }) }
        var parameters: [String: String] = [:]
        for (pattern, part) in zip(Self.parts(route.path), parts) where pattern.hasPrefix("{") {
            parameters[String(pattern.dropFirst().dropLast())] = part
        }
        return .route(route, parameters: parameters)
    }

    private static func find(_ parts: ArraySlice<String>, _ node: Node) -> Node? {
        guard let first = parts.first else { return node.routes.isEmpty ? nil : node }
        if let next = node.fixed[first], let found = Self.find(parts.dropFirst(), next) { return found }
        return node.any.first.flatMap { Self.find(parts.dropFirst(), $0) }
    }

    /// Without empty parts, so that `/a/` is `/a`.
    private static func parts(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }
}
