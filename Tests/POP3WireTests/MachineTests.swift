import Bytes
import MailTesting
import NIOCore
import POP3Wire
import SASL
import Synchronization
import Testing
import Vocabulary

private func office(_ messages: [String] = ["Subject: a\r\n\r\nb\r\n"]) -> FakeOffice {
    let office = FakeOffice()
    office.messages = messages.enumerated().map { FakeOffice.Message(uid: UInt32($0.offset + 1), bytes: Array($0.element.utf8)) }
    return office
}

@Suite struct MachineTests {
    @Test("T1 plaintext glued behind STLS is never executed") func injectionBehindSTLS() {
        var session = POP3Session(office()) { $0.allowsPlaintextLogin = false }
        _ = session.takeOutput()
        session.send("STLS\r\nUSER alice\r\nPASS wonderland\r\nSTAT\r\n")
        #expect(session.takeOutput() == "+OK begin TLS now\r\n")
        session.establishTLS()
        #expect(session.dropped == "USER alice\r\nPASS wonderland\r\nSTAT\r\n".utf8.count)
        #expect(session.takeOutput().isEmpty)
        #expect(session.say("STAT").hasPrefix("-ERR log in first"))
        #expect(session.calls.isEmpty)
    }

    @Test("T1 half a line before TLS is not glued to what comes after") func halfALineBehindSTLS() {
        var session = POP3Session(office())
        session.send("STLS\r\nUS")
        _ = session.takeOutput()
        session.establishTLS()
        #expect(session.say("ER alice").hasPrefix("-ERR unknown command"))
    }

    @Test("T2 name, language, mode and marks from before TLS are gone") func nothingSurvivesTLS() {
        var session = POP3Session(office())
        _ = session.say("LANG ja")
        _ = session.say("UTF8")
        _ = session.say("USER alice")
        _ = session.say("STLS")
        session.establishTLS()
        #expect(session.say("PASS wonderland") == "-ERR say USER first\r\n")
    }

    @Test("T2 a handshake buys no more guesses") func failuresSurviveTLS() {
        var session = POP3Session(office())
        for _ in 0..<2 {
            _ = session.say("USER alice")
            _ = session.say("PASS x")
        }
        _ = session.say("STLS")
        session.establishTLS()
        _ = session.say("USER alice")
        _ = session.say("PASS x")
        #expect(session.isClosed)
    }

    @Test("A1 a known and an unknown name lead to the same calls and the same words") func equalAnswers() {
        func transcript(_ name: String) -> (String, [String]) {
            var session = POP3Session(office())
            let plain = Base64.encode(Array("\0\(name)\0wrong".utf8))
            let words = session.say("USER \(name)") + session.say("PASS wrong") + session.say("AUTH PLAIN \(plain)")
            return (words, session.calls.map { $0.name.replacing(name, with: "NAME") })
        }
        let known = transcript("alice")
        let unknown = transcript("nosuchname")
        #expect(known == unknown)
    }

    @Test func scramLogsIn() throws {
        var session = POP3Session(office()) { $0.allowsPlaintextLogin = false }
        _ = session.takeOutput()
        let client = ScramClient(login: "alice", password: "wonderland")
        let first = session.say("AUTH SCRAM-SHA-256 \(Base64.encode(client.first))")
        let serverFirst = try #require(Base64.decode(Array(first.dropFirst(2).utf8.dropLast(2))))
        let final = try #require(client.final(to: serverFirst))
        let answer = session.say(Base64.encode(final.message))
        #expect(answer == "+ \(Base64.encode(Array(final.signature.utf8)))\r\n")
        #expect(session.say("") == "+OK 1 messages (17 octets)\r\n")
    }

    @Test("I6 only QUIT after login removes", arguments: ["timeout", "drain", "loss"]) func onlyQuitRemoves(_ ending: String) {
        var session = POP3Session(office(["a\r\n", "b\r\n"]))
        session.logIn()
        _ = session.say("DELE 1")
        switch ending {
        case "timeout": session.timeOut()
        case "drain": session.shutDown()
        default: break
        }
        #expect(!session.calls.contains { $0.name.hasPrefix("finish") })
        #expect(session.isClosed == (ending != "loss"))
    }

    @Test("I6 QUIT removes what is marked and nothing else") func quitRemoves() {
        let office = office(["a\r\n", "b\r\n", "c\r\n"])
        var session = POP3Session(office)
        session.logIn()
        _ = session.say("DELE 1")
        _ = session.say("RSET")
        _ = session.say("DELE 2")
        #expect(office.messages.count == 3)
        _ = session.say("QUIT")
        #expect(session.calls.last?.name == "finish 2")
        #expect(office.messages.map(\.uid) == [1, 3])
    }

    @Test func nothingIsReadWhileACallIsOpen() {
        var session = POP3Session(office())
        session.answersCalls = false
        session.send("USER alice\r\nPASS wonderland\r\nSTAT\r\nQUIT\r\n")
        #expect(session.input.readableBytes == "STAT\r\nQUIT\r\n".utf8.count)
        session.complete(.auth(.accepted(FakeOffice.identity("alice"))))
        #expect(session.input.readableBytes == "STAT\r\nQUIT\r\n".utf8.count)
    }

    @Test func aBackendThatAnswersAmissEndsTheSession() {
        var session = POP3Session(office())
        session.answersCalls = false
        session.send("USER alice\r\nPASS wonderland\r\n")
        session.complete(.finished(removedAll: true))
        #expect(session.isClosed)
    }

    @Test func drainingWaitsForTheAnswerInHand() {
        var session = POP3Session(office())
        session.logIn()
        session.answersCalls = false
        session.send("RETR 1\r\nNOOP\r\n")
        session.shutDown()
        #expect(!session.isClosed)
        session.complete(.piece(ByteBuffer(string: "Subject: a\r\n\r\nb\r\n"), isLast: true))
        #expect(session.takeOutput() == "+OK 17 octets\r\nSubject: a\r\n\r\nb\r\n.\r\n")
        #expect(session.isClosed)
    }

    @Test func aMessageThatCannotBeReadIsAnError() {
        for (failure, words) in [
            (ReadFailure.gone, "-ERR this message was removed meanwhile\r\n"),
            (.failed, "-ERR [SYS/TEMP] this message cannot be read just now\r\n"),
        ] {
            let office = office()
            office.unreadable = (0, 0, failure)
            var session = POP3Session(office)
            session.logIn()
            #expect(session.say("RETR 1") == words)
            #expect(session.say("NOOP").hasPrefix("+OK"))
        }
    }

    @Test func aMessageThatBreaksOffEndsTheConnectionWithoutTerminator() {
        let office = office([String(repeating: "line\r\n", count: 100)])
        office.pieceSize = 60
        office.unreadable = (0, 3, .failed)
        var session = POP3Session(office)
        session.logIn()
        let text = session.say("RETR 1")
        #expect(session.isClosed)
        #expect(text == "+OK 600 octets\r\n" + String(repeating: "line\r\n", count: 30))
    }

    @Test(arguments: [1, 2, 3, 7, 100, 4096]) func theSizeOfPiecesDoesNotShow(_ size: Int) {
        let body = "Subject: pieces\r\n\r\n.\r\n..\r\ntext\r\n.end"
        let office = office([body])
        office.pieceSize = size
        var session = POP3Session(office)
        session.logIn()
        #expect(session.say("RETR 1") == "+OK \(body.utf8.count) octets\r\nSubject: pieces\r\n\r\n..\r\n...\r\ntext\r\n..end\r\n.\r\n")
        #expect(session.say("TOP 1 1") == "+OK\r\nSubject: pieces\r\n\r\n..\r\n.\r\n")
    }

    @Test("P3 a list of a million messages goes out in parts") func aMillionMessages() {
        let count = 1_000_000
        var session = POP3Session(office())
        session.answersCalls = false
        session.send("USER alice\r\nPASS wonderland\r\n")
        session.complete(.auth(.accepted(FakeOffice.identity("alice"))))
        let entries = (1...count).map { Maildrop.Entry(uid: UID(rawValue: UInt32($0)), size: 1000) }
        session.complete(.maildrop(Maildrop(validity: UIDValidity(rawValue: 1), messages: entries)))
        #expect(session.takeOutput().hasSuffix("+OK 1000000 messages (1000000000 octets)\r\n"))
        session.answersCalls = true
        session.send("DELE 500000\r\nUIDL\r\nLIST\r\n")
        #expect(session.largestWrite < 64 << 10)
        let lines = session.output.readableBytesView.count { $0 == .lf }
        #expect(lines == 1 + 2 * (count - 1 + 2))
    }

    @Test("P3 many short commands in one packet do not make one endless answer") func pipelinedCommandsArePaced() {
        var session = POP3Session(office(Array(repeating: "x\r\n", count: 1000)))
        session.logIn()
        _ = session.takeOutput()
        session.send(String(repeating: "LIST\r\n", count: 1000))
        #expect(session.largestWrite < 80 << 10)
        #expect(session.output.readableBytesView.count { $0 == .lf } == 1000 * 1002)
    }

    @Test("P2 a line without end costs no memory") func endlessLine() {
        var session = POP3Session(office())
        for _ in 0..<1000 { session.send(String(repeating: "x", count: 1000)) }
        #expect(session.input.readableBytes < 300)
        _ = session.takeOutput()
        #expect(session.say("") == "-ERR line too long\r\n")
        #expect(session.say("NOOP").hasPrefix("-ERR log in first"))
    }

    @Test func beforeLoginTheDeadlineIsNotExtended() {
        var session = POP3Session(office())
        #expect(session.deadlines == 1)
        _ = session.say("CAPA")
        _ = session.say("USER alice")
        #expect(session.deadline == POP3Limits().loginTimeout && session.deadlines == 1)
        _ = session.say("PASS wonderland")
        #expect(session.deadline == POP3Limits().inactivity)
        let count = session.deadlines
        _ = session.say("NOOP")
        #expect(session.deadlines == count + 1)
    }

    @Test func legacyHeadersGoOutAsTheyAre() {
        let office = FakeOffice()
        office.messages = [FakeOffice.Message(uid: 1, bytes: Array("Subject: ".utf8) + [0x93, 0xFA] + Array("\r\n\r\n".utf8))]
        var session = POP3Session(office)
        session.logIn()
        #expect(session.say("RETR 1").hasPrefix("+OK 15 octets\r\n"))
    }

    @Test func internationalBodiesNeedNoUTF8Mode() {
        var session = POP3Session(office(["Subject: plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n本文\r\n"]))
        session.logIn()
        #expect(session.say("RETR 1").hasPrefix("+OK "))
    }

    @Test("RFC 6856 3.2 words are ASCII until the client asks for a language, whatever the postmaster prefers, also behind STLS")
    func asciiUntilAsked() {
        var session = POP3Session(office()) { $0.language = .japanese }
        var said = session.takeOutput()
        for line in ["CAPA", "FOO", "STAT", "USER alice", "PASS no", "UTF8", "STLS"] { said += session.say(line) }
        session.establishTLS()
        for line in ["CAPA", "USER alice", "PASS wonderland", "STAT", "LIST", "NOOP"] { said += session.say(line) }
        #expect(said.utf8.allSatisfy { $0 < 0x80 }, "\(said)")
        #expect(session.say("LANG *").hasPrefix("+OK ja 言語"))
        #expect(session.say("FOO").contains("コマンド"))
    }

    @Test func everyPhraseHasBothLanguages() {
        var english = POP3Session(office())
        var japanese = POP3Session(office()) { $0.language = .japanese }
        _ = (english.takeOutput(), japanese.takeOutput())
        _ = japanese.say("LANG *")
        for line in ["FOO", "STAT", "PASS x", "USER", "LANG xx", "AUTH X", "AUTH PLAIN x", "USER alice", "PASS no"] {
            let pair = (english.say(line), japanese.say(line))
            #expect(pair.0 != pair.1)
            #expect(pair.0.hasPrefix("-ERR") == pair.1.hasPrefix("-ERR"))
        }
    }

    @Test("T3 no password is taken and none is asked for without TLS; under it the mechanisms that send one are offered")
    func plaintextIsOff() {
        let office = FakeOffice()
        var session = POP3Session(office) { $0.allowsPlaintextLogin = false }
        _ = session.takeOutput()
        let offered = session.say("CAPA")
        #expect(!offered.contains("\r\nUSER\r\n") && !offered.contains("PLAIN") && !offered.contains("LOGIN\r\n"))
        #expect(offered.contains("\r\nSTLS\r\n") && offered.contains("SASL SCRAM-SHA-256\r\n"))
        for command in ["USER alice", "PASS wonderland", "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=", "AUTH LOGIN"] {
            #expect(session.say(command).hasPrefix("-ERR "), "\(command)")
        }
        #expect(session.calls.isEmpty, "nobody was asked about a password")
        _ = session.say("STLS")
        session.establishTLS()
        #expect(session.say("CAPA").contains("SASL PLAIN LOGIN\r\n"))
    }

    @Test("R4 what ended the server twice is given out as it is, unread; what ends it even so is withheld") func blamedMessage() {
        let office = FakeOffice()
        let header = "Subject: \u{3042}\r\n"
        office.messages = (1...3).map { FakeOffice.Message(uid: $0, bytes: Array("\(header)\r\n.one\r\ntwo\r\n".utf8)) }
        office.pieceSize = 20
        let names = (1...3).map { ContentHash(BlobID(rawValue: $0)) }
        let blame = Blame([names[1], names[2], names[2].passedOn])
        var session = POP3Session(office) { $0.crashGuard = blame }
        session.logIn()
        _ = session.takeOutput()
        // A header in ASCII for a client that did not say UTF8: made, so the message was looked at.
        #expect(session.say("RETR 1").contains("=?"))
        let size = office.messages[1].bytes.count
        #expect(session.say("RETR 2") == "+OK \(size) octets\r\n\(header)\r\n..one\r\ntwo\r\n.\r\n")
        #expect(session.say("TOP 2 0").hasPrefix("-ERR [SYS/PERM] "), "its lines would have to be counted")
        #expect(session.say("TOP 2 99999999") == "+OK\r\n\(header)\r\n..one\r\ntwo\r\n.\r\n", "no line has to be counted for all of it")
        #expect(session.say("RETR 3").hasPrefix("-ERR [SYS/PERM] "))
        #expect(session.say("TOP 3 99999999").hasPrefix("-ERR [SYS/PERM] "))
        #expect(session.say("DELE 3").hasPrefix("+OK "), "its owner may throw it away")
        // While its bytes are encoded it is noted under the other name, so that two more crashes are known as such.
        #expect(blame.seen.contains { $0.work == .passing && $0.name == names[1].passedOn })
        #expect(!blame.seen.contains { $0.work == .passing && $0.name == names[0].passedOn })
    }

    @Test("R4 what ended the server twice is withheld, and nothing else of the session suffers") func withheldMessage() {
        let office = FakeOffice()
        office.messages = (1...3).map { FakeOffice.Message(uid: $0, bytes: Array("Subject: \($0)\r\n\r\n".utf8)) }
        office.unreadable = (index: 1, afterPieces: 0, failure: .withheld)
        var session = POP3Session(office)
        session.logIn()
        _ = session.takeOutput()
        #expect(session.say("RETR 2").hasPrefix("-ERR [SYS/PERM] "))
        #expect(session.say("TOP 2 0").hasPrefix("-ERR [SYS/PERM] "))
        #expect(session.say("RETR 3").hasPrefix("+OK "))
        #expect(session.say("DELE 2").hasPrefix("+OK "), "its owner may throw it away")
    }

    @Test("A6 who may not stay is shown the door at the next command, and nothing is removed") func mayNotStay() {
        let office = FakeOffice()
        office.messages = [FakeOffice.Message(uid: 1, bytes: Array("x\r\n".utf8))]
        let isHere = Switch()
        var session = POP3Session(office) { $0.mayStay = { _ in isHere.isOn } }
        session.logIn()
        _ = session.takeOutput()
        #expect(session.say("DELE 1").hasPrefix("+OK "))
        isHere.isOn = false
        #expect(session.say("QUIT") == "-ERR [SYS/PERM] your account is not active any more, good-bye\r\n")
        #expect(session.isClosed && office.messages.count == 1)
    }
}

/// Blames what it was told to, and remembers what was in hand.
private final class Blame: CrashGuard {
    private let blamed: Set<ContentHash>
    private let noted = Mutex<[(work: ContentWork, name: ContentHash)]>([])

    init(_ blamed: [ContentHash]) { self.blamed = Set(blamed) }

    var seen: [(work: ContentWork, name: ContentHash)] { self.noted.withLock { $0 } }

    func enterContent(_ work: ContentWork, _ content: ByteBuffer, named name: ContentHash, account: AccountID?) -> Bool {
        self.noted.withLock { $0.append((work, name)) }
        return self.isBlamed(name)
    }
    func isBlamed(_ name: ContentHash) -> Bool { self.blamed.contains(name) }
    func leaveContent() {}
    func enterPeer(_ peer: IPAddress) {}
    func leavePeer() {}
    func isShutOut(_ peer: IPAddress) -> Bool { false }
}

private final class Switch: Sendable {
    private let state = Mutex(true)
    var isOn: Bool {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
