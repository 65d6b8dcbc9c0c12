import Directory
import Policy
import Routing
import Vocabulary

/// What the relay restrictions say of an address of another host, for `postoffice route --client … --login … --from …`.
struct RelayExplanation {
    private let verdict: RelayVerdict
    private let steps: [RelayStep]

    /// nil when nobody asked, or where the address is not another host's by the sender's own word.
    init?(_ request: AdminRequest, _ snapshot: DirectorySnapshot, _ address: Address, _ resolution: Resolution) throws {
        guard request.has("client") || request.has("login") || request.has("from") else { return nil }
        let recipient: Address
        switch resolution {
        case .remote: recipient = address
        case .bangPath(let target, _): recipient = target
        case .account, .postmaster, .handler, .redirected, .refused, .unknown: return nil
        }
        guard let client = IPAddress(request.option("client") ?? "192.0.2.1") else {
            throw AdminFailure(
                Localized(en: "--client takes an IP address", ja: "--client には IP アドレスを指定してください"), .misuse)
        }
        let facts = RelayFacts(
            client: client, login: try Self.address(request, "login"), sender: try Self.address(request, "from"), recipient: recipient)
        (self.verdict, self.steps) = snapshot.configuration.relay.explain(facts)
    }

    var isRefused: Bool { if case .refuse = self.verdict { true } else { false } }

    func lines(_ language: Language) -> [String] {
        let steps = self.steps.map { "\($0.decides ? "=>" : "  ") \($0.rule.rawValue): \($0.text.text(language))" }
        return steps + [self.result.text(language)]
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
        case .accept(let grant): grant.rawValue
        case .refuse(let refusal): refusal.rawValue
        }
    }

    private var result: Localized {
        self.isRefused
            ? Localized(en: "relaying refused (\(self.reason))", ja: "リレーを拒否 (\(self.reason))")
            : Localized(en: "relaying allowed (\(self.reason))", ja: "リレーを許可 (\(self.reason))")
    }

    private static func address(_ request: AdminRequest, _ option: String) throws -> Address? {
        guard let text = request.option(option), !text.isEmpty, text != "<>" else { return nil }
        do {
            return try Address(parsing: text)
        } catch {
            throw AdminFailure(
                Localized(en: "--\(option) takes an address", ja: "--\(option) にはアドレスを指定してください"), .misuse)
        }
    }
}
