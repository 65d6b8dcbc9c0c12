import Directory
import Forms
import Policy
import Routing
import Testing
import Vocabulary

@Suite("Error response parameters, queue and routes as settings")
struct ErrorResponseTests {
    private func set(_ fixture: Fixture, _ texts: [(Field, [String])]) throws {
        var values: [FieldKey: FieldValue] = [:]
        for (field, text) in texts { values[field.key] = try field.parse(text) }
        try fixture.directory.configure(values, by: Actor(name: "test", interface: "command"))
    }

    @Test("every class of error has its three fields, and what is set there is what policy gets", arguments: FailureClass.allCases)
    func rows(_ failureClass: FailureClass) throws {
        let row = try #require(ErrorField.rows.first { $0.name == failureClass.rawValue })
        let fixture = try Fixture()
        #expect(fixture.directory.configuration.errorResponses[failureClass].action == .giveBack)
        try self.set(fixture, [(row.action, ["hold"]), (row.notice, ["whole"]), (row.people, ["a@example.test", "b@far.test"])])
        let response = fixture.directory.configuration.errorResponses[failureClass]
        #expect(response.action == .hold)
        #expect(response.notice == .whole)
        #expect(response.people.map(\.description) == ["a@example.test", "b@far.test"])
        for other in FailureClass.allCases where other != failureClass {
            #expect(fixture.directory.configuration.errorResponses[other].action == .giveBack)
        }
    }

    @Test("the queue's times come from the form; those that make no sense together are refused with the cure")
    func times() throws {
        let fixture = try Fixture()
        #expect(fixture.directory.configuration.queue == QueuePolicy())
        try self.set(
            fixture,
            [
                (QueueField.retryTimes, ["[1 min][10 min]"]), (QueueField.warnAfter, ["0"]), (QueueField.keepFor, ["2 d"]),
                (QueueField.keepReportsFor, ["1 d"]),
            ])
        #expect(
            fixture.directory.configuration.queue
                == QueuePolicy(delays: [60, 600], warnAfter: nil, giveUpAfter: 2 * 86_400, giveUpReportsAfter: 86_400))
        #expect(throws: DirectoryError.self) { try self.set(fixture, [(QueueField.retryTimes, ["[5 s]"])]) }
        #expect(throws: DirectoryError.self) { try self.set(fixture, [(QueueField.retryTimes, ["[10 min][5 min]"])]) }
        #expect(throws: DirectoryError.self) { try self.set(fixture, [(QueueField.warnAfter, ["2 d"])]) }
    }

    @Test("a route and a sender of forwarded mail are known to the snapshot, also after a restart")
    func routesAndReturns() throws {
        let fixture = try Fixture()
        try self.set(fixture, [(RoutingField.mailRoutingTable, ["[remote.test:127.0.0.1:29025]", "[*.remote.test:hold]"])])
        let address = try #require(IPAddress("127.0.0.1"))
        #expect(fixture.directory.configuration.routes.hop(for: "remote.test") == .address(address, port: 29_025))
        #expect(fixture.directory.configuration.routes.hop(for: "a.remote.test") == .hold)
        let sender = Address(localPart: "stranger", domain: "far.test")
        let made = try #require(fixture.directory.snapshot.returnAddresses.forwarding(sender, now: 1_800_000_000))
        #expect(fixture.directory.snapshot.resolve(made) == .redirected(sender, domain: "far.test"))
        let again = try fixture.reopened()
        #expect(again.snapshot.resolve(made) == .redirected(sender, domain: "far.test"))
        let forged = Address(localPart: made.localPart.replacingFirstLetter(behind: 5), domain: made.domain)
        #expect(again.snapshot.resolve(forged) == .unknown(.noSuchAddress))
    }
}

extension String {
    /// The text with another letter at that place.
    fileprivate func replacingFirstLetter(behind count: Int) -> String {
        var bytes = Array(self.utf8)
        bytes[count] = bytes[count] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
        return String(decoding: bytes, as: UTF8.self)
    }
}
