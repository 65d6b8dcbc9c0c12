/// One IMAP connection that waits for each answer. Sends whole commands, literals without waiting (LITERAL+), and reads past literals in
/// answers, so that a message that looks like an answer is none.
package final class IMAPClient: BlockingConnection {
    private var number = 0

    package override init(_ server: Endpoint, source: Int? = nil, tls: Bool = false) throws {
        try super.init(server, source: source, tls: tls)
        _ = try self.line()
    }

    package func login(_ user: String, _ password: String) throws { try self.run("LOGIN \(user) \(password)") }

    /// Runs one command; answers how many octets came back.
    @discardableResult
    package func run(_ command: String, literal: [UInt8]? = nil) throws -> Int {
        let before = self.received
        try self.begin(command, literal: literal)
        try self.finish()
        return self.received - before
    }

    /// Sends without waiting; each needs a `finish` of its own.
    package func begin(_ command: String, literal: [UInt8]? = nil) throws {
        self.number += 1
        var bytes = Array("t\(self.number) \(command)".utf8)
        if let literal {
            bytes += Array(" {\(literal.count)+}\r\n".utf8)
            bytes += literal
        }
        bytes += [13, 10]
        try self.send(bytes)
    }

    /// Reads up to the next tagged answer, which must be OK.
    package func finish() throws {
        while true {
            let text = try self.line()
            guard text.first == UInt8(ascii: "t") else { continue }
            guard let space = text.firstIndex(of: 32), text[(space + 1)...].starts(with: "OK".utf8) else {
                throw BenchError(String(decoding: text, as: UTF8.self))
            }
            return
        }
    }

    /// Sends IDLE and waits for the go-ahead.
    package func idle() throws {
        try self.begin("IDLE")
        while try self.line().first != UInt8(ascii: "+") {}
    }

    /// The next untagged line, as text; literals are left out.
    package func next() throws -> String { String(decoding: try self.line(), as: UTF8.self) }

    /// One logical line: physical lines joined over their literals, whose octets are thrown away.
    private func line() throws -> [UInt8] {
        var out: [UInt8] = []
        while true {
            let piece = try self.physicalLine()
            out += piece
            guard piece.last == UInt8(ascii: "}"), let open = piece.lastIndex(of: UInt8(ascii: "{")),
                let length = Int(String(decoding: piece[(open + 1)..<(piece.count - 1)], as: UTF8.self))
            else { return out }
            try self.skip(length)
        }
    }
}
