internal import Glibc
internal import Synchronization

/// A mail server on loopback that behaves as its table says: refuses, stalls, hangs up or talks nonsense at any verb, and keeps what it took.
/// One thread a connection; everything is bounded in time.
package final class EvilServer: Sendable {
    /// What it does instead of its usual answer.
    package enum Deed: Sendable, Hashable {
        /// These bytes as they are; CRLF is not added.
        case say(String)
        case hangUp
        /// Says this, then hangs up.
        case sayAndHangUp(String)
        /// Says the first, and the second to whatever comes then; then hangs up.
        case sayTwiceAndHangUp(String, String)
        /// Reads on and never answers.
        case fallSilent
    }

    /// At which verb (`connect`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `.` for the end of a message, `BDAT`, `STARTTLS`, `QUIT`, …), how often.
    package struct Rule: Sendable {
        package var verb: String
        package var deed: Deed
        /// So many times; then the usual answer.
        package var times: Int
        /// Only for lines that contain this.
        package var containing: String

        package init(_ verb: String, _ deed: Deed, times: Int = .max, containing: String = "") {
            self.verb = verb
            self.deed = deed
            self.times = times
            self.containing = containing
        }
    }

    package struct Taken: Sendable, Hashable {
        package var mail: String
        package var recipients: [String]
        /// With dots unstuffed.
        package var body: String
        /// Number of the connection, from 1.
        package var connection: Int
        package var isEncrypted = false
    }

    private struct State {
        var rules: [Rule]
        var keywords: [String]
        var taken: [Taken] = []
        var lines: [String] = []
        var connections = 0
        var open: Set<CInt> = []
        var isStopped = false
        var certificate: TestCertificate?
        var inTLS = 0
        var isTLSFromStart = false
        var peers: [String] = []
    }

    package let port: Int
    private let listener: CInt
    private let state: Mutex<State>

    /// - Parameter address: of loopback, so that several hosts can be played.
    package init(
        _ rules: [Rule] = [], keywords: [String] = ["PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"],
        address: String = "127.0.0.1", port: Int = 0
    ) {
        self.state = Mutex(State(rules: rules, keywords: keywords))
        self.listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var one: CInt = 1
        setsockopt(self.listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        inet_pton(AF_INET, address, &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(listener, raw, length) == 0, listen(listener, 200) == 0, getsockname(listener, raw, &length) == 0 else {
                    // SAFETY: test kit; a test without its server would prove nothing.
                    fatalError("no TCP port")
                }
            }
        }
        self.port = Int(UInt16(bigEndian: name.sin_port))
        testThread { self.run() }
    }

    package func stop() {
        let open = self.state.withLock { state in
            state.isStopped = true
            return state.open
        }
        shutdown(self.listener, CInt(SHUT_RDWR))
        for descriptor in open { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    package func set(_ rules: [Rule]) { self.state.withLock { $0.rules = rules } }
    package func setKeywords(_ keywords: [String]) { self.state.withLock { $0.keywords = keywords } }
    /// STARTTLS works, with this certificate, when the keyword is offered.
    package func setCertificate(_ certificate: TestCertificate?) { self.state.withLock { $0.certificate = certificate } }
    /// The handshake comes before the greeting.
    package func setTLSFromStart(_ isOn: Bool) { self.state.withLock { $0.isTLSFromStart = isOn } }
    /// Where connections came from, in order.
    package var peers: [String] { self.state.withLock { $0.peers } }
    /// Handshakes that were begun.
    package var handshakes: Int { self.state.withLock { $0.inTLS } }
    package var taken: [Taken] { self.state.withLock { $0.taken } }
    /// Every line of every client, in order of arrival.
    package var lines: [String] { self.state.withLock { $0.lines } }
    package var connections: Int { self.state.withLock { $0.connections } }

    // MARK: Connections

    private func run() {
        while true {
            var name = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(self.listener, $0, &length) }
            }
            let number = self.state.withLock { state in
                guard !state.isStopped, descriptor >= 0 else { return 0 }
                state.connections += 1
                state.peers.append(Self.text(name))
                state.open.insert(descriptor)
                return state.connections
            }
            guard number > 0 else {
                if descriptor >= 0 { close(descriptor) }
                break
            }
            testThread {
                var limit = timeval(tv_sec: 60, tv_usec: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                Conversation(self, descriptor, number).run()
                self.state.withLock { _ = $0.open.remove(descriptor) }
                close(descriptor)
            }
        }
        close(self.listener)
    }

    /// The deed for a verb, counted.
    fileprivate func deed(_ verb: String, _ line: String) -> Deed? {
        self.state.withLock { state in
            if !line.isEmpty { state.lines.append(line) }
            guard
                let index = state.rules.firstIndex(where: {
                    $0.verb == verb && $0.times > 0 && ($0.containing.isEmpty || line.contains($0.containing))
                })
            else { return nil }
            if state.rules[index].times != .max { state.rules[index].times -= 1 }
            return state.rules[index].deed
        }
    }

    private static func text(_ name: sockaddr_in) -> String {
        withUnsafeBytes(of: name.sin_addr.s_addr) { $0.map { "\($0)" }.joined(separator: ".") }
    }

    fileprivate var isTLSFromStart: Bool { self.state.withLock { $0.isTLSFromStart } }
    fileprivate var keywords: [String] { self.state.withLock { $0.keywords } }
    fileprivate var hasCertificate: Bool { self.state.withLock { $0.certificate != nil } }
    fileprivate func beginTLS() -> TestCertificate? {
        self.state.withLock { state in
            state.inTLS += 1
            return state.certificate
        }
    }
    fileprivate func keep(_ taken: Taken) { self.state.withLock { $0.taken.append(taken) } }
}

/// One client.
private final class Conversation {
    private struct Ended: Error {}
    private let server: EvilServer
    private let descriptor: CInt
    private let number: Int
    private var buffer: [UInt8] = []
    private var mail = ""
    private var recipients: [String] = []
    private var chunks: [UInt8] = []
    private var tls: TLSServerEngine?
    /// LHLO was said: a reply a recipient behind the message.
    private var isLMTP = false

    init(_ server: EvilServer, _ descriptor: CInt, _ number: Int) {
        self.server = server
        self.descriptor = descriptor
        self.number = number
    }

    func run() {
        do {
            if self.server.isTLSFromStart, let certificate = self.server.beginTLS() {
                self.tls = try TLSServerEngine(certificate)
                // Its first words, and its last ones of the handshake.
                for _ in 0..<2 { guard try self.fill() else { return } }
            }
            try self.answer("connect", "", "220 evil.test ESMTP\r\n")
            while let line = try self.line() { try self.command(line) }
        } catch {}
    }

    private func command(_ line: String) throws {
        let verb = String(line.prefix { $0 != " " && $0 != ":" }).uppercased()
        switch verb {
        case "LHLO", "EHLO":
            self.isLMTP = verb == "LHLO"
            let keywords = ["evil.test"] + self.server.keywords.filter { self.tls == nil || $0 != "STARTTLS" }
            let text = keywords.enumerated().map { "250\($0 == keywords.count - 1 ? " " : "-")\($1)\r\n" }.joined()
            try self.answer(verb, line, text)
        case "MAIL":
            (self.mail, self.recipients, self.chunks) = (line, [], [])
            try self.answer(verb, line, "250 2.1.0 Ok\r\n")
        case "RCPT":
            try self.answer(verb, line, "250 2.1.5 Ok\r\n") { self.recipients.append(line) }
        case "DATA":
            if self.recipients.isEmpty { return try self.say("554 5.5.1 No valid recipients\r\n") }
            guard try self.answer(verb, line, "354 Go on\r\n") else { return }
            let body = try self.body()
            if self.isLMTP { return try self.answerEach(body) }
            try self.answer(".", ".", "250 2.0.0 Taken\r\n") { self.keep(body) }
        case "BDAT":
            let words = line.split(separator: " ")
            self.chunks += try self.bytes(Int(words.count > 1 ? words[1] : "0") ?? 0)
            if self.recipients.isEmpty { return try self.say("554 5.5.1 No valid recipients\r\n") }
            let isLast = words.count > 2
            try self.answer(isLast ? "." : verb, line, "250 2.0.0 Taken\r\n") { if isLast { self.keep(self.chunks) } }
        case "STARTTLS" where self.server.hasCertificate:
            guard try self.answer(verb, line, "220 2.0.0 Go\r\n"), let certificate = self.server.beginTLS() else { return }
            self.buffer = []
            self.tls = try TLSServerEngine(certificate)
        case "RSET":
            self.recipients = []
            try self.answer(verb, line, "250 2.0.0 Ok\r\n")
        case "QUIT":
            try self.answer(verb, line, "221 2.0.0 Bye\r\n")
            throw Ended()
        default: try self.answer(verb, line, "502 5.5.1 What?\r\n")
        }
    }

    /// LMTP: a reply for each recipient; rules see its RCPT line under the verb `delivery`.
    private func answerEach(_ body: [UInt8]) throws {
        let all = self.recipients
        var good: [String] = []
        for recipient in all { try self.answer("delivery", recipient, "250 2.0.0 Delivered\r\n") { good.append(recipient) } }
        self.recipients = good
        if !good.isEmpty { self.keep(body) }
    }

    private func keep(_ body: [UInt8]) {
        self.server.keep(
            EvilServer.Taken(
                mail: self.mail, recipients: self.recipients, body: String(decoding: body, as: UTF8.self), connection: self.number,
                isEncrypted: self.tls != nil))
        self.recipients = []
    }

    /// True when the usual answer was given. `noting` comes before it, so that whoever has the answer finds what was noted.
    @discardableResult
    private func answer(_ verb: String, _ line: String, _ usual: String, noting: () -> Void = {}) throws -> Bool {
        switch self.server.deed(verb, line) {
        case nil:
            noting()
            try self.say(usual)
            return true
        case .say(let text): try self.say(text)
        case .hangUp: throw Ended()
        case .sayAndHangUp(let text):
            try self.say(text)
            throw Ended()
        case .sayTwiceAndHangUp(let first, let second):
            try self.say(first)
            guard try self.fill() else { throw Ended() }
            try self.say(second)
            throw Ended()
        case .fallSilent: while try self.line() != nil {}
        }
        return false
    }

    private func body() throws -> [UInt8] {
        var body: [UInt8] = []
        while let line = try self.rawLine() {
            if line == Array(".\r\n".utf8) { return body }
            body += line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...]
        }
        throw Ended()
    }

    private func say(_ text: String) throws {
        try self.send(try self.tls?.encrypt(Array(text.utf8)) ?? Array(text.utf8))
    }

    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Ended() }
            rest = rest.dropFirst(count)
        }
    }

    private func line() throws -> String? { try self.rawLine().map { String(decoding: $0.dropLast(2), as: UTF8.self) } }

    /// With its CRLF; nil at the end.
    private func rawLine() throws -> [UInt8]? {
        while true {
            if let end = self.buffer.firstIndex(of: 10) {
                let line = Array(self.buffer[...end])
                self.buffer.removeFirst(end + 1)
                return line
            }
            guard try self.fill() else { return nil }
        }
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        while self.buffer.count < count { guard try self.fill() else { throw Ended() } }
        defer { self.buffer.removeFirst(count) }
        return Array(self.buffer.prefix(count))
    }

    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(self.descriptor, &piece, piece.count, 0)
        guard count > 0 else { return false }
        guard let tls = self.tls else {
            self.buffer += piece.prefix(count)
            return true
        }
        let (plain, answer) = try tls.decrypt(Array(piece.prefix(count)))
        try self.send(answer)
        self.buffer += plain
        return true
    }
}
