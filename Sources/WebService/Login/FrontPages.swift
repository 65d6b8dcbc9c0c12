internal import Directory
internal import Vocabulary
internal import WebPages

/// What a stranger sees.
enum FrontPages {
    static let routes =
        [
            WebRoute(.get, "/", .anyone) { request, host in
                if let session = request.session { return .redirect(to: session.home) }
                return LoginPages.authentication(request, host, LoginPages.Errand(request))
            },
            // As the original's page was called.
            WebRoute(.get, "/Authentication", .anyone) { request, host in
                LoginPages.authentication(request, host, LoginPages.Errand(request))
            },
            WebRoute(.get, "/assets/{name}", .anyone) { request, host in Self.asset(request, host) },
            WebRoute(.get, "/directory", .anyone) { request, host in AccountDirectoryPage.show(request, host) },
        ] + LoginActions.routes

    private static func asset(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let asset = Asset.at(request.path) else { return ErrorPages.notFound(request, host) }
        let isKnown = request.header("if-none-match")?.contains(asset.tag) ?? false
        var reply = WebReply(status: isKnown ? 304 : 200, contentType: asset.contentType, body: isKnown ? [] : asset.bytes)
        reply.isCacheable = true
        reply.headers.append(("ETag", asset.tag))  // [RFC9110-8.8.3] [RFC9110-13.1.2]
        // The path has a checksum of the content.
        reply.headers.append(("Cache-Control", "public, max-age=31536000, immutable"))
        return reply
    }
}
