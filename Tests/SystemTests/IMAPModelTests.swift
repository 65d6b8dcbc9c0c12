import MailTesting
import Testing

/// The model of `imapstress` reports each kind of fault, so that its silence means something.
@Suite struct IMAPModelTests {
    private func flight(_ model: IMAPMailboxModel, _ sendings: IMAPMailboxModel.Sending...) {
        let flight = model.beganFlight()
        for sending in sendings { model.sends(sending, flight: flight) }
    }

    private func violations(_ there: [String: [UInt32: String]], _ prepare: (IMAPMailboxModel) -> Void) -> [String] {
        let model = IMAPMailboxModel()
        prepare(model)
        model.verify(there)
        return model.violations
    }

    @Test("a message that was seen and is nowhere is lost, unless somebody meant to delete it")
    func lost() {
        let see = { (model: IMAPMailboxModel) in model.saw("INBOX", 5, token: "a") }
        #expect(self.violations(["INBOX": [5: "a"]], see).isEmpty)
        #expect(self.violations(["Work": [9: "a"]], see).isEmpty)
        #expect(self.violations(["INBOX": [:]], see).count == 1)
        #expect(
            self.violations(["INBOX": [:]]) { model in
                see(model)
                model.doom("INBOX", [5])
            }.isEmpty)
    }

    @Test("a message is doubled that is there more often than copies were asked for")
    func doubled() {
        let twice: [String: [UInt32: String]] = ["INBOX": [5: "a"], "Work": [1: "a"]]
        #expect(self.violations(twice) { $0.saw("INBOX", 5, token: "a") }.count == 1)
        #expect(self.violations(twice) { $0.carry(["a"], mayDouble: true) }.isEmpty)
        #expect(self.violations(twice) { $0.carry(["a"], mayDouble: false) }.count == 1)
    }

    @Test("an APPEND that was not answered is there wholly or not at all, and behind the one before it")
    func appends() {
        let send = { (model: IMAPMailboxModel) in
            self.flight(model, .init(mailbox: "INBOX", tokens: ["a", "b"]), .init(mailbox: "INBOX", tokens: ["c"]))
        }
        #expect(self.violations(["INBOX": [:]], send).isEmpty)
        #expect(self.violations(["INBOX": [1: "a", 2: "b", 3: "c"]], send).isEmpty)
        #expect(self.violations(["INBOX": [1: "a", 2: "b"]], send).isEmpty)
        #expect(self.violations(["INBOX": [1: "a"]], send).count == 1)
        #expect(self.violations(["INBOX": [2: "a", 3: "b", 1: "c"]], send).count == 1)
    }

    @Test("a MOVE or COPY that was not answered has taken all of its messages or none")
    func carries() {
        func send(_ kind: IMAPMailboxModel.Sending.Kind) -> (IMAPMailboxModel) -> Void {
            { model in
                for (uid, token) in [(UInt32(1), "a"), (2, "b")] { model.saw("INBOX", uid, token: token) }
                model.carry(["a", "b"], mayDouble: kind == .copy)
                self.flight(model, .init(kind: kind, source: "INBOX", mailbox: "Work", tokens: ["a", "b"]))
            }
        }
        let none: [String: [UInt32: String]] = ["INBOX": [1: "a", 2: "b"], "Work": [:]]
        let moved: [String: [UInt32: String]] = ["INBOX": [:], "Work": [1: "a", 2: "b"]]
        let copied: [String: [UInt32: String]] = ["INBOX": [1: "a", 2: "b"], "Work": [1: "a", 2: "b"]]
        #expect(self.violations(none, send(.move)).isEmpty && self.violations(moved, send(.move)).isEmpty)
        #expect(!self.violations(["INBOX": [2: "b"], "Work": [1: "a"]], send(.move)).isEmpty)
        #expect(!self.violations(copied, send(.move)).isEmpty)
        #expect(self.violations(none, send(.copy)).isEmpty && self.violations(copied, send(.copy)).isEmpty)
        #expect(!self.violations(["INBOX": [1: "a", 2: "b"], "Work": [1: "a"]], send(.copy)).isEmpty)
        #expect(!self.violations(moved, send(.copy)).isEmpty)
    }

    @Test("a UID stays one message, comes once, and ascends")
    func uids() {
        let model = IMAPMailboxModel()
        model.made("INBOX", 7, token: "a", above: 6)
        #expect(model.violations.isEmpty)
        model.saw("INBOX", 7, token: "b")
        model.made("INBOX", 7, token: nil, above: 7)
        #expect(model.violations.count == 2)
    }
}
