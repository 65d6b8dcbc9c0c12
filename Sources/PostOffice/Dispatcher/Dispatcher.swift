import CPlatform
import Glibc
import NetKit
import Queue
import Vocabulary

/// The process of `postoffice run`: binds the ports, gives up root, keeps an mta alive. One thread, one poll loop; it talks to no user
/// and no other machine.
final class Dispatcher {
    private static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGCHLD]
    /// How often the heartbeat is looked at.
    private static let watchInterval: Int64 = 500

    private let start: StartConfiguration
    private let manager: ServiceManager
    private var process: MTAProcess
    private let signalFD: Int32
    private let silence: Int64
    private var supervisor: Supervisor
    private var history = CrashHistory()
    private var child: pid_t?
    /// Our end of the pair whose other end the mta holds: it sees our death as the end of the stream.
    private var channel: Int32?
    private var lastBeat: UInt64 = 0
    private var nextWatchdog: Int64 = 0
    private var status: Int32?
    /// Told once the first mta is ready.
    private let whenReady: () -> Void

    init(
        _ start: StartConfiguration, _ listeners: ListeningSockets, _ deliver: Result<DeliverProcess, DeliverProcess.Absent>,
        _ bounds: Supervisor.Bounds, whenReady: @escaping () -> Void
    ) throws(SystemFailure) {
        self.start = start
        self.manager = ServiceManager(environment: Environment.all, processID: getpid())
        let memory = try SharedMemory.make(random: { count in
            var generator = SystemRandomNumberGenerator()
            return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        })
        self.process = MTAProcess(
            configurationFile: start.file, drain: bounds.drain / 1000, listeners: listeners, memory: memory, deliver: deliver)
        self.silence = bounds.silence
        self.supervisor = Supervisor(bounds)
        self.whenReady = whenReady
        self.signalFD = po_open_signals(Self.signals, Int32(Self.signals.count))
        guard self.signalFD >= 0 else { throw SystemFailure("signalfd") }
    }

    /// Until told to stop; the exit status.
    func run() -> Int32 {
        while true {
            let now = MonotonicTime.milliseconds
            self.watchHeartbeat(now)
            self.carryOut(self.supervisor.tick(now))
            if let status = self.status { return status }
            self.wait(now)
        }
    }

    private func wait(_ now: Int64) {
        var polled = [pollfd(fd: self.signalFD, events: Int16(POLLIN), revents: 0)]
        if let channel { polled.append(pollfd(fd: channel, events: Int16(POLLIN), revents: 0)) }
        var timeout = Self.watchInterval
        if let deadline = self.supervisor.deadline { timeout = min(timeout, max(0, deadline - now)) }
        guard poll(&polled, nfds_t(polled.count), Int32(timeout)) > 0 else { return }
        if polled.count > 1, polled[1].revents != 0 { self.readChannel() }
        while case let number = po_next_signal(self.signalFD), number != 0 { self.received(number) }
    }

    private func received(_ number: Int32) {
        let now = MonotonicTime.milliseconds
        switch number {
        case SIGCHLD: self.reap(now)
        case SIGTERM, SIGINT: self.carryOut(self.supervisor.terminate(now))
        case SIGHUP: self.reload()
        default: break
        }
    }

    /// Takes the dead mta's status; other children are none of ours.
    private func reap(_ now: Int64) {
        guard let child else { return }
        var status: Int32 = 0
        guard waitpid(child, &status, WNOHANG) == child else { return }
        self.child = nil
        // What it said last may still be in the pipe.
        self.readChannel()
        if let channel { close(channel) }
        self.channel = nil
        let number = status & 0x7F
        let end: MTAEnd = number == 0 ? .exited((status >> 8) & 0xFF) : .signalled(number)
        self.carryOut(self.supervisor.exited(end, now))
    }

    private func watchHeartbeat(_ now: Int64) {
        let beat = self.process.memory.beat
        if beat != self.lastBeat {
            self.lastBeat = beat
            self.supervisor.beat(now)
        }
        if let interval = self.manager.watchdogInterval, now >= self.nextWatchdog {
            self.nextWatchdog = now + interval
            self.manager.notify("WATCHDOG=1")
        }
    }

    // MARK: Carrying out

    private func carryOut(_ actions: [Supervisor.Action]) {
        for action in actions {
            switch action {
            case .spawn: self.spawn()
            case .kill(let number): if let child { kill(child, number) }
            case .notify(let text): self.manager.notify(text)
            case .blame(let end, let silent): self.blame(end, silent)
            case .finish(let status): self.status = status
            case .log(let event, let facts): self.log(event, facts)
            }
        }
    }

    private func spawn() {
        let memory = self.process.memory
        memory.clearSlots()
        memory.blame(contents: self.history.blamedContents, peers: self.history.shutOut(MonotonicTime.seconds))
        self.lastBeat = 0
        var ends: [Int32] = [-1, -1]
        do {
            guard po_packet_pair(&ends) == 0 else { throw SystemFailure("socketpair") }
            defer { close(ends[1]) }
            self.child = try self.process.spawn(channel: ends[1])
            self.channel = ends[0]
            self.supervisor.spawned(MonotonicTime.milliseconds)
            self.log("started", [("pid", "\(self.child ?? 0)")])
        } catch let failure as SystemFailure {
            if ends[0] >= 0 { close(ends[0]) }
            self.log("cannot-start", [("reason", failure.description)])
            self.carryOut(self.supervisor.couldNotSpawn(MonotonicTime.milliseconds))
        } catch {}
    }

    private func blame(_ end: MTAEnd, _ silent: Bool) {
        let now = MonotonicTime.seconds
        self.log("crashed", [("how", "\(end)"), ("silent", "\(silent)")])
        let silence = silent ? UInt64(self.silence / 1000) : nil
        for note in self.history.record(self.process.memory.notes, end, silentFor: silence, now: now) {
            self.log(
                "blamed",
                [
                    ("peer", note.peer?.description ?? "-"), ("account", "\(note.account)"), ("work", "\(note.work)"),
                    ("content", note.content.map { String($0.rawValue, radix: 16) } ?? "-"), ("signal", "\(note.crashed)"),
                ])
        }
    }

    // MARK: Talking with the mta

    /// Words of the mta: `ready`, `follow`, `reloaded`, `reload-failed TEXT`. Anything else is dropped.
    private func readChannel() {
        guard let channel else { return }
        var block = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(channel, &block, block.count, Int32(MSG_DONTWAIT)), count > 0 {
            let text = String(decoding: block[..<count], as: UTF8.self)
            let word = text.prefix { $0 != " " }
            switch word {
            case "ready":
                self.carryOut(self.supervisor.ready(MonotonicTime.milliseconds))
                self.whenReady()
            case Inheritance.follow[...]: self.followStartFile()
            case "reloaded": self.manager.notify("READY=1\nSTATUS=serving")
            case "reload-failed":
                let reason = text.dropFirst(word.count + 1).split(whereSeparator: \.isNewline).joined(separator: " ")
                self.manager.notify("READY=1\nSTATUS=serving with the old configuration: \(reason)")
            default: break
            }
        }
    }

    /// The start file is looked at here too: sockets are ours.
    private func reload() {
        self.manager.notifyReloading()
        self.log("reload", [])
        self.followStartFile()
        let actions = self.supervisor.reload()
        if actions.isEmpty { self.manager.notify("READY=1") }
        self.carryOut(actions)
    }

    /// Binds what is new, hands all sockets to the mta, lets go of what is gone. A file that cannot be read changes nothing; the mta, which
    /// reads it too, says why.
    private func followStartFile() {
        guard let fresh = try? StartConfiguration.read(file: self.start.file) else { return }
        let change = self.process.listeners.following(fresh.listeners)
        for problem in change.problems {
            self.log("cannot-listen", [("listener", problem.listener.role.name), ("reason", problem.text.english)])
        }
        guard change.isAny else { return }
        self.process.listeners = change.sockets
        if let channel, !self.send(change.sockets, over: channel) {
            self.log("cannot-hand-over", [("reason", SystemFailure("sendmsg").description)])
        }
        for socket in change.dropped { close(socket.descriptor) }
    }

    private func send(_ sockets: ListeningSockets, over channel: Int32) -> Bool {
        let text = Array(([Inheritance.listeners] + sockets.sockets.map(\.listener.role.name)).joined(separator: " ").utf8)
        let descriptors = sockets.sockets.map(\.socket.descriptor)
        return po_send_packet(channel, text, text.count, descriptors, Int32(descriptors.count)) == text.count
    }

    /// To the person in front and to the log. Rare, so that writing at once is in order.
    private func log(_ event: String, _ facts: [(key: String, value: String)]) {
        TrailWriter.append(TrailEvent(.dispatcher, event, trace: nil, facts), directory: self.start.logDirectory)
    }
}
