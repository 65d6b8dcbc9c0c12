import Forms
import MessageStore
import NetKit
import Policy
import Vocabulary

/// Verbs about the running of the server: reload, certificates.
enum OperationHandlers {
    static let all: [AdminHandler] = [
        AdminHandler("reload", Self.reload), AdminHandler("cert self-signed", Self.selfSigned), AdminHandler("cert request", Self.request),
        AdminHandler("cert install", Self.install), AdminHandler("cert show", Self.show), AdminHandler("check", Self.check),
        AdminHandler("health", Self.health), AdminHandler("counts", Self.counts), AdminHandler("dns", Self.dns),
        AdminHandler("reach", Self.reach), AdminHandler("limited", Self.limited), AdminHandler("unasked", Self.unasked),
        AdminHandler("queue-state", Self.queueState),
        AdminHandler("faults", Self.faults),
    ]

    private static func check(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        var report: CheckReport
        do {
            report = try context.store().check { progress in
                output.progress("\(progress.step) \(progress.total > 0 ? progress.done * 100 / progress.total : 0) %")
            }
            report.problems += try AccountRemoval.problems(context.directory, context.store())
        } catch let failure as AdminFailure {
            throw failure
        } catch {
            throw AdminFailure(ErrorWords.text("the store cannot be checked", "ストアを検査できません", error))
        }
        output.progress("")
        if request.wantsJSON {
            let problems = report.problems.map { JSONValue.object([("kind", .text($0.kind)), ("detail", .text($0.detail))]) }
            output.line(
                JSONValue.object([
                    ("messages", .number(report.messages)), ("mailboxes", .number(report.mailboxes)),
                    ("segments", .number(report.segments)),
                    ("bytes", .number(report.bytes)), ("problems", .list(problems)),
                ]).description)
        } else {
            for problem in report.problems { output.line(CheckWords.text(problem, request.language)) }
            let size = SystemFacts.text(bytes: report.bytes)
            output.line(
                Localized(
                    en:
                        "\(report.messages) messages in \(report.mailboxes) mailboxes, \(size) in \(report.segments) segments, \(report.problems.count) problems",
                    ja:
                        "メールボックス \(report.mailboxes) 個、メッセージ \(report.messages) 件、セグメント \(report.segments) 個 (\(size))、異常 \(report.problems.count) 件"
                ))
            if !report.problems.isEmpty {
                output.line(
                    Localized(
                        en: "`postoffice repair` mends it while the server is down",
                        ja: "サーバを止めて postoffice repair を実行すると修復できます"))
            }
        }
        return report.problems.isEmpty ? .done : .failed
    }

    /// One word for `status`: how the store of the running server is.
    private static func health(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        switch try context.store().health {
        case .writable: output.line("writable")
        case .diskLow: output.line("disk-low")
        case .failed(let reason): output.line("failed \(reason)")
        }
        return .done
    }

    /// One line for `status`: `ServerCounts`.
    private static func counts(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let counts = context.counts else {
            throw AdminFailure(Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        output.line(counts().line)
        return .done
    }

    /// One line for `status`: `QueueState`.
    private static func queueState(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let remote = context.remoteDelivery else {
            throw AdminFailure(Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        let missing = context.directory.snapshot.routeLogins.filter { $0.password == nil }.map {
            RouteLoginFault(route: $0.route, user: $0.user, reason: .noPassword)
        }
        do {
            output.line(try QueueState(remote, passwordsMissing: missing).line)
        } catch {
            throw AdminFailure(Localized(en: "the queue cannot be read: \(error)", ja: "キューを読めません: \(error)"))
        }
        return .done
    }

    /// One line for `status`: `ServerFaults`.
    private static func faults(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard context.isServerRunning else {
            throw AdminFailure(Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        let faults = ServerFaults.look(
            context.start, store: try context.store().lastFailure, log: context.trail?.failure, system: context.directory.systemDelivery)
        output.line(faults.line)
        return .done
    }

    /// One word for `status`: how far mail is sent.
    private static func reach(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        output.line(context.directory.configuration.sendsAnywhere ? "anywhere" : "this-host")
        return .done
    }

    /// One line for `status`: who is at the hourly limit, divided by tabs.
    private static func limited(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let known = context.guards?.rates.known(at: SystemSources.now(), limit: 100) ?? []
        output.line(known.map { "\($0.sender)" }.joined(separator: "\t"))
        return .done
    }

    /// One line for `status`: filters that had no turn, divided by tabs.
    private static func unasked(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        output.line((context.guards?.filterTroubles.known(at: SystemSources.now()) ?? []).joined(separator: "\t"))
        return .done
    }

    /// One word for `status`: how far DNS can be trusted.
    private static func dns(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let dns = context.dns else {
            throw AdminFailure(Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        output.line(dns().word)
        return .done
    }

    private static func reload(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let reload = context.reload else {
            throw AdminFailure(Localized(en: "the server is not running", ja: "サーバが動いていません"))
        }
        if let problem = reload() {
            output.problem(problem)
            output.problem(Localized(en: "the old configuration stays in force", ja: "以前の設定のまま動作しています"))
            return .failed
        }
        output.line(Localized(en: "reloaded", ja: "再読み込みしました"))
        return .done
    }

    // MARK: Certificates

    private static func selfSigned(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let store = CertificateStore(spool: context.start.directories.spool)
        let names = try Self.names(request, context)
        do {
            let made = try CertificateMaker.selfSigned(names: names, addresses: CertificateStore.loopback, now: CertificateStore.now)
            try store.install(CertificateStore.mainName, chainPEM: made.chainPEM, keyPEM: made.keyPEM)
        } catch {
            throw AdminFailure(ErrorWords.text("the certificate cannot be made", "証明書を作成できません", error))
        }
        output.line(
            Localized(
                en: "made \(store.main.chain) for \(names.joined(separator: ", "))",
                ja: "\(names.joined(separator: ", ")) の証明書 \(store.main.chain) を作成しました"))
        return try Self.takeEffect(context, output)
    }

    private static func request(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let store = CertificateStore(spool: context.start.directories.spool)
        let names = try Self.names(request, context)
        do {
            let made = try CertificateMaker.request(
                names: names, addresses: [], organization: request.option("organization"), keyPEM: store.pendingKey)
            try store.keepPendingKey(made.keyPEM)
            output.line(made.csrPEM.split(separator: "\n").joined(separator: "\n"))
        } catch {
            throw AdminFailure(ErrorWords.text("the request cannot be made", "証明書要求を作成できません", error))
        }
        return .done
    }

    /// The chain comes in the request; the key with it, or it is the one that `cert request` made.
    private static func install(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let store = CertificateStore(spool: context.start.directories.spool)
        guard let chain = request.input, let key = request.option("key") ?? store.pendingKey else {
            throw AdminFailure(
                Localized(
                    en: "there is no key: give it with --key, or make a request first with `postoffice cert request`",
                    ja: "秘密鍵がありません。--key で指定するか、先に postoffice cert request を実行してください"), .misuse)
        }
        let name = request.option("name") ?? CertificateStore.mainName
        guard CertificateStore.isName(name) else {
            throw AdminFailure(
                Localized(
                    en: "`\(name)` is no name; use letters, digits, - and .",
                    ja: "「\(name)」は名前に使えません。英数字と - . を使ってください"), .misuse)
        }
        let files = CertificateFiles(
            chain: request.option("chain-file") ?? "--chain",
            key: request.has("key") ? request.option("key-file") ?? "--key" : "postoffice cert request")
        do throws(TLSFailure) {
            _ = try TLSStore.check(chainPEM: chain, keyPEM: key, names: files, now: CertificateStore.now)
        } catch {
            throw AdminFailure(error.text)
        }
        do throws(SystemFailure) {
            try store.install(name, chainPEM: chain, keyPEM: key)
        } catch {
            throw AdminFailure(error.text)
        }
        output.line(Localized(en: "installed \(store.files(name).chain)", ja: "\(store.files(name).chain) をインストールしました"))
        return try Self.takeEffect(context, output)
    }

    private static func show(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let report = StatusReport.gather(context.start, listening: context.listening?())
        if request.wantsJSON {
            output.line(JSONValue.list(report.certificates.map(\.json)).description)
        } else {
            for line in report.certificates.flatMap({ $0.lines(request.language) }) { output.line(line) }
        }
        return report.certificates.isEmpty ? .failed : .done
    }

    /// A running server takes the new pair at once.
    private static func takeEffect(_ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        guard let reload = context.reload else { return .done }
        if let problem = reload() {
            output.problem(problem)
            return .failed
        }
        output.line(Localized(en: "the server uses it from now on", ja: "以後の接続で使われます"))
        return .done
    }

    /// Names from the options, else host and domain of the configuration.
    private static func names(_ request: AdminRequest, _ context: AdminContext) throws(AdminFailure) -> [String] {
        var names: [String] = []
        for name in request.options["name"] ?? context.certificateNames where !names.contains(name) {
            if let problem = SetupChecks.domain(name), name != "localhost" { throw AdminFailure(problem, .misuse) }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw AdminFailure(Localized(en: "name the host with --name", ja: "--name でホスト名を指定してください"), .misuse)
        }
        return names
    }
}
