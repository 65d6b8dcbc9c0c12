internal import Vocabulary
internal import WebPages

/// What somebody submitted when his login had run out: kept, sealed, in the login form, and taken up once the same person has logged in again.
struct CarriedInput {
    let path: String
    let account: AccountID
    let needsPostmaster: Bool
    let form: PostedForm

    /// Bytes of a form that are carried on; larger ones have to be submitted again.
    static let largest = 256 << 10
    /// Seconds for which it is good.
    private static let life: Int64 = 3600

    /// nil where it is too large, or holds files.
    static func seal(_ request: WebRequest, _ session: WebSession, _ host: WebHost) -> String? {
        guard request.form.files.isEmpty else { return nil }
        let pairs = request.form.pairs.filter { $0.name != Page.csrfName }.map { WebFields.Pair($0.name, $0.value) }
        let encoded = WebFields(pairs).encoded
        guard encoded.utf8.count <= Self.largest else { return nil }
        let head = [
            "1", "\(host.now())", "\(session.account.rawValue)", session.isPostmaster ? "1" : "0", WebSessions.network(request.client),
            Link.encoded(request.path),
        ]
        return host.sessions?.keys.seal(.carried, head.joined(separator: " ") + "\n" + encoded)
    }

    /// nil for what was not sealed here, lately, for this client.
    init?(_ sealed: String, _ request: WebRequest, _ host: WebHost) {
        guard let text = host.sessions?.keys.open(.carried, sealed), let border = text.firstIndex(of: "\n") else { return nil }
        let head = text[..<border].split(separator: " ")
        guard head.count == 6, head[0] == "1", let time = Int64(head[1]), let account = Int64(head[2]),
            host.now() - time <= Self.life, head[4] == WebSessions.network(request.client),
            let path = WebFields.decoded(head[5].utf8, plusIsSpace: false),
            let fields = WebFields(encoded: text[text.index(after: border)...].utf8)
        else { return nil }
        self.path = path
        self.account = AccountID(rawValue: account)
        self.needsPostmaster = head[3] == "1"
        self.form = fields.posted
    }
}
