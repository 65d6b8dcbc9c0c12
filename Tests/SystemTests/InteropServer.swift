import Glibc
import MailTesting

/// Where `scripts/bootstrap test` put what Debian does not install.
func fetched(_ path: String) -> String {
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } }
    return (variable("XDG_CACHE_HOME") ?? "\(variable("HOME") ?? "/root")/.cache") + "/post.office/\(path)"
}

/// A quick instance with two accounts, and the programs of others that talk to it.
final class InteropServer {
    struct Failure: Error { let description: String }

    static let password = "secret word"
    let instance: QuickInstance
    let scratch = TemporaryDirectory("interop")

    init() throws {
        self.instance = try QuickInstance()
        try self.instance.start()
        for name in ["alice", "bob"] {
            let command = ["account", "add", "\(name)@example.test", "--name", name, "--password-stdin"]
            let result = try self.instance.command(command, input: self.write("password", Self.password))
            guard result.ending == .exited(0) else { throw Failure(description: "account add: \(result.output)") }
        }
    }

    func port(_ name: String) throws -> Int { try self.instance.port(name) }
    var authority: String { self.instance.settings["CA_FILE"] ?? "" }

    /// A setting of the postmaster's.
    func set(_ field: String, _ value: String) throws {
        let result = try self.instance.command(["config", "set", field, value])
        guard result.ending == .exited(0) else { throw Failure(description: "config set \(field): \(result.output)") }
    }

    /// Runs a program of the system; one that is not installed is a failure, never a reason to skip.
    func run(_ program: String, _ arguments: [String], input: String? = nil, seconds: Double = 60) throws -> (status: Int32, output: String)
    {
        let places = ["/usr/bin", "/usr/local/bin", "/bin"].map { "\($0)/\(program)" }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure(description: "\(program) is not installed: run scripts/bootstrap test")
        }
        let home = ["HOME": self.scratch.path, "LC_ALL": "C.UTF-8"]
        let file = input.map { self.write("input", $0) }
        let result = try ChildProcess.run(path, arguments, environment: home, input: file, seconds: seconds)
        guard case .exited(let status) = result.ending else { return (-1, result.output) }
        return (status, result.output)
    }

    /// Runs Python with the packages that the tests fetch.
    func runPython(_ arguments: [String], seconds: Double = 60) throws -> (status: Int32, output: String) {
        let path = fetched("python/bin/python3")
        guard access(path, X_OK) == 0 else { throw Failure(description: "\(path) is missing: run scripts/bootstrap test") }
        let result = try ChildProcess.run(path, arguments, environment: ["LC_ALL": "C.UTF-8", "HOME": self.scratch.path], seconds: seconds)
        guard case .exited(let status) = result.ending else { return (-1, result.output) }
        return (status, result.output)
    }

    /// A file with mode 0600, which mail clients ask of files with passwords.
    func write(_ name: String, _ content: String) -> String {
        self.scratch.write(name, content)
        chmod(self.scratch(name), 0o600)
        return self.scratch(name)
    }

    func read(_ name: String) -> [UInt8] { bytes(ofFile: self.scratch(name)) }

    /// Brings a message in as a stranger would, through port 25, byte for byte.
    func deliver(_ message: [UInt8], to recipient: String = "bob@example.test") throws {
        let client = try LineConnection(port: self.port("SMTP_PORT"))
        _ = try client.reply()
        for line in ["EHLO client.test", "MAIL FROM:<stranger@remote.test> BODY=8BITMIME", "RCPT TO:<\(recipient)>", "DATA"] {
            let code = try client.command(line)
            guard code == 250 || code == 354 else { throw Failure(description: "\(line): \(code)") }
        }
        try client.send(Self.stuffed(message) + Array(".\r\n".utf8))
        let code = try client.replyCode()
        guard code == 250 else { throw Failure(description: "the message was answered with \(code)") }
        try client.command("QUIT")
    }

    private static func stuffed(_ message: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var atLineStart = true
        for byte in message {
            if atLineStart && byte == UInt8(ascii: ".") { out.append(byte) }
            out.append(byte)
            atLineStart = byte == 10
        }
        return out
    }
}

func bytes(ofFile path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var out: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return out }
        out += buffer[..<count]
    }
}

/// Messages that break careless software, CRLF throughout.
enum Awkward {
    static let all: [[UInt8]] = [
        Array("Subject: interop dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n".utf8),
        Array("Subject: interop From\r\nFrom: s@remote.test\r\n\r\nFrom the start\r\n>From quoted\r\n\r\n\r\n".utf8),
        Array("Subject: interop no body\r\n\r\n".utf8),
        Array("Subject: interop eight bits\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n本文 ü\r\n".utf8),
        Array("Subject: interop long line\r\n\r\n".utf8) + Array(repeating: UInt8(ascii: "y"), count: 998) + [13, 10],
        Array("Subject: interop trailing blanks  \r\n\r\n  x  \t\r\n \r\n".utf8),
        Array("Subject: interop large\r\n\r\n".utf8)
            + Array(repeating: Array("0123456789abcdef0123456789abcdef0123456789abcd.\r\n".utf8), count: 4000).joined(),
    ]

    /// The same with the fields that some servers add where they are missing.
    static let complete: [[UInt8]] = all.enumerated().map { number, message in
        Array("Date: Sun, 22 Nov 2026 06:00:00 +0000\r\nMessage-ID: <\(number)@interop.test>\r\n".utf8) + message
    }
}

/// What was read: our trace fields, then the message as it was sent. True when that is so.
func isTraced(_ read: [UInt8], _ message: [UInt8], sender: String, recipient: String, lineEnd: String = "\r\n") -> Bool {
    let expected = lineEnd == "\r\n" ? message : message.filter { $0 != 13 }
    guard read.count > expected.count, read.suffix(expected.count).elementsEqual(expected) else { return false }
    let trace = String(decoding: read.dropLast(expected.count), as: UTF8.self)
    return trace.hasPrefix("Return-Path: <\(sender)>\(lineEnd)Delivered-To: \(recipient)\(lineEnd)Received: from ")
        && trace.hasSuffix(lineEnd)
        && !trace.contains(lineEnd + lineEnd)
}
