internal import MessageStore
internal import Vocabulary
internal import WebPages

/// What can be done with entries of the queue: the commands of that name.
enum QueueAction: String, CaseIterable {
    case retry, release, hold, giveBack = "return", redirect, delete

    var label: Localized {
        switch self {
        case .retry: Localized(en: "Try now", ja: "今すぐ再送")
        case .release: Localized(en: "Release", ja: "保留解除")
        case .hold: Localized(en: "Hold", ja: "保留")
        case .giveBack: Localized(en: "Return to sender", ja: "送信者に返送")
        case .redirect: Localized(en: "Send to somebody else", ja: "別の宛先に送信")
        case .delete: Localized(en: "Delete", ja: "削除")
        }
    }

    /// What it means, said before it is done.
    var meaning: Localized {
        switch self {
        case .retry: Localized(en: "It is tried again now, whatever the schedule says.", ja: "予定にかかわらず、今すぐ再送します。")
        case .release: Localized(en: "It is let go and sent at once.", ja: "保留を解除し、すぐに送信します。")
        case .hold: Localized(en: "Nobody tries it until it is released.", ja: "解除されるまで送信しません。")
        case .giveBack: Localized(en: "The sender gets it back with a report; it is not tried any more.", ja: "通知を付けて送信者に返します。以後は送信しません。")
        case .redirect: Localized(en: "It goes to the other address instead.", ja: "指定したアドレスに送信します。")
        case .delete: Localized(en: "It is thrown away and nobody is told. This cannot be undone.", ja: "誰にも知らせずに破棄します。元に戻せません。")
        }
    }

    /// Cannot be undone, or is seen by others: asked for a second time.
    var isFinal: Bool { self == .delete || self == .giveBack }
}

/// Carries out actions by the commands' handlers and shows what came of it.
enum QueueActions {
    /// POST /queue/{id}: one entry.
    static func one(_ request: WebRequest, _ host: WebHost) -> WebReply {
        guard let id = request.parameters["id"].flatMap({ Int64($0) }),
            let action = request.form.last("action").flatMap(QueueAction.init(rawValue:))
        else { return ErrorPages.page(QueueWords.unclear, 400, request, host) }
        if action.isFinal, request.form.last("confirmed") == nil {
            return self.ask(action, request, host, [request.say("entry \(id)", "番号 \(id)")], Link(["queue", "\(id)"]), [])
        }
        var options: [String: [String]] = [:]
        if action == .redirect {
            guard let to = request.form.last("to"), !to.isEmpty else {
                return QueueEntryPage.page(id, request, host, [], wrongTarget: QueueWords.noTarget)
            }
            options["to"] = [to]
        }
        if action == .hold, let reason = request.form.last("reason"), !reason.isEmpty { options["reason"] = [String(reason.prefix(200))] }
        let result = host.perform(
            WebCommand("queue \(action.rawValue)", ["\(id)"], options: options, language: request.language), for: request)
        if action == .redirect, !result.isDone { return QueueEntryPage.page(id, request, host, [], wrongTarget: result.problem) }
        return QueueEntryPage.page(id, request, host, [self.notice(result, request)], isAfterAction: true)
    }

    /// POST /queue/all: everything that a filter chooses, asked for a second time.
    static func all(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let filter = QueueFilter { request.form.last($0) }
        guard let action = request.form.last("action").flatMap(QueueAction.init(rawValue:)), action != .redirect else {
            return ErrorPages.page(QueueWords.unclear, 400, request, host)
        }
        guard request.form.last("confirmed") != nil else {
            return self.ask(action, request, host, filter.words(request), "/queue/all", filter.pairs)
        }
        let result = host.perform(
            WebCommand("queue \(action.rawValue)", options: filter.options, language: request.language), for: request)
        return QueuePages.list(request, host, filter, notices: [self.notice(result, request)])
    }

    private static func notice(_ result: WebCommandResult, _ request: WebRequest) -> Notice {
        func trimmed(_ texts: [String]) -> [String] { texts.joined().split(separator: "\n").map(String.init) }
        return result.isDone
            ? Notice(.done, Localized(en: "Done.", ja: "実行しました。"), lines: trimmed(result.lines))
            : Notice(
                .failure, Localized(en: "Not everything was done.", ja: "実行できなかったものがあります。"), lines: trimmed(result.lines + result.problems))
    }

    private static func ask(
        _ action: QueueAction, _ request: WebRequest, _ host: WebHost, _ what: [String], _ target: Link, _ pairs: [(String, String)]
    ) -> WebReply {
        var page = request.page(Localized(en: "Are you sure?", ja: "確認"), host)
        page.path = [(QueueWords.title, "/queue")]
        page.notices = [Notice(.warning, action.meaning)]
        page.body = HTML.build { out in
            out.add(.p) { $0.add(.strong, [], action.label.text(request.language)) }
            out.add(.ul) { list in for line in what { list.add(.li) { $0.foreign(line) } } }
            out.add(.form, [.post, .action(target)]) { form in
                form.hidden(Page.csrfName, page.csrfToken)
                form.hidden("action", action.rawValue)
                form.hidden("confirmed", "yes")
                for (name, value) in pairs { form.hidden(name, value) }
                form.add(.p, [.class("buttons")]) { line in
                    line.add(.button, [.type(.submit)], action.label.text(request.language))
                    line.link(Link(["queue"], query: pairs), PageWords.cancel.text(request.language))
                }
            }
        }
        return .page(page)
    }
}

enum QueueWords {
    static let title = Localized(en: "Mail in the queue", ja: "キュー内のメールの一覧")
    static let deferred = Localized(en: "Status of Deferred Mail", ja: "配信待ちメールの状態")
    static let unclear = Localized(en: "It is not clear what is to be done; go back and choose an action.", ja: "操作が指定されていません。戻って選択してください。")
    static let noTarget = Localized(en: "Say to which address it is to go.", ja: "送信先のアドレスを指定してください。")
    static let gone = Localized(
        en: "This entry is not in the queue any more: it was delivered, returned or deleted. The message trail tells.",
        ja: "この番号のメールはキューにありません（配信済み、返送済み、または削除済みです）。経過はメッセージの追跡で確認できます。")
    static let unreadable = Localized(en: "The queue cannot be read now; try again.", ja: "キューを読み込めません。しばらくしてから再度お試しください。")
}
