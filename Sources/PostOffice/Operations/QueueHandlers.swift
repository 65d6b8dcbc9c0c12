import Bytes
import Delivery
import Forms
import MessageStore
import Queue
import Vocabulary

/// Verbs about what waits for other hosts and for mailboxes here: `queue list`, `show`, `hold`, `release`, `retry`, `return`, `redirect`, `delete`.
enum QueueHandlers {
    static let all: [AdminHandler] = [
        AdminHandler("queue list", Self.list), AdminHandler("queue show", Self.show),
        AdminHandler("queue hold") { request, context, output throws(AdminFailure) in
            try Self.edit(request, context, output, .hold(reason: request.option("reason") ?? "held by the postmaster"))
        },
        AdminHandler("queue release") { request, context, output throws(AdminFailure) in try Self.edit(request, context, output, .release)
        },
        AdminHandler("queue retry") { request, context, output throws(AdminFailure) in try Self.edit(request, context, output, .retry) },
        AdminHandler("queue return") { request, context, output throws(AdminFailure) in try Self.edit(request, context, output, .giveBack)
        },
        AdminHandler("queue delete") { request, context, output throws(AdminFailure) in try Self.edit(request, context, output, .delete) },
        AdminHandler("queue redirect", Self.redirect),
    ]

    private static let page = 500

    // MARK: Looking

    private static func list(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let limit = request.option("limit").flatMap(Int.init) ?? 1000
        let selection = Selection(request, all: true)
        let underWay = context.remoteDelivery?.underWay ?? []
        var shown = 0
        var count = 0
        try Self.each(context, selection) { entries in
            for entry in entries {
                count += 1
                guard shown < limit else { continue }
                shown += 1
                let isUnderWay = underWay.contains(entry.id)
                output.line(
                    request.wantsJSON ? Self.json(entry, isUnderWay).description : Self.line(entry, isUnderWay, request.language))
            }
        }
        if !request.wantsJSON {
            output.line(Localized(en: "\(count) in the queue", ja: "キュー内のメール \(count) 件"))
        }
        return .done
    }

    private static func show(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let underWay = context.remoteDelivery?.underWay ?? []
        var found = false
        try Self.each(context, Selection(request, all: false)) { entries in
            for entry in entries {
                found = true
                let isUnderWay = underWay.contains(entry.id)
                if request.wantsJSON {
                    output.line(Self.json(entry, isUnderWay).description)
                } else {
                    for (name, value) in Self.facts(entry, isUnderWay, request.language) where !value.isEmpty {
                        output.line("\(QueueWords.name(name, request.language)): \(value)")
                    }
                    output.line("")
                }
            }
        }
        guard found else { throw Self.nothing }
        return .done
    }

    /// - Parameter isUnderWay: it is being delivered at this moment.
    private static func line(_ entry: StoredQueueEntry, _ isUnderWay: Bool, _ language: Language) -> String {
        let sender = entry.envelope.sender.map { "\($0)" } ?? "<>"
        let state =
            isUnderWay
            ? Localized(en: "being delivered", ja: "配信中").text(language)
            : QueueWords.state(isHeld: entry.flags.contains(.held), due: Self.date(entry.draft.due), language)
        let reason = entry.reason.isEmpty ? "" : "  (\(OneLine.of(QueueWords.reason(entry.reason, language))))"
        return
            "\(entry.id)  \(Self.date(entry.acceptedAt))  \(entry.bodySize)  \(sender) -> \(entry.draft.recipient.address)  \(state)\(reason)"
    }

    private static func facts(_ entry: StoredQueueEntry, _ isUnderWay: Bool, _ language: Language) -> [(String, String)] {
        [
            ("id", "\(entry.id)"), ("trace", entry.trace.text), ("from", entry.envelope.sender.map { "\($0)" } ?? "<>"),
            ("to", "\(entry.draft.recipient.address)"), ("channel", "\(entry.draft.channel)"), ("destination", entry.draft.destination),
            ("size", "\(entry.bodySize)"), ("accepted", Self.date(entry.acceptedAt)),
            ("next attempt", entry.flags.contains(.held) ? "" : Self.date(entry.draft.due)),
            ("held", entry.flags.contains(.held) ? Localized(en: "yes", ja: "はい").text(language) : ""),
            ("being delivered", isUnderWay ? Localized(en: "yes", ja: "はい").text(language) : ""), ("attempts", "\(entry.attempts)"),
            ("reason", OneLine.of(QueueWords.reason(entry.reason, language))),
        ]
    }

    private static func json(_ entry: StoredQueueEntry, _ isUnderWay: Bool) -> JSONValue {
        .object([
            ("id", .number(entry.id.rawValue)), ("trace", .text(entry.trace.text)),
            ("from", .text(entry.envelope.sender.map { "\($0)" } ?? "")), ("to", .text("\(entry.draft.recipient.address)")),
            ("channel", .text("\(entry.draft.channel)")), ("destination", .text(entry.draft.destination)),
            ("size", .number(entry.bodySize)),
            ("accepted", .number(entry.acceptedAt)), ("due", entry.flags.contains(.held) ? .null : .number(entry.draft.due)),
            ("held", .bool(entry.flags.contains(.held))), ("being-delivered", .bool(isUnderWay)), ("attempts", .number(entry.attempts)),
            ("reason", .text(entry.reason)),
        ])
    }

    private static func date(_ seconds: Int64) -> String {
        CivilTime(unixSeconds: seconds).rfc3339
    }

    // MARK: Changing

    private static func redirect(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let text = request.option("to"), let address = try? Address(parsing: text) else {
            throw AdminFailure(Localized(en: "--to takes an address", ja: "--to にはアドレスを指定してください"), .misuse)
        }
        var request = request
        request.options["to"] = nil
        return try Self.edit(request, context, output, .redirect(Envelope.Recipient(address)))
    }

    private static func edit(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput, _ edit: RemoteDelivery.Edit
    ) throws(AdminFailure) -> AdminStatus {
        guard let delivery = context.remoteDelivery else {
            throw AdminFailure(
                Localized(en: "the server is not running; start it first", ja: "サーバが動いていません。先に起動してください"))
        }
        let selection = Selection(request, all: request.has("all"))
        guard !selection.isEmpty else {
            throw AdminFailure(
                Localized(
                    en: "say which: numbers or ids of `queue list`, --recipient, --sender, --route, --state, --text or --all",
                    ja: "対象を指定してください: queue list の番号か ID、--recipient、--sender、--route、--state、--text、--all"), .misuse)
        }
        // By hand means now: also a name server that did not answer a moment ago is asked.
        if edit == .retry || edit == .release { context.renewNames?() }
        var total = RemoteDelivery.EditResult()
        var failure: StoreError?
        try Self.eachToChange(context, selection) { entries in
            guard failure == nil else { return }
            do throws(StoreError) {
                let result = try delivery.edit(entries, edit)
                Self.note(entries, request.verb, output)
                total.done += result.done
                total.busy += result.busy
                total.failed += result.failed
            } catch { failure = error }
        }
        if let failure {
            throw AdminFailure(ErrorWords.text("the queue cannot be changed", "キューを変更できません", failure))
        }
        if total.done + total.busy + total.failed == 0 {
            // Who asks for everything has all he asked for when there is nothing.
            guard request.has("all") else { throw Self.nothing }
            output.line(Localized(en: "the queue is empty", ja: "キューは空です"))
            return .done
        }
        output.line(Localized(en: "\(total.done) changed", ja: "\(total.done) 件を変更しました"))
        if total.failed > 0 {
            output.problem(
                Localized(
                    en:
                        "\(total.failed) could not be changed and are as before: the disk or the database takes nothing now; see `postoffice status`",
                    ja: "\(total.failed) 件は変更できず、元のままです。ディスクかデータベースに書き込めません。postoffice status で確かめてください"))
        }
        if total.busy > 0 {
            output.problem(
                Localized(
                    en: "\(total.busy) are being delivered at this moment and were left alone; try again",
                    ja: "\(total.busy) 件は配信中のため変更しませんでした。後でもう一度実行してください"))
        }
        return total.busy + total.failed > 0 ? .failed : .done
    }

    private static var nothing: AdminFailure {
        AdminFailure(Localized(en: "nothing in the queue fits", ja: "該当するメールはキューにありません"))
    }

    /// For the audit log: what was so before.
    private static func note(_ entries: [StoredQueueEntry], _ verb: String, _ output: AdminOutput) {
        for entry in entries.prefix(50) {
            let sender = entry.envelope.sender.map { "\($0)" } ?? "<>"
            let state = entry.flags.contains(.held) ? "held" : entry.attempts > 0 ? "deferred" : "waiting"
            output.note(
                "entry \(entry.id)", old: "\(sender) -> \(entry.draft.recipient.address), \(state)",
                new: verb.split(separator: " ").last.map(String.init))
        }
    }

    /// Page by page, so that a queue of a million entries needs no memory.
    private static func each(
        _ context: AdminContext, _ selection: Selection, _ body: ([StoredQueueEntry]) -> Void
    ) throws(AdminFailure) {
        let store = try context.store()
        let now = SystemSources.now()
        do {
            if let ids = selection.onlyIDs {
                for id in ids {
                    guard let entry = try store.queueEntry(QueueID(rawValue: id)), selection.contains(entry, now) else { continue }
                    body([entry])
                }
                return
            }
            var place: QueuePlace?
            repeat {
                let page = try store.queuePage(selection.query, after: place, limit: Self.page, now: now)
                let chosen = page.entries.filter { selection.contains($0, now) }
                if !chosen.isEmpty { body(chosen) }
                place = page.next
            } while place != nil
        } catch {
            throw AdminFailure(ErrorWords.text("the queue cannot be read", "キューを読めません", error))
        }
    }

    /// Which they are is settled before the first is changed: a change may move an entry to where it would be met again.
    private static func eachToChange(
        _ context: AdminContext, _ selection: Selection, _ body: ([StoredQueueEntry]) -> Void
    ) throws(AdminFailure) {
        guard selection.onlyIDs == nil, !selection.query.isEverything else { return try Self.each(context, selection, body) }
        var ids: [QueueID] = []
        try Self.each(context, selection) { ids += $0.map(\.id) }
        let store = try context.store()
        do {
            for start in stride(from: 0, to: ids.count, by: Self.page) {
                var entries: [StoredQueueEntry] = []
                for id in ids[start..<min(start + Self.page, ids.count)] {
                    if let entry = try store.queueEntry(id) { entries.append(entry) }
                }
                if !entries.isEmpty { body(entries) }
            }
        } catch {
            throw AdminFailure(ErrorWords.text("the queue cannot be read", "キューを読めません", error))
        }
    }

    /// Which entries a command means.
    private struct Selection {
        private var ids: Set<Int64> = []
        private var traces: Set<String> = []
        private(set) var query: QueueQuery
        private var all: Bool

        init(_ request: AdminRequest, all: Bool) {
            for operand in request.operands {
                if let id = Int64(operand) { self.ids.insert(id) } else { self.traces.insert(operand) }
            }
            self.query = QueueQuery(
                state: request.option("state").flatMap(QueueQuery.State.init(rawValue:)), sender: request.option("sender"),
                recipient: request.option("recipient"), destination: request.option("route"), reason: request.option("text"))
            self.all = all
        }

        private var isNamed: Bool { !self.ids.isEmpty || !self.traces.isEmpty }
        var isEmpty: Bool { !self.isNamed && self.query.isEverything && !self.all }

        /// nil where it takes a look at more than these.
        var onlyIDs: [Int64]? { !self.ids.isEmpty && self.traces.isEmpty ? self.ids.sorted() : nil }

        func contains(_ entry: StoredQueueEntry, _ now: Int64) -> Bool {
            if self.isNamed {
                guard self.ids.contains(entry.id.rawValue) || self.traces.contains(entry.trace.text) else { return false }
            } else if self.query.isEverything, !self.all {
                return false
            }
            return self.query.contains(entry, now: now)
        }
    }
}
