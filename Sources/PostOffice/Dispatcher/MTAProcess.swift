import Glibc

/// Starts the mta: this same executable, with the listening sockets, the shared memory and one end of a socket pair.
struct MTAProcess {
    /// What the child finds in its environment.
    enum Variable {
        static let listeners = "POSTOFFICE_LISTENERS"
        static let memory = "POSTOFFICE_MEMORY"
        static let channel = "POSTOFFICE_CHANNEL"
        static let trap = "POSTOFFICE_TEST_TRAP"
    }

    var configurationFile: String
    /// What sessions get to finish, in seconds.
    var drain: Int64
    var listeners: ListeningSockets
    var memory: SharedMemory
    /// Who acts as users of the operating system, or why nobody does.
    var deliver: Result<DeliverProcess, DeliverProcess.Absent>

    /// Returns the process id. `channel` is the child's end.
    func spawn(channel: Int32) throws(SystemFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Our descriptors are all close-on-exec; dup2 of one onto itself takes that off in the child alone.
        let helper = (try? self.deliver.get()).map { [$0.socket] } ?? []
        for fd in self.listeners.sockets.map(\.socket.descriptor) + [self.memory.descriptor, channel] + helper {
            posix_spawn_file_actions_adddup2(&actions, fd, fd)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: Ctrl-C at a terminal must reach the dispatcher alone, which then drains. No blocked signals are inherited.
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        let arguments = ["postoffice", "mta", "--config", self.configurationFile, "--drain", "\(self.drain)"]
        var pid: pid_t = 0
        let code = Self.withCStrings(arguments) { argv in
            Self.withCStrings(self.environment(channel)) { posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, $0) }
        }
        guard code == 0 else { throw SystemFailure("posix_spawn", code) }
        return pid
    }

    private func environment(_ channel: Int32) -> [String] {
        var variables = Environment.all
        // Not the child's business: it would answer the service manager in our place.
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            variables[name] = nil
        }
        variables[Variable.listeners] = self.listeners.handover
        variables[Variable.memory] = "\(self.memory.descriptor)"
        variables[Variable.channel] = "\(channel)"
        variables[DeliverHandover.variable] = DeliverHandover.text(self.deliver)
        // Few threads, many short-lived buffers: more arenas only keep memory that is never used again.
        if variables["MALLOC_ARENA_MAX"] == nil { variables["MALLOC_ARENA_MAX"] = "2" }
        // A backtrace would take seconds that clients wait, and could show mail. Set SWIFT_BACKTRACE to look into a crash.
        if variables["SWIFT_BACKTRACE"] == nil { variables["SWIFT_BACKTRACE"] = "enable=no" }
        return variables.map { "\($0.key)=\($0.value)" }
    }

    static func withCStrings<R>(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: never empty, it ends in nil; so it has an address.
            guard let base = buffer.baseAddress else { preconditionFailure("no strings") }
            return body(base)
        }
    }
}

extension Environment {
    /// All variables of this process.
    static var all: [String: String] {
        var found: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            let text = String(cString: entry)
            if let border = text.firstIndex(of: "=") { found[String(text[..<border])] = String(text[text.index(after: border)...]) }
            place += 1
        }
        return found
    }
}
