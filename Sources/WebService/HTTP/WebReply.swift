package import WebPages

/// What a page answers. Headers of safety are added by `WebDesk` to every one.
package struct WebReply: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)] = []
    package var contentType: String
    package var body: [UInt8]
    /// May be kept by the browser; pages with data may not.
    package var isCacheable = false
    /// The connection ends with this reply.
    package var closes = false
    /// Makes the body instead of `body`, while it is read.
    package var stream: WebStream?
    /// A session that began with this request.
    var session: WebSession?
    /// The session ended with this request.
    var endsSession = false
    /// What had been submitted before a login, sealed: to be carried out now instead of this reply.
    var carried: String?

    package init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static func page(_ page: Page, status: Int = 200) -> WebReply {
        WebReply(status: status, contentType: "text/html; charset=utf-8", body: page.written())
    }

    package static func text(_ text: String, status: Int = 200) -> WebReply { WebReply(status: status, body: Array(text.utf8)) }

    package static func json(_ bytes: [UInt8], status: Int = 200) -> WebReply {
        WebReply(status: status, contentType: "application/json", body: bytes)
    }

    /// To a place of this server; there is no `Link` to another.
    package static func redirect(to link: Link) -> WebReply {
        var reply = WebReply(status: 303)
        reply.headers.append(("Location", link.text))
        return reply
    }

    /// To a whole URL, which nothing that came from outside may have a part in but a checked name.
    static func redirect(toURL url: String) -> WebReply {
        var reply = WebReply(status: 303)
        reply.headers.append(("Location", url))
        return reply
    }

    static func carryOn(_ sealed: String) -> WebReply {
        var reply = WebReply.redirect(to: "/menu")
        reply.carried = sealed
        return reply
    }

    /// Sets a cookie: `name=value; Path=/; …`.
    package mutating func setCookie(_ cookie: String) { self.headers.append(("Set-Cookie", cookie)) }

    /// No thread for it now.
    static var busy: WebReply {
        var reply = WebReply.text("The server is busy; try again in a moment.\n", status: 503)
        reply.headers.append(("Retry-After", "5"))
        return reply
    }
}
