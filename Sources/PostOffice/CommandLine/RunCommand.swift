import ArgumentParser
import CPlatform
import Glibc
import NetKit
import Vocabulary

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve until stopped, in the foreground.",
        discussion: """
            Binds the ports, gives up root for good, and keeps the mail service running. SIGTERM or Ctrl-C finishes what is in hand and \
            stops; a second one stops now. SIGHUP reads certificates and listeners anew.

            Examples:
              postoffice run
              postoffice run --config ./var/post.office.conf
            """)

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: "Print addresses, ports and what to try once the server is ready.")
    var welcome = false

    @Option(name: .long, help: ArgumentHelp("Seconds that sessions get to finish at SIGTERM.", valueName: "seconds"))
    var drain: Int = 30

    @Option(name: .long, help: ArgumentHelp("Seconds without heartbeat after which the mta counts as crashed.", visibility: .hidden))
    var silence: Int = 20

    @Option(name: .long, help: ArgumentHelp("Milliseconds before the second restart in a row.", visibility: .hidden))
    var pause: Int = 1000

    func validate() throws {
        guard (0...3600).contains(self.drain), (1...3600).contains(self.silence), (1...60_000).contains(self.pause) else {
            throw ValidationError("--drain and --silence take seconds up to 3600")
        }
    }

    func run() throws {
        var start = try self.common.start()
        start.file = Self.absolute(start.file)
        umask(0o077)
        if let holder = PIDFile.holder(start.dispatcherPIDFile) {
            throw self.common.exit(
                .failed, Localized(en: "is already running (process \(holder))", ja: "すでに動作中です (プロセス \(holder))"))
        }
        Self.setLimits()
        let listeners = try self.listen(start)
        do {
            try Privileges.drop(to: start)
        } catch {
            throw self.common.exit(error.status, error.text)
        }
        throw ExitCode(try self.serve(start, listeners))
    }

    private func listen(_ start: StartConfiguration) throws -> ListeningSockets {
        do {
            let inherited = try InheritedListeners.take(Environment.all, processID: getpid())
            return try ListeningSockets.open(start.listeners, inherited: inherited)
        } catch let problem as ListeningProblem {
            throw self.common.exit(.failed, problem.text)
        } catch {
            throw self.common.exit(.failed, "LISTEN_FDS: \(error)")
        }
    }

    private func serve(_ start: StartConfiguration, _ listeners: ListeningSockets) throws -> Int32 {
        var bounds = Supervisor.Bounds()
        bounds.drain = Int64(self.drain) * 1000
        bounds.silence = Int64(self.silence) * 1000
        bounds.firstPause = Int64(self.pause)
        do {
            guard let pidFile = try PIDFile.take(start.dispatcherPIDFile) else {
                throw self.common.exit(.failed, Localized(en: "is already running", ja: "すでに動作中です"))
            }
            defer { pidFile.release() }
            let welcome = self.welcome ? Welcome(start, self.common.language) : nil
            return try Dispatcher(start, listeners, bounds, whenReady: { welcome?.show() }).run()
        } catch let failure as SystemFailure {
            let text = Localized(
                en: "\(failure); run `postoffice setup` or `postoffice permissions`",
                ja: "\(failure)。postoffice setup か postoffice permissions を実行してください")
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
