import Bounces
import NIOCore
import Policy
import Testing
import Vocabulary

@Suite("Reports of delivery")
struct ReportComposerTests {
    private let refused = DeliveryFailure(
        .reply(Reply(550, EnhancedStatus(5, 1, 1), "<jane@far.test>: no such user\r\nhere"), .rcpt), remoteHost: "mx.far.test")

    @Test("a failed report has the three parts, null sender, and the family's wording")
    func failed() throws {
        let (report, text) = try #require(Samples.composed(Samples.report([Samples.failed("jane@far.test", self.refused)])))
        #expect(report.envelope.sender == nil)
        #expect(report.envelope.recipients.map(\.address) == [Samples.sender])
        #expect(report.envelope.recipients.map(\.notify) == [.never])
        #expect(report.envelope.dsnReturn == nil)
        #expect(text.contains("From: Mail Administrator <Postmaster@mail.example.test>\r\n"))
        #expect(text.contains("Subject: Mail System Error - Returned Mail\r\n"))
        #expect(text.contains("This Message was undeliverable due to the following reason:\r\n"))
        #expect(text.contains("The following destination addresses were unknown"))
        #expect(text.contains("    Recipient: <jane@far.test>\r\n"))
        #expect(text.contains("    Reason:    550 5.1.1 <jane@far.test>: no such user here\r\n"))
        #expect(text.contains("Please reply to <Postmaster@mail.example.test>\r\nif you feel this message to be in error.\r\n"))
        let read = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(read.partTypes == ["text/plain", "message/delivery-status", "message/rfc822"])
        #expect(read.reportingMTA == "mail.example.test")
        let recipient = try #require(read.recipients.first)
        #expect(recipient.finalRecipient == "jane@far.test")
        #expect(recipient.action == .failed)
        #expect(recipient.status == EnhancedStatus(5, 1, 1))
        #expect(recipient.remoteMTA == "mx.far.test")
        #expect(recipient.diagnostic == "550 5.1.1 <jane@far.test>: no such user here")
    }

    @Test("the family's lines stand for hosts not found, full mailboxes and unknown users here")
    func familyLines() throws {
        let (_, text) = try #require(
            Samples.composed(
                Samples.report([
                    Samples.failed("a@nowhere.test", DeliveryFailure(.noSuchDomain)),
                    Samples.failed("b@example.test", DeliveryFailure(.overQuota)),
                    Samples.failed("c@example.test", DeliveryFailure(.unknownHere)),
                ])))
        #expect(text.contains("    Host nowhere.test not found\r\n"))
        #expect(text.contains("    User quota exceeded: SMTP <b@example.test>\r\n"))
        #expect(text.contains("    SMTP <c@example.test>\r\n"))
        #expect(text.contains("Diagnostic-Code: x-post-office; SMTP-Deliver:HostNotFound"))
        #expect(text.contains("Diagnostic-Code: x-post-office; Mailbox-Deliver:OverQuota"))
    }

    @Test("a message that waited too long keeps its 4xx status and says SMTP-Deliver:QueuedTooLong")
    func tooLong() throws {
        let failure = DeliveryFailure(.unreachable("connection refused"), remoteHost: "mx.far.test")
        let (_, text) = try #require(Samples.composed(Samples.report([Samples.failed("jane@far.test", failure)])))
        #expect(text.contains("Status: 4.4.1\r\n"))
        #expect(text.contains("Action: failed\r\n"))
        #expect(text.contains("SMTP-Deliver:QueuedTooLong"))
        #expect(text.contains("not delivered within 5 days"))
    }

    @Test("no sender, no report")
    func nullSender() {
        let report = Samples.report([Samples.failed("jane@far.test", self.refused)], Samples.envelope(nil))
        #expect(Samples.composer().compose(report, original: nil, now: Samples.now, random: Samples.random) == nil)
    }

    @Test("ENVID and ORCPT come back decoded, and only where they came")
    func envelopeIDs() throws {
        var recipient = Samples.failed("jane@far.test", self.refused)
        recipient.recipient.originalRecipient = "rfc822;Jane+2BX@Old.test"
        let (_, text) = try #require(Samples.composed(Samples.report([recipient], Samples.envelope { $0.envelopeID = "QQ+2B1+20a" })))
        #expect(text.contains("Original-Envelope-Id: QQ+1 a\r\n"))
        #expect(text.contains("Original-Recipient: rfc822; Jane+X@Old.test\r\n"))
        let (_, plain) = try #require(Samples.composed(Samples.report([Samples.failed("jane@far.test", self.refused)])))
        #expect(!plain.contains("Original-Envelope-Id"))
        #expect(!plain.contains("Original-Recipient"))
    }

    @Test(
        "RET decides what comes back, the size limit above it, and only failures bring the body back",
        arguments: [
            (DSNReturn?.none, Int64(1000), true), (.full, 1000, true), (.headers, 1000, false), (.full, 5000, false), (nil, 5000, false),
        ])
    func returned(_ ret: DSNReturn?, _ size: Int64, _ isWhole: Bool) throws {
        let responses = ErrorResponses(wholeLimit: 4000)
        let report = Samples.report([Samples.failed("jane@far.test", self.refused)], Samples.envelope { $0.dsnReturn = ret }, size: size)
        let (_, text) = try #require(Samples.composed(report, Samples.composer([.english], responses)))
        #expect(text.contains("Body line 1") == isWhole)
        #expect(text.contains("Subject: Hello\r\n"))
        let types = try #require(ReportReader(ByteBuffer(string: text))).partTypes
        #expect(types.last == (isWhole ? "message/rfc822" : "text/rfc822-headers"))
    }

    @Test(
        "reports of delay and success bring headers only and no failure's words",
        arguments: [
            DeliveryReport.Action.delayed, .delivered, .relayed, .expanded,
        ])
    func others(_ action: DeliveryReport.Action) throws {
        let recipient = DeliveryReport.Recipient(
            Envelope.Recipient(Samples.address("jane@far.test"), notify: [.success, .delay]), action, status: EnhancedStatus(2, 0, 0),
            failure: action == .delayed ? DeliveryFailure(.dnsFailed) : nil, remoteHost: action == .relayed ? "mx.far.test" : nil,
            willRetryUntil: Samples.now + 86_400)
        let (_, text) = try #require(Samples.composed(Samples.report([recipient], Samples.envelope { $0.dsnReturn = .full })))
        #expect(!text.contains("Body line 1"))
        #expect(!text.contains("undeliverable"))
        #expect(text.contains("Will-Retry-Until: ") == (action == .delayed))
        let read = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(read.recipients.map(\.action) == [action])
        #expect(read.recipients.map(\.status.classDigit) == [action == .delayed ? 4 : 2])
    }

    @Test("in Japanese the text is Japanese and every octet of the report is ASCII")
    func japanese() throws {
        let report = Samples.report([Samples.failed("jane@far.test", self.refused)])
        let (_, text) = try #require(Samples.composed(report, Samples.composer([.japanese, .english])))
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
        #expect(text.contains("Subject: Mail System Error - Returned Mail\r\n =?UTF-8?B?"))
        for line in text.split(separator: "\r\n") { #expect(line.utf8.count <= 78) }
    }

    @Test("what a stranger wrote cannot end a line, a part or a field")
    func hostileWords() throws {
        let reply = Reply(550, nil, "gone\r\nX-Injected: yes\r\n\r\n--=_000102\u{0}\u{85}\u{2028}(((")
        var recipient = Samples.failed("jane@far.test", DeliveryFailure(.reply(reply, .rcpt), remoteHost: "mx\r\nX-Bad: 1"))
        recipient.recipient.originalRecipient = "rfc822;a+0D+0AX-Bad:+201"
        let (_, text) = try #require(
            Samples.composed(Samples.report([recipient], Samples.envelope { $0.envelopeID = "x+0D+0AX-Bad:+201" })))
        #expect(!text.contains("\r\nX-"))
        #expect(!text.contains("\u{0}"))
        let read = try #require(ReportReader(ByteBuffer(string: text)))
        #expect(read.recipients.count == 1)
        #expect(read.partTypes.count == 3)
    }
}
