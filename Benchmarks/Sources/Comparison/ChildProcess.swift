import Glibc
import LoadKit

/// A process that this program has started; it is ended by its id and by nothing else.
final class ChildProcess {
    let pid: pid_t
    private var status: CInt?

    /// - Parameter log: receives standard output and standard error (appended).
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var pid = pid_t()
        let variables = Self.inherited().merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        let code = withCStrings([program] + arguments) { argv in
            withCStrings(variables) { environment in posix_spawnp(&pid, program, &actions, nil, argv, environment) }
        }
        guard code == 0 else { throw BenchError.system("starting \(program)", code) }
        self.pid = pid
    }

    private static func inherited() -> [String: String] {
        var result: [String: String] = [:]
        for name in ["PATH", "HOME", "LANG", "TMPDIR", "USER"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }

    /// Collects the process if it has ended. The exit status, or 128 + the signal that ended it.
    func poll() -> CInt? {
        if let status = self.status { return status }
        var raw: CInt = 0
        guard waitpid(self.pid, &raw, WNOHANG) == self.pid else { return nil }
        let signal = raw & 0x7F
        self.status = signal == 0 ? (raw >> 8) & 0xFF : 128 + signal
        return self.status
    }

    func wait(seconds: Double) -> CInt? {
        let deadline = monotonicNow() + Int64(seconds * 1e9)
        while monotonicNow() < deadline {
            if let status = self.poll() { return status }
            usleep(5000)
        }
        return self.poll()
    }

    /// SIGTERM, and after `seconds` SIGKILL.
    func stop(seconds: Double = 10) {
        guard self.poll() == nil else { return }
        kill(self.pid, SIGTERM)
        if self.wait(seconds: seconds) == nil {
            kill(self.pid, SIGKILL)
            _ = self.wait(seconds: 5)
        }
    }

    /// Runs a command to its end; throws with the end of the log when it fails.
    static func run(_ program: String, _ arguments: [String], log: String, seconds: Double = 300) throws {
        let child = try ChildProcess(program, arguments, log: log)
        let status = child.wait(seconds: seconds)
        guard status == 0 else {
            child.stop()
            let words = ([program] + arguments).joined(separator: " ")
            throw BenchError("\(words): \(status.map { "status \($0)" } ?? "too slow")\n\(tailOfFile(log))")
        }
    }
}

/// The strings as a NULL-terminated array for the length of the call.
private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array has at least its end mark") }
        return body(UnsafePointer(base))
    }
}
