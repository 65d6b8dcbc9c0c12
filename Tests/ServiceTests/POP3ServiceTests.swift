import Directory
import MailTesting
import MessageStore
import NIOCore
import POP3Service
import Testing
import Vocabulary

@Suite(.serialized) struct POP3ServiceTests {
    @Test func messagesComeBackWithTheirPrefix() async throws {
        let server = try POP3Fixture()
        try await server.deliver("Subject: one\r\n\r\n.dot\r\n", prefix: "Return-Path: <a@b>\r\n")
        try await server.deliver("Subject: two\r\n\r\n\r\n")
        let session = try server.session()
        #expect(try session.say("STAT") == "+OK 2 60")
        #expect(try session.lines("LIST") == ["1 42", "2 18"])
        #expect(try session.message(1) == "Return-Path: <a@b>\r\nSubject: one\r\n\r\n.dot\r\n")
        #expect(try session.message(2) == "Subject: two\r\n\r\n\r\n")
        #expect(try session.lines("TOP 1 0") == ["Return-Path: <a@b>", "Subject: one", ""])
        try session.ok("QUIT")
        #expect(eventually { server.sink.names.last == "closed" })
        #expect(server.sink.names == ["opened", "login", "closed"])
        #expect(server.sink.facts(of: "closed")["retrieved"] == "3")
    }

    @Test("I6 DELE takes effect at QUIT alone, and UIDL stays the same over sessions") func deletion() async throws {
        let server = try POP3Fixture()
        for number in 1...3 { try await server.deliver("Subject: \(number)\r\n\r\n") }
        let first = try server.session()
        let before = try first.lines("UIDL")
        try first.ok("DELE 2")
        first.cut()
        #expect(eventually { server.locks.count == 0 })

        let second = try server.session()
        #expect(try second.lines("UIDL") == before, "a lost connection removes nothing")
        try second.ok("DELE 2")
        try second.ok("QUIT")

        let third = try server.session()
        let identifiers = { (lines: [String]) in lines.map { $0.split(separator: " ")[1] } }
        #expect(try identifiers(third.lines("UIDL")) == [identifiers(before)[0], identifiers(before)[2]])
        #expect(server.sink.facts(of: "closed")["removed"] == "1")
    }

    @Test func aMaildropHasOneSession() async throws {
        let server = try POP3Fixture()
        let first = try server.session()
        let second = try POP3Client(port: server.port)
        try second.ok("USER alice")
        #expect(try second.say("PASS secret").hasPrefix("-ERR [IN-USE] "))
        _ = try server.session("bob")
        try first.ok("QUIT")
        try second.ok("USER alice")
        try second.ok("PASS secret")
        #expect(try second.say("STAT") == "+OK 0 0", "free as soon as QUIT is answered")
    }

    @Test func theLockGoesWithTheConnection() async throws {
        let server = try POP3Fixture()
        for _ in 0..<20 {
            let client = try POP3Client(port: server.port)
            try client.connection.send(Array("USER alice\r\nPASS secret\r\n".utf8))
            client.cut()
        }
        #expect(eventually { server.locks.count == 0 && server.sink.names.count { $0 == "closed" } == 20 })
        try server.session().ok("QUIT")
    }

    @Test func aMessageThatAnotherProtocolRemovesIsGone() async throws {
        let server = try POP3Fixture()
        for number in 1...30 { try await server.deliver("Subject: \(number)\r\n\r\n" + String(repeating: "x", count: 20_000) + "\r\n") }
        let session = try server.session()
        #expect(try session.message(1).hasPrefix("Subject: 1\r\n"))
        let inbox = try await awaited("openInbox") { server.store.openInbox(of: POP3Fixture.alice, completion: $0) }
        let uid = inbox.entries[19].uid
        _ = try await awaited("expunge") { server.store.expunge(inbox.mailbox, [uid], completion: $0) }
        #expect(try session.say("RETR 20") == "-ERR this message was removed meanwhile")
        #expect(try session.message(21).hasPrefix("Subject: 21\r\n"))
        try session.ok("DELE 20")
        #expect(try session.say("QUIT").hasPrefix("+OK"), "what is gone already need not be removed")
    }

    @Test func messagesComeInAnyOrderAndPipelined() async throws {
        let server = try POP3Fixture()
        let bodies = (1...60).map { "Subject: \($0)\r\n\r\n" + String(repeating: "line \($0)\r\n", count: $0 * 37 % 900) }
        for body in bodies { try await server.deliver(body) }
        let session = try server.session()
        var random = SeededGenerator(seed: 60)
        let order = (1...60).shuffled(using: &random)
        for number in order { #expect(try session.message(number) == bodies[number - 1]) }
        try session.connection.send(Array((1...60).map { "RETR \($0)\r\n" }.joined().utf8))
        for body in bodies {
            #expect(try session.connection.line() == "+OK \(body.utf8.count) octets")
            var text = ""
            while true {
                let line = try session.connection.line()
                if line == "." { break }
                text += line + "\r\n"
            }
            #expect(text == body)
        }
    }

    @Test("P3 a slow reader of a long message costs little memory and gets every byte") func slowReader() async throws {
        let server = try POP3Fixture()
        let line = String(repeating: "0123456789abcdef", count: 4)
        let body = "Subject: long\r\n\r\n" + String(repeating: line + "\r\n", count: 3000)
        try await server.deliver(body)
        let client = try POP3Client(port: server.port)
        try client.ok("USER alice")
        try client.ok("PASS secret")
        #expect(try client.message(1) == body)
    }

    @Test func loginsMayHaveToWait() {
        let locks = MaildropLocks()
        #expect(locks.take(POP3Fixture.alice, now: 1000, delay: 60) == .taken)
        #expect(locks.take(POP3Fixture.alice, now: 1001, delay: 60) == .inUse)
        locks.release(POP3Fixture.alice)
        #expect(locks.take(POP3Fixture.alice, now: 1059, delay: 60) == .tooSoon)
        #expect(locks.take(POP3Fixture.bob, now: 1059, delay: 60) == .taken)
        #expect(locks.take(POP3Fixture.alice, now: 1060, delay: 60) == .taken)
        locks.release(POP3Fixture.alice)
        #expect(locks.take(POP3Fixture.alice, now: 900, delay: 60) == .taken, "a clock that was set back locks nobody out")
    }

    @Test func aStoreThatIsAwayIsOurFault() async throws {
        let server = try POP3Fixture()
        try await server.deliver("Subject: x\r\n\r\n")
        let session = try server.session()
        server.store.close()
        #expect(try session.say("RETR 1").hasPrefix("-ERR [SYS/TEMP] "))
        try session.ok("DELE 1")
        #expect(try session.say("QUIT").hasPrefix("-ERR [SYS/TEMP] some deleted messages were not removed"))
        let late = try POP3Client(port: server.port)
        try late.ok("USER alice")
        #expect(try late.say("PASS secret").hasPrefix("-ERR [SYS/TEMP] "))
        #expect(server.locks.count == 0)
    }
}
