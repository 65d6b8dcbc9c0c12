internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary

// Invariants of the API:
// 1. A key is asked for before anything else, in one place, and says what may be done; a session's cookie opens nothing here.
// 2. Every change goes the way of the command of that name, or through the directory's writers, and into the history under the key's name.
// 3. Errors are `{"error": {"message": …, "fields": [{"field": …, "message": …}]}}` in the language of Accept-Language.

/// What a request is answered with.
enum APIReply {
    static func json(_ value: JSONValue, status: Int = 200) -> WebReply { .json(Array((value.description + "\n").utf8), status: status) }

    static func error(
        _ status: Int, _ message: Localized, _ language: Language, fields: [FieldProblem] = []
    ) -> WebReply {
        var members: [(key: String, value: JSONValue)] = [("message", .text(message.text(language)))]
        if !fields.isEmpty {
            members.append(
                (
                    "fields",
                    .list(
                        fields.map {
                            .object([("field", .text($0.field.text)), ("message", .text($0.message.text(language)))])
                        })
                ))
        }
        var reply = self.json(.object([("error", .object(members))]), status: status)
        if status == 401 { reply.headers.append(("WWW-Authenticate", "Bearer realm=\"Post.Office\"")) }
        if status == 429 { reply.headers.append(("Retry-After", "60")) }
        return reply
    }

    static func error(_ error: DirectoryError, _ language: Language) -> WebReply {
        let status =
            switch error.kind {
            case .notFound: 404
            case .conflict, .notSetUp: 409
            case .invalid: 422
            case .database: 503
            }
        return self.error(status, error.message, language, fields: error.problems)
    }

    /// What a command said, where it did not do what it was to.
    static func failed(_ result: WebCommandResult, _ language: Language) -> WebReply {
        let text = (result.problems + result.lines).joined().split(separator: "\n").joined(separator: "\n")
        return self.error(result.status == 2 ? 422 : 409, Localized(en: text, ja: text), language)
    }
}

/// A request of the API on its way: who asks, and what stands in the body.
struct APICall {
    let request: WebRequest
    let host: WebHost
    let token: TokenDetails

    var language: Language { self.request.language }

    /// For the history: the key, and from where.
    var actor: Actor {
        let by = self.request.header("x-postoffice-user").map { " (\(String($0.prefix(60))))" } ?? ""
        return Actor(
            name: "key \(self.token.label)\(by)", interface: "api", origin: "\(self.request.client)",
            isLimited: !self.token.allows(.all))
    }

    /// Members of the body; nil where it is no object.
    func members() -> [(key: String, value: JSONValue)]? { (try? JSONValue(reading: self.request.body))?.members }

    func perform(_ verb: String, _ operands: [String] = [], options: [String: [String]] = [:], input: String? = nil) -> WebCommandResult {
        var command = WebCommand(verb, operands, options: options, input: input, language: self.language, wantsJSON: true)
        command.actor = self.actor
        return self.host.perform(command)
    }

    /// A number of the query within bounds.
    func number(_ name: String, _ standard: Int, _ bounds: ClosedRange<Int>) -> Int {
        self.request.query[name].flatMap { Int($0) }.map { min(max($0, bounds.lowerBound), bounds.upperBound) } ?? standard
    }

    func problem(_ status: Int, _ message: Localized) -> WebReply { APIReply.error(status, message, self.language) }
}

/// One operation of the API: what it is for the document, what it needs, what it does.
struct APIOperation: Sendable {
    var method: WebMethod
    /// Below `/api/v1`.
    var path: String
    var name: String
    var summary: String
    /// nil where it depends on what is asked for: any key that is known gets as far as that.
    var scope: TokenScope?
    /// Of the query: name, whether it is a number, what it says.
    var query: [(name: String, isNumber: Bool, text: String)] = []
    /// Names of schemas of the document; nil for none.
    var takes: String?
    var gives: String?
    /// Status of success.
    var status = 200
    var respond: @Sendable (APICall) -> WebReply

    var route: WebRoute {
        WebRoute(self.method, "/api/v1" + self.path, .anyone, bodyLimit: APIRoutes.bodyLimit(self), isAPI: true) { request, host in
            switch host.apiGate.verdict(request, self.scope, host) {
            case .refused(let status, let words): APIReply.error(status, words, request.language)
            case .pass(let token): self.respond(APICall(request: request, host: host, token: token))
            }
        }
    }
}

enum APIRoutes {
    static let operations: [APIOperation] = APIAccounts.operations + APIConfiguration.operations + APIRunning.operations

    static let routes: [WebRoute] =
        APIRoutes.operations.map(\.route) + [
            // What the product can do is no secret.
            WebRoute(.get, "/api/v1/openapi.json", .anyone, isAPI: true) { _, host in APIReply.json(APIDocument.document(host.version)) }
        ]

    /// A bulk import and an installed certificate travel in one request.
    static func bodyLimit(_ operation: APIOperation) -> Int { operation.path == "/command" ? 100 << 20 : WebRoute.formLimit }
}
