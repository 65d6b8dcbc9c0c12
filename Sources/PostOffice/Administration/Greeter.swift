import Bounces
import Delivery
import Directory
import Forms
import MessageStore
import Vocabulary

/// Sends the greeting message to new accounts, each in its language.
struct Greeter {
    private let context: AdminContext
    private static let traces = TraceIDs()

    struct Result {
        /// Messages on stable storage.
        var count = 0
        /// What somebody should know; the accounts are there all the same.
        var problem: Localized?
    }

    init(_ context: AdminContext) { self.context = context }

    /// Those that exist and get mail; reserved names get none.
    func greet(_ accounts: [AccountID]) -> Result {
        var result = Result()
        do {
            let house = HouseMail(directory: self.context.directory, store: try self.context.store(), now: SystemSources.now)
            for id in accounts {
                guard let details = try self.context.directory.details(id), details.value(AccountField.type).text != "reserved",
                    let address = try? Address(parsing: details.primary)
                else { continue }
                switch self.send(details, address, house) {
                case .sent: result.count += 1
                // An address in a domain that is not local here: the advice about it says so.
                case .nobody: break
                case .notNow(let reason):
                    result.problem = Localized(
                        en: "the greeting message to \(address) could not be stored: \(reason)",
                        ja: "\(address) 宛のグリーティングメッセージを保存できませんでした: \(reason)")
                }
            }
        } catch {
            result.problem = ErrorWords.text("no greeting message was sent", "グリーティングメッセージを送信できませんでした", error)
        }
        return result
    }

    private func send(_ details: AccountDetails, _ address: Address, _ house: HouseMail) -> HouseMail.Outcome {
        let snapshot = self.context.directory.snapshot
        let host = snapshot.configuration.hostName
        let language = snapshot.language(details.id)
        var text = GreetingText(
            realName: details.values[AccountField.realName.key]?.text ?? "", addresses: details.addresses,
            fingerInformation: details.values[DeliveryField.finger.key]?.text ?? "", loginName: details.login, hostName: host,
            postmaster: snapshot.postmaster?.primary ?? Address(localPart: "postmaster", domain: host))
        text.siteOpening = snapshot.configuration.siteText(MessageTextField.greeting, language)
        text.siteClosing = snapshot.configuration.siteText(MessageTextField.greetingEnd, language)
        let manager = Address(localPart: "accounts", domain: host)
        var message = HouseMessage(
            hostName: host, from: (manager, "Account-Manager"), subject: GreetingText.subject,
            lines: text.lines(language))
        message.to = [address]
        message.replyTo = manager
        let now = SystemSources.now()
        let bytes = message.compose(now: now, offset: LocalTime.offset(now), random: SystemSources.random(32))
        let envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(address, notify: .never)])
        return house.send(bytes, envelope, trace: Self.traces.next())
    }
}
