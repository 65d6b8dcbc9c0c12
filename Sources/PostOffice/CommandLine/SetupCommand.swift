import ArgumentParser
import Forms
import Glibc
import Vocabulary

struct SetupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: .said(
            "Install an instance, or run again over one: never destroys, says what it changed.", "インストールする、または既存のものに再実行します。何も壊さず、変更点を表示します。"
        ),
        discussion: .said(
            """
            Examples:
              postoffice setup --quick ./var                    a private instance on loopback, to try it out
              postoffice setup --quick ./var --port-base 25000  the same with ports 25000, 25001, …
              sudo postoffice setup                             asks what it needs
              sudo postoffice setup --unattended --domain example.com --postmaster-password-file pw
            """,
            """
            Examples:
              postoffice setup --quick ./var                    ループバックだけの試用インスタンス
              postoffice setup --quick ./var --port-base 25000  ポートを 25000, 25001, … にする
              sudo postoffice setup                             必要なことを質問する
              sudo postoffice setup --unattended --domain example.com --postmaster-password-file pw
            """))

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: .said("Make a complete private instance in this directory.", "このディレクトリに試用インスタンス一式を作ります。", valueName: "dir"))
    var quick: String?

    @Option(
        name: .long, parsing: .unconditional,
        help: .said("With --quick: the ports are N, N+1, …", "--quick のとき: ポートを N, N+1, … にします。", valueName: "n"),
        transform: WholeNumber.within(1...(65_535 - InstancePort.allCases.count)))
    var portBase: Int?

    @Flag(
        name: .long,
        help: .said(
            "Only add listeners of services that the start file of an earlier version does not have.",
            "以前の版の起動ファイルにないサービスの待ち受けだけを追加します。"))
    var addMissing = false

    @Flag(name: .long, help: .said("Ask nothing: everything comes from options and defaults.", "質問せず、オプションと既定値を使います。"))
    var unattended = false

    @Option(name: .long, help: .said("Domain, without host name.", "ドメイン（ホスト名なし）。"))
    var domain: String?

    @Option(
        name: .long,
        help: .said(
            "Name of this mail host; default is this machine's name in the domain.", "このメールホストの名前。省略時はドメイン内のこのマシンの名前。", valueName: "name"))
    var host: String?

    @Option(
        name: .long,
        help: .said("File that holds the postmaster password in its first line.", "1 行目にポストマスタのパスワードを書いたファイル。", valueName: "file"))
    var postmasterPasswordFile: String?

    @Option(name: .long, help: .said("Address of a name server; may be repeated.", "ネームサーバのアドレス（複数指定可）。", valueName: "address"))
    var nameServer: [String] = []

    @Option(name: .long, help: .said("Address to listen on; default is all.", "待ち受けるアドレス。省略時はすべて。", valueName: "address"))
    var address: String?

    @Option(
        name: .long,
        help: .said("Port of a service, for example smtp=2525; may be repeated.", "サービスのポート。例: smtp=2525（複数指定可）。", valueName: "name=n"))
    var port: [String] = []

    @Option(name: .long, help: .said("Spool directory.", "スプールディレクトリ。", valueName: "dir"))
    var spool: String?

    @Option(name: .long, help: .said("Mailbox directory.", "メールボックスディレクトリ。", valueName: "dir"))
    var mailbox: String?

    @Option(
        name: .long,
        help: .said(
            "Service user; created when root runs setup. Default mta for root, else you.",
            "サービスのユーザ。root が実行すると作成します。既定は root なら mta、他は実行者。"))
    var user: String?

    @Option(name: .long, help: .said("Service group; default is the name of the user.", "サービスのグループ。省略時はユーザと同じ名前。"))
    var group: String?

    enum YesOrNo: String, ExpressibleByArgument { case yes, no }

    @Option(
        name: .long,
        help: .said(
            "yes: maildrops in /var/mail, programs as their users, and passwords of this system are served, by a small helper that stays root; no: nothing stays root.",
            "yes で /var/mail への配信、ユーザ権限でのプログラム実行、OS のパスワードを使用可能にする（小さなヘルパーだけが root のまま残る）。no で root の部分をなくす。",
            valueName: "yes|no"))
    var systemDelivery: YesOrNo?

    @Option(
        name: .long,
        help: .said(
            "yes: sendmail, mailq and newaliases become links to Post.Office, the old ones stay as *.bak; no: takes that back.",
            "yes で sendmail、mailq、newaliases を Post.Office へのリンクにし、元のものを *.bak に残す。no で元に戻す。", valueName: "yes|no"))
    var sendmailLinks: YesOrNo?

    @Option(
        name: .long,
        help: .said(
            "yes: start the server when all is done (by systemd where its unit is installed, in the background elsewhere); no: only say how. Asked, without --unattended.",
            "yes で設定後にサーバを起動する（ユニットがあれば systemd で、なければバックグラウンドで）。no で起動方法の表示だけ行う。--unattended でなければ質問する。", valueName: "yes|no"))
    var start: YesOrNo?

    func validate() throws {
        if self.start != nil && (self.quick != nil || self.addMissing) {
            throw ValidationError(
                en: "--start is for a whole installation; a trial instance is started by: postoffice run --config DIR/post.office.conf",
                ja: "--start は試用インスタンスでは使えません。起動: postoffice run --config DIR/post.office.conf")
        }
        if self.sendmailLinks != nil && self.quick != nil {
            throw ValidationError(
                en: "--sendmail-links is for a whole installation, not for --quick", ja: "--sendmail-links は --quick と一緒には使えません")
        }
        if self.quick?.isEmpty ?? false {
            throw ValidationError(en: "--quick names no directory; write for example ./var", ja: "--quick にディレクトリを指定してください。例: ./var")
        }
        if self.addMissing && self.quick != nil {
            throw ValidationError(
                en: "--add-missing names the instance with --config, not with --quick",
                ja: "--add-missing では --quick ではなく --config でインスタンスを指定してください")
        }
        if self.portBase != nil && self.quick == nil {
            throw ValidationError(en: "--port-base goes with --quick", ja: "--port-base は --quick と一緒に指定してください")
        }
        if let domain, let problem = SetupChecks.domain(domain) { throw ValidationError(problem) }
        if let host, let problem = SetupChecks.domain(host) { throw ValidationError(problem) }
        if let problem = SetupChecks.nameServers(self.nameServer) { throw ValidationError(problem) }
        if let address, address != "*", IPAddress(address) == nil {
            throw ValidationError(
                en: "--address: \(Shown.text(address)) is no IP address; write * for all",
                ja: "--address: \(Shown.text(address)) は IP アドレスではありません。すべての場合は * を指定してください")
        }
        for text in self.port where Self.assignment(text) == nil {
            throw ValidationError(
                en: "--port takes a service and a port such as smtp=2525, not \(Shown.text(text))",
                ja: "--port には smtp=2525 のようにサービスとポートを指定してください（\(Shown.text(text)) は使えません）")
        }
    }

    func run() throws {
        umask(0o022)
        do {
            if self.addMissing { return try self.runAddMissing() }
            if let quick { try self.runQuick(quick) } else { try self.runWhole() }
        } catch let failure as AdminFailure {
            throw self.common.exit(failure.status, failure.text)
        }
    }

    private func tell(_ text: Localized) { AdminPrinter().show(.output("  " + text.text(self.common.language) + "\n")) }

    // MARK: Quick

    private func runQuick(_ path: String) throws {
        let quick = QuickSetup(directory: try self.directory(path), portBase: self.portBase, domain: self.domain)
        let foreign = quick.foreignFiles
        guard foreign.isEmpty else {
            let names = foreign.prefix(3).joined(separator: ", ") + (foreign.count > 3 ? ", …" : "")
            throw self.common.exit(
                .failed,
                Localized(
                    en: "\(quick.directory) is not empty and not of Post.Office (\(names)); choose a new or an empty directory",
                    ja: "\(quick.directory) は空ではなく、Post.Office のものでもありません (\(names))。新しいディレクトリか空のディレクトリを選んでください"))
        }
        let plan = try quick.plan()
        try self.refuseRunning(plan.directories.spool)
        let worker = try SetupWorker(plan, tell: self.tell)
        try worker.prepare()
        try worker.fill()
        do { try quick.writeEnvironment(plan) } catch { throw self.common.exit(error) }
        self.tell(Localized(en: "wrote \(quick.environmentFile)", ja: "\(quick.environmentFile) を書きました"))
        if geteuid() == 0 {
            self.tell(
                Localized(
                    en: "note: you are root, so this trial instance runs as root, on loopback only",
                    ja: "注意: root で実行したため、この試用インスタンスは root で動きます (ループバックのみ)"))
        }
        self.tell(
            Localized(
                en: "start it: postoffice run --config \(plan.configurationFile)",
                ja: "起動: postoffice run --config \(plan.configurationFile)"))
    }

    /// Before anything is asked or changed.
    private func refuseRunning(_ spool: String) throws {
        guard PIDFile.holder(spool + "/post.office.pid") != nil else { return }
        throw self.common.exit(
            .failed, Localized(en: "this instance is running; `postoffice shutdown` first", ja: "動作中です。先に postoffice shutdown を実行してください"))
    }

    /// Makes the directory unless it is there; its path from the root.
    private func directory(_ path: String) throws -> String {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw self.common.exit(SystemFailure("mkdir \(path)")) }
        guard let resolved = realpath(path, nil) else { throw self.common.exit(SystemFailure("open \(path)")) }
        defer { free(resolved) }
        let found = String(cString: resolved)
        guard SetupChecks.entries(of: found) != nil else {
            throw self.common.exit(SystemFailure("open \(found)"))
        }
        return found
    }

    // MARK: Only what is missing

    /// Says nothing where nothing is missing.
    private func runAddMissing() throws {
        let start = try self.common.start()
        // A quick instance keeps the ports that were set aside for it.
        let directory = String(start.file.dropLast("/post.office.conf".count))
        let reserved = QuickSetup(directory: directory, portBase: nil, domain: nil).earlier
        let listeners = StartFileAdditions.listeners(for: start) { reserved[$0.variable].flatMap(Int.init) ?? $0.standard }
        guard !listeners.isEmpty else { return }
        try self.add(listeners, to: start.file)
        for listener in listeners {
            let (name, port) = (listener.role.name, listener.port)
            self.tell(
                Localized(
                    en: "added the listener \(name) (port \(port)) to \(start.file); the old file has .bak behind its name",
                    ja: "\(start.file) に待ち受け \(name) (ポート \(port)) を追加しました。以前のファイルは末尾に .bak を付けて残してあります"))
        }
    }

    private func add(_ listeners: [StartConfiguration.Listener], to file: String) throws {
        let old: [UInt8]
        do { old = try FileAccess.contents(of: file, limit: StartConfiguration.maximumFileSize) } catch { throw self.common.exit(error) }
        guard let text = StartFileAdditions.text(String(decoding: old, as: UTF8.self), adding: listeners, file: file) else {
            let entries = listeners.map { StartFileAdditions.entry($0, indent: "  ") }.joined()
            throw self.common.exit(
                .failed,
                Localized(
                    en: "\(file): the place of the listeners was not found; write these lines there yourself:\n\(entries)",
                    ja: "\(file): listeners の場所がわかりません。次の行を書き加えてください:\n\(entries)"))
        }
        var owner = stat()
        let isKnown = stat(file, &owner) == 0
        do {
            try FileAccess.replace(file + ".bak", with: old, mode: 0o640)
            try FileAccess.replace(file, with: Array(text.utf8), mode: 0o640)
        } catch { throw self.common.exit(error) }
        // The service may read it, as before.
        if geteuid() == 0, isKnown { chown(file, owner.st_uid, owner.st_gid) }
    }

    // MARK: Whole

    private func runWhole() throws {
        let old = try? StartConfiguration.read(file: self.common.configurationFile)
        if let old { try self.refuseRunning(old.directories.spool) }
        var plan = try self.proposal(old)
        let keepsPassword = old.map { access($0.directoryDatabase, F_OK) == 0 } ?? false
        plan.sendmailLinks = self.sendmailLinks.map { $0 == .yes }
        plan.systemDelivery = self.systemDelivery.map { $0 == .yes ? old?.systemDelivery ?? .usual : nil } ?? old?.systemDelivery
        plan.starts = self.start == .yes
        if self.systemDelivery == .yes, geteuid() != 0 {
            throw self.common.exit(
                .failed,
                Localized(en: "--system-delivery needs root: run setup with sudo", ja: "--system-delivery には root 権限が必要です。sudo で実行してください"))
        }
        if plan.sendmailLinks != nil, geteuid() != 0 {
            throw self.common.exit(
                .failed,
                Localized(en: "--sendmail-links needs root: run setup with sudo", ja: "--sendmail-links には root 権限が必要です。sudo で実行してください"))
        }
        if !self.unattended {
            if plan.sendmailLinks == nil, geteuid() == 0 { plan.sendmailLinks = true }
            plan.asksForSystemDelivery = self.systemDelivery == nil && geteuid() == 0
            plan.asksForStart = self.start == nil
            guard Terminal.isThere else {
                throw self.common.exit(
                    .misuse, Localized(en: "there is no terminal to ask at; use --unattended", ja: "端末がありません。--unattended を使ってください"))
            }
            let dialogue = SetupDialogue(
                Terminal.person, self.common.language, isFree: { FreePorts.isFree($0, on: plan.address.ipAddress) })
            do {
                plan = try dialogue.complete(plan, machine: Self.machineName, keepsPassword: keepsPassword)
            } catch {
                throw self.common.exit(.failed, Localized(en: "stopped; nothing was changed", ja: "中止しました。何も変更していません"))
            }
        } else {
            try self.checkUnattended(plan, keepsPassword)
        }
        if let problem = SetupChecks.ports(plan.ports) { throw self.common.exit(.misuse, problem) }
        let worker = try SetupWorker(plan, tell: self.tell)
        try worker.prepare()
        var log: ServiceStart.Log?
        try worker.fill { () throws(AdminFailure) in log = plan.starts ? try ServiceStart.Log(spool: plan.directories.spool) : nil }
        let summary = SetupSummary(plan)
        AdminPrinter().show(.output(summary.whatIs(self.common.language)))
        // Only now: what was done above stays done where the server cannot start.
        if let log { try ServiceStart(plan).begin(log, self.tell) }
        AdminPrinter().show(.output(summary.next(isServing: log != nil, self.common.language)))
    }

    /// Options win over what is there, that wins over the defaults.
    private func proposal(_ old: StartConfiguration?) throws -> SetupPlan {
        let domain = self.domain ?? ""
        var ports: [InstancePort: Int] = [:]
        for port in InstancePort.allCases {
            let earlier = old?.listeners.first { $0.role.name == port.role?.name }?.port
            if port.role != nil, !port.isOptional || earlier != nil { ports[port] = earlier ?? port.standard }
        }
        for text in self.port { if let (port, number) = Self.assignment(text) { ports[port] = number } }
        let address = self.address.flatMap { IPAddress($0) }.map { StartConfiguration.ListenAddress.address($0) }
        let user = self.user ?? old?.user ?? (geteuid() == 0 ? "mta" : nil)
        return SetupPlan(
            configurationFile: self.common.configurationFile,
            directories: .init(
                program: old?.directories.program ?? QuickSetup.programDirectory,
                spool: self.spool ?? old?.directories.spool ?? "/var/spool/post.office",
                mailbox: self.mailbox ?? old?.directories.mailbox ?? "/var/spool/mailbox"),
            user: user, group: self.group ?? old?.group ?? user, domain: domain, hostName: self.host ?? "\(Self.machineName).\(domain)",
            nameServers: self.nameServer, address: address ?? old?.listeners.first?.address ?? .any, ports: ports,
            postmasterPassword: try self.passwordFromFile())
    }

    private func passwordFromFile() throws -> String? {
        guard let file = self.postmasterPasswordFile else { return nil }
        do {
            let bytes = try FileAccess.contents(of: file, limit: 4096)
            return String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
        } catch {
            throw self.common.exit(error)
        }
    }

    private func checkUnattended(_ plan: SetupPlan, _ keepsPassword: Bool) throws {
        let problem: Localized?
        if plan.domain.isEmpty && !keepsPassword {
            problem = Localized(en: "--domain is needed", ja: "--domain を指定してください")
        } else if let password = plan.postmasterPassword {
            problem = SetupChecks.postmasterPassword(password)
        } else {
            problem =
                keepsPassword
                ? nil : Localized(en: "--postmaster-password-file is needed", ja: "--postmaster-password-file を指定してください")
        }
        if let problem { throw self.common.exit(.misuse, problem) }
        for (port, number) in plan.ports where !FreePorts.isFree(number, on: plan.address.ipAddress) {
            let other =
                FreePorts.proposal(for: number, on: plan.address.ipAddress).map { " --port \(port.rawValue.lowercased())=\($0)" } ?? ""
            self.tell(
                Localized(
                    en: "note: port \(number) (\(port.rawValue)) is in use now; stop that server, or:\(other)",
                    ja: "注意: ポート \(number) (\(port.rawValue)) は使用中です。止めるか、次を指定してください:\(other)"))
        }
    }

    private static func assignment(_ text: String) -> (InstancePort, Int)? {
        let parts = text.split(separator: "=")
        guard parts.count == 2, let port = InstancePort(rawValue: parts[0].uppercased()), let number = Int(parts[1]),
            (1...65_535).contains(number)
        else { return nil }
        return (port, number)
    }

    /// First label of this machine's name; `mail` where it has none of its own.
    private static var machineName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "mail" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let label = text.prefix { $0 != "." }.lowercased()
        return label.isEmpty || label == "localhost" || SetupChecks.domain("\(label).example") != nil ? "mail" : label
    }
}
