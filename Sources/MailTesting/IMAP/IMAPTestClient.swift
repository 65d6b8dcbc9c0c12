/// A client of IMAP for tests: sends commands, reads responses with their literals. Every wait is bounded.
package final class IMAPTestClient {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        /// What came is not what the grammar allows, or not in order: no broken connection looks like it.
        package let isMalformed: Bool
        package init(description: String, isMalformed: Bool = false) {
            self.description = description
            self.isMalformed = isMalformed
        }
    }

    /// The end of a command, and all that came before it.
    package struct Answer: Sendable {
        package var word: String
        package var code: String?
        package var text: String
        package var untagged: [IMAPResponse]
        /// The same as they were written: without `* `, literals where they stand; continuation requests with their `+ `.
        package var lines: [String] = []
        /// The last line without its tag.
        package var tagged = ""

        package var isOK: Bool { self.word == "OK" }
        package func first(_ prefix: String) -> String? { self.lines.first { $0.hasPrefix(prefix) } }
        package func all(_ word: String) -> [String] { self.lines.filter { $0.contains(word) } }
        /// The data responses that have this word in first or second place.
        package func data(_ name: String) -> [[IMAPValue]] {
            self.untagged.compactMap { response in
                guard case .data(let values) = response else { return nil }
                return values.prefix(2).contains { $0.text.uppercased() == name } ? values : nil
            }
        }
        /// What stands behind a word in the brackets of some response: `5` of `[UIDNEXT 5]`.
        package func code(_ name: String) -> String? {
            for case .status(_, _, let code?, _) in self.untagged + [.status(tag: "", word: self.word, code: self.code, text: "")] {
                let words = code.split(separator: " ", maxSplits: 1)
                if words.first?.uppercased() == name { return words.count > 1 ? String(words[1]) : "" }
            }
            return nil
        }
    }

    package let client: TestClient
    package private(set) var greeting: IMAPResponse
    package private(set) var greetingText = ""
    /// Everything said, for a failure's report; the last lines only.
    package private(set) var transcript: [String] = []
    package var transcriptLimit = 3000
    private var number = 0
    private var line: ArraySlice<UInt8> = []
    /// The response that is being read, as it was written.
    private var text = ""

    package init(_ client: TestClient) throws {
        self.client = client
        self.greeting = .goAhead("")
        self.greeting = try self.response()
        self.greetingText = self.text
        guard case .status(_, let word, _, _) = self.greeting, word == "OK" || word == "PREAUTH" else {
            throw Failure(description: "greeting: \(self.greeting)")
        }
    }

    package convenience init(port: Int, timeout: Int = 30) throws { try self.init(TestClient(port: port, timeout: timeout)) }

    // MARK: Commands

    /// Sends a command; literals are written as `{n+}` and follow where `%` stands.
    @discardableResult
    package func send(_ command: String, _ literals: String...) throws -> String { try self.send(command, literals) }

    package func send(_ command: String, _ literals: [String]) throws -> String {
        self.number += 1
        let tag = "a\(self.number)"
        var pieces = literals[...]
        var out = "\(tag) "
        for character in command {
            if character == "%", let literal = pieces.popFirst() {
                out += "{\(literal.utf8.count)+}\r\n\(literal)"
            } else {
                out.append(character)
            }
        }
        self.note("C: \(out.prefix(300))")
        try self.client.send(out + "\r\n")
        return tag
    }

    /// Reads up to the end of a command; `each` sees the untagged responses as they come.
    package func finish(_ tag: String, each: (IMAPResponse) throws -> Void = { _ in }) throws -> Answer {
        var untagged: [IMAPResponse] = []
        var lines: [String] = []
        while true {
            let response = try self.response()
            if case .status(let found, let word, let code, let text) = response {
                if found == tag {
                    let tagged = String(self.text.dropFirst(tag.count + 1))
                    return Answer(word: word, code: code, text: text, untagged: untagged, lines: lines, tagged: tagged)
                }
                if found != "*" { throw Failure(description: "an answer to \(found), not \(tag): \(response)", isMalformed: true) }
            }
            try each(response)
            untagged.append(response)
            lines.append(self.text.hasPrefix("* ") ? String(self.text.dropFirst(2)) : self.text)
        }
    }

    @discardableResult
    package func run(_ command: String, _ literal: String...) throws -> Answer {
        let tag = try literal.isEmpty ? self.send(command) : self.send(command, literal[0])
        return try self.finish(tag)
    }

    /// A command that must succeed.
    @discardableResult
    package func ok(_ command: String, _ literal: String...) throws -> Answer {
        let answer = try literal.isEmpty ? self.run(command) : self.run(command, literal[0])
        guard answer.isOK else {
            throw Failure(description: "\(command.prefix(200)): \(answer.word) [\(answer.code ?? "")] \(answer.text)")
        }
        return answer
    }

    /// APPEND that waits for leave to send its message.
    package func append(_ mailbox: String, _ message: String, flags: String = "", extra: String = "") throws -> Answer {
        let flags = flags.isEmpty ? "" : "(\(flags)) "
        let tag = try self.send("APPEND \(mailbox) \(flags)\(extra){\(message.utf8.count)}")
        var next = try self.response()
        while case .data = next { next = try self.response() }
        if case .status(_, let word, let code, let text) = next {
            let tagged = String(self.text.dropFirst(tag.count + 1))
            return Answer(word: word, code: code, text: text, untagged: [], tagged: tagged)
        }
        try self.client.send(message + "\r\n")
        return try self.finish(tag)
    }

    /// The next response as it was written, without its last CRLF.
    package func responseText() throws -> String {
        _ = try self.response()
        return self.text
    }

    private func note(_ line: String) {
        self.transcript.append(line)
        if self.transcript.count > self.transcriptLimit { self.transcript.removeFirst(self.transcriptLimit / 3) }
    }

    // MARK: Responses

    package func response() throws -> IMAPResponse {
        let text = try self.client.readLine()
        self.text = text
        self.note("S: \(text.prefix(300))")
        if text.hasPrefix("+") { return .goAhead(String(text.dropFirst(2))) }
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        if words.count >= 2, ["OK", "NO", "BAD", "BYE", "PREAUTH"].contains(words[1].uppercased()) {
            return Self.status(words)
        }
        self.line = Array(text.utf8)[...]
        guard self.line.popFirst() == UInt8(ascii: "*") else { throw Failure(description: "no response: \(text)", isMalformed: true) }
        return .data(try self.values(until: nil))
    }

    private static func status(_ words: [String]) -> IMAPResponse {
        let rest = words.count > 2 ? words[2] : ""
        guard rest.hasPrefix("["), let end = rest.range(of: "]") else {
            return .status(tag: words[0], word: words[1].uppercased(), code: nil, text: rest)
        }
        return .status(
            tag: words[0], word: words[1].uppercased(), code: String(rest[rest.index(after: rest.startIndex)..<end.lowerBound]),
            text: String(rest[end.upperBound...].drop { $0 == " " }))
    }

    /// Values up to the closing byte, or to the end of the line.
    private func values(until close: UInt8?) throws -> [IMAPValue] {
        var out: [IMAPValue] = []
        while true {
            while self.line.first == UInt8(ascii: " ") { self.line.removeFirst() }
            guard let byte = self.line.first else {
                guard close == nil else { throw Failure(description: "a list is not closed", isMalformed: true) }
                return out
            }
            if byte == close {
                self.line.removeFirst()
                return out
            }
            out.append(try self.value(byte))
        }
    }

    private func value(_ first: UInt8) throws -> IMAPValue {
        switch first {
        case UInt8(ascii: "("):
            self.line.removeFirst()
            return .list(try self.values(until: UInt8(ascii: ")")))
        case UInt8(ascii: "\""): return .string(try self.quoted())
        case UInt8(ascii: "{"), UInt8(ascii: "~"): return .string(try self.literal())
        default: return .atom(self.atom())
        }
    }

    private func quoted() throws -> String {
        self.line.removeFirst()
        var out: [UInt8] = []
        while let byte = self.line.popFirst() {
            if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), let next = self.line.popFirst() { out.append(next) } else { out.append(byte) }
        }
        throw Failure(description: "a quoted string is not closed", isMalformed: true)
    }

    private func literal() throws -> String {
        let digits = self.line.filter { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard self.line.last == UInt8(ascii: "}"), let count = Int(String(decoding: digits, as: UTF8.self)) else {
            throw Failure(description: "no literal: \(String(decoding: self.line, as: UTF8.self))", isMalformed: true)
        }
        let literal = String(decoding: try self.client.read(count), as: UTF8.self)
        let rest = try self.client.readLine()
        self.line = Array(rest.utf8)[...]
        self.text += "\r\n\(literal)\(rest)"
        return literal
    }

    /// Up to a blank or a parenthesis, but what stands in brackets is part of it: `BODY[HEADER.FIELDS (SUBJECT)]<0>`.
    private func atom() -> String {
        var out: [UInt8] = []
        var depth = 0
        while let byte = self.line.first {
            if depth == 0, byte == UInt8(ascii: " ") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "(") { break }
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
            out.append(byte)
            self.line.removeFirst()
        }
        return String(decoding: out, as: UTF8.self)
    }
}
