import Bounces
import NIOCore
import Policy
import Testing
import Vocabulary

@Suite("Notification and action messages")
struct PostmasterMessageTests {
    private let secrets = ActionSecret(key: Array(0..<32))
    private let failure = DeliveryFailure(.reply(Reply(550, nil, "no such user"), .rcpt), remoteHost: "mx.far.test")
    private let subject = PostmasterMessage.Subject(
        envelope: Samples.envelope(), recipients: [Samples.address("jane@far.test")], arrivedAt: Samples.now, trace: nil, size: 77)

    private func writer(_ language: Language) -> PostmasterMessage {
        PostmasterMessage(
            hostName: Samples.host, postmaster: Samples.postmaster, language: language,
            formsAddress: Samples.address("configuration@mail.example.test"))
    }

    private func action(_ language: Language = .english) -> (ComposedReport, String) {
        let held = HeldCase(self.failure, as: .unknownUser, channel: 1, payload: [1, 2], heldAt: Samples.now)
        let message = self.writer(language).action(
            self.subject, held, entry: QueueID(rawValue: 4711),
            secret: self.secrets.secret(QueueID(rawValue: 4711), heldAt: held.heldAt), notice: .headers, people: [],
            original: OriginalBeginning(ByteBuffer(string: Samples.message)), now: Samples.now, random: Samples.random)
        return (message, String(buffer: Samples.whole(message)))
    }

    @Test("a notification goes to the people named, else to the postmaster, never with a sender, and only where it is wanted")
    func notification() throws {
        let people = [Samples.address("one@example.test"), Samples.address("two@example.test")]
        for notice in ErrorResponse.Notice.allCases {
            let message = self.writer(.english).notification(
                self.subject, self.failure, as: .unknownUser, .returned, notice: notice, people: people,
                original: OriginalBeginning(ByteBuffer(string: Samples.message)), now: Samples.now, random: Samples.random)
            #expect((message == nil) == (notice == .none))
            guard let message else { continue }
            #expect(message.envelope.sender == nil)
            #expect(message.envelope.recipients.map(\.address) == people)
            #expect(message.envelope.recipients.allSatisfy { $0.notify == .never })
            let text = String(buffer: Samples.whole(message))
            #expect(text.contains("Auto-Submitted: auto-generated\r\n"))
            #expect(text.contains("550 no such user"))
            #expect(text.contains("Body line 1") == (notice == .whole))
            #expect(text.contains("Subject: Hello"))
        }
        #expect(self.action().0.envelope.recipients.map(\.address) == [Samples.postmaster])
    }

    @Test(
        "an action message can be answered by sending its form back, quoted, and the secret fits this entry alone",
        arguments: ["", "> ", ">> |\t"])
    func answered(_ quote: String) throws {
        let (_, text) = self.action()
        let filled = text.split(separator: "\r\n", omittingEmptySubsequences: false).map { line in
            quote
                + (line.hasPrefix("Action: []")
                    ? "Action: [ Redirect ] (return …)" : line.hasPrefix("Redirect-To: []") ? "Redirect-To: [<new@far.test>]" : line)
        }.joined(separator: "\n")
        let answer = try ActionForm.read(filled)
        #expect(answer.entry == QueueID(rawValue: 4711))
        #expect(answer.answer == .redirect(Samples.address("new@far.test")))
        #expect(self.secrets.isRight(answer.secret, answer.entry, heldAt: Samples.now))
        #expect(self.secrets.isRight(answer.secret.uppercased() + " ", answer.entry, heldAt: Samples.now))
        #expect(!self.secrets.isRight(answer.secret, QueueID(rawValue: 4712), heldAt: Samples.now))
        #expect(!self.secrets.isRight(answer.secret, answer.entry, heldAt: Samples.now + 1))
        #expect(!self.secrets.isRight("", answer.entry, heldAt: Samples.now))
        #expect(!ActionSecret(key: Array(1..<33)).isRight(answer.secret, answer.entry, heldAt: Samples.now))
    }

    @Test("what is missing or wrong in a form is named")
    func problems() {
        func problem(_ text: String) -> ActionForm.Problem? {
            do throws(ActionForm.Problem) {
                _ = try ActionForm.read(text)
                return nil
            } catch {
                return error
            }
        }
        let base = "Queue-Entry: [1]\nSecret: [x]\n"
        #expect(problem("") == .noEntry)
        #expect(problem("Queue-Entry: [-1]\nSecret: [x]\nAction: [retry]") == .noEntry)
        #expect(problem("Queue-Entry: [99999999999999999999]") == .noEntry)
        #expect(problem("Queue-Entry: [1]\nSecret: []\nAction: [retry]") == .noSecret)
        #expect(problem(base + "Action: []") == .noAction)
        #expect(problem(base + "Action: [burn]") == .unknownAction)
        #expect(problem(base + "Action: [redirect]\nRedirect-To: []") == .noAddress)
        #expect(problem(base + "Action: [redirect]\nRedirect-To: [nobody]") == .badAddress)
        #expect(problem(base + "Action: [retry]\nAction: [delete]") == .contradiction)
        #expect(problem(base + "Action: [retry]\nAction: [retry]") == nil)
        #expect(problem(base + "Action: [削除]") == nil)
    }

    @Test("in Japanese the form's field names stay, and the labels are Japanese")
    func japanese() throws {
        let (message, text) = self.action(.japanese)
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
        #expect(!message.envelope.isInternationalized)
        #expect(text.contains("Subject: Form: Undeliverable Mail -\r\n =?UTF-8?B?"))
    }

    @Test("a held case is read back as it was written, and nothing else is")
    func codec() {
        let held = HeldCase(
            failureClass: .overQuota, status: EnhancedStatus(5, 2, 2), reason: "満杯", remoteHost: "mx.far.test", channel: 2,
            payload: [0, 255, 7], heldAt: -5)
        let bytes = held.encoded()
        #expect(HeldCase(decoding: bytes) == held)
        for count in 0..<(bytes.count - 3) { #expect(HeldCase(decoding: Array(bytes.prefix(count))) == nil) }
        #expect(HeldCase(decoding: [2] + bytes.dropFirst()) == nil)
        #expect(HeldCase(decoding: []) == nil)
    }
}
