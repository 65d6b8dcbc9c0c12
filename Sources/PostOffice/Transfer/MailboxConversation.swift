import Glibc
import Synchronization
import Vocabulary

/// Requests of an import or export, one after the other, to the running server.
struct MailboxConversation {
    /// nil where the server is another host's.
    let start: StartConfiguration?
    var remote: RemoteServer?
    let language: Language
    let actor: String

    /// The server's answer, line by line.
    func perform(
        _ verb: String, _ operands: [String], options: [String: [String]] = [:], input: String? = nil,
        line: @escaping @Sendable (String) -> Void
    ) throws(AdminFailure) {
        var options = options
        options["by"] = [self.actor]
        let request = AdminRequest(verb, operands: operands, options: options, input: input, language: self.language)
        let printer = AdminPrinter { text in
            for one in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() { line(String(one)) }
        }
        guard let start = self.start else {
            let status = self.remote?.perform(request, printer) ?? .failed
            guard status == .done else { throw AdminFailure(Self.stopped, status) }
            return
        }
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(500_000) }
            switch AdminConversation(request: request, printer: printer).attempt(start.controlSocket) {
            case .done(.done): return
            // What went wrong was said.
            case .done(let status): throw AdminFailure(Self.stopped, status)
            case .failed(let text): throw AdminFailure(text)
            case .forbidden:
                throw AdminFailure(
                    Localized(en: "only root and the service user may do this; use sudo", ja: "root とサービスのユーザだけが実行できます。sudo を使ってください"))
            case .noServer: if PIDFile.holder(start.dispatcherPIDFile) == nil { throw AdminFailure(Self.noServer) }
            case .notTaken: continue
            }
        }
        throw AdminFailure(Self.noServer)
    }

    /// Half a second each: a server that restarts is waited for.
    private static let attempts = 20

    private static let stopped = Localized(
        en: "it ended here; mend what is said above and run the same command again: what is done stays done",
        ja: "ここで中断しました。上記の問題を解決してから同じコマンドを再実行してください（完了した分はそのまま残ります）")
    private static let noServer = Localized(
        en: "the server does not run; start it with `postoffice run`, then do this again", ja: "サーバが動作していません。postoffice run で起動してから実行してください"
    )
}

/// Lines of one answer.
final class AnswerLines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { self.lines.withLock { $0.append(line) } }
    var all: [String] { self.lines.withLock { $0 } }
}
