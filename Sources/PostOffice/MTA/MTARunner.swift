import CPlatform
import Delivery
import Glibc
import Queue
import Synchronization
import Vocabulary

/// The mta as a process: takes what the dispatcher handed over, runs an `MTA`, obeys signals, ends with its parent.
final class MTARunner {
    private static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    /// For a command that is at work on the instance, such as a check of a large store. Milliseconds.
    private static let lockPatience: Int64 = 15_000

    private let start: StartConfiguration
    private let language: Language
    private let drain: Int64

    init(_ start: StartConfiguration, _ language: Language, drain: Int64) {
        self.start = start
        self.language = language
        self.drain = drain
    }

    /// The exit status.
    func run() -> Int32 {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        // Before any thread exists, so that all of them leave these signals to us.
        let signals = po_open_signals(Self.signals, Int32(Self.signals.count))
        guard signals >= 0 else { return self.fail("signalfd: \(SystemFailure("signalfd").reason)", .failed) }
        do {
            return try self.serve(signals)
        } catch {
            return self.fail(error.text.text(self.language), error.status)
        }
    }

    private func serve(_ signals: Int32) throws(AdminFailure) -> Int32 {
        let inheritance = try Inheritance.take(self.start)
        let heart = Heart(inheritance.memory)
        let notes = CrashNotes(inheritance.memory, trap: Environment[MTAProcess.Variable.trap])
        // Going away would be taken for a crash and answered with ever longer pauses.
        guard case .taken(let lock) = ServerLock.take(self.start.serverLock, waiting: Self.lockPatience) else {
            throw AdminFailure(
                Localized(
                    en: "another server or command is at work on \(self.start.directories.spool)",
                    ja: "別のサーバかコマンドが \(self.start.directories.spool) を使っています"))
        }
        defer { lock.release() }
        let pidFile = try? PIDFile.take(self.start.mtaPIDFile)
        defer { pidFile?.release() }
        var options = MTA.Options()
        options.crashGuard = notes
        options.loginKey = inheritance.memory.loginKey
        options.loginCache = inheritance.memory.loginCache
        options.drain = .seconds(self.drain)
        options.whenReloading = { inheritance.say(Inheritance.follow) }
        options.whenLogFails = self.tellOfLog
        let deliver = DeliverHandover.read(Environment[DeliverHandover.variable])
        options.systemDelivery = deliver.state
        if let socket = deliver.socket {
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            options.systemHelper = SystemHelper(socket: socket, services: deliver.state.services)
        }
        let mta = try MTA(self.start, inheritance.sockets, options)
        heart.watch(mta.eventLoops)
        try mta.serve()
        inheritance.say("ready")
        self.obey(signals, inheritance, mta)
        return AdminStatus.done.rawValue
    }

    /// On standard error, where the service manager keeps it: the log cannot say so itself.
    private var tellOfLog: @Sendable (String?) -> Void {
        let (directory, language) = (self.start.logDirectory, self.language)
        return { reason in
            let text =
                if let reason {
                    Localized(
                        en: "the log in \(directory) cannot be written: \(reason); mail goes on, `postoffice status` has the cure",
                        ja: "\(directory) のログを書き込めません: \(reason)。メールの処理は続けます。対処は postoffice status で確認できます")
                } else {
                    Localized(en: "the log in \(directory) is written again", ja: "\(directory) のログを再び書き込めるようになりました")
                }
            AdminPrinter().show(.problem("postoffice: \(text.text(language))\n"))
        }
    }

    /// Waits for signals and for the end of the dispatcher, which must not be outlived: a new one could not start.
    private func obey(_ signals: Int32, _ inheritance: Inheritance, _ mta: MTA) {
        var isDraining = false
        while true {
            var polled = [
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0), pollfd(fd: inheritance.channel, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mta.drained, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 3, -1) > 0 else { continue }
            if polled[2].revents != 0 { break }
            if polled[1].revents != 0, !self.hear(inheritance, mta) {
                mta.stop()
                return
            }
            while case let number = po_next_signal(signals), number != 0 {
                if number == SIGHUP {
                    inheritance.say(mta.reload().map { "reload-failed \($0.text(.english))" } ?? "reloaded")
                } else if isDraining {
                    mta.hurry()
                } else {
                    isDraining = true
                    mta.drain()
                }
            }
        }
        mta.stop()
    }

    /// What the dispatcher says; false when it is gone.
    private func hear(_ inheritance: Inheritance, _ mta: MTA) -> Bool {
        while let packet = inheritance.next() {
            if packet.isEnd { return false }
            let words = packet.text.split(separator: " ").map(String.init)
            let fresh = try? StartConfiguration.read(file: self.start.file)
            guard words.first == Inheritance.listeners, let fresh else {
                for descriptor in packet.descriptors { close(descriptor) }
                continue
            }
            mta.listen(ListeningSockets.received(Array(words.dropFirst()), packet.descriptors, fresh.listeners))
        }
        return true
    }

    private func fail(_ text: String, _ status: AdminStatus) -> Int32 {
        AdminPrinter().show(.problem("postoffice: \(text)\n"))
        TrailWriter.append(TrailEvent(.mta, "cannot-start", trace: nil, [("reason", text)]), directory: self.start.logDirectory)
        return status.rawValue
    }
}

/// What the dispatcher hands to its mta.
struct Inheritance: Sendable {
    let memory: SharedMemory
    let sockets: ListeningSockets
    let channel: Int32

    static func take(_ start: StartConfiguration) throws(AdminFailure) -> Inheritance {
        func number(_ name: String) -> Int32? { Environment[name].flatMap(Int32.init) }
        guard let memory = number(MTAProcess.Variable.memory), let channel = number(MTAProcess.Variable.channel),
            let listeners = Environment[MTAProcess.Variable.listeners]
        else {
            throw AdminFailure(
                Localized(en: "`mta` is started by `postoffice run`, not by hand", ja: "mta は postoffice run が起動します"), .misuse)
        }
        _ = fcntl(memory, F_SETFD, FD_CLOEXEC)
        _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
        do {
            return Inheritance(
                memory: try SharedMemory.inherited(memory), sockets: try ListeningSockets.takeOver(listeners, start.listeners),
                channel: channel)
        } catch {
            throw AdminFailure(Localized(en: "the dispatcher handed over nothing usable: \(error)", ja: "引き継ぎに失敗しました: \(error)"))
        }
    }

    /// First word of the packet that brings the sockets of a changed start file; their listeners' names follow.
    static let listeners = "listeners"

    /// Asks the dispatcher to look into the start file.
    static let follow = "follow"

    struct Packet {
        var text: String
        var descriptors: [Int32]
        /// The dispatcher has ended.
        var isEnd: Bool
    }

    /// What the dispatcher has sent; nil when nothing waits.
    func next() -> Packet? {
        var block = [UInt8](repeating: 0, count: 16_384)
        var descriptors = [Int32](repeating: -1, count: 200)
        var count = Int32(descriptors.count)
        let length = po_receive_packet(self.channel, &block, block.count, &descriptors, &count)
        if length < 0 { return errno == EAGAIN || errno == EINTR ? nil : Packet(text: "", descriptors: [], isEnd: true) }
        return Packet(
            text: String(decoding: block[..<length], as: UTF8.self), descriptors: Array(descriptors[..<Int(count)]), isEnd: length == 0)
    }

    func say(_ text: String) {
        let bytes = Array(text.utf8.prefix(4000))
        _ = send(self.channel, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
