import Bounces
import Testing
import Vocabulary

@Suite("Who may get a report")
struct ReportPolicyTests {
    private let sender = Address(localPart: "taro", domain: "example.test")
    private let paths: [ReportPolicy.ReturnPath] = [.own, .verified, .unverified, .forged]

    private func verdict(
        _ action: DeliveryReport.Action, _ notify: DSNNotify?, _ path: ReportPolicy.ReturnPath = .own, sender: Address?
    ) -> ReportPolicy.Verdict {
        let recipient = Envelope.Recipient(Address(localPart: "jane", domain: "example.test"), notify: notify)
        return ReportPolicy.verdict(action, recipient, sender: sender, returnPath: path)
    }

    @Test("a message without sender is never answered: no double bounces", arguments: DeliveryReport.Action.allCases)
    func nullSender(_ action: DeliveryReport.Action) {
        for path in self.paths {
            for notify in [nil, DSNNotify.never, [.success, .failure, .delay]] {
                #expect(self.verdict(action, notify, path, sender: nil) != .send)
            }
        }
    }

    @Test("a sender who was forged is never answered", arguments: DeliveryReport.Action.allCases)
    func forged(_ action: DeliveryReport.Action) {
        for notify in [nil, DSNNotify.never, [.success, .failure, .delay]] {
            #expect(self.verdict(action, notify, .forged, sender: self.sender) != .send)
        }
    }

    @Test("NOTIFY=NEVER is silence towards the sender")
    func never() {
        for path in self.paths {
            for action in DeliveryReport.Action.allCases { #expect(self.verdict(action, .never, path, sender: self.sender) != .send) }
        }
    }

    @Test("without NOTIFY failures are told to everybody, delays to those who are known, success to nobody")
    func defaults() {
        #expect(self.verdict(.failed, nil, .own, sender: self.sender) == .send)
        #expect(self.verdict(.failed, nil, .unverified, sender: self.sender) == .send)
        #expect(self.verdict(.delayed, nil, .own, sender: self.sender) == .send)
        #expect(self.verdict(.delayed, nil, .verified, sender: self.sender) == .send)
        #expect(self.verdict(.delayed, nil, .unverified, sender: self.sender) == .silent)
        for action in [DeliveryReport.Action.delivered, .relayed, .expanded] {
            #expect(self.verdict(action, nil, .own, sender: self.sender) == .silent)
        }
    }

    @Test("each word of NOTIFY stands for itself")
    func words() {
        #expect(self.verdict(.failed, .success, sender: self.sender) == .postmasterOnly)
        #expect(self.verdict(.delayed, .failure, sender: self.sender) == .silent)
        #expect(self.verdict(.delivered, .failure, sender: self.sender) == .silent)
        #expect(self.verdict(.failed, .failure, sender: self.sender) == .send)
        #expect(self.verdict(.delayed, .delay, .unverified, sender: self.sender) == .send)
        #expect(self.verdict(.delivered, .success, sender: self.sender) == .send)
    }
}
