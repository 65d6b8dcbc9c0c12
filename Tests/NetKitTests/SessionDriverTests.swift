import NIOCore
import NIOEmbedded
import NetKit
import Testing
import Vocabulary

/// A session on a channel without a socket, whose time passes when the test says so.
private struct Session {
    let channel = EmbeddedChannel()
    let backend: EchoBackend
    let link: LinkToDriver

    init(_ manner: EchoBackend.Manner = .atOnce, options: DriverOptions = DriverOptions()) throws {
        self.backend = EchoBackend(manner)
        let driver = SessionDriver(loop: self.channel.embeddedEventLoop, machine: EchoMachine(), backend: self.backend, options: options)
        self.link = LinkToDriver(driver)
        try self.channel.pipeline.syncOperations.addHandler(driver)
        try self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func say(_ text: String) throws { try self.channel.writeInbound(ByteBuffer(string: text)) }

    /// Everything written so far, and in how many writes.
    func heard() throws -> (text: String, writes: Int) {
        var text = ""
        var writes = 0
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
            if buffer.readableBytes > 0 { writes += 1 }
            text += String(buffer: buffer)
        }
        return (text, writes)
    }

    func passes(_ time: TimeAmount) { self.channel.embeddedEventLoop.advanceTime(by: time) }
}

private struct LinkToDriver {
    let driver: SessionDriver<EchoMachine>
    init(_ driver: SessionDriver<EchoMachine>) { self.driver = driver }
}

@Suite struct SessionDriverTests {
    @Test func greetsWhenConnected() throws {
        let session = try Session()
        #expect(try session.heard().text == "hello\r\n")
    }

    @Test func repliesOfOneReadLeaveInOneWrite() throws {
        let session = try Session()
        _ = try session.heard()
        try session.say("ECHO a\r\nECHO b\r\nWAIT c\r\nECHO d\r\n")
        let (text, writes) = try session.heard()
        #expect(text == "a\r\nb\r\nwaited c\r\nd\r\n")
        #expect(writes == 1)
    }

    @Test("the cut into packets does not matter", arguments: [1, 2, 3, 5, 7, 1000])
    func cutsDoNotMatter(size: Int) throws {
        let wire = Array(
            "ECHO one\r\nDATA\r\nline\r\n..\r\n.\r\nWAIT x\r\nFILL\r\nBIG 3\r\nnonsense\r\nECHO last\r\nQUIT\r\nECHO never\r\n".utf8)
        func run(_ size: Int) throws -> String {
            let session = try Session()
            var rest = wire[...]
            while !rest.isEmpty {
                try session.channel.writeInbound(ByteBuffer(bytes: rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            return try session.heard().text
        }
        #expect(try run(size) == run(wire.count))
        #expect(try run(size).hasSuffix("last\r\nbye\r\n"))
    }

    @Test func oneCallAtATime() throws {
        let session = try Session(.whenTold)
        _ = try session.heard()
        try session.say("WAIT a\r\nWAIT b\r\nECHO c\r\n")
        #expect(session.backend.calls == [.wait("a")])
        session.backend.tell()
        #expect(session.backend.calls == [.wait("a"), .wait("b")])
        session.backend.tell()
        #expect(try session.heard().text == "waited a\r\nwaited b\r\nc\r\n")
    }

    @Test func repliesOfABatchWaitForItsCalls() throws {
        let session = try Session(.whenTold)
        _ = try session.heard()
        try session.say("ECHO first\r\nWAIT a\r\nECHO last\r\n")
        #expect(try session.heard().text == "")
        session.backend.tell()
        #expect(try session.heard() == ("first\r\nwaited a\r\nlast\r\n", 1))
    }

    @Test func repliesBeforeALoneCallLeaveAtOnce() throws {
        let session = try Session(.whenTold)
        _ = try session.heard()
        try session.say("ECHO first\r\nWAIT a\r\n")
        #expect(try session.heard().text == "first\r\n")
        session.backend.tell()
        #expect(try session.heard().text == "waited a\r\n")
    }

    @Test func aSecondAnswerIsDropped() throws {
        let session = try Session(.whenTold)
        try session.say("WAIT a\r\n")
        let answer = try #require(session.backend.waitingAnswer)
        session.backend.tell()
        _ = try session.heard()
        answer(.waited("again"))
        try session.say("WAIT b\r\n")
        answer(.waited("for the wrong call"))
        #expect(try session.heard().text == "")
        session.backend.tell()
        #expect(try session.heard().text == "waited b\r\n")
    }

    @Test func theBackendHearsOfTheEndOnce() throws {
        let session = try Session(.whenTold)
        try session.say("WAIT a\r\n")
        let answer = try #require(session.backend.waitingAnswer)
        _ = try? session.channel.finish(acceptAlreadyClosed: true)
        #expect(session.backend.endings == 1)
        answer(.waited("too late"))
        #expect(session.backend.endings == 1)
    }

    @Test func quitGetsItsReplyAndTheChannelCloses() throws {
        let session = try Session()
        _ = try session.heard()
        try session.say("QUIT\r\nECHO never\r\n")
        session.channel.embeddedEventLoop.run()
        #expect(try session.heard().text == "bye\r\n")
        #expect(session.backend.endings == 1)
    }

    @Test func aPeerThatShutsItsSideStillGetsItsReplies() throws {
        let session = try Session(.whenTold)
        _ = try session.heard()
        try session.say("WAIT a\r\nECHO b\r\n")
        session.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(session.backend.endings == 0)
        session.backend.tell()
        session.channel.embeddedEventLoop.run()
        #expect(try session.heard().text == "waited a\r\nb\r\n")
        #expect(session.backend.endings == 1)
        #expect(!session.channel.isActive)
    }

    // MARK: Deadlines

    @Test func aSilentPeerIsTimedOut() throws {
        let session = try Session()
        _ = try session.heard()
        session.passes(.seconds(59))
        #expect(try session.heard().text == "")
        session.passes(.seconds(1))
        #expect(try session.heard().text == "too slow\r\n")
        #expect(session.backend.endings == 1)
    }

    @Test func theBackendsTimeIsNotThePeersFault() throws {
        let session = try Session(.whenTold)
        try session.say("WAIT a\r\n")
        _ = try session.heard()
        session.passes(.minutes(10))
        #expect(session.backend.endings == 0)
        session.backend.tell()
        #expect(try session.heard().text == "waited a\r\ntoo slow\r\n")
    }

    @Test func aWholeSessionHasAnEndToo() throws {
        var options = DriverOptions()
        options.sessionTimeout = .seconds(10)
        let session = try Session(options: options)
        _ = try session.heard()
        session.passes(.seconds(10))
        #expect(try session.heard().text == "too slow\r\n")
    }

    // MARK: Hostile peers

    @Test("P3 a line without end is cut off by the machine, and by the driver where the machine does not")
    func lineWithoutEnd() throws {
        let session = try Session()
        _ = try session.heard()
        try session.say(String(repeating: "x", count: 5000))
        #expect(try session.heard().text == "too long\r\n")
        #expect(session.backend.endings == 1)
    }

    @Test("P3 input cannot grow without bound while a call is open")
    func inputHasACeiling() throws {
        var options = DriverOptions()
        options.inputWatermark = 1000
        options.inputCeiling = 10_000
        let session = try Session(.whenTold, options: options)
        try session.say("WAIT a\r\n")
        for _ in 0..<30 where session.backend.endings == 0 { try? session.say(String(repeating: "ECHO x\r\n", count: 125)) }
        #expect(session.backend.endings == 1)
    }

    @Test func shortCommandsWithLongAnswersDoNotGatherMemory() throws {
        let session = try Session()
        _ = try session.heard()
        try session.say(String(repeating: "FILL\r\n", count: 10_000))
        var total = 0
        while let buffer = try session.channel.readOutbound(as: ByteBuffer.self) {
            #expect(buffer.readableBytes < 70_000)
            total += buffer.readableBytes
        }
        #expect(total == 10_000 * 1002)
    }

    // MARK: From outside

    @Test func drainingSaysGoodbye() throws {
        let session = try Session()
        _ = try session.heard()
        session.link.driver.drain()
        #expect(try session.heard().text == "going down\r\n")
        #expect(session.backend.endings == 1)
    }

    @Test func drainingLetsACallFinish() throws {
        let session = try Session(.whenTold)
        try session.say("WAIT a\r\n")
        _ = try session.heard()
        session.link.driver.drain()
        #expect(session.backend.endings == 0)
        session.backend.tell()
        #expect(try session.heard().text == "waited a\r\ngoing down\r\n")
        #expect(session.backend.endings == 1)
    }
}
