import ArgumentParser
import Forms
import NetKit
import Synchronization
import Vocabulary

/// Another host that a command is for: where it is, the key it is asked with, and who may vouch for it.
struct RemoteServer: Sendable {
    /// Where the key comes from where no file is named; never the command line, which every user of the machine can read.
    static let variable = "POSTOFFICE_TOKEN"
    static let path = "/api/v1/command"

    let target: WebPost.Target
    let token: String
    let authorities: String?

    /// `https://host`, `https://host:port`, `https://[2001:db8::1]:10443`, with nothing behind it.
    static func target(_ text: String) -> WebPost.Target? {
        guard text.lowercased().hasPrefix("https://") else { return nil }
        var rest = text.dropFirst("https://".count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains("/"), !rest.contains("@"), !rest.contains("?"), !rest.contains("#"), !rest.contains(" ") else {
            return nil
        }
        var host = rest
        var port = 443
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            let behind = rest[rest.index(after: end)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { return nil }
            if !behind.isEmpty {
                guard let number = Int(behind.dropFirst()) else { return nil }
                port = number
            }
            guard IPAddress(String(host)) != nil else { return nil }
        } else if let border = rest.lastIndex(of: ":") {
            host = rest[..<border]
            guard let number = Int(rest[rest.index(after: border)...]) else { return nil }
            port = number
        }
        guard !host.isEmpty, !host.contains(":") || IPAddress(String(host)) != nil, (1...65_535).contains(port) else { return nil }
        return WebPost.Target(host: String(host), port: port, path: Self.path)
    }

    /// Has the command carried out there and prints what comes back.
    func perform(_ request: AdminRequest, _ printer: AdminPrinter) -> AdminStatus {
        var post = WebPost(self.target)
        post.authorities = self.authorities
        post.body = Array(Self.body(request).description.utf8)
        post.headers = [
            ("Authorization", "Bearer \(self.token)"), ("Content-Type", "application/json"), ("Accept", "application/x-ndjson"),
            ("Accept-Language", request.language.rawValue),
        ]
        if let user = request.option("by") {
            post.headers.append(
                ("X-PostOffice-User", String(String.UnicodeScalarView(user.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F }))))
        }
        let answer = Answer(printer)
        do {
            let code = try post.send { answer.received($0) }
            return answer.ended(code, request.language)
        } catch {
            printer.show(.problem("postoffice: \(self.words(error).text(request.language))\n"))
            return .failed
        }
    }

    private static func body(_ request: AdminRequest) -> JSONValue {
        .object([
            ("verb", .text(request.verb)), ("operands", .list(request.operands.map { .text($0) })),
            (
                "options",
                .object(
                    request.options.filter { $0.key != "by" }.sorted { $0.key < $1.key }.map { option in
                        (option.key, .list(option.value.map { .text($0) }))
                    })
            ), ("input", .optional(request.input)), ("language", .text(request.language.rawValue)), ("json", .bool(request.wantsJSON)),
        ])
    }

    private func words(_ failure: WebPost.Failure) -> Localized {
        let name = "\(self.target.host):\(self.target.port)"
        return switch failure {
        case .unreachable(let why): Localized(en: "\(name) cannot be reached: \(why)", ja: "\(name) に接続できません: \(why)")
        case .untrusted(let why):
            Localized(
                en: "the certificate of \(name) cannot be trusted, nothing was sent; name its authority with --ca FILE (\(why))",
                ja: "\(name) の証明書を信頼できないため、何も送信していません。--ca で認証局の証明書を指定してください (\(why))")
        case .noTLS:
            Localized(
                en: "\(name) does not speak TLS, nothing was sent; name the port of HTTPS",
                ja: "\(name) は TLS に対応していないため、何も送信していません。HTTPS のポートを指定してください")
        case .authorities(let why):
            Localized(en: "the file of --ca cannot be read: \(why)", ja: "--ca のファイルを読み込めません: \(why)")
        case .broken(let why):
            Localized(
                en: "the conversation with \(name) broke off: \(why); look whether it was done, then try again",
                ja: "\(name) との通信が途中で切れました: \(why)。実行されたか確認してから、やり直してください")
        case .tooLarge: Localized(en: "the answer of \(name) is too long", ja: "\(name) の応答が長すぎます")
        case .timedOut:
            Localized(
                en: "\(name) said nothing for two minutes; look whether it was done, then try again",
                ja: "\(name) から 2 分間応答がありません。実行されたか確認してから、やり直してください")
        }
    }

    /// Lines of the answer, printed as they come.
    private final class Answer: Sendable {
        private struct State {
            var rest: [UInt8] = []
            var status: AdminStatus?
            /// A document that is no answer of the kind: an error, or a page.
            var others: [UInt8] = []
        }

        private let printer: AdminPrinter
        private let state = Mutex(State())

        init(_ printer: AdminPrinter) { self.printer = printer }

        func received(_ bytes: [UInt8]) {
            self.state.withLock { state in
                state.rest += bytes
                while let end = state.rest.firstIndex(of: 0x0A) {
                    self.take(Array(state.rest[..<end]), &state)
                    state.rest.removeSubrange(...end)
                }
            }
        }

        private func take(_ line: [UInt8], _ state: inout State) {
            // A sign of life says nothing.
            guard !line.isEmpty else { return }
            guard let value = try? JSONValue(reading: line) else {
                if state.others.count < 64 << 10 { state.others += line + [0x0A] }
                return
            }
            if let text = value["output"]?.text { return self.printer.show(.output(text)) }
            if let text = value["progress"]?.text { return self.printer.show(.progress(text)) }
            if let text = value["problem"]?.text { return self.printer.show(.problem(text)) }
            if let number = value["done"]?.number, let code = Int32(exactly: number) {
                state.status = AdminStatus(rawValue: code) ?? .failed
            } else if state.others.count < 64 << 10 {
                state.others += line + [0x0A]
            }
        }

        func ended(_ code: UInt, _ language: Language) -> AdminStatus {
            self.state.withLock { state in
                if !state.rest.isEmpty { self.take(state.rest, &state) }
                if let status = state.status { return status }
                let said = (try? JSONValue(reading: state.others))?["error"]?["message"]?.text
                let text = Localized(
                    en: said ?? "the server answered \(code) and not what a Post.Office answers; is this its address?",
                    ja: said ?? "サーバの応答が Post.Office のものではありません（\(code)）。アドレスを確認してください")
                self.printer.show(.problem("postoffice: \(text.text(language))\n"))
                return code == 422 || code == 400 ? .misuse : .failed
            }
        }
    }
}

extension CommonOptions {
    /// The other host that the command is for; nil without `--server`.
    func remote() throws -> RemoteServer? {
        guard let server else {
            guard self.tokenFile == nil, self.ca == nil else {
                throw self.exit(
                    .misuse, Localized(en: "--token-file and --ca belong to --server", ja: "--token-file と --ca は --server と一緒に指定してください"))
            }
            return nil
        }
        guard let target = RemoteServer.target(server) else {
            throw self.exit(
                .misuse,
                Localized(
                    en: "--server takes https://host or https://host:port, not \(Shown.text(server))",
                    ja: "--server には https://ホスト か https://ホスト:ポート を指定してください（\(Shown.text(server)) は使えません）"))
        }
        var token = Environment[RemoteServer.variable] ?? ""
        if let tokenFile { token = String(decoding: try self.contents(of: tokenFile, limit: 4096), as: UTF8.self) }
        token = String(token.filter { !$0.isWhitespace })
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw self.exit(
                .misuse,
                Localized(
                    en:
                        "give the key in the environment variable \(RemoteServer.variable) or with --token-file; `postoffice token add` on that host makes one",
                    ja: "キーを環境変数 \(RemoteServer.variable) か --token-file で指定してください。キーは、そのホストで postoffice token add を実行すると作成できます"))
        }
        return RemoteServer(target: target, token: token, authorities: self.ca)
    }

    /// Carries a request out: at the other host, or here.
    func perform(_ request: AdminRequest) throws -> AdminStatus {
        var request = request
        if request.options["by"] == nil { request.options["by"] = [Self.userName] }
        if let remote = try self.remote() { return remote.perform(request, AdminPrinter()) }
        return Administration.perform(request, try self.start())
    }
}
