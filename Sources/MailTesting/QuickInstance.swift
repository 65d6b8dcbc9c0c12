package import Glibc

/// A whole server of its own for one test: `postoffice setup --quick`, then `postoffice run`, as a user would. Ends with the last reference.
package final class QuickInstance {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let directory: String
    /// `instance.env`, name to value.
    package let settings: [String: String]
    /// Variables that the server finds beside ours.
    package var environment: [String: String]
    /// Words before the program's name, such as a shell that sets limits.
    package var launcher: [String] = []
    /// Arguments of `run` for every start.
    package var arguments: [String] = []
    private let owned: TemporaryDirectory?
    private let logs: TemporaryDirectory
    private var dispatcher: ChildProcess?

    /// Sets up in `directory` (nil: a temporary one). Nothing runs before `start`.
    package init(in directory: String? = nil, environment: [String: String] = [:]) throws {
        let owned = directory == nil ? TemporaryDirectory("instance") : nil
        let place = directory ?? owned.map { $0("var") } ?? ""
        self.owned = owned
        self.logs = TemporaryDirectory("logs")
        self.directory = place
        self.environment = environment
        let base = PortBases.shared.next()
        let setup = try ChildProcess.run(
            try Self.program, ["setup", "--quick", place] + (base.map { ["--port-base", "\($0)"] } ?? []), seconds: 120)
        guard setup.ending == .exited(0) else { throw Failure(description: "setup ended with \(setup.ending): \(setup.output)") }
        var settings: [String: String] = [:]
        for line in ChildProcess.text(of: "\(place)/instance.env").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 { settings[parts[0]] = parts[1] }
        }
        self.settings = settings
    }

    deinit { self.stop() }

    package static var program: String { get throws { try ChildProcess.buildDirectory() + "/postoffice" } }
    package static var faultLibrary: String { get throws { try ChildProcess.buildDirectory() + "/libPostOfficeFaults.so" } }

    package var configuration: String { "\(self.directory)/post.office.conf" }
    package var log: String { ChildProcess.text(of: self.logs("log")) }
    /// Events of the instance: the log that it keeps itself.
    package var trail: String {
        let place = "\(self.directory)/spool/log"
        return directoryEntries(place).filter { $0.hasSuffix(".log") }.map { ChildProcess.text(of: "\(place)/\($0)") }.joined()
    }
    package var dispatcherID: pid_t? { self.dispatcher?.id }
    /// False once the dispatcher has ended by itself.
    package var isRunning: Bool { self.dispatcher.map { $0.poll() == nil } ?? false }

    /// The mta's process id as its file says; nil when there is none.
    package var mtaID: pid_t? {
        let text = ChildProcess.text(of: self.settings["MTA_PID_FILE"] ?? "").split(whereSeparator: \.isWhitespace).first
        return text.flatMap { pid_t($0) }.flatMap { kill($0, 0) == 0 ? $0 : nil }
    }

    /// A port by its name in `instance.env`, such as `SMTP_PORT`.
    package func port(_ name: String) throws -> Int {
        guard let port = self.settings[name].flatMap({ Int($0) }) else { throw Failure(description: "instance.env has no \(name)") }
        return port
    }

    /// Starts the server and waits until it greets on its SMTP port.
    /// `arguments` are added to those of `run`.
    package func start(_ arguments: [String] = []) throws {
        let words = self.launcher + [try Self.program, "run", "--config", self.configuration] + self.arguments + arguments
        let child = try ChildProcess(
            words[0], Array(words.dropFirst()), environment: self.environment, output: self.logs("log"), errors: self.logs("log"))
        self.dispatcher = child
        let port = try self.port("SMTP_PORT")
        let deadline = monotonicSeconds() + Self.patience
        while monotonicSeconds() < deadline {
            if let ending = child.poll() { throw Failure(description: "the server ended with \(ending): \(self.log.suffix(4000))") }
            if let connection = try? LineConnection(port: port, timeout: 1), let line = try? connection.line(), line.hasPrefix("220") {
                return
            }
            usleep(100_000)
        }
        let state = whereabouts(of: child.id)
        self.stop()
        throw Failure(description: "no greeting within \(Int(Self.patience)) s\n\(state)\nits log ended: \(self.log.suffix(4000))")
    }

    /// Seconds for a start on a machine that is busy with other things.
    private static let patience = 60.0

    /// SIGTERM and wait; the server drains.
    @discardableResult
    package func stop() -> ChildProcess.Ending? {
        self.dispatcher?.end()
        let ending = self.dispatcher?.poll()
        self.dispatcher = nil
        return ending
    }

    /// Runs `postoffice ARGUMENTS --config …`.
    @discardableResult
    package func command(_ arguments: [String], input: String? = nil) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run(try Self.program, arguments + ["--config", self.configuration], input: input, seconds: 120)
    }

    /// Makes accounts with one password for all.
    package func addAccounts(_ addresses: [String], password: String) throws {
        let file = TemporaryDirectory("accounts")
        file.write("list.csv", "address,name,password\n" + addresses.map { "\($0),Sample,\(password)\n" }.joined())
        let result = try self.command(["account", "import", file("list.csv")])
        guard result.ending == .exited(0) else { throw Failure(description: "account import: \(result.output)") }
    }
}
