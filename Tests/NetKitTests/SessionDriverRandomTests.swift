import NIOCore
import NIOEmbedded
import NetKit
import Testing
import Vocabulary

/// A generator that gives the same numbers for the same seed everywhere (SplitMix64).
private struct Dice {
    private var state: UInt64
    init(_ seed: UInt64) { self.state = seed }

    mutating func roll(_ sides: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(1, sides)))
    }
}

/// One driver under events in random order and size. What the peer hears must not depend on them.
private final class Play {
    private let channel = EmbeddedChannel()
    private let backend = EchoBackend(.whenTold)
    private let driver: SessionDriver<EchoMachine>
    private var dice: Dice
    private var heard = ""
    private var told = 0

    init(seed: UInt64, options: DriverOptions = DriverOptions()) throws {
        self.dice = Dice(seed)
        self.driver = SessionDriver(loop: self.channel.embeddedEventLoop, machine: EchoMachine(), backend: self.backend, options: options)
        try self.channel.pipeline.syncOperations.addHandler(self.driver)
        try self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// At most one call may be open.
    private var openCalls: Int { self.backend.calls.count - self.told }

    private func listen() throws {
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) { self.heard += String(buffer: buffer) }
    }

    private func answer() {
        if self.openCalls > 0 {
            self.told += 1
            self.backend.tell()
        }
    }

    private func setWritable(_ isWritable: Bool) {
        self.channel.isWritable = isWritable
        self.channel.pipeline.fireChannelWritabilityChanged()
    }

    /// Sends `wire` in pieces among answers, pauses of the reader and moments of rest; returns everything that was heard.
    func talk(_ wire: [UInt8]) throws -> String {
        var rest = wire[...]
        while !rest.isEmpty {
            switch self.dice.roll(6) {
            case 0, 1:
                let count = 1 + self.dice.roll(self.dice.roll(8) == 0 ? 5000 : 40)
                try self.channel.writeInbound(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
            case 2: self.answer()
            case 3: self.setWritable(self.dice.roll(2) == 0)
            case 4: try self.listen()
            default: self.channel.embeddedEventLoop.run()
            }
            #expect((0...1).contains(self.openCalls))
        }
        self.setWritable(true)
        while self.openCalls > 0 { self.answer() }
        self.channel.embeddedEventLoop.run()
        try self.listen()
        return self.heard
    }

    /// Anything at any time, with the end at any time too.
    func riot(_ words: [String], steps: Int) throws {
        for _ in 0..<steps where self.channel.isActive {
            switch self.dice.roll(40) {
            case 0: self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            case 1: self.driver.drain()
            case 2: self.channel.embeddedEventLoop.advanceTime(by: .seconds(Int64(self.dice.roll(90))))
            case 3: self.channel.pipeline.fireErrorCaught(ChannelError.eof)
            case 4: self.driver.cut()
            case 5..<12: self.answer()
            case 12..<18: self.setWritable(self.dice.roll(2) == 0)
            case 18..<22: try self.listen()
            case 22..<24: self.channel.embeddedEventLoop.run()
            default:
                let word = words[self.dice.roll(words.count)]
                _ = try? self.channel.writeInbound(ByteBuffer(string: String(word.prefix(1 + self.dice.roll(word.count)))))
            }
            #expect((0...1).contains(self.openCalls))
        }
        _ = try? self.channel.finish(acceptAlreadyClosed: true)
        self.channel.embeddedEventLoop.run()
        #expect(self.backend.endings == 1)
        // Answers after the end do nothing.
        while self.openCalls > 0 { self.answer() }
        #expect(self.backend.endings == 1)
    }
}

@Suite struct SessionDriverRandomTests {
    private static let words = [
        "ECHO a\r\n", "WAIT b\r\n", "FILL\r\n", "BIG 2\r\n", "DATA\r\nx\r\n.\r\n", "STARTTLS\r\n", "QUIT\r\n", "\r\n", "ECHO", "\n",
        "x\r\ny",
        String(repeating: "z", count: 5000), String(repeating: "FILL\r\n", count: 200),
    ]

    @Test("the order of answers, pieces and pauses does not change what is said")
    func sameWords() throws {
        for seed in 0..<60 as Range<UInt64> {
            var dice = Dice(seed &* 77)
            let plain = Self.words.filter { $0.hasSuffix("\r\n") && !$0.hasPrefix("STARTTLS") && !$0.hasPrefix("QUIT") }
            let text = (0..<40).map { _ in plain[dice.roll(plain.count)] }.joined() + "QUIT\r\nECHO never\r\n"
            let wire = Array(text.utf8)
            let reference = try Self.reference(wire)
            let heard = try Play(seed: seed).talk(wire)
            #expect(heard == reference, "seed \(seed)")
        }
    }

    @Test("R7 no order of events traps, opens two calls, or ends a session twice or never")
    func anything() throws {
        for seed in 0..<400 as Range<UInt64> {
            var options = DriverOptions()
            options.inputWatermark = 2000
            options.inputCeiling = 20_000
            options.sessionTimeout = seed % 3 == 0 ? .seconds(200) : nil
            try Play(seed: seed, options: options).riot(Self.words, steps: 120)
        }
    }

    /// The same bytes at once, all calls answered at once.
    private static func reference(_ wire: [UInt8]) throws -> String {
        let channel = EmbeddedChannel()
        let driver = SessionDriver(loop: channel.embeddedEventLoop, machine: EchoMachine(), backend: EchoBackend(.atOnce))
        try channel.pipeline.syncOperations.addHandler(driver)
        try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(bytes: wire))
        channel.embeddedEventLoop.run()
        var heard = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { heard += String(buffer: buffer) }
        return heard
    }
}
