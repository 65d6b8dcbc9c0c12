import Glibc
import Vocabulary

/// One command's conversation with a running server. A server that is stopped, or too busy to take the request, is waited for: the dispatcher
/// replaces one that is silent, and then the request, which nobody has begun, is sent again.
struct AdminConversation {
    enum Outcome {
        case done(AdminStatus)
        /// Nobody listens.
        case noServer
        /// The server went away before it began; ask again.
        case notTaken
        case forbidden
        case failed(Localized)
    }

    /// After so many seconds without a sign a server counts as silent.
    static let patience = 3
    /// Longer than it takes to find an mta silent and to start another. Seconds.
    private static let wait = 60

    let request: AdminRequest
    let printer: AdminPrinter

    func attempt(_ path: String) -> Outcome {
        let fd: Int32
        do {
            fd = try ControlSocket.connect(to: path, patience: Self.patience)
        } catch {
            switch error.code {
            case ENOENT, ECONNREFUSED: return .noServer
            case EACCES, EPERM: return .forbidden
            case EAGAIN: return .failed(Self.silent)
            default: return .failed(ErrorWords.text("the server cannot be reached", "サーバに接続できません", error))
            }
        }
        defer { close(fd) }
        var isBegun = false
        do {
            try AdminWire.send(self.request, to: fd)
            guard self.hasSign(fd) else { return .failed(Self.silent) }
            while let frame = try AdminWire.receive(AdminFrame.self, from: fd, limit: AdminWire.maximumFrame) {
                if case .done(let status) = frame { return .done(status) }
                isBegun = true
                self.printer.show(frame)
            }
        } catch {
            guard isBegun || error.code == EMSGSIZE || error.code == EBADMSG else { return .notTaken }
        }
        return isBegun ? .failed(Self.lost) : .notTaken
    }

    /// Waits for the first frame, and says so when it takes long.
    private func hasSign(_ fd: Int32) -> Bool {
        if Self.canRead(fd, seconds: Self.patience) { return true }
        self.tellOfSilence()
        return Self.canRead(fd, seconds: Self.wait)
    }

    private func tellOfSilence() {
        let text = Localized(
            en: "the mta does not answer; waiting, the dispatcher replaces it when it stays silent for 20 seconds",
            ja: "mta が応答しません。応答を待っています（20 秒間応答がなければディスパッチャが再起動します）")
        self.printer.show(.problem(text.text(self.request.language) + "\n"))
    }

    private static func canRead(_ fd: Int32, seconds: Int) -> Bool {
        var ready = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        while true {
            let count = poll(&ready, 1, Int32(seconds * 1000))
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }

    private static let silent = Localized(
        en: "the mta does not answer, nothing was done; see `postoffice status`",
        ja: "mta が応答しないため、何も実行されませんでした。postoffice status で確かめてください")

    private static let lost = Localized(
        en: "the mta ended while it worked on this: it may be done or not. Look, then try again; `postoffice log` says why",
        ja: "処理の途中で mta が終了したため、実行されたかどうか分かりません。確認してからやり直してください。原因は postoffice log で分かります")
}
