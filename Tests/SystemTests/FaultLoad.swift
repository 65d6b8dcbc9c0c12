import Glibc
import MailTesting
import PowerCutKit
import Synchronization

/// What became of every message that a test handed in.
final class Account: Sendable {
    struct Books: Sendable {
        /// Answered 250.
        var accepted: [Int: Sample] = [:]
        /// The connection ended between the final dot and the answer: may be there once, or not at all.
        var unknown: [Int: Sample] = [:]
        /// Refused with this code.
        var refused: [Int: Int] = [:]
        /// Connections that nobody would take.
        var connectionsRefused = 0
        /// Connections that ended before a message was handed over whole.
        var interrupted = 0
    }

    private let books = Mutex(Books())
    private let next = Atomic<Int>(1)

    var now: Books { self.books.withLock { $0 } }
    func number() -> Int { self.next.wrappingAdd(1, ordering: .relaxed).oldValue }

    func note(_ body: (inout Books) -> Void) { self.books.withLock { body(&$0) } }
}

/// A sender of samples over SMTP. Each message has a number of its own and is handed in once, whatever happens.
struct Sender: Sendable {
    let port: Int
    let domain: String
    let account: Account
    let seed: UInt64
    /// Recipients are `user0@domain`, `user1@domain`, …
    let users: Int

    /// Messages in new sessions until `isOver` says so. A session that breaks is followed by the next.
    func run(_ sender: Int, until isOver: @Sendable () -> Bool) {
        var random = SeededRandom(self.seed, UInt64(sender))
        while !isOver() {
            do {
                let connection = try LineConnection(port: self.port, timeout: 60)
                try self.session(connection, &random, isOver)
            } catch let failure as LineConnection.Failure where failure.isRefused {
                self.account.note { $0.connectionsRefused += 1 }
                usleep(20_000)
            } catch {
                self.account.note { $0.interrupted += 1 }
            }
        }
    }

    private func session(_ connection: LineConnection, _ random: inout SeededRandom, _ isOver: @Sendable () -> Bool) throws {
        guard try connection.replyCode() == 220 else { return }
        try connection.command("EHLO sender.example")
        for _ in 0..<Int.random(in: 1...8, using: &random) where !isOver() {
            let count = random.chance(0.2) ? 3 : 1
            let recipients = Array((0..<self.users).shuffled(using: &random).prefix(count)).sorted()
            let size = random.chance(0.05) ? 400_000 : Int.random(in: 200..<6_000, using: &random)
            try self.send(Sample(number: self.account.number(), seed: self.seed, size: size, recipients: recipients), connection)
        }
        try connection.command("QUIT")
    }

    /// One transaction, entered in the books.
    @discardableResult
    func send(_ sample: Sample, _ connection: LineConnection) throws -> Int {
        let refuse = { (code: Int) -> Int in
            self.account.note { $0.refused[sample.number] = code }
            return code
        }
        let mail = try connection.command("MAIL FROM:<sender@elsewhere.example>")
        guard mail == 250 else { return refuse(mail) }
        for recipient in sample.recipients {
            let code = try connection.command("RCPT TO:<user\(recipient)@\(self.domain)>")
            guard code == 250 else {
                try connection.command("RSET")
                return refuse(code)
            }
        }
        let data = try connection.command("DATA")
        guard data == 354 else { return refuse(data) }
        let bytes = Self.stuffed(sample.body())
        // Without the last octet nobody can have taken it.
        try connection.send(Array(bytes.dropLast()))
        self.account.note { $0.unknown[sample.number] = sample }
        try connection.send([10])
        let reply = try connection.reply()
        let code = Int(reply.last?.prefix(3) ?? "") ?? 0
        if code != 250 && code != 451 && code != 452 { print("message \(sample.number) of \(sample.size) bytes: \(reply)") }
        self.account.note {
            $0.unknown[sample.number] = nil
            if code == 250 { $0.accepted[sample.number] = sample } else { $0.refused[sample.number] = code }
        }
        return code
    }

    /// Dots doubled, and the final dot. [RFC5321-4.5.2]
    static func stuffed(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(body.count + 64)
        var atStart = true
        for byte in body {
            if atStart && byte == UInt8(ascii: ".") { out.append(byte) }
            out.append(byte)
            atStart = byte == 10
        }
        return out + Array(".\r\n".utf8)
    }
}

/// Reads mailboxes over POP3 and finds the samples in them.
struct Reader {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let port: Int
    let domain: String
    let password: String

    func login(_ user: Int) throws -> LineConnection {
        let connection = try LineConnection(port: self.port, timeout: 60)
        for line in ["", "USER user\(user)@\(self.domain)", "PASS \(self.password)"] {
            if !line.isEmpty { try connection.send(line: line) }
            let answer = try connection.line()
            guard answer.hasPrefix("+OK") else { throw Failure(description: "user\(user), \(line.prefix(4)): \(answer)") }
        }
        return connection
    }

    /// All messages of a user as they lie there, dots unstuffed.
    func messages(of user: Int) throws -> [[UInt8]] {
        let connection = try self.login(user)
        try connection.send(line: "STAT")
        let count = Int(try connection.line().split(separator: " ").dropFirst().first ?? "") ?? 0
        var found: [[UInt8]] = []
        for index in 0..<count {
            try connection.send(line: "RETR \(index + 1)")
            guard try connection.line().hasPrefix("+OK") else { throw Failure(description: "RETR \(index + 1) of user\(user) refused") }
            found.append(try self.message(connection))
        }
        try connection.send(line: "QUIT")
        _ = try connection.line()
        return found
    }

    private func message(_ connection: LineConnection) throws -> [UInt8] {
        var message: [UInt8] = []
        while true {
            let line = try connection.line()
            if line == "." { return message }
            message += Array((line.hasPrefix(".") ? String(line.dropFirst()) : line).utf8) + [13, 10]
        }
    }
}

/// Compares mailboxes with the books: lost, doubled, damaged, half delivered, never sent.
struct Reckoning {
    private(set) var complaints: [String] = []
    private(set) var delivered = 0

    init(_ books: Account.Books, users: Int, _ reader: Reader) throws {
        var places: [Int: [Int: Int]] = [:]
        for user in 0..<users {
            for message in try reader.messages(of: user) {
                self.delivered += 1
                guard let number = Self.number(in: message) else {
                    self.complaints.append("user\(user) has a message without a number")
                    continue
                }
                places[number, default: [:]][user, default: 0] += 1
                guard let sample = books.accepted[number] ?? books.unknown[number] else {
                    self.complaints.append(
                        "user\(user) has message \(number), which was refused (\(books.refused[number] ?? 0)) or never sent")
                    continue
                }
                let body = sample.body()
                if !message.suffix(body.count).elementsEqual(body) { self.complaints.append("user\(user): message \(number) is damaged") }
            }
        }
        for (number, sample) in books.accepted { self.reckon(number, sample, places[number] ?? [:], isCertain: true) }
        for (number, sample) in books.unknown { self.reckon(number, sample, places[number] ?? [:], isCertain: false) }
    }

    private mutating func reckon(_ number: Int, _ sample: Sample, _ places: [Int: Int], isCertain: Bool) {
        for (user, count) in places where count > 1 || !sample.recipients.contains(user) {
            self.complaints.append("message \(number) is there \(count) times for user\(user), meant for \(sample.recipients)")
        }
        let missing = sample.recipients.filter { places[$0] == nil }
        if isCertain && !missing.isEmpty { self.complaints.append("message \(number) was answered 250 and is lost for \(missing)") }
        if !isCertain && !missing.isEmpty && missing.count < sample.recipients.count {
            self.complaints.append("message \(number) is half there: not for \(missing)")
        }
    }

    static func number(in message: [UInt8]) -> Int? {
        let marker = Array("\r\nMessage-Number: ".utf8)
        let head = message.prefix(4096)
        guard let start = head.indices.first(where: { head[$0...].starts(with: marker) }) else { return nil }
        return Int(String(decoding: message[(start + marker.count)...].prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self))
    }
}

/// Facts about a running process from /proc.
enum ProcessFacts {
    /// User and system time in seconds.
    static func cpuSeconds(_ id: pid_t) -> Double {
        let text = ChildProcess.text(of: "/proc/\(id)/stat")
        guard let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in MiB.
    static func residentMiB(_ id: pid_t) -> Double {
        let text = ChildProcess.text(of: "/proc/\(id)/statm")
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
    }
}
