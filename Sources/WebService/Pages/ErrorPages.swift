internal import Directory
internal import Vocabulary
internal import WebPages

/// Pages that say why there is no other.
enum ErrorPages {
    static func notFound(_ request: WebRequest, _ host: WebHost) -> WebReply {
        self.page(Localized(en: "There is no such page.", ja: "このページはありません。"), 404, request, host)
    }

    static func otherMethods(_ methods: [WebMethod], _ request: WebRequest, _ host: WebHost) -> WebReply {
        let text = Localized(en: "This page cannot be asked for in this way.", ja: "このページはこの方法では利用できません。")
        var reply = self.page(text, 405, request, host)
        let names = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] }
        reply.headers.append(("Allow", names.joined(separator: ", ")))
        return reply
    }

    /// Before any login form; the connection ends with it.
    static func notFromHere(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let text = Localized(
            en: "The web pages of this server may not be used from \(request.client). "
                + "The postmaster decides about that with the list of web access domains on the System Security form.",
            ja: "\(request.client) からこのサーバの Web ページは利用できません。利用できるホストは、ポストマスタが［システムセキュリティ］フォームのアクセスドメインリストで設定します。")
        var reply = self.page(text, 403, request, host)
        reply.closes = true
        return reply
    }

    static func otherHost(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let name = host.directory.configuration.hostName
        let text = Localized(
            en: "This server is called \(name), not \(request.host). Ask for it under its own name or address.",
            ja: "このサーバの名前は \(request.host) ではなく \(name) です。サーバ自身の名前か IP アドレスでアクセスしてください。")
        return self.page(text, 421, request, host)
    }

    static func page(_ text: Localized, _ status: Int, _ request: WebRequest, _ host: WebHost) -> WebReply {
        // Programs read it there.
        if request.path.hasPrefix("/api/") { return APIReply.error(status, text, request.language) }
        var page = request.page(Localized(en: "Not possible", ja: "エラー"), host)
        page.notices = [Notice(.failure, text)]
        return .page(page, status: status)
    }
}
