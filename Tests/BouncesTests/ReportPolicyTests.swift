import Bounces
import Testing
import Vocabulary

@Suite("Who may get a report")
struct ReportPolicyTests {
    private let jane = Envelope.Recipient(Address(localPart: "jane", domain: "example.test"))
    private let sender = Address(localPart: "taro", domain: "example.test")

    @Test("a message without sender is never answered: no double bounces", arguments: DeliveryReport.Action.allCases)
    func nullSender(_ action: DeliveryReport.Action) {
        for path in [ReportPolicy.ReturnPath.own, .verified, .unverified, .forged] {
            for notify in [nil, DSNNotify.never, [.success, .failure, .delay]] {
                var recipient = self.jane
                recipient.notify = notify
                #expect(ReportPolicy.verdict(action, recipient, sender: nil, returnPath: path) != .send)
            }
        }
    }
}
