import Bounces
import MIME
import MailTesting
import NIOCore
import Testing
import Vocabulary

/// Who is answered, and with what.
@Suite("Automatic replies")
struct AutoReplyTests {
    static let own = Address(localPart: "jane", domain: "example.test")
    static let sender = Address(localPart: "stranger", domain: "elsewhere.test")

    static func refusal(
        _ header: String, from sender: Address? = Self.sender, _ mode: AutoReply.Mode = .vacation
    ) -> AutoReply.Refusal? {
        AutoReply.refusal(
            ByteBuffer(string: header + "\r\nbody\r\n"), sender: sender, mode: mode, hostName: "mail.example.test",
            isOwn: { $0.localPart.lowercased().hasPrefix("jane") && $0.domain == "example.test" })
    }

    @Test(
        "L2 mail that a person wrote to the account is answered",
        arguments: [
            "To: jane@example.test\r\n", "To: a@x.test,\r\n \"Jane\" <JANE@example.test>\r\n",
            "Cc: jane+x@example.test\r\nTo: a@x.test\r\n",
            "To: jane@example.test\r\nAuto-Submitted: no\r\n", "To: jane@example.test\r\nAuto-Submitted: (really) No ; x=y\r\n",
            "To: jane@example.test\r\nPrecedence: first-class\r\n", "To: jane@example.test\r\nReferences: <autoreply.x@other.test>\r\n",
            "To: Us: b@x.test, jane@example.test;\r\n", "Resent-To: jane@example.test\r\nTo: b@x.test\r\n",
            "To: jane@example.test\r\nX-Auto-Response-Suppress: DR, AutoReply\r\n",
        ])
    func answered(header: String) { #expect(Self.refusal(header) == nil) }

    @Test(
        "L2 lists, bulk mail, programs and our own replies are not",
        arguments: [
            ("Auto-Submitted: auto-replied\r\n", AutoReply.Refusal.automatic), ("auto-submitted: auto-generated (x)\r\n", .automatic),
            ("Auto-Submitted: auto-notified; owner-email=\"x@y.test\"\r\n", .automatic), ("Auto-Submitted:\r\n", .automatic),
            ("Auto-Submitted: nonsense\r\n", .automatic), ("Precedence: bulk\r\n", .bulk), ("PRECEDENCE: List\r\n", .bulk),
            ("Precedence: junk\r\n", .bulk), ("List-Id: <a.b>\r\n", .list), ("List-Unsubscribe: <mailto:x@y.test>\r\n", .list),
            ("List-Anything: x\r\n", .list), ("X-Auto-Response-Suppress: OOF\r\n", .automatic),
            ("X-Auto-Response-Suppress: all\r\n", .automatic),
            ("X-Autoreply: yes\r\n", .automatic), ("X-Loop: jane@example.test\r\n", .automatic),
            ("Content-Type: multipart/report; report-type=delivery-status\r\n", .report),
            ("In-Reply-To: <autoreply.abc.def@mail.example.test>\r\n", .answersOurs),
            ("References: <a@b> <autoreply.abc.def@mail.example.test>\r\n <c@d>\r\n", .answersOurs),
        ])
    func automatic(field: String, refusal: AutoReply.Refusal) {
        for mode in [AutoReply.Mode.vacation] { #expect(Self.refusal("To: jane@example.test\r\n" + field, mode) == refusal) }
    }

    private static func refusal(_ header: String, _ mode: AutoReply.Mode) -> AutoReply.Refusal? {
        self.refusal(header, from: Self.sender, mode)
    }

    @Test("L2 no sender, an own address, and names under which programs write")
    func senders() {
        #expect(Self.refusal("To: jane@example.test\r\n", from: nil) == .noSender)
        #expect(Self.refusal("To: jane@example.test\r\n", from: Self.own) == .ownAddress)
        #expect(Self.refusal("To: jane@example.test\r\n", from: Address(localPart: "jane+x", domain: "example.test")) == .ownAddress)
        for name in [
            "MAILER-DAEMON", "mailer-daemon", "owner-list", "list-request", "list-owner", "news-bounces", "news-bounces+jane=example.test",
            "bounce+abc", "noreply", "No-Reply", "no-reply+x", "majordomo", "LISTSERV", "Postmaster",
        ] {
            #expect(
                Self.refusal("To: jane@example.test\r\n", from: Address(localPart: name, domain: "x.test")) == .automaticSender, "\(name)")
        }
        for name in ["owner", "request", "bouncer", "requests", "replying"] {
            #expect(Self.refusal("To: jane@example.test\r\n", from: Address(localPart: name, domain: "x.test")) == nil, "\(name)")
        }
    }

    @Test("36 vacation answers what is addressed to the account; reply and echo answer what came by any way")
    func addressed() {
        #expect(Self.refusal("To: everybody@example.test\r\n") == .notAddressed)
        #expect(Self.refusal("") == .notAddressed)
        #expect(Self.refusal("To: \"jane@example.test\" <other@x.test>\r\n") == .notAddressed)
        #expect(Self.refusal("To: everybody@example.test\r\n", from: Self.sender, .reply) == nil)
        #expect(Self.refusal("", from: Self.sender, .echo) == nil)
        let many = String(repeating: "X: y\r\n", count: 1100)
        #expect(Self.refusal(many + "To: jane@example.test\r\n", from: Self.sender, .reply) == .automatic)
    }

    // MARK: The reply

    static func composer(_ mode: AutoReply.Mode, subject: String = "", text: String = "", _ language: Language = .english)
        -> AutoReplyComposer
    {
        AutoReplyComposer(
            hostName: "mail.example.test", address: Self.own, name: "Jane Doe", mode: mode, subject: subject, text: text, language: language
        )
    }

    static func reply(_ composer: AutoReplyComposer, to header: String, isWhole: Bool = true) -> (Envelope, String) {
        let original = AutoReplyComposer.Original(
            envelope: Envelope(sender: Self.sender), bytes: ByteBuffer(string: header + "\r\nbody\r\n"), isWhole: isWhole)
        let (envelope, message) = composer.compose(
            original, to: Self.sender, now: 1_795_286_299, offset: 540, random: Array(UInt8(0)..<32))
        return (envelope, String(buffer: message))
    }

    @Test("34 the reply says that it is one, refers to the message, and cannot come back")
    func fields() {
        let (envelope, text) = Self.reply(
            Self.composer(.vacation, text: "Away until Monday.\nJane"),
            to: "Subject: Lunch?\r\nMessage-ID: <m@x.test>\r\nReferences: <a@x.test>\r\n <b@x.test>\r\n")
        #expect(envelope.sender == nil && envelope.recipients.map(\.address) == [Self.sender] && envelope.recipients[0].notify == .never)
        #expect(
            text == """
                Date: Sun, 22 Nov 2026 03:38:19 +0900\r
                From: "Jane Doe" <jane@example.test>\r
                To: <stranger@elsewhere.test>\r
                Subject: Auto: Lunch?\r
                Message-ID: \(Self.identifier(text))\r
                In-Reply-To: <m@x.test>\r
                References: <a@x.test> <b@x.test> <m@x.test>\r
                Auto-Submitted: auto-replied\r
                Precedence: bulk\r
                X-Auto-Response-Suppress: All\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=us-ascii\r
                Content-Transfer-Encoding: 7bit\r
                \r
                Away until Monday.\r
                Jane\r

                """)
        #expect(Self.identifier(text).hasPrefix("<autoreply.") && Self.identifier(text).hasSuffix("@mail.example.test>"))
        // An answer to it is known as such.
        #expect(Self.refusal("To: jane@example.test\r\nIn-Reply-To: \(Self.identifier(text))\r\n") == .answersOurs)
        #expect(
            AutoReply.refusal(ByteBuffer(string: text), sender: Self.sender, mode: .reply, hostName: "x", isOwn: { _ in false })
                == .automatic)
    }

    private static func identifier(_ text: String) -> String {
        text.split(separator: "\r\n").first { $0.hasPrefix("Message-ID: ") }.map { String($0.dropFirst(12)) } ?? ""
    }

    @Test("34 Japanese text and subject, in UTF-8 that every host takes; default texts in both languages")
    func japanese() throws {
        let (_, text) = Self.reply(Self.composer(.reply, subject: "受付完了", text: "お問い合わせを受け付けました。"), to: "Subject: x\r\n")
        #expect(text.contains("\r\nSubject: \r\n =?UTF-8?B?") || text.contains("\r\nSubject: =?UTF-8?B?"))
        #expect(text.utf8.allSatisfy { $0 < 0x80 } && text.contains("charset=utf-8\r\nContent-Transfer-Encoding: base64"))
        var parser = MIMEParser()
        parser.read(ByteBuffer(string: text))
        let entity = try #require(parser.finish().entities.first)
        #expect(PartText.text(of: entity, in: ByteBuffer(string: text), limit: 1000) == "お問い合わせを受け付けました。\r\n")
        for mode in [AutoReply.Mode.vacation, .reply, .echo] {
            #expect(Self.reply(Self.composer(mode), to: "").1.contains("automatic reply"))
            #expect(Self.reply(Self.composer(mode, .init(localeName: "ja") ?? .english), to: "").1.contains("charset=utf-8"))
        }
    }

    @Test("34 a site's own text stands where the owner wrote none, with his name and address; a name is not looked at again")
    func siteText() {
        var composer = Self.composer(.vacation)
        composer.siteText = "{name} is away.\n{address} {other} {{name}} {"
        composer.name = "{address}"
        let (_, text) = Self.reply(composer, to: "")
        #expect(text.hasSuffix("\r\n\r\n{address} is away.\r\njane@example.test {other} {{address}} {\r\n"), "\(text)")
        composer.text = "My own {name}."
        #expect(Self.reply(composer, to: "").1.hasSuffix("\r\n\r\nMy own {name}.\r\n"))
    }

    private static func composer(_ mode: AutoReply.Mode, _ language: Language) -> AutoReplyComposer {
        self.composer(mode, subject: "", text: "", language)
    }

    @Test("34 echo brings the message back as it came, a long one by its header")
    func echo() throws {
        let header = "Subject: Ping\r\nTo: jane@example.test\r\n"
        let (_, text) = Self.reply(Self.composer(.echo), to: header)
        var parser = MIMEParser()
        parser.read(ByteBuffer(string: text))
        let types = parser.finish().entities.map(\.type.name)
        #expect(types.prefix(3) == ["multipart/mixed", "text/plain", "message/rfc822"])
        #expect(text.contains("\r\n\r\n\(header)\r\nbody\r\n\r\n--=_"))
        let (_, long) = Self.reply(Self.composer(.echo), to: header, isWhole: false)
        #expect(long.contains("Content-Type: text/rfc822-headers") && !long.contains("\r\nbody\r\n"))
    }

    @Test("A subject that begins beyond ASCII, of any length, is one field: nothing of the header falls into the body")
    func longSubjects() throws {
        for subject in [
            String(repeating: "日曜日の保守作業のお知らせ", count: 6), "山", "山 plain", String(repeating: "a", count: 300) + "山",
            "\u{FF9E}" + String(repeating: "山", count: 60),
        ] {
            let (_, text) = Self.reply(Self.composer(.reply, subject: subject, text: "x"), to: "")
            let header = text.components(by: "\r\n\r\n").first ?? ""
            #expect(header.contains("Auto-Submitted: auto-replied") && header.contains("MIME-Version: 1.0"), "\(text)")
            #expect(header.components(by: "\r\n").allSatisfy { $0.utf8.count <= 998 })
            let (_, again) = Self.reply(Self.composer(.reply), to: "Subject: \(subject)\r\n")
            #expect((again.components(by: "\r\n\r\n").first ?? "").contains("Auto-Submitted: auto-replied"), "\(again)")
        }
    }

    @Test("What a stranger wrote into his header writes no field of the reply")
    func injection() {
        let (_, text) = Self.reply(
            Self.composer(.vacation),
            to: "Subject: =?utf-8?q?x=0D=0ABcc:_y@z.test?=\r\nMessage-ID: <a\"\r\n X: y>\r\nReferences: <\u{E9}@x>\r\n")
        let header = text.prefix { _ in true }.components(by: "\r\n\r\n").first ?? ""
        #expect(!header.contains("\r\nBcc") && !header.contains("\r\nX:") && header.contains("Subject: Auto: x Bcc: y@z.test"))
        #expect(!text.contains("\u{E9}"))
        let (_, again) = Self.reply(Self.composer(.vacation), to: "Subject: AUTO: x\r\n")
        #expect(again.contains("\r\nSubject: AUTO: x\r\n"))
    }
}

extension StringProtocol {
    fileprivate func components(by separator: String) -> [String] { String(self).split(separator: separator).map(String.init) }
}
