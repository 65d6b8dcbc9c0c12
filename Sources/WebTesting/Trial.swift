package import Vocabulary
package import WebPages
package import WebService

/// A person at a browser, as far as pages see it: no sockets, no login.
package struct Visitor: Sendable {
    package var language: Language
    package var session: WebSession
    private let host: WebHost

    package init(_ host: WebHost, _ language: Language = .english) {
        self.host = host
        self.language = language
        self.session = WebSession(
            id: 1, account: AccountID(rawValue: 1), address: "postmaster@example.test", name: "Postmaster", isPostmaster: true,
            formToken: "t0k")
    }

    /// What a page answers, and its text.
    package struct Shown: Sendable {
        package let status: Int
        package let headers: [(name: String, value: String)]
        package let bytes: [UInt8]
        package var text: String { String(decoding: self.bytes, as: UTF8.self) }
        /// As a person reads it.
        package var read: String { Browser.decoded(Substring(self.text)) }
    }

    package func get(_ path: String, _ query: [(String, String)] = []) -> Shown { self.ask(.get, path, query, PostedForm()) }
    package func post(_ path: String, _ form: PostedForm) -> Shown { self.ask(.post, path, [], form) }

    /// Opens a form, types, and submits it.
    package func fill(_ path: String, typing: [String: String?]) -> Shown {
        self.post(path, Browser.submit(self.get(path).text, typing: typing))
    }

    private func ask(_ method: WebMethod, _ path: String, _ query: [(String, String)], _ form: PostedForm) -> Shown {
        guard let loopback = IPAddress("127.0.0.1") else { return Shown(status: 0, headers: [], bytes: []) }
        let facts = ConnectionFacts(
            peer: loopback, peerPort: 1, local: loopback, localPort: 443,
            listener: ListenerRole(name: "https", service: .http, implicitTLS: true), trace: TraceID("t1"))
        var request = WebRequest(
            method, path, query: WebFields(query.map { WebFields.Pair($0.0, $0.1) }), host: "mail.example.test", isTLS: true,
            language: self.language,
            facts: facts)
        request.form = form
        request.session = self.session
        let reply = Routes.answer(request, self.host)
        return Shown(status: reply.status, headers: reply.headers, bytes: reply.body)
    }
}
