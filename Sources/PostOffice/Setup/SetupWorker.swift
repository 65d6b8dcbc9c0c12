import CPlatform
import Glibc
import NetKit
import Vocabulary

/// Carries out a plan: idempotent, never destroys, and says what it changed. First what needs root, then root is given up, then the rest.
final class SetupWorker {
    private let plan: SetupPlan
    private let tell: (Localized) -> Void
    private let identity: ServiceIdentity?

    /// `tell` gets one line for each change.
    init(_ plan: SetupPlan, tell: @escaping (Localized) -> Void) throws(AdminFailure) {
        self.plan = plan
        self.tell = tell
        self.identity = try Self.identity(plan, tell)
    }

    /// Directories, marker, start file. After it the process may be the service user.
    func prepare() throws(AdminFailure) {
        let directories = self.plan.directories
        let id = InstanceMarker.read(directories.spool)
        for path in [directories.spool, directories.mailbox] {
            if let problem = SetupChecks.directory(path, marker: path == directories.spool ? nil : id ?? "") { throw AdminFailure(problem) }
        }
        let marker = id ?? InstanceMarker.random(24)
        for path in [directories.spool, directories.mailbox] {
            try self.makeDirectory(path)
            if InstanceMarker.read(path) == nil {
                try self.trying { () throws(SystemFailure) in try InstanceMarker.write(marker, in: path) }
                self.own("\(path)/\(InstanceMarker.name)")
            }
        }
        for path in ["log", "certificates"] { try self.makeDirectory("\(directories.spool)/\(path)") }
        // Every user may hand over mail: he passes the spool directory, and sees nothing of it.
        try self.makeDirectory("\(directories.spool)/drop", mode: DropBox.mode)
        guard chmod(directories.spool, PermissionWalk.spoolMode) == 0 else { throw Self.failed("chmod \(directories.spool)") }
        try self.writeStartFile()
        try self.arrangeLinks()
        try self.arrangeSystemDelivery()
    }

    /// Certificate and directory database, and whatever `more` does; as the service user, who owns what is made. Root is back behind it, for
    /// who starts the server.
    func fill(_ more: () throws(AdminFailure) -> Void = {}) throws(AdminFailure) {
        let old = umask(0o077)
        defer { umask(old) }
        guard geteuid() == 0, let identity, !identity.isRoot else {
            try self.fillHere()
            return try more()
        }
        guard po_lend_privileges(identity.user, identity.uid, identity.gid) == 0 else {
            throw AdminFailure(Localized(en: "root cannot be given up", ja: "root 権限を放棄できません"))
        }
        try self.fillHere()
        try more()
        guard po_regain_privileges() == 0 else { throw Self.failed("setuid") }
    }

    private func fillHere() throws(AdminFailure) {
        try self.makeCertificate()
        try SetupDirectory.fill(self.plan, self.tell)
    }

    // MARK: Steps

    private func makeDirectory(_ path: String, mode: UInt32 = 0o700) throws(AdminFailure) {
        if mkdir(path, 0o700) == 0 {
            self.tell(Localized(en: "made directory \(path)", ja: "ディレクトリ \(path) を作成しました"))
        } else if errno == ENOENT {
            try self.makeParents(of: path)
            guard mkdir(path, 0o700) == 0 else { throw Self.failed("mkdir \(path)") }
            self.tell(Localized(en: "made directory \(path)", ja: "ディレクトリ \(path) を作成しました"))
        } else if errno != EEXIST {
            throw Self.failed("mkdir \(path)")
        }
        self.own(path)
        // After the owner: a change of that takes special bits away.
        guard chmod(path, mode) == 0 else { throw Self.failed("chmod \(path)") }
    }

    /// Parents are made open, like those of the system: only spool and mailbox themselves are closed.
    private func makeParents(of path: String) throws(AdminFailure) {
        var place = ""
        for part in path.split(separator: "/").dropLast() {
            place += "/\(part)"
            if mkdir(place, 0o755) != 0 && errno != EEXIST { throw Self.failed("mkdir \(place)") }
        }
    }

    private func writeStartFile() throws(AdminFailure) {
        let path = self.plan.configurationFile
        let old = try? FileAccess.contents(of: path, limit: StartConfiguration.maximumFileSize)
        // What somebody has written into it stays, where the plan only adds to it.
        let added = old.flatMap { self.plan.added(to: String(decoding: $0, as: UTF8.self)) }
        let text = Array((added ?? self.plan.startFileText).utf8)
        if old == text {
            self.tell(Localized(en: "kept \(path)", ja: "\(path) はそのままです"))
        } else {
            if let old {
                try self.trying { () throws(SystemFailure) in try FileAccess.replace(path + ".bak", with: old, mode: 0o640) }
                self.tell(Localized(en: "saved the old \(path) as \(path).bak", ja: "以前の \(path) を \(path).bak に保存しました"))
            }
            try self.trying { () throws(SystemFailure) in try FileAccess.replace(path, with: text, mode: 0o640) }
            self.tell(Localized(en: "wrote \(path)", ja: "\(path) を書きました"))
        }
        // root:mta 0640: the service may read it, not change it.
        if geteuid() == 0, let identity, !identity.isRoot { chown(path, 0, identity.gid) }
    }

    /// Needs root.
    private func arrangeLinks() throws(AdminFailure) {
        guard let wanted = self.plan.sendmailLinks else { return }
        let links = SendmailLinks(program: SendmailProgram.ownProgram)
        guard wanted else {
            try links.remove(self.tell)
            unlink(InstanceNotice.file)
            return
        }
        try links.install(self.tell)
        let start = StartConfiguration(file: self.plan.configurationFile, directories: self.plan.directories, listeners: [])
        let notice = InstanceNotice(configuration: Self.absolute(start.file), drop: start.dropDirectory)
        try self.trying { () throws(SystemFailure) in
            try FileAccess.replace(InstanceNotice.file, with: Array(notice.text.utf8), mode: 0o644)
        }
        self.tell(Localized(en: "wrote \(InstanceNotice.file)", ja: "\(InstanceNotice.file) を書きました"))
    }

    /// Needs root. Never changes what is there: a maildrop directory that is not as it should be is told of, with the cure.
    private func arrangeSystemDelivery() throws(AdminFailure) {
        guard let services = self.plan.systemDelivery, geteuid() == 0 else { return }
        if let programs = services.programs, access(programs, F_OK) != 0 {
            try self.makeParents(of: programs)
            guard mkdir(programs, 0o755) == 0, chmod(programs, 0o755) == 0 else { throw Self.failed("mkdir \(programs)") }
            self.tell(
                Localized(
                    en: "made \(programs): put programs or links there, and name them in allowed-programs",
                    ja: "\(programs) を作成しました。使用するプログラム（またはリンク）を置き、allowed-programs で許可してください"))
        }
        if let maildrops = services.maildrops, let problem = SetupChecks.maildrops(maildrops) { self.tell(problem) }
        let rules = "/etc/pam.d/post.office"
        if services.passwords, access("/etc/pam.d/common-auth", F_OK) == 0, access(rules, F_OK) != 0 {
            let text = "# Who may log in to Post.Office with a password of this system.\n@include common-auth\n@include common-account\n"
            try self.trying { () throws(SystemFailure) in try FileAccess.replace(rules, with: Array(text.utf8), mode: 0o644) }
            self.tell(Localized(en: "wrote \(rules)", ja: "\(rules) を書きました"))
        }
    }

    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func makeCertificate() throws(AdminFailure) {
        let files = CertificateStore(spool: self.plan.directories.spool).main
        if access(files.chain, F_OK) == 0 && access(files.key, F_OK) == 0 {
            self.tell(Localized(en: "kept the certificate \(files.chain)", ja: "証明書 \(files.chain) はそのままです"))
            return
        }
        do {
            try CertificateStore(spool: self.plan.directories.spool).makeSelfSigned(host: self.plan.hostName, domain: self.plan.domain)
        } catch {
            throw AdminFailure(ErrorWords.text("the certificate cannot be made", "証明書を作成できません", error))
        }
        self.tell(Localized(en: "made a self-signed certificate \(files.chain)", ja: "自己署名証明書 \(files.chain) を作成しました"))
    }

    private func own(_ path: String) {
        if geteuid() == 0, let identity { chown(path, identity.uid, identity.gid) }
    }

    private func trying(_ body: () throws(SystemFailure) -> Void) throws(AdminFailure) {
        do { try body() } catch { throw AdminFailure(error.text) }
    }

    private static func failed(_ operation: String) -> AdminFailure {
        AdminFailure(SystemFailure(operation).text)
    }

    // MARK: Service user

    private static func identity(_ plan: SetupPlan, _ tell: (Localized) -> Void) throws(AdminFailure) -> ServiceIdentity? {
        guard let user = plan.user else { return nil }
        if let found = ServiceIdentity.look(user: user, group: plan.group) { return found }
        guard geteuid() == 0 else {
            throw AdminFailure(
                Localized(
                    en: "user `\(user)` does not exist; run setup as root, which creates it",
                    ja: "ユーザ「\(user)」がありません。root で setup を実行すると作成します"))
        }
        try Self.create(user, plan.group ?? user)
        guard let made = ServiceIdentity.look(user: user, group: plan.group) else {
            throw AdminFailure(Localized(en: "user `\(user)` could not be created", ja: "ユーザ「\(user)」を作成できませんでした"))
        }
        tell(Localized(en: "created user \(user) and group \(plan.group ?? user)", ja: "ユーザ \(user) とグループ \(plan.group ?? user) を作成しました"))
        return made
    }

    /// With the system's own tools, which know its user database. The account has no password, no shell and no home.
    private static func create(_ user: String, _ group: String) throws(AdminFailure) {
        if getgrnam(group) == nil { _ = ProgramCall.run(["groupadd", "--system", group]) }
        _ = ProgramCall.run([
            "useradd", "--system", "--gid", group, "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user,
        ])
    }
}

/// Programs of the system that setup runs: found in the usual places, without a shell.
enum ProgramCall {
    /// The exit status, or nil when it could not be run.
    static func run(_ words: [String]) -> Int32? {
        guard let name = words.first else { return nil }
        let places: [String] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(name)" }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
        var arguments = words.map { word -> UnsafeMutablePointer<CChar>? in strdup(word) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, path, nil, nil, &arguments, environ) == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { if errno != EINTR { return nil } }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }
}
