import Forms
import MailTesting
import MessageStore
import SMTPService
import Synchronization
import Testing
import Vocabulary

@Suite("SMTP from strangers, with directory and store", .serialized)
struct SMTPReceivingTests {
    @Test("A message is in the mailbox with its trace fields when 250 is said, its own bytes as they were")
    func oneMessage() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        let client = try server.connect()
        #expect(
            try client.reply() == "220 mail.example.test ESMTP server (Post.Office v1.2 release 3) ready Fri, 15 Jan 2027 08:00:00 +0000")
        _ = try client.say("EHLO client.test")
        let text = "Subject: x\r\nFrom: bare\r\n\r\n..dot\r\n\u{3042}\r\n"
        #expect(try client.mail(from: "a@remote.test", to: ["Taro@EXAMPLE.test"], text) == "250 2.0.0 T1 Message accepted")
        #expect(try client.mail(from: "", to: ["taro@example.test"], "x\r\n") == "250 2.0.0 T1m2 Message accepted")
        let prefix = """
            Return-Path: <a@remote.test>\r
            Delivered-To: Taro@EXAMPLE.test\r
            Received: from client.test ([127.0.0.1])\r
                      by mail.example.test (Post.Office MTA v1.2 release 3)\r
                      with ESMTP id T1\r
                      for <Taro@EXAMPLE.test>;\r
                      Fri, 15 Jan 2027 08:00:00 +0000\r

            """
        let mailbox = try server.mailbox(of: taro)
        #expect(mailbox.first == prefix + "Subject: x\r\nFrom: bare\r\n\r\n.dot\r\n\u{3042}\r\n")
        #expect(mailbox.last?.hasPrefix("Return-Path: <>\r\n") == true)
    }

    @Test(
        "No line of a message goes on our trace fields: where its header ends without an empty line, one is put in",
        arguments: [
            ("no header\r\n", "\r\nno header\r\n"),
            (" folded: first\r\nSubject: x\r\n\r\ny\r\n", "\r\n folded: first\r\nSubject: x\r\n\r\ny\r\n"),
            ("\tfolded\r\n", "\r\n\tfolded\r\n"), (" \r\n\r\nx\r\n", "\r\n \r\n\r\nx\r\n"), ("\r\nbody\r\n", "\r\nbody\r\n"),
            ("Subject: x\r\nno field\r\nFrom: y\r\n\r\nz\r\n", "Subject: x\r\n\r\nno field\r\nFrom: y\r\n\r\nz\r\n"),
            ("Subject: x\r\n", "Subject: x\r\n"), ("", ""), (": x\r\n", "\r\n: x\r\n"),
            (
                "From root Mon Nov 23 08:00:00 2026\r\nSubject: x\r\n\r\ny\r\n",
                "X-Mailbox-Line: From root Mon Nov 23 08:00:00 2026\r\nSubject: x\r\n\r\ny\r\n"
            ),
        ])
    func headerEnd(_ sent: String, _ stored: String) throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], sent).hasPrefix("250"))
        let chunk = "BDAT \(sent.utf8.count) LAST\r\n\(sent)"
        #expect(try client.say("MAIL FROM:<a@remote.test>", "RCPT TO:<taro@example.test>").hasSuffix("Recipient Ok"))
        try client.connection.send(Array(chunk.utf8))
        #expect(try client.reply().hasPrefix("250"))
        for copy in try server.mailbox(of: taro) {
            let lines = copy.split(separator: "\r\n", omittingEmptySubsequences: false)
            let date = lines.firstIndex { $0.hasSuffix("08:00:00 +0000") && $0.hasPrefix(" ") } ?? 0
            #expect(lines.dropFirst(date + 1).joined(separator: "\r\n") == stored)
        }
    }

    @Test("Several recipients: one copy an account, none is told of the others; refused ones do not stop the rest")
    func severalRecipients() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test", "t.yamada@example.test")
        let hanako = try server.account("hanako@example.test")
        let client = try server.greeted()
        #expect(
            try client.say(
                "MAIL FROM:<a@remote.test>", "RCPT TO:<taro@example.test>", "RCPT TO:<nobody@example.test>",
                "RCPT TO:<t.yamada@example.test>",
                "RCPT TO:<hanako+list@example.test>")
                == "250 2.1.0 Sender Ok|250 2.1.5 Recipient Ok|550 5.1.1 No such address here|250 2.1.5 Recipient Ok|250 2.1.5 Recipient Ok"
        )
        #expect(try client.send("x\r\n").hasPrefix("250"))
        let copies = try server.mailbox(of: taro)
        #expect(copies.count == 1 && copies[0].contains("Delivered-To: taro@example.test\r\n") && !copies[0].contains("hanako"))
        #expect(try server.mailbox(of: hanako).first?.contains("Delivered-To: hanako+list@example.test\r\n") == true)
        #expect(eventually { server.events.names.count { $0 == "delivered" } == 2 })
    }

    @Test("<postmaster> is always accepted, in any case of letters, even where nobody reads it yet")
    func postmaster() throws {
        let server = try SMTPFixture()
        let client = try server.greeted()
        for name in ["postmaster", "PostMaster", "POSTMASTER@example.test", "postmaster@mail.example.test", "postmaster@[127.0.0.1]"] {
            #expect(try client.mail(from: "a@remote.test", to: [name], "x\r\n").hasPrefix("250 2.0.0"), "\(name)")
        }
    }

    @Test("A message of some megabytes streams through the disk and comes back whole", arguments: [300_000, 3_000_000])
    func largeMessage(_ size: Int) throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        let client = try server.greeted()
        let text = "Subject: large\r\n\r\n" + (0..<(size / 50)).map { "line \($0) " + String(repeating: "x", count: 40) + "\r\n" }.joined()
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix("250"))
        let stored = try server.mailbox(of: taro)
        #expect(stored.count == 1 && stored[0].hasSuffix(text))
        #expect(server.store.memory.inUse == 0)
    }

    @Test("What the limits say holds while the body comes, too: afterwards the session goes on and nothing is left in memory")
    func tooLarge() throws {
        let server = try SMTPFixture()
        let taro = try server.account("taro@example.test")
        try server.configure(LimitField.messageSize, "1000000")
        let client = try server.greeted()
        let text = String(repeating: "0123456789abcdef\r\n", count: 100_000)
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], text).hasPrefix("552 5.3.4"))
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], "x\r\n").hasPrefix("250"))
        #expect(try server.mailbox(of: taro).count == 1)
        #expect(server.store.memory.inUse == 0)
    }

    @Test("L2 a message that went through too many hosts is refused")
    func loops() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test")
        let client = try server.greeted()
        let hop = "Received: from a by b; Fri, 15 Jan 2027 08:00:00 +0000\r\n"
        #expect(
            try client.mail(from: "a@remote.test", to: ["taro@example.test"], String(repeating: hop, count: 31) + "\r\nx\r\n").hasPrefix(
                "554 5.4.6"))
        #expect(
            try client.mail(from: "a@remote.test", to: ["taro@example.test"], String(repeating: hop, count: 30) + "\r\n\(hop)").hasPrefix(
                "250"))
    }

    @Test("A mailbox without room for what is announced is refused at RCPT, for now; others get the message")
    func quota() throws {
        let server = try SMTPFixture()
        let small = try server.account("small@example.test", fields: [(DeliveryField.quota, "1000")])
        try server.account("taro@example.test")
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["small@example.test"], String(repeating: "x\r\n", count: 200)).hasPrefix("250"))
        #expect(try server.mailbox(of: small).count == 1)
        let after = try client.say("MAIL FROM:<a@remote.test> SIZE=500", "RCPT TO:<small@example.test>", "RCPT TO:<taro@example.test>")
        #expect(after.hasSuffix("|452 4.2.2 Mailbox is full|250 2.1.5 Recipient Ok"))
        // Not announced, but too large all the same: accepted, because DATA has one answer for all, and kept back.
        _ = try client.say("RSET")
        #expect(try client.mail(from: "a@remote.test", to: ["small@example.test"], String(repeating: "x\r\n", count: 200)).hasPrefix("250"))
        #expect(try server.mailbox(of: small).count == 1)
        #expect(server.events.all.contains { $0.event == "deferred" && $0.facts.contains { $0.value == "over-quota" } })
    }

    @Test("Little room on the disk is said at MAIL")
    func diskLow() throws {
        let server = try SMTPFixture { $0.minimumFree = .max / 2 }
        try server.account("taro@example.test")
        let client = try server.greeted()
        #expect(try client.say("MAIL FROM:<a@remote.test>") == "452 4.3.1 Storage is full, try again later")
    }

    @Test("R1 R2 a disk that fails to sync: 451, nothing visible, and the session lives")
    func failingSync() throws {
        let failing = Flag()
        let server = try SMTPFixture { options in
            options.faults = FileFaults { operation, _ in operation == .sync && failing.isSet ? 5 : nil }
        }
        let taro = try server.account("taro@example.test")
        let client = try server.greeted()
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], "first\r\n").hasPrefix("250"))
        failing.set(true)
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], "second\r\n").hasPrefix("451 4.3.0"))
        failing.set(false)
        #expect(try client.mail(from: "a@remote.test", to: ["taro@example.test"], "third\r\n").hasPrefix("250"))
        let texts = try server.mailbox(of: taro)
        #expect(texts.count == 2 && !texts.contains { $0.contains("second") })
    }

    @Test("Who asks for too many unknown recipients waits, then is shut out for a while, but for loopback")
    func harvesting() throws {
        let peer = try #require(IPAddress("192.0.2.1"))
        let guardian = HarvestGuard()
        let verdicts = (0..<10).map { _ in guardian.spend(peer, limit: 10, closure: 60, at: 1000) }
        #expect(verdicts.prefix(5).allSatisfy { $0 == .pass })
        #expect(verdicts.dropFirst(5) == [.delay(3), .delay(5), .delay(7), .delay(9), .delay(10)])
        #expect(!guardian.isClosed(for: peer, at: 1000))
        #expect(guardian.spend(peer, limit: 10, closure: 60, at: 1000) == .closed)
        #expect(guardian.isClosed(for: peer, at: 1059) && !guardian.isClosed(for: peer, at: 1060))
        #expect(guardian.closedCount(at: 1059) == 1)
        #expect(guardian.known(at: 1059).map(\.address) == [peer])
        #expect(guardian.release(at: 1059) { $0.contains(peer) }.count == 1)
        #expect(!guardian.isClosed(for: peer, at: 1059) && guardian.known(at: 1059).isEmpty)
        let here = try #require(IPAddress("::1"))
        #expect(!(0..<100).contains { _ in guardian.spend(here, limit: 10, closure: 60, at: 1000) != .pass })
    }

    @Test("A network whose addresses share the asking is found out; its other hosts and other networks notice nothing")
    func harvestingNetwork() throws {
        let guardian = HarvestGuard()
        func peer(_ last: Int) throws -> IPAddress { try #require(IPAddress("192.0.2.\(last)")) }
        for last in 1...40 { #expect(guardian.spend(try peer(last), limit: 10, closure: 60, at: 1000) == .pass) }
        // The network's forty are spent: from now on an address there has three.
        let verdicts = try (0..<4).map { _ in guardian.spend(try peer(99), limit: 10, closure: 60, at: 1000) }
        #expect(verdicts.last == .closed)
        #expect(!guardian.isClosed(for: try peer(50), at: 1000))
        let other = try #require(IPAddress("198.51.100.1"))
        #expect(guardian.spend(other, limit: 10, closure: 60, at: 1000) == .pass)
    }

    @Test("A harvester waits for each answer; another client meanwhile does not")
    func harvesterWaits() throws {
        let server = try SMTPFixture(trustsLoopback: false)
        try server.account("taro@example.test")
        try server.configure(LimitField.unknownRecipients, "6")
        let client = try server.greeted()
        _ = try client.say("MAIL FROM:<a@remote.test>")
        for number in 1...3 { #expect(try client.say("RCPT TO:<x\(number)@example.test>").hasPrefix("550 5.1.1")) }
        #expect(server.delays.seconds.isEmpty)
        server.delays.holds = true
        try client.connection.send(Array("RCPT TO:<x4@example.test>\r\n".utf8))
        #expect(eventually { server.delays.seconds == [4] })
        let other = try server.greeted()
        #expect(try other.mail(from: "b@remote.test", to: ["taro@example.test"], "x\r\n").hasPrefix("250"))
        server.delays.release()
        #expect(try client.reply().hasPrefix("550 5.1.1"))
        server.delays.holds = false
        _ = try client.say("RCPT TO:<x5@example.test>", "RCPT TO:<x6@example.test>")
        #expect(try client.say("RCPT TO:<x7@example.test>").hasPrefix("421 4.7.1"))
        #expect(server.events.lines("recipient-refused").last?.contains("reason=unknown-recipient-budget") == true)
        let late = try server.connect()
        #expect(try late.reply().hasPrefix("421 4.7.1"))
        #expect(server.guards.harvest.release(at: server.clock.now) { "\($0)" == "127.0.0.1/32" }.count == 1)
        #expect(try server.connect().reply().hasPrefix("220"))
    }

    @Test("Every step is an event with one trace; no event has content")
    func events() throws {
        let server = try SMTPFixture()
        try server.account("taro@example.test")
        let client = try server.greeted()
        _ = try client.mail(from: "a@remote.test", to: ["taro@example.test"], "Subject: secret\r\n\r\nsecret\r\n")
        _ = try client.say("VRFY taro", "MAIL FROM:<a@remote.test>", "RCPT TO:<x@remote.test>", "RCPT TO:<nobody@example.test>", "QUIT")
        for name in [
            "opened", "helo", "mail", "recipient-accepted", "message-accepted", "delivered", "special-command", "relay-refused",
            "recipient-refused",
        ] {
            // Where a message went is written after the answer.
            let isThere = eventually {
                server.events.all.contains { [TraceID("T1"), TraceID("T1m2")].contains($0.trace) && $0.event == name }
            }
            #expect(isThere, "\(name)")
        }
        #expect(!server.events.all.contains { $0.facts.contains { $0.value.contains("secret") } })
    }

    @Test("Dialogues sound the same with the real server", arguments: Cutting.all.prefix(3))
    func dialogues(_ cutting: Cutting) throws {
        let folder = #filePath.replacing("ServiceTests/SMTPReceivingTests.swift", with: "SMTPWireTests/Dialogues")
        let server = try SMTPFixture()
        try server.account("known@example.test")
        let dialogues = try Dialogue.load(folder: folder).filter { !$0.needsTLS && !$0.options.contains("pure") }
        #expect(dialogues.count >= 2)
        for dialogue in dialogues {
            try dialogue.play(on: server.connect(dialogue.options.contains("lmtp") ? "lmtp" : "smtp").connection, cutting)
        }
    }
}

/// A switch that a fault looks at.
final class Flag: Sendable {
    private let state = Mutex(false)
    func set(_ on: Bool) { self.state.withLock { $0 = on } }
    var isSet: Bool { self.state.withLock { $0 } }
}
