import MailTesting
import POP3Wire
import Testing

/// The plainest possible maildrop: what RFC 1939 says, in lists.
private struct Model {
    struct Message {
        var uid: UInt32
        var body: String
        var isDeleted = false
    }

    var messages: [Message]

    private var left: [(number: Int, message: Message)] {
        self.messages.enumerated().filter { !$0.element.isDeleted }.map { ($0.offset + 1, $0.element) }
    }

    var stat: String { "+OK \(self.left.count) \(self.left.reduce(0) { $0 + $1.message.body.utf8.count })\r\n" }

    private func about(_ number: Int, _ answer: (Message) -> String) -> String {
        guard self.messages.indices.contains(number - 1) else { return "-ERR no such message\r\n" }
        let message = self.messages[number - 1]
        return message.isDeleted ? "-ERR this message is marked as deleted\r\n" : answer(message)
    }

    private func list(_ line: (Message) -> String) -> String {
        "+OK list follows\r\n" + self.left.map { "\($0.number) \(line($0.message))\r\n" }.joined() + ".\r\n"
    }

    private static func multiline(_ lines: [Substring]) -> String {
        lines.map { $0.hasPrefix(".") ? ".\($0)\r\n" : "\($0)\r\n" }.joined() + ".\r\n"
    }

    private static func lines(_ body: String) -> [Substring] {
        body.isEmpty
            ? [] : (body.hasSuffix("\r\n") ? String(body.dropLast()) : body).split(separator: "\r\n", omittingEmptySubsequences: false)
    }

    mutating func answer(_ command: Command) -> String {
        switch command {
        case .stat: return self.stat
        case .list(nil): return self.list { "\($0.body.utf8.count)" }
        case .uidl(nil): return self.list { "77.\($0.uid)" }
        case .list(let number?): return self.about(number) { "+OK \(number) \($0.body.utf8.count)\r\n" }
        case .uidl(let number?): return self.about(number) { "+OK \(number) 77.\($0.uid)\r\n" }
        case .retr(let number):
            return self.about(number) { "+OK \($0.body.utf8.count) octets\r\n" + Self.multiline(Self.lines($0.body)) }
        case .top(let number, let count):
            return self.about(number) { message in
                let lines = Self.lines(message.body)
                let header = lines.firstIndex(of: "").map { $0 + 1 } ?? lines.count
                return "+OK\r\n" + Self.multiline(Array(lines.prefix(header + count)))
            }
        case .dele(let number):
            let answer = self.about(number) { _ in "+OK marked as deleted\r\n" }
            if answer.hasPrefix("+OK") { self.messages[number - 1].isDeleted = true }
            return answer
        case .rset:
            for index in self.messages.indices { self.messages[index].isDeleted = false }
            return self.stat
        case .noop: return "+OK done\r\n"
        }
    }
}

private enum Command {
    case stat, rset, noop
    case list(Int?), uidl(Int?), retr(Int), dele(Int), top(Int, Int)

    var line: String {
        switch self {
        case .stat: "STAT"
        case .rset: "RSET"
        case .noop: "NOOP"
        case .list(let number): "LIST" + (number.map { " \($0)" } ?? "")
        case .uidl(let number): "UIDL" + (number.map { " \($0)" } ?? "")
        case .retr(let number): "RETR \(number)"
        case .dele(let number): "DELE \(number)"
        case .top(let number, let lines): "TOP \(number) \(lines)"
        }
    }

    static func random(_ count: Int, _ random: inout SeededGenerator) -> Command {
        let number = Int.random(in: 0...(count + 1), using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .stat
        case 1: return .list(nil)
        case 2: return .uidl(nil)
        case 3: return .list(number)
        case 4: return .uidl(number)
        case 5, 6: return .retr(number)
        case 7: return .top(number, Int.random(in: 0...4, using: &random))
        case 8, 9, 10: return .dele(number)
        default: return Bool.random(using: &random) ? .rset : .noop
        }
    }
}

@Suite struct ModelTests {
    private static func body(_ random: inout SeededGenerator) -> String {
        let lines = ["", ".", "..", "text", ".text", "Subject: x", "a long line that is here to be longer than one piece"]
        return (0..<Int.random(in: 0...8, using: &random)).map { _ in (lines.randomElement(using: &random) ?? "") + "\r\n" }.joined()
    }

    @Test("I6 a session answers like the plainest maildrop, and QUIT removes what the model says", arguments: 1...200)
    func sessionsMatchTheModel(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let office = FakeOffice()
        office.pieceSize = Int.random(in: 1...40, using: &random)
        var uid: UInt32 = 0
        office.messages = (0..<Int.random(in: 0...9, using: &random)).map { _ in
            uid += UInt32.random(in: 1...5, using: &random)
            return FakeOffice.Message(uid: uid, bytes: Array(Self.body(&random).utf8))
        }
        var model = Model(messages: office.messages.map { Model.Message(uid: $0.uid, body: String(decoding: $0.bytes, as: UTF8.self)) })
        var session = POP3Session(office)
        session.logIn()
        _ = session.takeOutput()
        for _ in 0..<60 {
            let command = Command.random(model.messages.count, &random)
            #expect(session.say(command.line) == model.answer(command), "\(command.line)")
        }
        if Bool.random(using: &random) {
            #expect(session.say("QUIT").hasPrefix("+OK"))
            model.messages.removeAll(where: \.isDeleted)
        } else {
            session.timeOut()
        }
        #expect(office.messages.map(\.uid) == model.messages.map(\.uid))
    }
}
