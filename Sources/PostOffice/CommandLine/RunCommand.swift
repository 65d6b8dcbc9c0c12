import ArgumentParser
import CPlatform
import Glibc
import MessageStore
import NetKit
import Vocabulary

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: .said("Serve until stopped, in the foreground.", "停止するまでフォアグラウンドで動作します。"),
        discussion: .said(
            """
            Binds the ports, gives up root for good, and keeps the mail service running. SIGTERM or Ctrl-C finishes what is in hand and \
            stops; a second one stops now. SIGHUP reads certificates and listeners anew.

            Examples:
              postoffice run
              postoffice run --config ./var/post.office.conf
            """,
            """
            ポートを開いてから root 権限を完全に放棄し、メールサービスを動かし続けます。
            SIGTERM か Ctrl-C で処理中のものを終えて停止し、2 回目ですぐに停止します。
            SIGHUP で証明書と待ち受けを読み直します。

            Examples:
              postoffice run
              postoffice run --config ./var/post.office.conf
            """))

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: .said("Print addresses, ports and what to try once the server is ready.", "準備ができたらアドレス、ポート、試せることを表示します。"))
    var welcome = false

    @Option(
        name: .long, parsing: .unconditional,
        help: .said("Seconds that sessions get to finish at SIGTERM.", "SIGTERM の後、セッションの終了を待つ秒数。", valueName: "seconds"),
        transform: WholeNumber.within(0...3600))
    var drain: Int = 30

    @Option(
        name: .long, parsing: .unconditional,
        help: .said("Seconds without heartbeat after which the mta counts as crashed.", "mta の応答がないとき異常とみなすまでの秒数。", visibility: .hidden),
        transform: WholeNumber.within(1...3600))
    var silence: Int = 20

    @Option(
        name: .long, parsing: .unconditional,
        help: .said("Milliseconds before the second restart in a row.", "続けて再起動するまでのミリ秒数。", visibility: .hidden),
        transform: WholeNumber.within(1...60_000))
    var pause: Int = 1000

    func run() throws {
        var start = try self.common.start()
        start.file = Self.absolute(start.file)
        umask(0o077)
        if let holder = PIDFile.holder(start.dispatcherPIDFile) {
            throw self.common.exit(
                .failed, Localized(en: "is already running (process \(holder))", ja: "すでに動作中です (プロセス \(holder))"))
        }
        self.noteMissing(start)
        Self.setLimits()
        let listeners = try self.listen(start)
        // The last that needs root, and all that keeps it.
        let deliver = DeliverProcess.start(start)
        do {
            try Privileges.drop(to: start)
        } catch {
            throw self.common.exit(error.status, error.text)
        }
        throw ExitCode(try self.serve(start, listeners, deliver))
    }

    /// A start file of an earlier version does not know the services of this one.
    private func noteMissing(_ start: StartConfiguration) {
        let missing = StartFileAdditions.missing(in: start)
        guard !missing.isEmpty else { return }
        let names = StartFileAdditions.names(missing)
        let text = Localized(
            en: "note: \(start.file) has no listener for \(names); to add them: postoffice setup --add-missing --config \(start.file)",
            ja: "注意: \(start.file) に \(names) の待ち受けがありません。追加するには: postoffice setup --add-missing --config \(start.file)")
        AdminPrinter().show(.output(text.text(self.common.language) + "\n"))
    }

    private func listen(_ start: StartConfiguration) throws -> ListeningSockets {
        do {
            let inherited = try InheritedListeners.take(Environment.all, processID: getpid())
            return try ListeningSockets.open(start.listeners, inherited: inherited)
        } catch let problem as ListeningProblem {
            throw self.common.exit(.failed, problem.text)
        } catch {
            throw self.common.exit(
                .failed,
                Localized(
                    en: "LISTEN_FDS: \(error); take the sockets out of the unit, or name them in the start file",
                    ja: "LISTEN_FDS: 引き継いだソケットを使用できません (\(error))。ユニットファイルと起動ファイルを確認してください"))
        }
    }

    private func serve(
        _ start: StartConfiguration, _ listeners: ListeningSockets, _ deliver: Result<DeliverProcess, DeliverProcess.Absent>
    ) throws -> Int32 {
        var bounds = Supervisor.Bounds()
        bounds.drain = Int64(self.drain) * 1000
        bounds.silence = Int64(self.silence) * 1000
        bounds.firstPause = Int64(self.pause)
        // On a full disk the file of the process number would have no room, and nobody could delete mail.
        MessageStore.makeRoom(StoreLocation(spool: start.directories.spool, mailbox: start.directories.mailbox))
        do {
            guard let pidFile = try PIDFile.take(start.dispatcherPIDFile) else {
                throw self.common.exit(.failed, Localized(en: "is already running", ja: "すでに動作中です"))
            }
            defer { pidFile.release() }
            let welcome = self.welcome ? Welcome(start, self.common.language) : nil
            return try Dispatcher(start, listeners, deliver, bounds, whenReady: { welcome?.show() }).run()
        } catch let failure as SystemFailure {
            let isFull = failure.code == ENOSPC || failure.code == EDQUOT
            let text =
                isFull
                ? Localized(en: "\(failure.text.english); make room there", ja: "\(failure.text.japanese)。空き容量を増やしてください")
                : Localized(
                    en: "\(failure.text.english); run `postoffice setup` or `postoffice permissions`",
                    ja: "\(failure.text.japanese)。postoffice setup か postoffice permissions を実行してください")
            throw self.common.exit(.failed, text)
        }
    }

    /// Before root is given up: more descriptors than an ordinary user may ask for. A core file of the service would hold mail and keys.
    private static func setLimits() {
        _ = po_raise_descriptor_limit(262_144)
        if Environment["POSTOFFICE_CORE"] == nil { _ = po_limit_core(0) }
    }

    /// The mta gets this path, whatever its working directory.
    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
