import Glibc
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

    @Test(
        "152 what no mail server takes is known before it is handed over; long lines of plain text become quoted-printable, others do not")
    func faults() {
        let long = String(repeating: "x", count: 999)
        #expect(self.message("Subject: x\n\n\0\n").fault == .nul)
        #expect(self.message("Subject: x\n\n" + long + "\n").fault == .longLine)
        #expect(self.message("Subject: x\n\n" + long.dropFirst() + "\n").fault == nil)
        #expect(self.message("Subject: x\n\na\rb\r\n\n").fault == nil, "line ends of any kind are mended")
        var plain = self.message("Subject: x\n\nfirst =\n" + long + "\u{E9}\n")
        plain.encodeLongLines()
        let text = String(decoding: plain.bytes, as: UTF8.self)
        #expect(plain.fault == nil && text.hasPrefix("Subject: x\r\nMIME-Version: 1.0\r\n"))
        #expect(text.contains("charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nfirst =3D\r\nxxx"))
        #expect(text.replacing("=\r\n", with: "").hasSuffix("\r\n" + long + "=C3=A9\r\n"))
        var headerless = self.message(long + "\n")
        headerless.encodeLongLines()
        #expect(headerless.fault == nil && String(decoding: headerless.bytes, as: UTF8.self).hasPrefix("MIME-Version"))
        // As cron writes it.
        var declared = self.message(
            "MIME-Version: 1.0\nContent-Type: text/plain;\n charset=US-ASCII\nContent-Transfer-Encoding: 8bit\nX: y\n\n" + long + "\n")
        declared.encodeLongLines()
        #expect(
            String(decoding: declared.bytes, as: UTF8.self).hasPrefix(
                "MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=US-ASCII\r\nX: y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nxx"
            ))
        for kept in [
            "Content-Type: multipart/mixed; boundary=x\n\n" + long + "\n", "Content-Transfer-Encoding: base64\n\n" + long + "\n",
            "Subject: " + long + "\n\nx\n",
        ] {
            var message = self.message(kept)
            message.encodeLongLines()
            #expect(message == self.message(kept) && message.fault == .longLine)
        }
        var short = self.message("Subject: x\n\n=\n")
        short.encodeLongLines()
        #expect(short == self.message("Subject: x\n\n=\n"))
    }
}

/// What lies in the drop directory: whose turn it is, and what is set aside.
@Suite struct DropTests {
    private typealias Entry = DropListing.Entry

    @Test("Each user has his turn, the oldest first; nobody waits for one who left ten thousand")
    func turns() {
        let flood = (0..<10_000).map { Entry(name: "m-\($0)", user: 1, changed: Int64($0)) }
        let others = [
            Entry(name: "m-b", user: 2, changed: 99_999), Entry(name: "m-c", user: 3, changed: 99_998), Entry(name: "t-x", user: 3),
        ]
        let turns = DropListing(entries: flood + others).turns
        #expect(turns.prefix(5).map(\.name) == ["m-0", "m-c", "m-b", "m-1", "m-2"] && turns.count == 10_002)
    }

    @Test("What one user leaves beyond twice his share goes, the newest of it, whatever its name; others keep theirs")
    func excess() {
        var share = DropListing.Share()
        (share.count, share.room) = (2, 100)
        let many = (0..<6).map { Entry(name: "m-\($0)", user: 1, room: 1, changed: Int64($0)) }
        let large = [
            Entry(name: "t-a", user: 2, room: 150, changed: 1), Entry(name: "t-b", user: 2, room: 51, changed: 2),
            Entry(name: "x", user: 2, room: 50, changed: 3),
        ]
        let listing = DropListing(entries: many + large + [Entry(name: "d", user: 3, kind: .directory)])
        #expect(Set(listing.excess(share).map(\.name)) == ["m-4", "m-5", "t-b"] && listing.directories == ["d"])
        #expect(listing.usage(of: 2).room == 251 && share.allows(2, 100) && !share.allows(3, 1))
    }

    @Test("What was refused is kept with its reason, shown, tried again and thrown away; the oldest go when there are too many")
    func refused() throws {
        let place = TemporaryDirectory("drop")
        let drop = DropBox(place("drop"))
        let refused = RefusedDrops(place("refused"), count: 3, room: 1000)
        try drop.prepare()
        try refused.prepare()
        let file = DropFile(sender: "taro", recipients: ["a"], size: 4)
        for number in 0..<3 { place.write("drop/m-\(number)", String(decoding: file.head, as: UTF8.self) + "x: \(number)") }
        for number in 0..<3 {
            #expect(try refused.keep("m-\(number)", of: drop, user: 5, why: "two\nlines", now: Int64(number)) == [])
        }
        #expect(refused.items().map(\.name) == ["m-0", "m-1", "m-2"])
        #expect(refused.items().allSatisfy { $0.reason == "two lines" && $0.user == 5 })
        let shown = try #require(refused.beginning(of: "m-1", limit: 100))
        #expect(shown.file == file && String(decoding: shown.message, as: UTF8.self) == "x: 1")
        // A name that must not be typed at a terminal gets another; a link is kept, and not followed.
        place.write("drop/m- \u{1B}[0m", "y")
        #expect(try refused.keep("m- \u{1B}[0m", of: drop, user: 5, why: "x", now: 9).map(\.name) == ["m-0"])
        #expect(refused.items().last.map { $0.name.count } == 34)
        symlink("/etc/passwd", place("drop/m-link"))
        #expect(try refused.keep("m-link", of: drop, user: 5, why: "x", now: 10).map(\.name) == ["m-1"])
        #expect(refused.beginning(of: "m-link", limit: 100) == nil)
        #expect(throws: SystemFailure.self) { try refused.release("m-link", to: drop) }
        try refused.release("m-2", to: drop)
        #expect(directoryEntries(drop.path) == ["m-2"] && refused.item("m-2") == nil)
        for bad in ["../drop/m-2", "m-2", "", ".", "m-link.why/x"] {
            #expect(throws: SystemFailure.self, "\(bad)") { try refused.delete(bad) }
        }
        for item in refused.items() { try refused.delete(item.name) }
        #expect(directoryEntries(refused.path) == [])
        // Too large to be kept at all.
        place.write("drop/m-large", String(repeating: "x", count: 1001))
        #expect(try refused.keep("m-large", of: drop, user: 5, why: "x", now: 11).map(\.name) == ["m-large"])
    }

    @Test("The command keeps to the share of its user, and believes what the server says of sizes, and nobody else")
    func notices() throws {
        let place = TemporaryDirectory("drop")
        let drop = DropBox(place("drop"))
        try drop.prepare()
        #expect(drop.sizeLimit == nil && drop.obstacle() == nil)
        try drop.announce(sizeLimit: 12_345)
        #expect(drop.sizeLimit == 12_345)
        var share = DropListing.Share()
        share.count = 1
        #expect(drop.obstacle(share: share) != nil)
        place.write("drop/limits", "message-size-limit x")
        #expect(drop.sizeLimit == nil)
    }
}
