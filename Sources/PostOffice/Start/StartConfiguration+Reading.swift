import Bytes
import Glibc
import Policy
import Vocabulary
import Yams

extension StartConfiguration {
    /// Above this a start file is something else.
    static let maximumFileSize = 1 << 20
    /// Sockets that one instance may listen on: each is inherited by the mta and watched in one poll.
    static let maximumListeners = 256

    /// Reads and checks a start file. Nothing of a broken one is used.
    package static func read(file: String) throws(StartProblem) -> StartConfiguration {
        let bytes: [UInt8]
        do {
            bytes = try FileAccess.contents(of: file, limit: Self.maximumFileSize)
        } catch {
            throw StartProblem(
                file: file, line: nil, field: "",
                what: Localized(en: "cannot be read (\(error.cause.english))", ja: "読めません (\(error.cause.japanese))"),
                cure: Localized(
                    en: "run `postoffice setup`, or name another file with --config",
                    ja: "postoffice setup を実行するか、--config で別のファイルを指定してください"))
        }
        return try Self.read(text: String(decoding: bytes, as: UTF8.self), file: file)
    }

    /// The same from text in memory; `file` is named in complaints.
    package static func read(text: String, file: String) throws(StartProblem) -> StartConfiguration {
        let root = try Self.compose(text, file)
        let known = ["version", "directories", "user", "group", "listeners", "database", "system-delivery"]
        let fields = try StartFields(root, file: file, path: "", known: known)
        _ = try fields.number("version", in: 1...1, default: 1)
        let user = try fields.text("user")
        return StartConfiguration(
            file: file, directories: try Self.directories(fields), user: user, group: try fields.text("group") ?? user,
            listeners: try Self.listeners(fields), database: try Self.database(fields),
            systemDelivery: try Self.systemServices(fields))
    }

    private static func compose(_ text: String, _ file: String) throws(StartProblem) -> Node {
        do {
            if let node = try Yams.compose(yaml: text) { return node }
        } catch {
            let problem = YAMLProblem(error, text)
            let shown = problem.excerpt.map { ": \($0)" } ?? ""
            throw StartProblem(
                file: file, line: problem.line, field: "",
                what: Localized(
                    en: "is not well-formed (\(problem.reason.english))\(shown)", ja: "書式が正しくありません (\(problem.reason.japanese))\(shown)"),
                cure: Localized(en: "correct the YAML there", ja: "その箇所の YAML を直してください"))
        }
        throw StartProblem(
            file: file, line: nil, field: "", what: Localized(en: "is empty", ja: "空です"),
            cure: Localized(en: "run `postoffice setup`", ja: "postoffice setup を実行してください"))
    }

    private static func directories(_ fields: StartFields) throws(StartProblem) -> Directories {
        let known = ["program", "spool", "mailbox"]
        let part = try StartFields(try fields.required("directories"), file: fields.file, path: "directories", known: known)
        func directory(_ key: String) throws(StartProblem) -> String {
            _ = try part.required(key)
            guard let text = try part.text(key), text.hasPrefix("/"), !text.utf8.contains(0) else {
                throw part.problem(
                    key, Localized(en: "this is no absolute path", ja: "絶対パスではありません"),
                    Localized(en: "write a path that begins with /", ja: "/ で始まるパスを書いてください"))
            }
            return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        let found = Directories(program: try directory("program"), spool: try directory("spool"), mailbox: try directory("mailbox"))
        // A control socket path has to fit into sun_path, 108 bytes with its NUL.
        guard found.spool.utf8.count <= 90 else {
            throw part.problem(
                "spool", Localized(en: "this path is longer than 90 bytes", ja: "パスが 90 バイトを超えています"),
                Localized(en: "choose a shorter one", ja: "短いパスにしてください"))
        }
        guard found.spool != found.mailbox else {
            throw part.problem(
                "mailbox", Localized(en: "this is the spool directory", ja: "スプールと同じディレクトリです"),
                Localized(en: "choose a directory of its own", ja: "別のディレクトリにしてください"))
        }
        return found
    }

    private static func database(_ fields: StartFields) throws(StartProblem) -> DatabaseEngine {
        switch try fields.text("database") {
        case nil, "embedded", "sqlite": return .embedded
        case let other?:
            throw fields.problem(
                "database", Localized(en: "`\(other)` is not available in this version", ja: "「\(other)」はこの版では使えません"),
                Localized(en: "write `embedded`", ja: "embedded と書いてください"))
        }
    }

    private static func listeners(_ fields: StartFields) throws(StartProblem) -> [Listener] {
        guard case .sequence(let sequence) = try fields.required("listeners"), !sequence.isEmpty,
            sequence.count <= Self.maximumListeners
        else {
            throw fields.problem(
                "listeners",
                Localized(
                    en: "a list of 1 … \(Self.maximumListeners) listeners is expected", ja: "1 〜 \(Self.maximumListeners) 個のリスナーの並びが必要です"),
                Localized(en: "write `- name: smtp` and so on below it", ja: "その下に「- name: smtp」などを書いてください"))
        }
        var found: [Listener] = []
        for (index, node) in sequence.enumerated() {
            let listener = try Self.listener(node, fields.file, "listeners[\(index)]")
            if let earlier = found.firstIndex(where: { $0.collides(with: listener) }) {
                throw StartProblem(
                    file: fields.file, line: node.mark?.line, field: "listeners[\(index)]",
                    what: Localized(
                        en: "name or address and port are those of listeners[\(earlier)]",
                        ja: "名前かアドレスとポートが listeners[\(earlier)] と同じです"),
                    cure: Localized(en: "change or remove one of the two", ja: "どちらかを変えるか削除してください"))
            }
            found.append(listener)
        }
        return found
    }
}

extension StartConfiguration.Listener {
    fileprivate func collides(with other: Self) -> Bool {
        self.role.name == other.role.name || (self.port != 0 && self.port == other.port && self.address == other.address)
    }
}

extension StartConfiguration {
    private static func listener(_ node: Node, _ file: String, _ path: String) throws(StartProblem) -> Listener {
        let known = ["name", "service", "address", "port", "tls", "side", "allow", "deny"]
        let fields = try StartFields(node, file: file, path: path, known: known)
        _ = try fields.required("service")
        let serviceName = try fields.text("service") ?? ""
        guard let service = ListenerRole.Service(rawValue: serviceName) else {
            let list = ListenerRole.Service.allCases.map(\.rawValue).joined(separator: ", ")
            throw fields.problem(
                "service", Localized(en: "`\(serviceName)` is no service", ja: "「\(serviceName)」というサービスはありません"),
                Localized(en: "use one of \(list)", ja: "\(list) のいずれかにしてください"))
        }
        let role = ListenerRole(
            name: try Self.name(fields), service: service, implicitTLS: try fields.truth("tls", default: false),
            isInside: try Self.isInside(fields))
        let port = try fields.number("port", in: 0...65_535, default: nil)
        if service == .lmtp, port == 25 {  // [RFC2033-5]
            throw fields.problem(
                "port", Localized(en: "LMTP must not be spoken on port 25, which is for SMTP", ja: "ポート 25 は SMTP 用で、LMTP には使えません"),
                Localized(en: "write another port, for example 24", ja: "24 など別のポートを書いてください"))
        }
        return Listener(
            role: role, address: try Self.address(fields), port: port,
            allow: try Self.access(fields, "allow"), deny: try Self.access(fields, "deny"))
    }

    /// Entries as the matcher of Policy reads them.
    private static func access(_ fields: StartFields, _ key: String) throws(StartProblem) -> [String] {
        let texts = try fields.texts(key)
        for text in texts {
            if case .failure = AccessList.parse(text) {
                throw fields.problem(
                    key,
                    Localized(
                        en: "`\(text)` is no address, network, host name or *.domain", ja: "「\(text)」はアドレス、ネットワーク、ホスト名、*.ドメインのいずれでもありません"),
                    Localized(en: "write for example 192.0.2.0/24 or *.example.com", ja: "192.0.2.0/24 や *.example.com のように書いてください"))
            }
        }
        return texts
    }

    private static func name(_ fields: StartFields) throws(StartProblem) -> String {
        _ = try fields.required("name")
        let name = try fields.text("name") ?? ""
        let isPlain = name.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !name.isEmpty, name.utf8.count <= 40, isPlain else {
            throw fields.problem(
                "name", Localized(en: "`\(name)` is no name", ja: "「\(name)」は名前として使えません"),
                Localized(en: "use up to 40 letters, digits, - and _", ja: "40 文字以内の英数字と - _ を使ってください"))
        }
        return name
    }

    private static func isInside(_ fields: StartFields) throws(StartProblem) -> Bool {
        switch try fields.text("side") {
        case nil, "outside": return false
        case "inside": return true
        case let other?:
            throw fields.problem(
                "side", Localized(en: "`\(other)` is neither inside nor outside", ja: "「\(other)」は inside でも outside でもありません"),
                Localized(en: "write inside or outside", ja: "inside か outside を書いてください"))
        }
    }

    private static func address(_ fields: StartFields) throws(StartProblem) -> ListenAddress {
        guard let text = try fields.text("address"), text != "*" else { return .any }
        if let address = IPAddress(text) { return .address(address) }
        throw fields.problem(
            "address", Localized(en: "`\(text)` is no IP address", ja: "「\(text)」は IP アドレスではありません"),
            Localized(en: "write an IPv4 or IPv6 address, or \"*\" for all", ja: "IPv4 か IPv6 のアドレス、またはすべてを表す \"*\" を書いてください"))
    }
}
