import MailTesting
import Testing

/// Who does not read what happens is told the end of it, not each step.
@Suite(.serialized) struct IMAPSlowReaderTests {
    private static let messages = 2000
    private static let rounds = 300

    private static func flags(_ value: IMAPValue) -> Set<String> { Set(value.list.map(\.text)).subtracting(["\\Recent"]) }

    /// What a client holds that goes by what it is told.
    private struct Mirror {
        var messages: [(uid: UInt32?, flags: Set<String>?)] = []
        var octets = 0

        mutating func told(_ response: IMAPResponse) {
            guard case .data(let values) = response, values.count > 1, let number = values[0].number else { return }
            switch values[1].text.uppercased() {
            case "EXISTS": while self.messages.count < Int(number) { self.messages.append((nil, nil)) }
            case "EXPUNGE": if self.messages.indices.contains(Int(number) - 1) { self.messages.remove(at: Int(number) - 1) }
            case "FETCH":
                guard self.messages.indices.contains(Int(number) - 1), let last = values.last else { return }
                self.octets += 40
                if let uid = last["UID"]?.number { self.messages[Int(number) - 1].uid = uid }
                if let flags = last["FLAGS"] { self.messages[Int(number) - 1].flags = IMAPSlowReaderTests.flags(flags) }
            default: break
            }
        }
    }

    @Test("A client that waits and does not read is told what became of 600,000 changes, not each", arguments: [false, true])
    func coalesces(isNotified: Bool) throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let worker = try server.imap("taro", "taros word")
        #expect(try worker.append("INBOX", "Subject: x\r\n\r\nx\r\n").isOK)
        try worker.ok("SELECT INBOX")
        for _ in 0..<11 { try worker.ok("COPY 1:* INBOX") }
        let slow = try IMAPTestClient(TestClient(port: server.port("imap"), timeout: 60, receiveBuffer: 8192))
        slow.transcriptLimit = 10
        try slow.ok("LOGIN taro \"taros word\"")
        let count = try #require(try slow.ok("SELECT INBOX").data("EXISTS").first?.first?.number)
        #expect(count > Self.messages)
        var mirror = Mirror()
        mirror.messages = Array(repeating: (nil, nil), count: Int(count))
        for response in try slow.ok("FETCH 1:* (UID FLAGS)").untagged { mirror.told(response) }
        mirror.octets = 0
        if isNotified { try slow.ok("NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange))") }
        let tag = try isNotified ? "" : slow.send("IDLE")

        for round in 0..<Self.rounds {
            try worker.ok("STORE 1:* \(round % 2 == 0 ? "+" : "-")FLAGS.SILENT (\\Flagged)")
            guard round % 10 == 0 else { continue }
            #expect(try worker.append("INBOX", "Subject: y\r\n\r\ny\r\n").isOK)
            try worker.ok("STORE \(round + 1):\(round + 3) +FLAGS.SILENT (\\Deleted)")
            try worker.ok("EXPUNGE")
        }
        try worker.ok("STORE 1:5 +FLAGS.SILENT (\\Answered)")

        if isNotified {
            _ = try slow.finish(try slow.send("NOOP")) { mirror.told($0) }
        } else {
            try slow.client.sendLine("DONE")
            _ = try slow.finish(tag) { mirror.told($0) }
        }
        // Very many changes are told in parts.
        while case let answer = try slow.finish(try slow.send("NOOP"), each: { mirror.told($0) }), !answer.untagged.isEmpty {}
        // Each change told by itself is 40 octets and more. What the kernel's buffers held is told, and what came of the rest.
        #expect(mirror.octets < 40 * Self.messages * Self.rounds / 2, "\(mirror.octets)")
        let right = try worker.ok("UID FETCH 1:* (FLAGS)").data("FETCH").map { values in
            (uid: values.last?["UID"]?.number, flags: values.last?["FLAGS"].map(Self.flags))
        }
        #expect(mirror.messages.count == right.count)
        for (told, message) in zip(mirror.messages, right) where told.uid != nil {
            #expect(told.uid == message.uid)
            #expect(told.flags == message.flags, "UID \(message.uid ?? 0)")
        }
        print("told \(mirror.octets) octets of \(40 * Self.messages * Self.rounds)")
    }

    @Test("A client that sends hundreds of commands and reads nothing is answered in order when it does")
    func pipelines() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test", password: "taros word")
        let client = try IMAPTestClient(TestClient(port: server.port("imap"), timeout: 60, receiveBuffer: 8192))
        client.transcriptLimit = 10
        try client.ok("LOGIN taro \"taros word\"")
        #expect(try client.append("INBOX", "Subject: x\r\n\r\n\(String(repeating: "text ", count: 200_000))\r\n").isOK)
        try client.ok("SELECT INBOX")
        let tags = try (0..<100).map { _ in try client.send("FETCH 1 (UID BODY.PEEK[])") }
        for tag in tags {
            let answer = try client.finish(tag)
            #expect(answer.isOK)
            #expect(answer.untagged.count == 1)
        }
    }
}
