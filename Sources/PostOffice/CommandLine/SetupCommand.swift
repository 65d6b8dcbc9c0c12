import ArgumentParser
import Glibc
import Vocabulary

struct SetupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Install an instance, or run again over one: never destroys, says what it changed.",
        discussion: """
            Examples:
              postoffice setup --quick ./var                    a private instance on loopback, to try it out
              postoffice setup --quick ./var --port-base 25000  the same with ports 25000, 25001, …
              sudo postoffice setup                             asks what it needs
              sudo postoffice setup --unattended --domain example.com --postmaster-password-file pw
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: ArgumentHelp("Make a complete private instance in this directory.", valueName: "dir"))
    var quick: String?

    @Option(name: .long, help: ArgumentHelp("With --quick: the ports are N, N+1, …", valueName: "n"))
    var portBase: Int?

    @Flag(name: .long, help: "Ask nothing: everything comes from options and defaults.")
    var unattended = false

    @Option(name: .long, help: "Domain, without host name.")
    var domain: String?

    @Option(name: .long, help: ArgumentHelp("Name of this mail host; default is this machine's name in the domain.", valueName: "name"))
    var host: String?

    @Option(name: .long, help: ArgumentHelp("File that holds the postmaster password in its first line.", valueName: "file"))
    var postmasterPasswordFile: String?

    @Option(name: .long, help: ArgumentHelp("Address of a name server; may be repeated.", valueName: "address"))
    var nameServer: [String] = []

    @Option(name: .long, help: ArgumentHelp("Address to listen on; default is all.", valueName: "address"))
    var address: String?

    @Option(name: .long, help: ArgumentHelp("Port of a service, for example smtp=2525; may be repeated.", valueName: "name=n"))
    var port: [String] = []

    @Option(name: .long, help: ArgumentHelp("Spool directory.", valueName: "dir"))
    var spool: String?

    @Option(name: .long, help: ArgumentHelp("Mailbox directory.", valueName: "dir"))
    var mailbox: String?

    @Option(name: .long, help: "Service user; created when root runs setup. Default mta for root, else you.")
    var user: String?

    @Option(name: .long, help: "Service group; default is the name of the user.")
    var group: String?

    func validate() throws {
        if let portBase, !(1...(65_535 - InstancePort.allCases.count)).contains(portBase) {
            throw ValidationError("--port-base takes a port from 1 to \(65_535 - InstancePort.allCases.count)")
        }
        if self.portBase != nil && self.quick == nil { throw ValidationError("--port-base goes with --quick") }
        if let domain, let problem = SetupChecks.domain(domain) { throw ValidationError(problem.text(self.common.language)) }
        if let host, let problem = SetupChecks.domain(host) { throw ValidationError(problem.text(self.common.language)) }
        if let problem = SetupChecks.nameServers(self.nameServer) { throw ValidationError(problem.text(self.common.language)) }
        if let address, address != "*", IPAddress(address) == nil { throw ValidationError("`\(address)` is no IP address") }
        for text in self.port where Self.assignment(text) == nil { throw ValidationError("--port takes NAME=NUMBER, not `\(text)`") }
    }

    func run() throws {
        umask(0o022)
        do {
            if let quick { try self.runQuick(quick) } else { try self.runWhole() }
        } catch let failure as AdminFailure {
            throw self.common.exit(failure.status, failure.text)
        }
    }

    private func tell(_ text: Localized) { AdminPrinter().show(.output("  " + text.text(self.common.language) + "\n")) }

    // MARK: Quick

    private func runQuick(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST, let resolved = realpath(path, nil) else {
            throw self.common.exit(.failed, SystemFailure("mkdir \(path)").description)
        }
        defer { free(resolved) }
        let quick = QuickSetup(directory: String(cString: resolved), portBase: self.portBase, domain: self.domain)
        if let foreign = quick.foreignFile {
            throw self.common.exit(
                .failed,
                Localized(
                    en: "\(foreign) is not of Post.Office and would be overwritten; choose another directory",
                    ja: "\(foreign) は Post.Office のファイルではなく、上書きされてしまいます。別のディレクトリを選んでください"))
        }
        let plan = try quick.plan()
        if PIDFile.holder(plan.directories.spool + "/post.office.pid") != nil {
            throw self.common.exit(
                .failed,
                Localized(en: "this instance is running; `postoffice shutdown` first", ja: "動作中です。先に postoffice shutdown を実行してください"))
        }
        let worker = try SetupWorker(plan, tell: self.tell)
        try worker.prepare()
        try worker.fill()
        do { try quick.writeEnvironment(plan) } catch { throw self.common.exit(.failed, error.description) }
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

    // MARK: Whole

    private func runWhole() throws {
        let old = try? StartConfiguration.read(file: self.common.configurationFile)
        var plan = try self.proposal(old)
        let keepsPassword = old.map { access($0.directoryDatabase, F_OK) == 0 } ?? false
        if !self.unattended {
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
        let worker = try SetupWorker(plan, tell: self.tell)
        try worker.prepare()
        try worker.fill()
        self.tell(Localized(en: "start it: postoffice run", ja: "起動: postoffice run"))
    }

    /// Options win over what is there, that wins over the defaults.
    private func proposal(_ old: StartConfiguration?) throws -> SetupPlan {
        let domain = self.domain ?? ""
        var ports: [InstancePort: Int] = [:]
        for port in InstancePort.allCases {
            let earlier = old?.listeners.first { $0.role.name == port.role?.name }?.port
            if port.role != nil { ports[port] = earlier ?? port.standard }
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
            throw self.common.exit(.failed, error.description)
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
