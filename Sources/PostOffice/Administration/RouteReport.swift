import Bytes
import Directory
import Forms
import NIOCore
import Policy
import Routing
import Text
import Vocabulary

/// What `postoffice route` says of an address: what SMTP would answer, and where the mail goes then.
struct RouteReport {
    private let address: Address
    private let resolution: Resolution
    private let steps: [RoutingStep]
    private let relay: RelayExplanation?
    /// Where accounts here send it on to.
    private let forwarding: [Address]
    /// The next hop is this server itself.
    private let isLoop: Bool
    /// An address that is not here is taken all the same, and returned afterwards.
    private let isTakenUnchecked: Bool

    static func answer(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let report = try RouteReport(try request.only("give one address", "アドレスを 1 つ指定してください"), request, context)
        if request.wantsJSON {
            output.line(report.json(context.directory.configuration.routes, request.language).description)
        } else {
            for step in report.steps {
                output.line("\(step.decides ? "=>" : "  ") \(step.rule.rawValue): \(step.text.text(request.language))")
            }
            output.line(report.result)
            for line in report.relay?.lines(request.language) ?? [] { output.line(line) }
        }
        return report.isDelivered ? .done : .failed
    }

    private init(_ text: String, _ request: AdminRequest, _ context: AdminContext) throws {
        let snapshot = context.directory.snapshot
        let (address, sourceRoute) = try Self.read(text)
        self.address = address
        var (resolution, steps) = Resolver(snapshot, ownAddress: Self.ownAddress(address)).explain(address)
        if let sourceRoute {
            steps.insert(
                RoutingStep(.sourceRoute, "the source route \(sourceRoute) is taken off", "ソースルート \(sourceRoute) を取り除きます"), at: 0)
        }
        self.relay = try RelayExplanation(request, snapshot, address, resolution)
        let (forwarding, told) = Self.forwarding(resolution, snapshot)
        self.forwarding = forwarding
        steps += told
        let circle = RouteCircle(context.start, hostName: snapshot.configuration.hostName)
        self.isLoop = Self.nextDomain(resolution).map { circle.contains(snapshot.routes.hop(for: $0)) } ?? false
        if self.isLoop {
            steps.append(
                RoutingStep(
                    .route, decides: true, "that is this server itself: the mail would go in a circle", "送信先がこのサーバ自身のため、メールが循環します"))
        } else if Self.nextDomain(resolution) != nil, !snapshot.configuration.sendsAnywhere {
            steps.append(
                RoutingStep(
                    .delivery, "outbound-reach is this-host: held in the queue, unless that is this computer",
                    "outbound-reach が this-host のため、このコンピュータ以外への送信はキューに保留します"))
        }
        // Users who log in are told at once.
        self.isTakenUnchecked = resolution == .unknown(.noSuchAddress) && !snapshot.rules.checksRecipients && !request.has("login")
        self.resolution = resolution
        self.steps = steps
    }

    /// As RCPT reads it, with or without its brackets; a source route is dropped there. [RFC5321-C]
    private static func read(_ text: String) throws(AdminFailure) -> (address: Address, sourceRoute: String?) {
        let syntax = AddressSyntax(allowsBareLocalPart: true, allowsStrayDots: true)
        do throws(AddressError) {
            guard text.hasPrefix("@") || text.hasPrefix("<") else { return (try Address(parsing: text, syntax), nil) }
            let path = text.hasPrefix("<") ? text : "<\(text)>"
            let read = ByteBuffer(string: path).withUnsafeReadableBytes { bytes -> Result<Address, AddressError> in
                Result { () throws(AddressError) -> Address in
                    var cursor = ByteCursor(bytes)
                    let address = try Address.readForwardPath(&cursor, syntax)
                    guard cursor.isAtEnd else { throw .trailing }
                    return address
                }
            }
            let colon = path.hasPrefix("<@") ? path.firstIndex(of: ":") : nil
            return (try read.get(), colon.map { String(path[path.index(after: path.startIndex)...$0]) })
        } catch {
            let shown = Shown.text(text)
            throw AdminFailure(
                Localized(
                    en: "\(shown) is no mail address (\(error.words.english)); write name@domain",
                    ja: "\(shown) は E-mail アドレスではありません（\(error.words.japanese)）。name@domain の形で指定してください"))
        }
    }

    /// The address literal of the domain, where that is one of this computer's: a connection to it takes it for its own.
    private static func ownAddress(_ address: Address) -> IPAddress? {
        guard let domain = DomainName.normalized(address.domain), domain.hasPrefix("["), domain.hasSuffix("]") else { return nil }
        let inner = domain.dropFirst().dropLast()
        guard let literal = IPAddress(String(inner.hasPrefix("ipv6:") ? inner.dropFirst(5) : inner)) else { return nil }
        return RouteCircle.isHere(literal) ? literal : nil
    }

    // MARK: Where it goes

    /// Domain of the recipient at another host.
    private static func nextDomain(_ resolution: Resolution) -> String? {
        switch resolution {
        case .remote(let domain), .redirected(_, let domain), .bangPath(_, let domain): domain
        case .account, .postmaster, .handler, .refused, .unknown: nil
        }
    }

    private static func forwarding(_ resolution: Resolution, _ snapshot: DirectorySnapshot) -> (targets: [Address], steps: [RoutingStep]) {
        let accounts =
            switch resolution {
            case .account(let recipient): [recipient]
            case .postmaster(let postmaster): postmaster.local
            case .handler, .remote, .redirected, .bangPath, .refused, .unknown: [LocalRecipient]()
            }
        var targets: [Address] = []
        var steps: [RoutingStep] = []
        for account in accounts where account.delivery.contains(.forward) {
            let keeps = account.delivery.contains(.mailbox)
            for target in snapshot.forwarding(of: account.account) {
                let end = Self.words(of: snapshot.resolveTarget(target), false)
                targets.append(target)
                steps.append(
                    RoutingStep(
                        .forwarding, "\(account.primary) forwards to \(target): \(end.english)",
                        "\(account.primary) は \(target) に転送します: \(end.japanese)"))
            }
            if !keeps {
                steps.append(
                    RoutingStep(.delivery, "\(account.primary) keeps no copy", "\(account.primary) のメールボックスには残りません"))
            }
        }
        return (targets, steps)
    }

    // MARK: In words

    /// False where the sender is refused, or gets it back.
    private var isDelivered: Bool {
        guard self.relay?.isRefused != true, !self.isLoop else { return false }
        switch self.resolution {
        case .account(let recipient): return recipient.takesMail
        case .postmaster, .remote, .redirected, .bangPath: return true
        case .handler, .refused, .unknown: return false
        }
    }

    private var result: Localized {
        if self.isLoop {
            return Localized(en: "taken, then returned to its sender: the next host is this server", ja: "受け付けた後、送信元に返送（次のホストがこのサーバ自身）")
        }
        let words = Self.words(of: self.resolution, self.isTakenUnchecked)
        guard case .account(let recipient) = self.resolution, !self.forwarding.isEmpty else { return words }
        let targets = self.forwarding.map(\.description)
        return recipient.delivery.contains(.mailbox)
            ? Localized(
                en: "\(words.english), and forwarded to \(targets.joined(separator: ", "))",
                ja: "\(words.japanese)、および \(targets.joined(separator: "、")) に転送")
            : Localized(
                en: "\(words.english): forwarded to \(targets.joined(separator: ", "))",
                ja: "\(words.japanese): \(targets.joined(separator: "、")) に転送")
    }

    private static func words(of resolution: Resolution, _ isTakenUnchecked: Bool) -> Localized {
        switch resolution {
        case .account(let recipient) where !recipient.takesMail:
            Localized(en: "refused: account \(recipient.primary) has no mailbox here", ja: "拒否: アカウント \(recipient.primary) にはメールボックスがありません")
        case .account(let recipient): Localized(en: "account \(recipient.primary)", ja: "アカウント \(recipient.primary)")
        case .postmaster(let postmaster):
            postmaster.isEmpty
                ? Localized(en: "postmaster; held until somebody is on the delivery list", ja: "ポストマスタ（配信先が設定されるまで保留）")
                : Localized(
                    en: "postmaster: \((postmaster.local.map(\.primary) + postmaster.remote).map(\.description).joined(separator: ", "))",
                    ja: "ポストマスタ: \((postmaster.local.map(\.primary) + postmaster.remote).map(\.description).joined(separator: "、"))")
        case .handler(let handler):
            Localized(
                en: "refused: handler \(handler.rawValue); administration by mail is not available here",
                ja: "拒否: ハンドラ \(handler.rawValue)（メールによる管理は利用できません）")
        case .remote(let domain): Localized(en: "another host, for \(domain)", ja: "\(domain) を受け取る他のホスト")
        case .redirected(let target, _), .bangPath(let target, _): Localized(en: "another host, as \(target)", ja: "\(target) として他のホスト")
        case .refused(let character): Localized(en: "refused because of \(character.rawValue)", ja: "\(character.rawValue) が含まれるため拒否")
        case .unknown(let reason) where isTakenUnchecked:
            Localized(
                en: "taken, since check-recipients is no, then returned to its sender: \(reason.rawValue)",
                ja: "check-recipients が「いいえ」のため受け付けた後、送信元に返送: \(reason.japanese) (\(reason.rawValue))")
        case .unknown(let reason): Localized(en: "refused: \(reason.rawValue)", ja: "拒否: \(reason.japanese) (\(reason.rawValue))")
        }
    }

    private func json(_ routes: RouteTable, _ language: Language) -> JSONValue {
        let steps = self.steps.map { step in
            JSONValue.object([
                ("rule", .text(step.rule.rawValue)), ("text", .text(step.text.text(language))), ("decides", .bool(step.decides)),
            ])
        }
        let next = Self.nextDomain(self.resolution).map { domain in
            JSONValue.object([
                ("domain", .text(domain)), ("route", routes.route(for: domain).map { .text($0.description) } ?? .null),
                ("hop", .text(routes.hop(for: domain).words.english)), ("loops", .bool(self.isLoop)),
            ])
        }
        return .object([
            ("address", .text(self.address.description)), ("steps", .list(steps)), ("result", .text(self.result.english)),
            ("forwarding", .list(self.forwarding.map { .text($0.description) })), ("next", next ?? .null),
            ("relay", self.relay?.json(language) ?? .null),
        ])
    }
}

extension LocalRecipient {
    /// In one of the ways of delivery.
    fileprivate var takesMail: Bool { !self.delivery.isEmpty }
}

extension UnknownReason {
    fileprivate var japanese: String {
        switch self {
        case .noSuchAddress: "アドレスがありません"
        case .badDomain: "ドメインが正しくありません"
        case .noDomain: "ドメインがなく、補完するドメインも設定されていません"
        case .expired: "アカウントの期限が切れています"
        case .aliasLoop: "チャネルエイリアスが循環しています"
        }
    }
}
