import ArgumentParser
import Glibc
import Vocabulary

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: .said(
            "Processes, ports, directories, certificates, disk space; what is wrong and what to do. Works when all is down.",
            "プロセス、ポート、証明書、ディスクなどの状態と、異常とその対処を表示します。停止中も使えます。"),
        discussion: .said(
            """
            Exit status 0: running, nothing wrong. 1: not running, or something is wrong.

            Examples:
              postoffice status
              postoffice status --json
            """,
            """
            終了ステータス 0: 動作中で異常なし。1: 停止中または異常あり。

            Examples:
              postoffice status
              postoffice status --json
            """))

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    func run() throws {
        if self.common.server != nil { throw ExitCode(try self.common.perform("status", json: self.listing.json).rawValue) }
        let report = StatusReport.gather(try self.common.start())
        let language = self.common.language
        let text = self.listing.json ? report.json(language).description : report.lines(language).joined(separator: "\n")
        AdminPrinter().show(.output(text + "\n"))
        if !report.isRunning || !report.troubles.isEmpty { throw ExitCode(AdminStatus.failed.rawValue) }
    }
}

struct ShutdownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: .said("Finish what is in hand and stop the server.", "処理中のものを終えてサーバを停止します。"),
        discussion: .said(
            """
            Examples:
              postoffice shutdown
              postoffice shutdown --now      does not wait for sessions
            """,
            """
            Examples:
              postoffice shutdown
              postoffice shutdown --now      セッションの終了を待たない
            """))

    @OptionGroup var common: CommonOptions

    @Flag(
        name: .long,
        help: .said("End sessions at once. What was answered with 250 is on disk in any case.", "セッションをすぐに終えます。250 と応答したメールは必ずディスクにあります。"))
    var now = false

    @Option(
        name: .long, parsing: .unconditional, help: .said("How long to wait for the end.", "終了を待つ時間。", valueName: "seconds"),
        transform: WholeNumber.within(0...86_400))
    var wait: Int = 90

    func run() throws {
        let start = try self.common.start()
        guard let pid = PIDFile.holder(start.dispatcherPIDFile) else {
            AdminPrinter().show(.output(Localized(en: "not running\n", ja: "動作していません\n").text(self.common.language)))
            return
        }
        try self.signal(pid)
        for tick in 0..<max(1, self.wait * 10) {
            if PIDFile.holder(start.dispatcherPIDFile) != pid {
                AdminPrinter().show(.output(Localized(en: "stopped\n", ja: "停止しました\n").text(self.common.language)))
                return
            }
            if tick == 3 && self.now { try self.signal(pid) }
            if tick == 10 {
                AdminPrinter().show(
                    .progress(
                        Localized(
                            en: "finishing sessions …\n",
                            ja: "セッションの終了を待っています…\n"
                        ).text(self.common.language)))
            }
            usleep(100_000)
        }
        throw self.common.exit(
            .failed,
            Localized(
                en: "process \(pid) has not stopped; try `shutdown --now`",
                ja: "プロセス \(pid) が止まりません。shutdown --now を試してください"))
    }

    private func signal(_ pid: Int32) throws {
        guard kill(pid, SIGTERM) != 0 else { return }
        let failure = SystemFailure("kill \(pid)")
        throw self.common.exit(
            .failed,
            Localized(en: "\(failure.text.english); use root or the service user", ja: "\(failure.text.japanese)。root かサービスのユーザで実行してください"))
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: .said(
            "Read certificates and listeners anew, without ending a session. Broken files change nothing.",
            "証明書と待ち受けを読み直します。セッションは切れません。ファイルに誤りがあれば何も変わりません。"),
        discussion: """
            Examples:
              postoffice reload
              systemctl reload post.office
            """)

    @OptionGroup var common: CommonOptions

    func run() throws {
        if self.common.server == nil, PIDFile.holder(try self.common.start().dispatcherPIDFile) == nil {
            throw self.common.exit(.failed, Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        throw ExitCode(try self.common.perform(AdminRequest("reload", language: self.common.language)).rawValue)
    }
}
