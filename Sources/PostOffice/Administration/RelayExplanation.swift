import Directory
import Forms
import Policy
import Routing
import Vocabulary

/// What the relay restrictions say of an address of another host, for `postoffice route --client … --login … --from …`.
struct RelayExplanation {
    private let verdict: RelayVerdict
    private let steps: [RelayStep]
    /// How the next host's recipients are known, where everybody may send to its domain.
    private let check: RelayRecipients
    private let recipient: Address

    /// nil when nobody asked, or where the address is not another host's by the sender's own word. What was asked wrongly is told in any case.
    init?(_ request: AdminRequest, _ snapshot: DirectorySnapshot, _ address: Address, _ resolution: Resolution) throws {
        guard request.has("client") || request.has("login") || request.has("from") else { return nil }
        let asked = try Asked(request)
        self.check = snapshot.configuration.relayRecipients
        switch resolution {
        case .remote: self.recipient = address
        case .bangPath(let target, _): self.recipient = target
        case .account, .postmaster, .handler, .redirected, .refused, .unknown: return nil
        }
        let facts = RelayFacts(client: asked.client, login: asked.login, sender: asked.sender, recipient: recipient)
        (self.verdict, self.steps) = snapshot.configuration.relay.explain(facts)
    }

    var isRefused: Bool { if case .refuse = self.verdict { true } else { self.isUnlisted } }

    /// Mail for its domain is taken, but the list has no such recipient.
    private var isUnlisted: Bool {
        self.verdict == .accept(.recipientDomain) && self.check.check == .list && self.check.list.entry(for: self.recipient) == nil
    }

    func lines(_ language: Language) -> [String] {
        let steps = self.steps.map { "\($0.decides ? "=>" : "  ") \($0.rule.rawValue): \($0.text.text(language))" }
        return steps + (self.checkWords.map { ["   relay-recipient-check: \($0.text(language))"] } ?? []) + [self.result.text(language)]
    }

    private var checkWords: Localized? {
        guard self.verdict == .accept(.recipientDomain) else { return nil }
        return switch self.check.check {
        case .none: nil
        case .list:
            self.isUnlisted
                ? Localized(en: "the recipient is not in relay-recipients: refused", ja: "受信者が relay-recipients にないため拒否します")
                : Localized(en: "the recipient is in relay-recipients", ja: "受信者は relay-recipients にあります")
        case .ask:
            Localized(
                en: "the next host is asked at RCPT whether it has the recipient; one that it does not know is refused",
                ja: "RCPT の時点で次のホストに受信者の有無を問い合わせ、存在しない受信者は拒否します")
        }
    }

    func json(_ language: Language) -> JSONValue {
        let steps = self.steps.map { step in
            JSONValue.object([
                ("rule", .text(step.rule.rawValue)), ("text", .text(step.text.text(language))), ("decides", .bool(step.decides)),
            ])
        }
        return .object([("passes", .bool(!self.isRefused)), ("reason", .text(self.reason)), ("steps", .list(steps))])
    }

    private var reason: String {
        switch self.verdict {
        case .accept(let grant): self.isUnlisted ? "relay-recipients" : grant.rawValue
        case .refuse(let refusal): refusal.rawValue
        }
    }

    private var result: Localized {
        self.isRefused
            ? Localized(en: "relaying refused (\(self.reason))", ja: "リレーを拒否 (\(self.reason))")
            : Localized(en: "relaying allowed (\(self.reason))", ja: "リレーを許可 (\(self.reason))")
    }

    /// The sender and the way that somebody wants to know about.
    private struct Asked {
        var client: IPAddress
        var login: Address?
        var sender: Address?

        /// Throws all that is wrong at once.
        init(_ request: AdminRequest) throws(AdminFailure) {
            var problems: [Localized] = []
            let text = request.option("client") ?? "192.0.2.1"
            let client = IPAddress(text)
            if client == nil {
                problems.append(
                    Localized(
                        en: "--client: \(Shown.text(text)) is no IP address; write for example 192.0.2.9 or 2001:db8::9",
                        ja: "--client: \(Shown.text(text)) は IP アドレスではありません。192.0.2.9 や 2001:db8::9 のように指定してください"))
            }
            self.login = Self.address(request, "login", &problems)
            self.sender = Self.address(request, "from", &problems)
            guard let client, problems.isEmpty else {
                throw AdminFailure(
                    Localized(en: problems.map(\.english).joined(separator: "\n"), ja: problems.map(\.japanese).joined(separator: "\n")),
                    .misuse)
            }
            self.client = client
        }

        private static func address(_ request: AdminRequest, _ option: String, _ problems: inout [Localized]) -> Address? {
            guard let text = request.option(option), !text.isEmpty, text != "<>" else { return nil }
            do {
                return try Address(parsing: text)
            } catch {
                problems.append(
                    Localized(
                        en: "--\(option): \(Shown.text(text)) is no mail address (\(error.words.english)); write name@domain",
                        ja: "--\(option): \(Shown.text(text)) は E-mail アドレスではありません（\(error.words.japanese)）。name@domain の形で指定してください"))
                return nil
            }
        }
    }
}
