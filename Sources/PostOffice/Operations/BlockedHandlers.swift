import Bytes
import Forms
import MessageStore
import SMTPService
import Vocabulary

/// Verbs about peers and users that the server holds back by itself: `blocked list`, `blocked release`.
enum BlockedHandlers {
    static let all: [AdminHandler] = [AdminHandler("blocked list", Self.list), AdminHandler("blocked release", Self.release)]

    /// One line of the list.
    private struct Entry {
        /// `unknown-recipients` or `rate`.
        var cause: String
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

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        let guards = try Self.guards(context)
        let now = SystemSources.now()
        let peers = guards.harvest.known(at: now).map {
            Entry(
                cause: "unknown-recipients", who: "\($0.address)", count: $0.count, until: $0.closedUntil, isHeldBack: $0.closedUntil != nil
            )
        }
        let senders = guards.rates.known(at: now).map {
            Entry(cause: "rate", who: "\($0.sender)", count: $0.count, until: nil, isHeldBack: true)
        }
        let entries = peers + senders
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
        return "\(entry.who)  \(entry.cause)  \(entry.count)  \(state.text(language))"
    }

    private static func json(_ entry: Entry) -> JSONValue {
        .object([
            ("who", .text(entry.who)), ("cause", .text(entry.cause)), ("count", .number(entry.count)),
            ("until", entry.until.map { .number($0) } ?? .null), ("held-back", .bool(entry.isHeldBack)),
        ])
    }

    private static func release(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let guards = try Self.guards(context)
        let now = SystemSources.now()
        guard request.has("all") || !request.operands.isEmpty else {
            throw AdminFailure(
                Localized(
                    en: "say whom: addresses or users of `blocked list`, or --all", ja: "blocked list のアドレスかユーザ、または --all を指定してください"),
                .misuse)
        }
        var released = 0
        if request.has("all") { released += guards.harvest.release(nil, at: now) + guards.rates.release(nil) }
        var status = AdminStatus.done
        for who in request.operands {
            let count = (IPAddress(who).map { guards.harvest.release($0, at: now) } ?? 0) + guards.rates.release(who)
            released += count
            guard count == 0 else { continue }
            status = .failed
            output.problem(
                Localized(
                    en: "\(Shown.text(who)) is not held back; `postoffice blocked list` shows who is",
                    ja: "\(Shown.text(who)) は制限されていません。postoffice blocked list で一覧を表示できます"))
        }
        output.line(Localized(en: "\(released) released", ja: "\(released) 件を解除しました"))
        return status
    }
}
