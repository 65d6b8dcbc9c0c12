import MailTesting
import NetKit
import Testing
import Vocabulary

@Suite struct ConnectionLimitsTests {
    private let role = ListenerRole(name: "smtp", service: .smtp)

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test("L1 a customer's whole IPv6 network counts, each IPv4 address counts")
    func networks() throws {
        var bounds = ConnectionLimits.Bounds()
        bounds.perAddress = 2
        bounds.perNetwork = 3
        let limits = ConnectionLimits(bounds)
        for host in 1...3 { _ = try limits.enter(try self.address("2001:db8:0:1::\(host)"), self.role) }
        #expect(throws: ConnectionLimits.Refusal.network) { try limits.enter(try self.address("2001:db8:0:1::4"), self.role) }
        _ = try limits.enter(try self.address("2001:db8:0:2::1"), self.role)
        for _ in 0..<2 { _ = try limits.enter(try self.address("192.0.2.1"), self.role) }
        #expect(throws: ConnectionLimits.Refusal.address) { try limits.enter(try self.address("192.0.2.1"), self.role) }
        // The same host in another dress.
        #expect(throws: ConnectionLimits.Refusal.address) { try limits.enter(try self.address("::ffff:192.0.2.1"), self.role) }
        _ = try limits.enter(try self.address("192.0.2.2"), self.role)
    }

    @Test func trustedSidesAreBoundOnlyByTheWhole() throws {
        var bounds = ConnectionLimits.Bounds()
        bounds.perAddress = 1
        bounds.total = 5
        let limits = ConnectionLimits(bounds)
        let inside = ListenerRole(name: "in", service: .smtp, isInside: true)
        for _ in 0..<2 { _ = try limits.enter(try self.address("192.0.2.1"), inside) }
        for _ in 0..<3 { _ = try limits.enter(try self.address("127.0.0.1"), self.role) }
        #expect(throws: ConnectionLimits.Refusal.total) { try limits.enter(try self.address("127.0.0.1"), self.role) }
    }

    @Test("P3 the tables hold no more than the connections that stand")
    func tables() throws {
        let limits = ConnectionLimits()
        for number in 0..<10_000 {
            let ticket = try limits.enter(try self.address("2001:db8:0:\(String(number, radix: 16))::1"), self.role)
            limits.leave(ticket)
        }
        #expect(limits.tableSize == 0)
        #expect(limits.count == 0)
    }

    @Test("L1 connections of one address in a minute are limited, and what is remembered is bounded")
    func rate() throws {
        let clock = ManualClock()
        var bounds = ConnectionLimits.Bounds()
        bounds.perMinute = 3
        let limits = ConnectionLimits(bounds, now: { clock.now })
        for _ in 0..<3 { limits.leave(try limits.enter(try self.address("192.0.2.1"), self.role)) }
        #expect(throws: ConnectionLimits.Refusal.rate) { try limits.enter(try self.address("192.0.2.1"), self.role) }
        limits.leave(try limits.enter(try self.address("192.0.2.2"), self.role))
        clock.advance(180)
        limits.leave(try limits.enter(try self.address("192.0.2.1"), self.role))
        for number in 0..<70_000 {
            let peer = try #require(IPAddress(bytes: [10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]))
            limits.leave(try limits.enter(peer, self.role))
        }
        #expect(limits.rememberedRates <= 65_536)
        clock.advance(180)
        limits.leave(try limits.enter(try self.address("192.0.2.3"), self.role))
        #expect(limits.rememberedRates == 1)
    }

    @Test func newBoundsHoldForConnectionsToCome() throws {
        let limits = ConnectionLimits()
        let first = try limits.enter(try self.address("192.0.2.1"), self.role)
        var bounds = ConnectionLimits.Bounds()
        bounds.total = 1
        limits.setBounds(bounds)
        #expect(throws: ConnectionLimits.Refusal.total) { try limits.enter(try self.address("192.0.2.2"), self.role) }
        limits.leave(first)
        _ = try limits.enter(try self.address("192.0.2.2"), self.role)
    }

    @Test(arguments: [(20_000, 15_000), (1024, 768), (300, 44), (10, 16)])
    func theCapLeavesDescriptorsForFiles(limit: Int, cap: Int) { #expect(Descriptors.connectionCap(limit: limit) == cap) }
}
