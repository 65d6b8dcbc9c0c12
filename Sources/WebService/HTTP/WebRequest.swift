package import Policy
package import Vocabulary
package import WebPages

/// A request as pages see it: read whole, checked, and with whoever sent it.
package struct WebRequest: Sendable {
    package var method: WebMethod
    /// HEAD: answered like GET, without the body.
    package var isHead = false
    /// Decoded, without the query: `/accounts/12`.
    package var path: String
    /// What stood in the places in braces of the route.
    package var parameters: [String: String] = [:]
    package var query: WebFields
    /// Posted as `application/x-www-form-urlencoded` or `multipart/form-data`; empty for other bodies.
    package var form = PostedForm()
    /// The body as it came.
    package var body: [UInt8]
    /// Names in lower case, in order of arrival.
    package var headers: [(name: String, value: String)]
    /// `example.com` or `192.0.2.1`, in lower case and without the port, as the client named this server; empty where it did not.
    package var host: String
    /// The same with the port, where the client named one.
    package var authority = ""
    package var client: IPAddress
    package var isTLS: Bool
    /// From the person's choice (cookie `language`), or the browser's.
    package var language: Language
    /// Who has logged in; nil for a stranger.
    package var session: WebSession?
    package var trace: TraceID
    package var facts: ConnectionFacts
    /// The client's name, where an access list could ask for it.
    package var hostName = HostNameFact.notLooked
    /// Where an action of a postmaster says what it changed.
    package let auditNote = AuditNote()

    package init(
        _ method: WebMethod, _ path: String, query: WebFields = WebFields(), headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], host: String = "", isTLS: Bool, language: Language = .english, facts: ConnectionFacts
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.host = host
        self.client = facts.peer
        self.isTLS = isTLS
        self.language = language
        self.trace = facts.trace
        self.facts = facts
    }

    /// The first of that name, which is in lower case.
    package func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }

    /// The cookie of that name; the first where a client sends two.
    package func cookie(_ name: String) -> String? {
        for header in self.headers where header.name == "cookie" {
            for pair in header.value.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard let border = pair.firstIndex(of: "="), pair[..<border] == name else { continue }
                return String(pair[pair.index(after: border)...])
            }
        }
        return nil
    }
}

/// Who sends a request.
package struct WebSession: Sendable, Hashable {
    /// Number of the session, to name it in lists.
    package var id: Int64
    package var account: AccountID
    /// `taro@example.com`, for pages and the log.
    package var address: String
    package var name: String
    /// Has risen to Postmaster.
    package var isPostmaster: Bool
    /// Goes into each form as the field `token`.
    package var formToken: String

    package init(id: Int64, account: AccountID, address: String, name: String, isPostmaster: Bool, formToken: String) {
        self.id = id
        self.account = account
        self.address = address
        self.name = name
        self.isPostmaster = isPostmaster
        self.formToken = formToken
    }
}
