internal import CPlatform
package import Glibc

/// A program that a test starts, watches and always ends. Blocking; for tests alone.
package final class ChildProcess {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// How a child ended.
    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    package let id: pid_t
    /// Program and arguments, for texts.
    private let name: String
    private var ending: Ending?

    /// Starts `path` with `arguments` (without the name of the program itself).
    ///
    /// `environment` is added to our own; `input` is read as standard input (nil: nothing is there to read); `output` and `errors` are
    /// files that are appended to (nil: what is written there is dropped). No other descriptor of ours is inherited: a child that outlives
    /// its test would keep pipes and sockets open on which somebody waits for the end.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil, output: String? = nil,
        errors: String? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input ?? "/dev/null", O_RDONLY, 0)
        for (descriptor, file) in [(Int32(1), output), (2, errors)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, file ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        po_spawn_close_from(&actions, 3)
        var words = CStringArray([path] + arguments)
        var variables = CStringArray(Self.merged(environment))
        defer {
            words.free()
            variables.free()
        }
        // Threads of the test program block signals, which a child would inherit: it could not be asked to end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child: pid_t = 0
        let error = posix_spawn(&child, path, &actions, &attributes, words.pointers, variables.pointers)
        guard error == 0 else { throw Failure(description: "cannot start \(path): errno \(error)") }
        self.id = child
        self.name = ([path] + arguments).joined(separator: " ")
    }

    deinit { self.end() }

    /// Runs a program to its end, at most `seconds`; gives what it wrote to both outputs.
    package static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil, seconds: Double = 60
    ) throws -> (ending: Ending, output: String) {
        let directory = TemporaryDirectory("child")
        // Its last use is before the child has opened the file in it.
        defer { withExtendedLifetime(directory) {} }
        let output = directory("output")
        let child = try ChildProcess(path, arguments, environment: environment, input: input, output: output, errors: output)
        let ending = try child.expectEnd(within: seconds, output: output)
        return (ending, Self.text(of: output))
    }

    /// Waits at most `seconds`. A child that still runs is killed, and the failure shows where it stood and the tail of the file `output`.
    package func expectEnd(within seconds: Double, output: String? = nil) throws(Failure) -> Ending {
        if let ending = self.wait(seconds: seconds) { return ending }
        let state = whereabouts(of: self.id)
        self.kill()
        let tail = output.map { Self.tail(of: $0) } ?? ""
        throw Failure(description: "\(self.name) still ran after \(Int(seconds)) s and was killed\n\(state)\nits output ended: \(tail)")
    }

    /// The last part of a file as text.
    package static func tail(of path: String, characters: Int = 4000) -> String { String(self.text(of: path).suffix(characters)) }

    /// The content of a file as text; empty when it cannot be read.
    package static func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// Waits at most `seconds`; nil when the child still runs.
    package func wait(seconds: Double) -> Ending? {
        let deadline = monotonicSeconds() + seconds
        repeat {
            if let ending = self.poll() { return ending }
            usleep(10_000)
        } while monotonicSeconds() < deadline
        return self.poll()
    }

    /// The ending when there was one already.
    package func poll() -> Ending? {
        if let ending = self.ending { return ending }
        var status: Int32 = 0
        guard waitpid(self.id, &status, WNOHANG) == self.id else { return nil }
        self.ending = Self.ending(of: status)
        return self.ending
    }

    package func signal(_ number: Int32) {
        if self.ending == nil { Glibc.kill(self.id, number) }
    }

    /// SIGTERM, half a minute of patience, SIGKILL.
    package func end() {
        guard self.poll() == nil else { return }
        self.signal(SIGTERM)
        if self.wait(seconds: 30) == nil {
            print("\(self.name) did not end after SIGTERM and is killed\n\(whereabouts(of: self.id))")
            self.kill()
        }
    }

    /// SIGKILL. Only a process that hangs in the kernel outlives it; that one is left behind, and said so.
    package func kill() {
        self.signal(SIGKILL)
        if self.wait(seconds: 20) == nil { print("\(self.name) is stuck in the kernel: \(whereabouts(of: self.id))") }
    }

    /// The directory of the running test program, where the build puts executables and libraries beside it.
    package static func buildDirectory() throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = buffer.withUnsafeMutableBufferPointer { room in
            room.baseAddress.map { readlink("/proc/self/exe", $0, room.count) } ?? -1
        }
        guard length > 0, let slash = buffer[..<length].lastIndex(of: UInt8(ascii: "/")) else {
            throw Failure(description: "cannot tell where the test program lies")
        }
        return String(decoding: buffer[..<slash], as: UTF8.self)
    }

    private static func ending(of status: Int32) -> Ending {
        let number = status & 0x7f
        return number == 0 ? .exited((status >> 8) & 0xff) : .signalled(number)
    }

    private static func merged(_ added: [String: String]) -> [String] {
        var result: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if added[String(name)] == nil { result.append(text) }
            next += 1
        }
        return result + added.map { "\($0.key)=\($0.value)" }
    }
}

/// `argv` as C wants it: freed by hand, since a struct has no deinit.
private struct CStringArray {
    var pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) { self.pointers = strings.map { strdup($0) } + [nil] }

    mutating func free() {
        for pointer in self.pointers { Glibc.free(pointer) }
        self.pointers = []
    }
}
