import MIME
import MailTesting
import PostOffice
import Testing

@Suite struct SendmailTests {
    private func parse(_ words: String..., name: String = "sendmail") throws -> SendmailArguments {
        try SendmailArguments(name: name, words)
    }

    @Test("What cron, mail, mutt, git and boot scripts write is understood")
    func arguments() throws {
        // cron; mail; mutt; git send-email; php; a boot script.
        #expect(try self.parse("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "taro").recipients == ["taro"])
        #expect(try self.parse("-i", "-t").readsRecipients)
        let mutt = try self.parse("-oem", "-oi", "-f", "taro@example.test", "-N", "failure,delay", "-R", "hdrs", "--", "-odd@example.net")
        #expect(mutt.ignoresDots && mutt.sender == "taro@example.test" && mutt.recipients == ["-odd@example.net"])
        #expect(mutt.notify == ["failure", "delay"] && mutt.returnsWhole == false)
        #expect(try self.parse("-f", "<>", "x").sender == "")
        #expect(try self.parse("-ti").readsRecipients && self.parse("-ti").ignoresDots)
        #expect(try self.parse("-bd", "-q30m").mode == .daemon)
        #expect(try self.parse("-q").mode == .run && self.parse("-q30m").mode == .deliver)
        #expect(try self.parse("-bp").mode == .queue && self.parse(name: "mailq").mode == .queue)
        #expect(try self.parse(name: "newaliases").mode == .aliases && self.parse("-bi").mode == .aliases)
        #expect(try self.parse("-bs").mode == .smtp && self.parse("-bv", "a").mode == .verify)
        #expect(try self.parse("-F", "Taro Y", "-r", "a@b.test", "c").fullName == "Taro Y")
        for bad in [["-bz"], ["-f"], ["-N", "sometimes"], ["-N", "never,failure"], ["-R", "some"], ["-Z"]] {
            #expect(throws: SendmailArguments.Failure.self) { try SendmailArguments(name: "sendmail", bad) }
        }
    }

    private func message(_ text: String, dot: Bool = true) -> SendmailMessage { SendmailMessage(Array(text.utf8), endsAtDot: dot) }

    @Test("Line ends become CRLF, a dot alone ends it unless it must not, Bcc is read and goes, a mailbox's first line goes")
    func messages() {
        let one = self.message(
            "From x Sat\nTo: a@b.test, \"C, D\" <c@d.test>\nBcc: secret@e.test,\n f@g.test\nSubject: x\n\nhello\n.\nmore\n")
        #expect(String(decoding: one.bytes, as: UTF8.self) == "To: a@b.test, \"C, D\" <c@d.test>\r\nSubject: x\r\n\r\nhello\r\n")
        #expect(one.headerRecipients == ["a@b.test", "c@d.test", "secret@e.test", "f@g.test"] && !one.hasFrom)
        #expect(
            String(decoding: self.message("Subject: x\r\n\r\n.\r\nb", dot: false).bytes, as: UTF8.self) == "Subject: x\r\n\r\n.\r\nb\r\n")
        #expect(self.message("To: a@b.test\nResent-To: r@s.test\n\n").headerRecipients == ["r@s.test"])
        var mine = self.message("Subject: x\n\n")
        mine.addFrom("taro", name: "Taro \"T\"\r\nBcc: x")
        #expect(String(decoding: mine.bytes, as: UTF8.self).hasPrefix("From: \"Taro TBcc: x\" <taro>\r\nSubject: x\r\n"))
    }

    @Test("Addresses are found in every form of an address field")
    func addresses() {
        func found(_ text: String) -> [String] { AddressListReader.addresses(in: text.utf8) }
        #expect(found("a@b.test") == ["a@b.test"])
        #expect(found(" Taro <a@b.test> , \"x, y\"@c.test (d@e.test, f), ") == ["a@b.test", "\"x, y\"@c.test"])
        #expect(found("Friends: a@b.test, C <c@d.test>;, g@h.test\r\n") == ["a@b.test", "c@d.test", "g@h.test"])
        #expect(found("undisclosed-recipients:;") == [] && found("") == [] && found("(a@b.test)") == [])
        #expect(found("user@[ipv6:2001:db8::1]") == ["user@[ipv6:2001:db8::1]"])
        #expect(found("\"a\\\"b\"@c.test") == ["\"a\\\"b\"@c.test"])
    }

    @Test("102 a drop file is read back as it was written, and anything else is none")
    func dropFiles() throws {
        var file = DropFile(sender: "taro", recipients: ["a@b.test", "c"], size: 7)
        file.notify = ["delay", "failure"]
        file.returnsWhole = true
        file.envelopeID = "x1"
        let head = file.head
        let read = try #require(DropFile.read(head + Array("body\n\nx".utf8)))
        #expect(read.file == file && read.length == head.count)
        #expect(DropFile.read(DropFile(sender: nil, recipients: ["a"], size: 0).head)?.file.sender == nil)
        for length in 0..<head.count { #expect(DropFile.read(Array(head.prefix(length))) == nil, "\(length)") }
        for bad in [
            "post.office drop 2\nfrom a\nto b\nsize 1\n\n", "post.office drop 1\nto b\nsize 1\n\n",
            "post.office drop 1\nfrom a\nsize 1\n\n",
            "post.office drop 1\nfrom a\nto b\nsize -1\n\n", "post.office drop 1\nfrom a\nto b\nsize x\n\n",
            "post.office drop 1\nfrom a\nto b\nevil 1\nsize 1\n\n", "post.office drop 1\nfrom a\nto\nsize 1\n\n",
        ] { #expect(DropFile.read(Array(bad.utf8)) == nil, "\(bad)") }
    }
}
