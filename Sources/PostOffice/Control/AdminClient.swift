import Forms
import Glibc
import Vocabulary

/// Brings a request to its handler: over the control socket to a running server, else in this process under the server's lock.
enum AdminClient {
    /// A tenth of a second each: ten seconds in all, the first three for a server that is coming back.
    private static let attempts = 100
    private static let attemptsForServer = 30

    /// Prints what comes back. `registry` and `open` are used only when no server runs.
    static func perform(
        _ request: AdminRequest, _ start: StartConfiguration, _ registry: AdminRegistry,
        open: (StartConfiguration) throws(AdminFailure) -> AdminContext
    ) -> AdminStatus {
        let printer = AdminPrinter()
        let conversation = AdminConversation(request: request, printer: printer)
        // A server that is just starting or stopping holds the lock but has no socket: wait for one of the two.
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(100_000) }
            switch conversation.attempt(start.controlSocket) {
            case .done(let status): return status
            case .noServer: break
            case .notTaken: continue
            case .failed(let text):
                printer.show(.problem(text.text(request.language) + "\n"))
                return .failed
            case .forbidden:
                printer.show(.problem(Self.notAllowed(start).text(request.language) + "\n"))
                return .failed
            }
            // A dispatcher is bringing its mta back, which needs the lock more than we do. An mta that cannot come back may need this very
            // command, so that the turn is given up once only.
            if attempt < Self.attemptsForServer, PIDFile.holder(start.dispatcherPIDFile) != nil { continue }
            switch ServerLock.take(start.serverLock) {
            case .taken(let lock):
                defer { lock.release() }
                return Self.performHere(request, start, registry, printer, open)
            case .held: continue
            case .failed(let failure):
                let isForbidden = failure.code == EACCES || failure.code == EPERM
                let text = isForbidden ? Self.notAllowed(start) : failure.text
                printer.show(.problem("postoffice: \(text.text(request.language))\n"))
                return .failed
            }
        }
        let text = Localized(en: "the server does not answer; see `postoffice status`", ja: "サーバが応答しません。postoffice status で確かめてください")
        printer.show(.problem(text.text(request.language) + "\n"))
        return .failed
    }

    /// What a running server says in one line.
    enum Word: Equatable {
        case word(String)
        /// It answers, but not with a word; or none runs that we may ask.
        case nothing
        /// It runs, and does not answer.
        case silent
    }

    /// The first line of a running server's answer.
    static func word(_ request: AdminRequest, _ start: StartConfiguration) -> Word {
        do {
            let fd = try ControlSocket.connect(to: start.controlSocket, patience: AdminConversation.patience)
            defer { close(fd) }
            var patience = timeval(tv_sec: AdminConversation.patience, tv_usec: 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            try AdminWire.send(request, to: fd)
            while let frame = try AdminWire.receive(AdminFrame.self, from: fd, limit: AdminWire.maximumFrame) {
                if case .output(let text) = frame { return .word(String(text.prefix { !$0.isNewline })) }
                if case .done = frame { return .nothing }
            }
            return .nothing
        } catch {
            return error.code == EAGAIN ? .silent : .nothing
        }
    }

    private static func performHere(
        _ request: AdminRequest, _ start: StartConfiguration, _ registry: AdminRegistry, _ printer: AdminPrinter,
        _ open: (StartConfiguration) throws(AdminFailure) -> AdminContext
    ) -> AdminStatus {
        let output = AdminOutput(language: request.language) { printer.show($0) }
        do {
            let context = try open(start)
            defer { context.close() }
            return registry.perform(request, context, output)
        } catch {
            output.problem(error.text)
            return error.status
        }
    }

    private static func notAllowed(_ start: StartConfiguration) -> Localized {
        let user = start.user ?? "the service user"
        return Localized(
            en: "only root and \(user) may do this; use sudo or su", ja: "root か \(start.user ?? "サービスのユーザ") だけが実行できます。sudo か su を使ってください")
    }
}

/// Frames to standard output and standard error; progress only on a terminal.
final class AdminPrinter: Sendable {
    private let output: @Sendable (String) -> Void

    /// - Parameter output: takes what would go to standard output.
    init(output: (@Sendable (String) -> Void)? = nil) { self.output = output ?? { Self.print($0) } }

    /// What others have written must not be obeyed by a terminal; files and programs get it as it is.
    private static func print(_ text: String) { Self.write(isatty(1) == 1 ? Self.harmless(text) : text, 1) }

    private static func harmless(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map { Shown.visible(String($0)) }.joined(separator: "\t")
        }.joined(separator: "\n")
    }

    func show(_ frame: AdminFrame) {
        switch frame {
        case .output(let text): self.output(text)
        case .problem(let text): Self.write(Self.shown(text), 2)
        case .progress(let text): if isatty(2) == 1 { Self.write("\r\u{1B}[K" + text, 2) }
        case .begun, .done: break
        }
    }

    /// A line of a complaint is no longer than this, whatever was typed: its middle is left out, its end has the cure.
    private static let longestLine = 2000

    /// What a terminal would obey is made visible: the text may hold what others sent or wrote.
    private static func shown(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let isLong = line.unicodeScalars.count > Self.longestLine
            let short = isLong ? "\(line.prefix(1400)) … \(line.suffix(500))" : String(line)
            return Shown.visible(short.replacing("\t", with: " "))
        }.joined(separator: "\n")
    }

    private static func write(_ text: String, _ fd: Int32) {
        _ = try? FileAccess.write(Array(text.utf8), to: fd)
    }
}
