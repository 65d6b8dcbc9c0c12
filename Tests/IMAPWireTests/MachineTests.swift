import IMAPWire
import MailTesting
import NIOCore
import SASL
import Synchronization
import Testing
import Vocabulary

/// What dialogues cannot show: time, size, events, the end.
@Suite struct MachineTests {
    @Test("T1 what is glued behind STARTTLS is dropped, and the session starts anew")
    func starttlsDropsPlaintext() {
        var client = Client(FakeOffice()) { $0.allowsPlaintextLogin = false }
        client.session.send("a STARTTLS\r\nb LOGIN alice wonderland\r\n")
        #expect(client.session.takeOutput() == "a OK begin TLS now\r\n")
        #expect(client.session.wantsTLS && client.session.dropped == 26)
        client.session.establishTLS()
        #expect(client.session.exchange("c SELECT INBOX\r\n") == "c BAD log in first\r\n")
    }

    @Test("The greeting tells the capabilities, and no word of what is off")
    func greeting() {
        var settings = IMAPSettings(greeting: "ready", hostName: "host", makeNonce: { "n" })
        settings.features = [.rev2]
        var session = PureSession(IMAPMachine(settings: settings)) { _ in .done }
        session.connect()
        #expect(
            session.takeOutput()
                == "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=SCRAM-SHA-256 LOGINDISABLED] ready\r\n")
    }

    @Test("A command whose extension is off does not exist, nor do its items")
    func featuresOff() {
        var client = Client.inInbox(FakeOffice()) { $0.features.subtract([.move, .idle, .condStore, .binary, .preview, .sort]) }
        #expect(client.command("MOVE 1 x").result == "BAD unknown command")
        #expect(client.command("IDLE").result == "BAD unknown command")
        #expect(client.command("UID SORT (DATE) UTF-8 ALL").result == "BAD unknown command")
        #expect(client.command("UID FETCH 1 MODSEQ").result == "BAD the arguments are not as the command wants them")
        #expect(client.command("UID FETCH 1 BINARY[1]").result == "BAD the arguments are not as the command wants them")
        #expect(client.command("ENABLE QRESYNC").lines == ["* ENABLED"])
        let capabilities = client.command("CAPABILITY").lines[0].split(separator: " ")
        for name in ["MOVE", "IDLE", "CONDSTORE", "QRESYNC", "BINARY", "PREVIEW", "SORT", "SORT=DISPLAY", "ESORT"] {
            #expect(!capabilities.contains(Substring(name)))
        }
    }

    @Test("Before login one deadline stands for all; afterwards each command starts it anew")
    func deadlines() {
        var client = Client(FakeOffice())
        #expect(client.session.deadline == .minutes(1) && client.session.deadlines == 1)
        _ = client.command("NOOP")
        #expect(client.session.deadlines == 1)
        _ = client.command("LOGIN alice wonderland")
        #expect(client.session.deadline == .minutes(30))
        client.session.timeOut()
        #expect(client.session.takeOutput() == "* BYE nothing heard from you for too long\r\n" && client.session.isClosed)
    }

    @Test("In IDLE a word is said now and then, until half an hour has passed")
    func idleNotices() {
        var client = Client.inInbox(FakeOffice())
        client.session.send("i IDLE\r\n")
        client.session.timeOut()
        _ = client.session.takeOutput()
        for _ in 0..<7 {
            client.session.timeOut()
            #expect(client.session.takeOutput() == "* OK still here\r\n" && client.session.deadline == .minutes(4))
        }
        client.session.timeOut()
        #expect(client.session.takeOutput().hasPrefix("* BYE ") && client.session.isClosed)
    }

    @Test("IDLE tells at once what happens, flags and ends of messages too")
    func idleTells() {
        let office = FakeOffice()
        office.inbox.add("one")
        office.inbox.add("two")
        var client = Client.inInbox(office)
        #expect(client.session.exchange("i IDLE\r\n") == "+ waiting for changes\r\n")
        client.session.timeOut()
        office.inbox.add("three")
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput() == "* 3 EXISTS\r\n")
        office.inbox.setFlags(3, .seen)
        office.inbox.expunge(UIDSet(1...1))
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput() == "* 1 EXPUNGE\r\n* 2 FETCH (UID 3 FLAGS (\\Seen))\r\n")
        #expect(client.session.exchange("DONE\r\n") == "i OK completed\r\n")
    }

    @Test("What happened before IDLE, and right behind its beginning, is told a moment later and in one go")
    func idleTellsOfBefore() {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        office.inbox.add("one")
        client.session.notify(.mailboxChanged)
        #expect(client.session.exchange("i IDLE\r\n") == "+ waiting for changes\r\n")
        #expect(client.session.deadline == .milliseconds(100))
        office.inbox.add("two")
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput().isEmpty)
        client.session.timeOut()
        #expect(client.session.takeOutput() == "* 2 EXISTS\r\n" && client.session.deadline == .minutes(4))
        #expect(client.session.exchange("DONE\r\n") == "i OK completed\r\n")
        office.inbox.add("three")
        #expect(client.session.exchange("j IDLE\r\nDONE\r\n") == "+ waiting for changes\r\n* 3 EXISTS\r\nj OK completed\r\n")
    }

    @Test("A hint that comes while changes are being read is not lost")
    func hintDuringReading() {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        client.session.send("i IDLE\r\n")
        client.session.timeOut()
        _ = client.session.takeOutput()
        client.session.answersCalls = false
        client.session.notify(.mailboxChanged)
        client.session.notify(.mailboxChanged)
        office.inbox.add("one")
        client.session.answersCalls = true
        client.session.complete(.changes(MailboxChanges(modSeq: ModSeq(rawValue: 1), uidNext: UID(rawValue: 1))))
        #expect(client.session.takeOutput() == "* 1 EXISTS\r\n")
    }

    @Test("A hint that comes while SELECT is at work is not lost")
    func hintDuringSelect() {
        let office = FakeOffice()
        var client = Client(office)
        _ = client.command("LOGIN alice wonderland")
        client.session.answersCalls = false
        client.session.send("s SELECT INBOX\r\n")
        guard let call = client.session.openCall else { return #expect(Bool(false)) }
        let outcome = client.backend.perform(call)
        office.inbox.add("one")
        client.session.notify(.mailboxChanged)
        client.session.answersCalls = true
        client.session.complete(outcome)
        // SELECT tells the mailbox as it was counted; what came since is told by the next command.
        let answer = client.session.takeOutput()
        #expect(
            answer.contains("* 0 EXISTS\r\n") && !answer.contains("* 1 EXISTS\r\n") && answer.hasSuffix("s OK [READ-WRITE] selected\r\n"))
        #expect(client.command("UID SEARCH ALL").lines == ["* SEARCH", "* 1 EXISTS"])
    }

    @Test("Numbers that do not agree with what SELECT told end the session")
    func wrongView() {
        let office = FakeOffice()
        office.inbox.add("one")
        var client = Client.inInbox(office)
        client.session.answersCalls = false
        client.session.send("f FETCH 1 FLAGS\r\n")
        client.session.answersCalls = true
        client.session.complete(.view(UIDSet()))
        #expect(client.session.takeOutput().hasPrefix("* BYE [SERVERBUG] ") && client.session.isClosed)
    }

    @Test("A hint between commands waits for the next one")
    func hintsWait() {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        office.inbox.add("one")
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput().isEmpty)
        #expect(client.command("UID SEARCH ALL").lines == ["* SEARCH", "* 1 EXISTS"])
    }

    @Test("With NOTIFY changes are told between commands, and lines about other mailboxes")
    func notify() {
        let office = FakeOffice()
        office.inbox.add("one")
        var client = Client.inInbox(office)
        #expect(
            client.command("NOTIFY SET STATUS (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))")
                .result == "OK completed")
        office.inbox.setFlags(1, .flagged)
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput() == "* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n")
        client.backend.notices = "* STATUS Other (MESSAGES 3)\r\n"
        client.session.notify(.noticesWait)
        #expect(client.session.takeOutput() == "* STATUS Other (MESSAGES 3)\r\n")
        #expect(client.command("NOTIFY SET (personal (MessageNew))").result.hasPrefix("BAD "))
        #expect(client.command("NOTIFY NONE").result == "OK completed")
        office.inbox.setFlags(1, [])
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput().isEmpty)
    }

    @Test("With NOTIFY new messages come with the items asked for, and events that were not asked for wait")
    func notifyItems() {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        _ = client.command("NOTIFY SET (selected (MessageNew (FLAGS RFC822.SIZE) MessageExpunge))")
        office.inbox.add("abc")
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput() == "* 1 EXISTS\r\n* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 3)\r\n")
        office.inbox.setFlags(1, .seen)
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput().isEmpty)
        _ = client.command("NOTIFY NONE")
        office.inbox.add("def")
        #expect(client.command("NOOP").lines.isEmpty)
        _ = client.command("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))")
        #expect(client.command("NOOP").lines.isEmpty)
        office.inbox.expunge(UIDSet(1...1))
        client.session.notify(.mailboxChanged)
        #expect(client.session.takeOutput().isEmpty)
        #expect(client.command("NOOP").lines == ["* 1 EXPUNGE"])
    }

    @Test("Results that are kept up follow what happens in the mailbox, until they are cancelled")
    func contexts() {
        let office = FakeOffice()
        for text in ["a", "b", "c"] { office.inbox.add(text) }
        var client = Client.inInbox(office)
        #expect(client.command("UID SEARCH RETURN (UPDATE COUNT) UNSEEN").lines == ["* ESEARCH (TAG \"t3\") UID COUNT 3"])
        #expect(
            client.command("STORE 2 +FLAGS \\Seen").lines == [
                "* 2 FETCH (FLAGS (\\Seen))", "* ESEARCH (TAG \"t3\") UID REMOVEFROM (0 2)",
            ])
        office.inbox.add("d")
        #expect(client.command("NOOP").lines == ["* 4 EXISTS", "* ESEARCH (TAG \"t3\") UID ADDTO (0 4)"])
        office.inbox.expunge(UIDSet(1...1))
        #expect(client.command("NOOP").lines == ["* ESEARCH (TAG \"t3\") UID REMOVEFROM (0 1)", "* 1 EXPUNGE"])
        #expect(client.command("THREAD REFERENCES UTF-8 ALL").lines == ["* THREAD (1)(2)(3)"])
        #expect(client.command("CANCELUPDATE \"t3\"").result == "OK completed")
        #expect(client.command("CANCELUPDATE \"t3\"").result.hasPrefix("BAD "))
        office.inbox.add("e")
        #expect(client.command("NOOP").lines == ["* 4 EXISTS"])
    }

    @Test("Compression begins behind the answer, and never twice")
    func compression() {
        var client = Client.inInbox(FakeOffice())
        #expect(client.command("CAPABILITY").lines[0].hasSuffix(" COMPRESS=DEFLATE"))
        #expect(client.command("COMPRESS GZIP").result.hasPrefix("BAD ") && !client.session.isCompressed)
        #expect(client.command("COMPRESS DEFLATE").result == "OK compression begins" && client.session.isCompressed)
        #expect(client.command("COMPRESS DEFLATE").result == "NO [COMPRESSIONACTIVE] this is on already")
        #expect(!client.command("CAPABILITY").lines[0].contains("COMPRESS"))
    }

    @Test("Expunges are not told during FETCH, STORE and SEARCH, and a client that resynchronizes learns how far it may trust")
    func expungesWait() {
        let office = FakeOffice()
        for text in ["a", "b", "c"] { office.inbox.add(text) }
        var client = Client.inInbox(office)
        _ = client.command("ENABLE QRESYNC")
        office.inbox.expunge(UIDSet(1...1))
        office.inbox.setFlags(3, .seen)
        client.session.notify(.mailboxChanged)
        let held = client.command("FETCH 2 (UID)").lines
        #expect(
            held == [
                "* 2 FETCH (UID 2)", "* OK [HIGHESTMODSEQ 4] some messages were removed meanwhile",
                "* 3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (6))",
            ])
        #expect(client.command("NOOP").lines == ["* VANISHED 1"])
        #expect(client.command("UID FETCH 3 (UID)").lines == ["* 2 FETCH (UID 3)"])
    }

    @Test("What others changed is told even where our own change is silent")
    func silentDoesNotHideOthers() {
        let office = FakeOffice()
        office.inbox.add("a")
        var client = Client.inInbox(office)
        office.inbox.setFlags(1, .flagged)
        client.session.notify(.mailboxChanged)
        #expect(client.command("STORE 1 +FLAGS.SILENT \\Seen").lines == ["* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen))"])
        #expect(client.command("STORE 1 +FLAGS.SILENT \\Deleted").lines.isEmpty)
        client.session.notify(.mailboxChanged)
        #expect(client.command("NOOP").lines.isEmpty)
    }

    @Test("STOREs that came together are made together and answered in order, with what others changed at the end")
    func storeRuns() {
        let office = FakeOffice()
        for text in ["a", "b", "c"] { office.inbox.add(text) }
        var client = Client.inInbox(office)
        _ = client.command("FETCH 1:* (UID)")
        office.inbox.setFlags(2, .answered)
        office.inbox.setFlags(3, .answered)
        office.inbox.expunge(UIDSet(3...3))
        office.inbox.add("d")
        client.session.notify(.mailboxChanged)
        let together = [
            "a1 STORE 1 +FLAGS (\\Seen)", "a2 STORE 1:2 +FLAGS.SILENT (\\Flagged)", "a3 UID STORE 1 -FLAGS (\\Seen)",
            "a4 STORE 9 FLAGS (\\Seen)", "a5 STORE 1 FLAGS.SILENT ()",
            "a6 UID STORE 7 FLAGS ()",
        ]
        let answer = client.session.exchange(together.map { $0 + "\r\n" }.joined()).split(separator: "\r\n").map(String.init)
        #expect(
            answer == [
                "* 1 FETCH (FLAGS (\\Seen))", "a1 OK completed", "a2 OK completed", "* 1 FETCH (UID 1 FLAGS (\\Flagged))", "* 3 EXPUNGE",
                "* 3 EXISTS",
                "* 2 FETCH (UID 2 FLAGS (\\Answered \\Flagged))", "a3 OK completed", "a4 BAD there is no message of this number",
                "a5 OK completed", "a6 OK completed",
            ])
        #expect(client.backend.runs == [3])
        #expect(client.command("NOOP").lines.isEmpty)
    }

    @Test("COPYs that came together are made together and answered in order; one that fails undoes no other, and a MOVE has its own turn")
    func copyRuns() {
        let office = FakeOffice()
        for text in ["a", "b", "c"] { office.inbox.add(text) }
        let there = office.create("there")
        var client = Client.inInbox(office)
        _ = client.command("FETCH 1:* (UID)")
        office.inbox.expunge(UIDSet(3...3))
        client.session.notify(.mailboxChanged)
        let together = [
            "a1 COPY 1 there", "a2 UID COPY 1:2 INBOX", "a3 COPY 2 nowhere", "a4 COPY 1:* there", "a5 COPY 9 there", "a6 UID COPY 2 there",
            "a7 UID COPY 77 there", "a8 UID COPY 1 there", "a9 UID MOVE 1 there", "b1 COPY 1 there",
        ]
        let answer = client.session.exchange(together.map { $0 + "\r\n" }.joined()).split(separator: "\r\n").map(String.init)
        #expect(
            answer == [
                "a1 OK [COPYUID 78 1 1] completed", "a2 OK [COPYUID 77 1:2 4:5] completed", "a3 NO [TRYCREATE] no such mailbox",
                // The one that is gone was not told as gone yet, and what the second added not as new.
                "* 3 EXPUNGE", "* 4 EXISTS", "a4 OK [COPYUID 78 1:2 2:3] completed", "a5 BAD there is no message of this number",
                "a6 OK [COPYUID 78 2 4] completed", "a7 OK completed", "a8 OK [COPYUID 78 1 5] completed",
                "* OK [COPYUID 78 1 6] completed", "* 1 EXPUNGE", "a9 OK completed", "b1 OK [COPYUID 78 2 7] completed",
            ])
        #expect(client.backend.runs == [4] && there.messages.count == 7)
        #expect(client.command("NOOP").lines.isEmpty)
    }

    @Test("APPENDs that came together are made together and answered in order, as far as each is here whole and takes one message")
    func appendRuns() {
        let office = FakeOffice()
        let there = office.create("there")
        var client = Client.inInbox(office)
        let together = [
            "a1 APPEND INBOX {1+}\r\n1", "a2 APPEND INBOX (\\Seen) \" 5-Nov-2020 10:00:00 +0900\" {2+}\r\n22",
            "a3 APPEND nowhere {3+}\r\n333",
            "a4 APPEND there ~{1+}\r\n4", "a5 APPEND INBOX (Work) {2+}\r\n55",
            // A run ends before what takes several messages, is no text, is empty, or waits for us.
            "a6 APPEND INBOX {1+}\r\n6 {1+}\r\n7", "a7 APPEND INBOX {1+}\r\n8", "a8 APPEND INBOX {1+}\r\n\0", "a9 APPEND INBOX {0+}\r\n",
            "b1 APPEND INBOX {1+}\r\n9", "b2 APPEND {5+}\r\nINBOX {1+}\r\nA", "b3 NOOP", "b4 APPEND INBOX {1}\r\n",
        ]
        let answer = client.session.exchange(together.joined(separator: "\r\n")).split(separator: "\r\n").map(String.init)
        #expect(
            answer == [
                "a1 OK [APPENDUID 77 1] completed", "a2 OK [APPENDUID 77 2] completed", "a3 NO [TRYCREATE] no such mailbox",
                "a4 OK [APPENDUID 78 1] completed", "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work)",
                "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work \\*)] flags that can be kept", "* 3 EXISTS",
                "a5 OK [APPENDUID 77 3] completed", "a6 OK [APPENDUID 77 4:5] completed", "* 6 EXISTS", "a7 OK [APPENDUID 77 6] completed",
                "a8 BAD the command contains characters that are not allowed", "a9 NO the message is empty", "* 7 EXISTS",
                "b1 OK [APPENDUID 77 7] completed", "* 8 EXISTS", "b2 OK [APPENDUID 77 8] completed", "b3 OK completed", "+ send it",
            ])
        #expect(client.backend.runs == [5, 2] && there.messages.count == 1)
        #expect(office.inbox.messages.map { String(decoding: $0.bytes, as: UTF8.self) } == ["1", "22", "55", "6", "7", "8", "9", "A"])
        #expect(office.inbox.messages[1].date == 1_604_538_000 && office.inbox.messages[1].flags == .seen)
    }

    @Test("An APPEND that has come in part waits for its rest; the one before it does not")
    func appendRunCutInTwo() {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        #expect(
            client.session.exchange("a1 APPEND INBOX {1+}\r\n1\r\na2 APPEND INBOX {2+}\r\n2")
                == "* 1 EXISTS\r\na1 OK [APPENDUID 77 1] completed\r\n")
        #expect(client.session.exchange("2\r\n") == "* 2 EXISTS\r\na2 OK [APPENDUID 77 2] completed\r\n")
        #expect(client.backend.runs == [])
    }

    @Test("Long answers come in pieces, each after the peer has read the last")
    func pieces() {
        let office = FakeOffice()
        for _ in 0..<30_000 { office.inbox.add("") }
        var client = Client.inInbox(office)
        let (lines, result) = client.command("SEARCH UNDELETED")
        #expect(result == "OK completed" && lines.count == 1 && lines[0].hasSuffix(" 29999 30000"))
        #expect(client.command("STORE 1:* +FLAGS \\Deleted").lines.count == 30_000)
        #expect(client.command("EXPUNGE").lines.count == 30_000)
        #expect(client.session.largestWrite < 80 << 10)
    }

    @Test("The server goes down: idle sessions are told at once, others when their command is done")
    func shutdown() {
        let office = FakeOffice()
        office.inbox.add("a")
        var idle = Client.inInbox(office)
        idle.session.send("i IDLE\r\n")
        _ = idle.session.takeOutput()
        idle.session.shutDown()
        #expect(idle.session.takeOutput() == "* BYE the server is shutting down\r\n" && idle.session.isClosed)
        var busy = Client.inInbox(office)
        busy.session.answersCalls = false
        busy.session.send("b FETCH 1 FLAGS\r\n")
        busy.session.shutDown()
        #expect(busy.session.takeOutput().isEmpty && !busy.session.isClosed)
        busy.session.answersCalls = true
        busy.session.complete(.view(UIDSet(1...1)))
        #expect(busy.session.takeOutput() == "* 1 FETCH (FLAGS ())\r\nb OK completed\r\n* BYE the server is shutting down\r\n")
    }

    @Test("An account that is closed, and a mailbox that is gone, end the session")
    func ends() {
        for event in [IMAPEvent.accountClosed, .mailboxGone] {
            var client = Client.inInbox(FakeOffice())
            client.session.notify(event)
            #expect(client.session.takeOutput().hasPrefix("* BYE ") && client.session.isClosed)
        }
        let gone = Gone()
        var client = Client.inInbox(FakeOffice()) { settings in settings.mayStay = { _ in !gone.isGone.load(ordering: .relaxed) } }
        gone.isGone.store(true, ordering: .relaxed)
        #expect(client.command("NOOP").lines.last?.hasPrefix("* BYE your account is not active any more") == true)
        gone.isGone.store(false, ordering: .relaxed)
        client = Client.inInbox(FakeOffice()) { settings in settings.mayStay = { _ in !gone.isGone.load(ordering: .relaxed) } }
        gone.isGone.store(true, ordering: .relaxed)
        #expect(client.session.exchange("a APPEND INBOX {3}\r\n").hasPrefix("* BYE your account") && client.session.isClosed)
    }

    @Test("A closed account hears nothing more: what happens, the change itself, a line in IDLE and the next look end its session")
    func closedAccount() {
        let ways: [(inout Client) -> Void] = [
            { $0.session.notify(.mailboxChanged) }, { $0.session.notify(.accountChanged) }, { $0.session.send("DONE\r\n") },
            { $0.session.send("x NOOP\r\n") }, { $0.session.timeOut() },
            {
                $0.backend.notices = "* STATUS secret (MESSAGES 1)\r\n"
                $0.session.notify(.noticesWait)
            },
        ]
        for command in ["IDLE", "NOTIFY SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge)) (personal (MessageNew))"] {
            for (number, way) in ways.enumerated() where command == "IDLE" || number != 2 {
                let (office, gone) = (FakeOffice(), Gone())
                var client = Client.inInbox(office) { settings in settings.mayStay = { _ in !gone.isGone.load(ordering: .relaxed) } }
                client.session.send("i \(command)\r\n")
                _ = client.session.takeOutput()
                office.inbox.add("secret")
                gone.isGone.store(true, ordering: .relaxed)
                way(&client)
                #expect(client.session.takeOutput() == "* BYE your account is not active any more\r\n", "\(command) \(number)")
                #expect(client.session.isClosed)
            }
        }
    }

    @Test("What was read for IDLE is not told any more when the account was closed meanwhile")
    func closedWhileReading() {
        let (office, gone) = (FakeOffice(), Gone())
        var client = Client.inInbox(office) { settings in settings.mayStay = { _ in !gone.isGone.load(ordering: .relaxed) } }
        #expect(client.session.exchange("i IDLE\r\n") == "+ waiting for changes\r\n")
        client.session.timeOut()
        client.session.answersCalls = false
        client.session.notify(.mailboxChanged)
        gone.isGone.store(true, ordering: .relaxed)
        client.session.complete(
            .changes(MailboxChanges(modSeq: ModSeq(rawValue: 9), uidNext: UID(rawValue: 2), arrived: UIDSet(1...1))))
        #expect(client.session.takeOutput() == "* BYE your account is not active any more\r\n" && client.session.isClosed)
    }

    @Test("A change of the directory leaves those who may stay")
    func staysInIdle() {
        var client = Client.inInbox(FakeOffice())
        client.session.send("i IDLE\r\n")
        _ = client.session.takeOutput()
        client.session.notify(.accountChanged)
        #expect(client.session.exchange("DONE\r\n") == "i OK completed\r\n")
    }

    @Test("$ is emptied by NO to a search that was to fill it, and by nothing else that fails")
    func savedAfterRefusal() {
        let office = FakeOffice()
        for text in ["one", "two"] { office.inbox.add(text) }
        var client = Client.inInbox(office)
        _ = client.command("SEARCH RETURN (SAVE) ALL")
        #expect(client.command("SEARCH CHARSET X-NO ALL").result.hasPrefix("NO [BADCHARSET"))
        #expect(client.command("SEARCH RETURN (SAVE) CHARSET").result.hasPrefix("BAD"))
        #expect(client.command("SEARCH RETURN (SAVE) NONSENSE").result.hasPrefix("BAD"))
        #expect(client.command("FETCH $ UID").lines.count == 2)
        for refused in ["SEARCH RETURN (SAVE) CHARSET X-NO ALL", "UID SORT RETURN (SAVE) (DATE) X-NO ALL"] {
            _ = client.command("SEARCH RETURN (SAVE) ALL")
            #expect(client.command(refused).result.hasPrefix("NO [BADCHARSET"), "\(refused)")
            #expect(client.command("FETCH $ UID").lines.isEmpty, "\(refused)")
        }
    }

    @Test(
        "A backend that refuses is answered with its reason, and nothing is left behind",
        arguments: [
            "FETCH 1 FLAGS", "STORE 1 +FLAGS \\Seen", "COPY 1 INBOX", "EXPUNGE", "SEARCH ALL", "LIST \"\" *", "NOTIFY NONE",
            "STATUS INBOX (MESSAGES)",
        ])
    func refusals(_ command: String) {
        let office = FakeOffice()
        office.inbox.add("a")
        var client = Client.inInbox(office)
        office.nextRefusal = IMAPRefusal(.overQuota, code: "OVERQUOTA")
        #expect(client.command(command).result == "NO [OVERQUOTA] no room: delete some messages first")
        #expect(client.command("NOOP").result == "OK completed")
    }

    @Test("A message that is refused midway is passed over to the end of its command", arguments: Cutting.all)
    func appendRefusedMidway(_ cutting: Cutting) {
        let office = FakeOffice()
        var client = Client.inInbox(office)
        client.session.send("p APPEND INBOX {4}\r\n")
        #expect(client.session.takeOutput() == "+ send it\r\n")
        office.nextRefusal = IMAPRefusal(.overQuota, code: "OVERQUOTA")
        for piece in cutting.pieces(of: Array("ab\r\n {3+}\r\nx\r\n\r\nq NOOP\r\n".utf8)) { client.session.send(piece) }
        #expect(client.session.takeOutput() == "p NO [OVERQUOTA] no room: delete some messages first\r\nq OK completed\r\n")
        #expect(office.inbox.messages.isEmpty)
    }

    @Test("A line without end, and a word of a million letters, cost no more than their limit")
    func endless() {
        var client = Client(FakeOffice())
        for _ in 0..<100 {
            client.session.send(Array(repeating: UInt8(ascii: "x"), count: 10_000))
            #expect(client.session.input.readableBytes <= 20_000)
        }
        client.session.send("\r\n")
        #expect(client.session.takeOutput().hasPrefix("* BAD [TOOBIG] "))
    }

    @Test(
        "Names of mailboxes have one spelling on the wire",
        arguments: [
            ("INBOX", "INBOX"), ("Entwürfe", "Entw&APw-rfe"), ("日本語", "&ZeVnLIqe-"), ("a&b", "a&-b"), ("😀", "&2D3eAA-"),
            ("台/北", "&U,A-/&Uxc-"),
        ])
    func modifiedUTF7(_ name: String, _ wire: String) {
        #expect(MailboxName.encoded(name, isUTF8: false) == wire)
        #expect(MailboxName.decoded(wire.utf8, isUTF8: false) == name)
        #expect(MailboxName.decoded(name.utf8, isUTF8: true) == name)
    }

    @Test(
        "What is no modified UTF-7, or could be written otherwise, is refused",
        arguments: [
            "&", "&ZeV", "&AGE-", "&ZeVnLIqe-&ZeVnLIqe-", "&ZeVnLIqf-x&", "&2D0-", "a\u{7F}", "日本", "&AAA-", "&ZeVnLIqeX-", "&!-",
        ])
    func badModifiedUTF7(_ wire: String) { #expect(MailboxName.decoded(wire.utf8, isUTF8: false) == nil) }

    @Test("Names in UTF-8 are normalized and hold no controls")
    func utf8Names() {
        #expect(MailboxName.decoded("Cafe\u{301}".utf8, isUTF8: true)?.unicodeScalars.count == 4)
        #expect(MailboxName.decoded("a\u{85}".utf8, isUTF8: true) == nil)
        #expect(MailboxName.decoded([0xFF], isUTF8: true) == nil)
        #expect(MailboxName.decoded("inbox/x".utf8, isUTF8: true) == "INBOX/x")
        #expect(MailboxName.decoded("inboxes".utf8, isUTF8: true) == "inboxes")
    }

    @Test(
        "Patterns of LIST",
        arguments: [
            ("*", "a/b", true), ("%", "a/b", false), ("%", "a", true), ("a/%", "a/b", true), ("a/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("%/%", "a/b", true), ("inbox", "INBOX", true), ("a%", "a", true), ("a", "ab", false), ("", "", true), ("*b*", "abc", true),
            ("%*%", "x/y", true),
        ])
    func patterns(_ pattern: String, _ name: String, _ matches: Bool) { #expect(ListPattern(pattern).matches(name) == matches) }

    @Test("A pattern of a thousand wildcards is no work")
    func worstPattern() {
        let pattern = ListPattern(String(repeating: "*a%b", count: 200))
        #expect(!pattern.matches(String(repeating: "a", count: 1000)))
    }

    @Test(
        "URLs of CATENATE",
        arguments: [
            "/INBOX;UIDVALIDITY=7/;UID=20/;SECTION=1.2.MIME", "/INBOX/;UID=20",
            "imap://joe@host/a%20b/c;uidvalidity=9/;uid=1/;section=HEADER/;partial=1.5",
            "/%E6%97%A5/;UID=4294967295",
        ])
    func urls(_ text: String) { #expect(IMAPURL(parsing: text) != nil) }

    @Test(
        "URLs that name no message",
        arguments: [
            "", "/", "INBOX/;UID=1", "/INBOX", "/INBOX/;UID=0", "/INBOX/;UID=4294967296", "/%ZZ/;UID=1", "/x;UIDVALIDITY=0/;UID=1",
            "http://a/b/;UID=1",
            "/x/;UID=1/;SECTION=NONSENSE", "/x/;UID=1/;PARTIAL=1.0", "/;UID=1",
        ])
    func badURLs(_ text: String) { #expect(IMAPURL(parsing: text) == nil) }
}

private final class Gone: Sendable {
    let isGone = Atomic(false)
}
