import Forms
import Glibc
import Vocabulary

/// Starts the server behind a setup: by systemd where the unit is installed, else in the background. Returns when it serves.
struct ServiceStart {
    /// What the server says while it starts goes here, made as the service user: nothing of root's is written below its directories.
    struct Log {
        fileprivate let path: String
        fileprivate let fd: Int32

        init(spool: String) throws(AdminFailure) {
            let path = "\(spool)/log/start.txt"
            self.path = path
            self.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard self.fd >= 0 else { throw AdminFailure(SystemFailure("open \(path)").text) }
        }

        /// The last lines.
        fileprivate var tail: String {
            let bytes = (try? FileAccess.contents(of: self.path, limit: 65_536)) ?? []
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(3).map { Shown.text(String($0)) }
                .joined(separator: "\n")
        }
    }

    private static let unit = "post.office.service"
    private static let unitPlaces = [
        "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
    ]
    /// Seconds in which it has to serve: what a crash left is filed before the first greeting.
    private static let patience = 600
    /// POSIX_SPAWN_SETSID of <spawn.h>, which Swift does not see.
    private static let newSession: Int32 = 0x80
    private let start: StartConfiguration

    init(_ plan: SetupPlan) {
        self.start = StartConfiguration(file: plan.configurationFile, directories: plan.directories, listeners: [])
    }

    /// Throws where it does not serve behind it.
    func begin(_ log: Log, _ tell: (Localized) -> Void) throws(AdminFailure) {
        defer { close(log.fd) }
        if try self.beginUnit(tell) { return }
        let process = try self.spawn(log.fd)
        try self.wait(for: process, log)
        tell(
            Localized(
                en: "started it (process \(process)); \(Self.unit) of the package starts it with the machine",
                ja: "起動しました (プロセス \(process))。マシンの起動時にも動かすには \(Self.unit) を使用してください"))
    }

    /// False where this machine has no systemd, or no unit of ours: a start file of another name is none of the unit's business.
    private func beginUnit(_ tell: (Localized) -> Void) throws(AdminFailure) -> Bool {
        guard geteuid() == 0, self.start.file == StartConfiguration.defaultFile, access("/run/systemd/system", F_OK) == 0 else {
            return false
        }
        guard Self.unitPlaces.contains(where: { access("\($0)/\(Self.unit)", F_OK) == 0 }) else { return false }
        guard ProgramCall.run(["systemctl", "enable", "--now", Self.unit]) == 0 else {
            throw AdminFailure(
                Localized(
                    en: "systemd did not start it; see: systemctl status \(Self.unit)",
                    ja: "systemd で起動できませんでした。systemctl status \(Self.unit) で確認してください"))
        }
        tell(Localized(en: "systemd started it, now and with the machine", ja: "systemd で起動しました。マシンの起動時にも動きます"))
        return true
    }

    /// A session of its own: it outlives the terminal.
    private func spawn(_ output: Int32) throws(AdminFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(Self.newSession))
        let words: [String] = ["postoffice", "run", "--config", self.start.file]
        var arguments = words.map { word -> UnsafeMutablePointer<CChar>? in strdup(word) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw AdminFailure(SystemFailure("posix_spawn", code).text) }
        return process
    }

    private func wait(for process: pid_t, _ log: Log) throws(AdminFailure) {
        for _ in 0..<(Self.patience * 10) {
            usleep(100_000)
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process {
                throw AdminFailure(
                    Localized(
                        en: "everything is set up, but the server did not start: \(log.tail)", ja: "設定は完了しましたが、サーバを起動できませんでした: \(log.tail)")
                )
            }
            if case .word = AdminClient.word(AdminRequest("counts"), self.start) { return }
        }
        throw AdminFailure(
            Localized(
                en: "the server was started and does not answer yet; see `postoffice status`",
                ja: "サーバを起動しましたが、まだ応答しません。postoffice status で確認してください"))
    }
}
