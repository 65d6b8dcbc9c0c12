import Bytes
import Foundation
import MailTesting
import NIOCore
import Policy
import SASL
import SMTPWire
import Testing
import Vocabulary

@Suite("The client's side of SMTP")
struct ClientTests {
    static let scripts: [ClientScript] = {
        guard let folder = Bundle.module.resourcePath else { return [] }
        return (try? ClientScript.load(folder: folder + "/ClientDialogues")) ?? []
    }()

    @Test func thereAreScripts() { #expect(Self.scripts.count >= 7) }

    @Test("Every script sounds the same however the server's bytes are cut", arguments: scripts, Cutting.all)
    func sameInAnyCut(_ script: ClientScript, _ cutting: Cutting) { #expect(script.play(cutting) == nil) }

    // MARK: Helpers

    private func message(
        _ text: String = "Hello\r\n", to recipients: [String] = ["a@x.test"], _ change: (inout Envelope) -> Void = { _ in }
    ) -> SMTPClientMessage {
        var envelope = Envelope(sender: Address(localPart: "taro", domain: "example.test"))
        envelope.recipients = recipients.compactMap { (try? Address(parsing: $0)).map { Envelope.Recipient($0) } }
        change(&envelope)
        return SMTPClientMessage(envelope: envelope, size: Int64(text.utf8.count), body: .whole(ByteBuffer(string: text)))
    }

    private func session(
        _ sender: Sender, offering keywords: [String], _ change: (inout SMTPClientSettings) -> Void = { _ in }
    ) -> PureSession<SMTPClient> {
        var settings = SMTPClientSettings(helloName: "mail.example.test")
        change(&settings)
        var session = PureSession(SMTPClient(settings), answer: sender.answer)
        session.connect()
        session.send("220 mx\r\n")
        let lines = ["mx"] + keywords
        session.send(lines.enumerated().map { "250\($0 == lines.count - 1 ? " " : "-")\($1)\r\n" }.joined())
        return session
    }

    private func cause(_ sender: Sender) -> DeliveryFailure.Cause? {
        if case .failed(let cause)? = sender.reports.first?.results.first { return cause }
        return nil
    }

    // MARK: What a server cannot take

    @Test("S5 nothing is sent that the server does not offer", arguments: 0..<4)
    func obstacles(_ number: Int) {
        let sender = Sender()
        let wanted: DeliveryFailure.Cause
        var keywords = ["PIPELINING", "SIZE 1000"]
        switch number {
        case 0:
            sender.messages = [self.message { $0.isEightBit = true }]
            wanted = .needsEightBit
        case 1:
            sender.messages = [self.message(to: ["あ@x.test"])]
            wanted = .needsInternational
        case 2:
            sender.messages = [self.message { $0.requiresTLS = true }]
            wanted = .needsRequireTLS
        default:
            sender.messages = [self.message(String(repeating: "x", count: 2000))]
            wanted = .tooLarge(limit: 1000)
            keywords.append("8BITMIME")
        }
        var session = self.session(sender, offering: keywords)
        #expect(self.cause(sender) == wanted)
        #expect(!session.takeOutput().contains("MAIL"))
    }

    @Test func aDomainBeyondASCIIGoesAsALabels() {
        let sender = Sender()
        sender.messages = [self.message(to: ["a@bücher.test"])]
        var session = self.session(sender, offering: ["PIPELINING"])
        #expect(session.takeOutput().contains("RCPT TO:<a@xn--bcher-kva.test>"))
        let other = Sender()
        other.messages = [self.message(to: ["あ@bücher.test"])]
        session = self.session(other, offering: ["PIPELINING", "SMTPUTF8"])
        let said = session.takeOutput()
        #expect(said.contains("SMTPUTF8") && said.contains("RCPT TO:<あ@bücher.test>"))
    }

    @Test func dsnGoesOnWhereItIsOffered() {
        let sender = Sender()
        sender.messages = [
            self.message {
                $0.dsnReturn = .headers
                $0.envelopeID = "QQ+20x"
                $0.recipients[0].notify = [.success, .delay]
                $0.recipients[0].originalRecipient = "rfc822;a@y.test"
            }
        ]
        var session = self.session(sender, offering: ["PIPELINING", "DSN"])
        let said = session.takeOutput()
        #expect(said.contains("MAIL FROM:<taro@example.test> RET=HDRS ENVID=QQ+20x\r\n"))
        #expect(said.contains("RCPT TO:<a@x.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@y.test\r\n"))
    }

    @Test("No text of an address makes a command of its own")
    func cleanCommands() {
        let sender = Sender()
        sender.messages = [
            self.message { $0.recipients = [Envelope.Recipient(Address(localPart: "a\r\nRSET\r\n", domain: "x.test"))] }
        ]
        var session = self.session(sender, offering: ["PIPELINING"])
        if case .badAddress? = self.cause(sender) {} else { #expect(Bool(false), "\(String(describing: self.cause(sender)))") }
        #expect(!session.takeOutput().contains("MAIL"))
    }

    // MARK: AUTH

    private func login(_ sender: Sender, _ keywords: [String], tls: Bool = true) -> PureSession<SMTPClient> {
        var session = self.session(sender, offering: tls ? ["STARTTLS"] : keywords) {
            $0.credentials = SMTPClientSettings.Credentials(login: "taro", password: Secret("word"))
        }
        if tls {
            session.send("220 Go\r\n")
            session.establishTLS()
            _ = session.takeOutput()
            session.send((["250-mx"] + keywords.map { "250-\($0)" } + ["250 HELP"]).map { $0 + "\r\n" }.joined())
        }
        return session
    }

    @Test func plainLogin() {
        let sender = Sender()
        var session = self.login(sender, ["AUTH PLAIN LOGIN"])
        #expect(session.takeOutput() == "AUTH PLAIN AHRhcm8Ad29yZA==\r\n")
        session.send("235 2.7.0 Ok\r\n")
        #expect(session.takeOutput() == "QUIT\r\n")
    }

    @Test func loginLogin() {
        let sender = Sender()
        var session = self.login(sender, ["AUTH=LOGIN"])
        #expect(session.takeOutput() == "AUTH LOGIN\r\n")
        session.send("334 VXNlcm5hbWU6\r\n")
        #expect(session.takeOutput() == "dGFybw==\r\n")
        session.send("334 UGFzc3dvcmQ6\r\n")
        #expect(session.takeOutput() == "d29yZA==\r\n")
        session.send("535 5.7.8 No\r\n")
        #expect(sender.failures == [.loginFailed(Reply(535, EnhancedStatus(5, 7, 8), "No"))])
        #expect(session.isClosed)
    }

    @Test("T6 no password goes over an open connection")
    func noPasswordInClear() {
        let sender = Sender()
        var session = self.login(sender, ["AUTH PLAIN"], tls: false)
        #expect(!session.takeOutput().contains("AUTH"))
        if case .tlsRequired? = sender.failures.first {} else { #expect(Bool(false)) }
    }

    // MARK: Bad ends

    @Test("A lost connection leaves what is open to another attempt", arguments: 0..<6)
    func lost(_ step: Int) {
        let sender = Sender()
        sender.messages = [self.message(to: ["a@x.test", "b@x.test"])]
        var session = self.session(sender, offering: ["PIPELINING"])
        let replies = ["250 Ok\r\n", "550 5.1.1 No\r\n", "250 Ok\r\n", "354 Go\r\n", "25"]
        for reply in replies.prefix(step) { session.send(reply) }
        session.notify(.lost(reason: "gone"))
        #expect(session.isClosed)
        guard let report = sender.reports.first else { return #expect(Bool(false)) }
        #expect(!report.isUntouched && report.results.count == 2)
        if step >= 2 {
            #expect(report.results[0] == .failed(.reply(Reply(550, EnhancedStatus(5, 1, 1), "No"), .rcpt)))
        } else if case .failed(.connectionLost) = report.results[0] {
        } else {
            #expect(Bool(false))
        }
        if case .failed(.connectionLost) = report.results[1] {} else { #expect(Bool(false)) }
    }

    @Test("An idle connection that was cut did not try the message")
    func untouched() {
        let sender = Sender()
        sender.messages = [self.message(), self.message()]
        var session = self.session(sender, offering: ["PIPELINING"])
        session.send("250 Ok\r\n250 Ok\r\n354 Go\r\n250 Taken\r\n")
        session.notify(.lost(reason: "idle for too long"))
        #expect(sender.reports.count == 2)
        #expect(sender.reports.last?.isUntouched == true)
        #expect(sender.reports.first?.isUntouched == false)
    }

    @Test("A body that cannot be read never arrives in part", arguments: [true, false])
    func unreadableBody(_ chunking: Bool) {
        let sender = Sender()
        sender.cannotRead = true
        var message = self.message()
        message.body = .streamed
        sender.messages = [message]
        var session = self.session(sender, offering: chunking ? ["PIPELINING", "CHUNKING"] : ["PIPELINING"])
        session.send("250 Ok\r\n250 Ok\r\n")
        if !chunking { session.send("354 Go\r\n") }
        let said = session.takeOutput()
        #expect(session.isClosed && !said.contains("\r\n.\r\n") && !said.contains("LAST"))
        if case .local? = self.cause(sender) {} else { #expect(Bool(false)) }
    }

    @Test("Nonsense at any point ends the conversation and traps nothing")
    func nonsense() {
        var generator = SeededGenerator(seed: 5)
        let words = [
            "220 a\r\n", "250-x\r\n", "250 Ok\r\n", "354 Go\r\n", "999 x\r\n", "\r\n", "250\r\n", "abc", "\n", "421 x\r\n", "550 No\r\n",
        ]
        for _ in 0..<3000 {
            let sender = Sender()
            sender.messages = [self.message(to: ["a@x.test", "b@x.test"]), self.message()]
            var session = PureSession(SMTPClient(SMTPClientSettings(helloName: "h.test")), answer: sender.answer)
            session.connect()
            for _ in 0..<20 {
                session.send(words.randomElement(using: &generator) ?? "")
                if session.wantsTLS { session.establishTLS() }
            }
            session.notify(.lost(reason: "end"))
            #expect(session.isClosed)
            #expect(sender.reports.allSatisfy { !$0.results.isEmpty })
        }
    }

    @Test func silenceIsAFailure() {
        let sender = Sender()
        sender.messages = [self.message()]
        var session = self.session(sender, offering: ["PIPELINING"])
        #expect(session.deadline == .minutes(5))
        session.timeOut()
        if case .connectionLost(.mail)? = self.cause(sender) {} else { #expect(Bool(false)) }
        #expect(session.isClosed)
    }

    // MARK: Bodies

    @Test("S3 a strict second parser gets the same lines from DATA and BDAT, whatever the body and its pieces")
    func bodies() {
        var generator = SeededGenerator(seed: 11)
        let alphabet: [[UInt8]] = [[0x0D], [0x0A], [0x0D, 0x0A], [0x2E], [0x2E, 0x0D, 0x0A], Array("text".utf8), Array("\r\n.\r\n".utf8)]
        for round in 0..<600 {
            let body = (0..<Int.random(in: 0..<14, using: &generator)).flatMap { _ in alphabet.randomElement(using: &generator) ?? [] }
            var pieces: [ByteBuffer] = []
            var rest = body[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...4, using: &generator))
                pieces.append(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let expected = Self.plainlyFixed(body)
            for chunking in [true, false] {
                let got = self.deliver(body, pieces, streamed: round % 2 == 0, chunking: chunking)
                #expect(got == String(decoding: expected, as: UTF8.self), "\(body) by \(chunking ? "BDAT" : "DATA")")
            }
        }
    }

    /// The plainest possible way: every CR, LF or CRLF is a line end; the last line has one.
    private static func plainlyFixed(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var index = 0
        while index < body.count {
            if body[index] == 0x0D {
                out += [0x0D, 0x0A]
                if index + 1 < body.count, body[index + 1] == 0x0A { index += 1 }
            } else if body[index] == 0x0A {
                out += [0x0D, 0x0A]
            } else {
                out.append(body[index])
            }
            index += 1
        }
        if !out.isEmpty, !out.suffix(2).elementsEqual([0x0D, 0x0A]) { out += [0x0D, 0x0A] }
        return out
    }

    /// Our client and our server, byte by byte; what the server took.
    private func deliver(_ body: [UInt8], _ pieces: [ByteBuffer], streamed: Bool, chunking: Bool) -> String? {
        let sender = Sender()
        sender.pieces = pieces
        var message = self.message(to: ["known@example.test"])
        message.body = streamed ? .streamed : .whole(ByteBuffer(bytes: body))
        message.size = Int64(body.count)
        sender.messages = [message]
        var settings = SMTPClientSettings(helloName: "client.test", tls: .never)
        settings.usesChunking = chunking
        var client = PureSession(SMTPClient(settings), answer: sender.answer)
        var conversation = Conversation()
        client.connect()
        for _ in 0..<100 where !client.isClosed {
            client.send(conversation.session.takeOutput())
            conversation.session.send(client.takeOutput())
        }
        guard case .delivered? = sender.reports.first?.results.first else { return nil }
        return conversation.backend.messages.first?.text
    }
}
