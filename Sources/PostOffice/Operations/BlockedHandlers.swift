import Bytes
import Directory
import Forms
import MessageStore
import Policy
import SMTPService
import Vocabulary

/// Verbs about peers and users that the server holds back by itself: `blocked list`, `blocked release`.
enum BlockedHandlers {
    static let all: [AdminHandler] = [AdminHandler("blocked list", Self.list), AdminHandler("blocked release", Self.release)]

    private enum Cause: String {
        case unknownRecipients = "unknown-recipients"
        case failedLogins = "failed-logins"
        case rate
    }

    /// One line of the list.
    private struct Entry {
        var cause: Cause
        var who: String
        var count: Int
        /// Seconds since 1970; nil where it only has something on its account.
        var until: Int64?
        var isHeldBack: Bool
    }

    private static func guards(_ context: AdminContext) throws(AdminFailure) -> SMTPGuards {
        if let guards = context.guards { return guards }
        throw AdminFailure(
            Localized(
                en: "the server is not running, so nobody is held back", ja: "サーバが動いていないため、制限されているものはありません"))
    }

    /// An address stands alone, a /64 of IPv6 as what it is.
    private static func shown(_ block: IPNetwork) -> String {
        block.prefixLength == block.base.bytes.count * 8 ? "\(block.base)" : "\(block)"
    }

    // MARK: Looking

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        let guards = try Self.guards(context)
        let now = SystemSources.now()
        let peers = guards.harvest.known(at: now).map {
            Entry(
                cause: .unknownRecipients, who: Self.shown(IPNetwork(around: $0.address, prefixLength: $0.address.isIPv6 ? 64 : 32)),
                count: $0.count, until: $0.closedUntil, isHeldBack: $0.closedUntil != nil)
        }
        let guessers = (context.authenticator?.guessers() ?? []).map {
            Entry(cause: .failedLogins, who: Self.shown($0.network), count: $0.count, until: $0.until, isHeldBack: $0.until != nil)
        }
        let senders = guards.rates.known(at: now).map {
            Entry(cause: .rate, who: "\($0.sender)", count: $0.count, until: nil, isHeldBack: true)
        }
        let entries = peers + guessers + senders
        for entry in entries { output.line(request.wantsJSON ? Self.json(entry).description : Self.line(entry, request.language)) }
        if !request.wantsJSON {
            let count = entries.count { $0.isHeldBack }
            output.line(Localized(en: "\(count) held back", ja: "制限中 \(count) 件"))
        }
        return .done
    }

    private static func line(_ entry: Entry, _ language: Language) -> String {
        let state =
            if let until = entry.until {
                Localized(en: "until \(CivilTime(unixSeconds: until).rfc3339)", ja: "\(CivilTime(unixSeconds: until).rfc3339) まで")
            } else {
                entry.isHeldBack ? Localized(en: "at its limit", ja: "上限に到達") : Localized(en: "counted", ja: "計数中")
            }
        return "\(entry.who)  \(entry.cause.rawValue)  \(entry.count)  \(state.text(language))"
    }

    private static func json(_ entry: Entry) -> JSONValue {
        .object([
            ("who", .text(entry.who)), ("cause", .text(entry.cause.rawValue)), ("count", .number(entry.count)),
            ("until", entry.until.map { .number($0) } ?? .null), ("held-back", .bool(entry.isHeldBack)),
        ])
    }

    // MARK: Letting go

    private static func release(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let guards = try Self.guards(context)
        guard request.has("all") || !request.operands.isEmpty else {
            throw AdminFailure(
                Localized(
                    en: "say whom: addresses, networks or users of `blocked list`, or --all",
                    ja: "blocked list のアドレス、ネットワーク、ユーザ、または --all を指定してください"), .misuse)
        }
        let wanted = request.has("all") ? [Wanted.everybody] : try Wanted.all(request.operands)
        var count = 0
        var isSomebodyMissing = false
        for one in wanted {
            let released = Self.release(one, guards, context)
            for (who, cause, events) in released { output.line("\(who)  \(cause.rawValue)  \(events)") }
            count += released.count
            guard released.isEmpty, let why = Self.whyNot(one, context) else { continue }
            isSomebodyMissing = true
            output.problem(why)
        }
        output.line(Localized(en: "\(count) released", ja: "\(count) 件を解除しました"))
        return isSomebodyMissing ? .failed : .done
    }

    private static func release(
        _ wanted: Wanted, _ guards: SMTPGuards, _ context: AdminContext
    ) -> [(who: String, cause: Cause, count: Int)] {
        let now = SystemSources.now()
        let peers = guards.harvest.release(at: now, wanted.means).map { (Self.shown($0.network), Cause.unknownRecipients, $0.count) }
        let guessers = (context.authenticator?.releaseGuessers(wanted.means) ?? []).map {
            (Self.shown($0.network), Cause.failedLogins, $0.count)
        }
        return peers + guessers + guards.rates.release(at: now, wanted.means).map { ("\($0.sender)", Cause.rate, $0.count) }
    }

    /// Why nobody was released; nil where none was named.
    private static func whyNot(_ wanted: Wanted, _ context: AdminContext) -> Localized? {
        switch wanted {
        case .everybody: return nil
        case .block(let block) where context.directory.configuration.blocking.hosts.covers(block.base, .notLooked) == .yes:
            return Localized(
                en: "\(Self.shown(block)) is blocked by the setting blocked-hosts: `postoffice config set blocked-hosts ENTRY --remove`",
                ja: "\(Self.shown(block)) は設定 blocked-hosts で拒否しています。postoffice config set blocked-hosts エントリ --remove で解除できます")
        case .block(let block): return Self.unknown(Self.shown(block))
        case .name(let name): return Self.unknown(name)
        }
    }

    private static func unknown(_ who: String) -> Localized {
        Localized(
            en: "\(Shown.text(who)) is not held back, and nothing is counted against it; `postoffice blocked list` shows who is",
            ja: "\(Shown.text(who)) は制限も計数もされていません。postoffice blocked list で確認できます")
    }

    /// Whom a command names.
    private enum Wanted {
        case everybody
        /// An address is a block of one.
        case block(IPNetwork)
        /// A user, or `uid:NUMBER`.
        case name(String)

        /// Throws when one of them can be nobody.
        static func all(_ operands: [String]) throws(AdminFailure) -> [Wanted] {
            var wanted: [Wanted] = []
            for text in operands {
                guard let one = Wanted(text) else {
                    let shown = Shown.text(text)
                    throw AdminFailure(
                        Localized(
                            en:
                                "\(shown) is no IP address, network, user's address or uid:NUMBER; write them as `postoffice blocked list` does",
                            ja: "\(shown) は IP アドレス、ネットワーク、ユーザのアドレス、uid:番号のいずれでもありません。postoffice blocked list の表示どおりに指定してください"),
                        .misuse)
                }
                wanted.append(one)
            }
            return wanted
        }

        private init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if let first = parts.first, let address = IPAddress(first) {
                let bits = address.bytes.count * 8
                guard let length = parts.count == 1 ? bits : Int(parts[1]), (0...bits).contains(length) else { return nil }
                self = .block(IPNetwork(around: address, prefixLength: length))
            } else if text.hasPrefix("uid:") ? UInt32(text.dropFirst(4)) != nil : (try? Address(parsing: text)) != nil {
                self = .name(text)
            } else {
                return nil
            }
        }

        /// Whatever of it is named: an IPv6 peer is a /64, and each address in it names all of it.
        func means(_ peer: IPNetwork) -> Bool {
            switch self {
            case .everybody: true
            case .block(let block): block.contains(peer.base) || peer.contains(block.base)
            case .name: false
            }
        }

        func means(_ sender: SendingRates.Sender) -> Bool {
            switch (self, sender) {
            case (.everybody, _): true
            case (.block, .client(let address)): self.means(IPNetwork(around: address, prefixLength: address.isIPv6 ? 64 : 32))
            // The limit of a whole network is not lifted for one of its addresses.
            case (.block(let block), .network(let network)): block.prefixLength <= network.prefixLength && block.contains(network.base)
            case (.name(let name), .user), (.name(let name), .userMessages), (.name(let name), .localUser):
                sender.description.lowercased() == name.lowercased()
            case (.block, _), (.name, _): false
            }
        }
    }
}
