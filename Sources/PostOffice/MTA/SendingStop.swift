import Bounces
import Delivery
import Directory
import Forms
import MessageStore
import SMTPService
import Synchronization
import Vocabulary

/// Carries out what the sending watch decides: the account may send no more until the postmaster says so, and he is told, once.
final class SendingStop: Sendable {
    private let directory: Directory
    private let house: HouseMail
    private let events: any EventSink
    private let makeTrace: @Sendable () -> TraceID
    /// Told already, though the directory could not be written yet.
    private let told = Mutex<Set<AccountID>>([])

    init(directory: Directory, house: HouseMail, events: any EventSink, makeTrace: @escaping @Sendable () -> TraceID) {
        self.directory = directory
        self.house = house
        self.events = events
        self.makeTrace = makeTrace
    }

    /// False when it could not be made durable now. Blocks.
    func suspend(_ account: AccountID, _ evidence: SendingWatch.Evidence) -> Bool {
        let snapshot = self.directory.snapshot
        guard !snapshot.isSuspended(account) else { return true }
        guard let owner = snapshot.recipient(account) else { return true }
        // He is told first: a crash between the two tells him twice, never nothing.
        if !self.told.withLock({ $0.contains(account) }), self.tell(owner.primary, evidence, snapshot) {
            self.told.withLock { _ = $0.insert(account) }
        }
        var input = AccountInput()
        input.values[AccountField.sending.key] = .text("suspended")
        do {
            try self.directory.changeAccount(account, input, by: Actor(name: "sending-watch", interface: "server"))
        } catch {
            self.events.record(
                TrailEvent(.accountManager, "not-suspended", trace: nil, [("account", "\(owner.primary)"), ("reason", "\(error)")]),
                switchedBy: nil)
            return false
        }
        self.told.withLock { _ = $0.remove(account) }
        self.events.record(
            TrailEvent(.accountManager, "sending-suspended", trace: nil, [("account", "\(owner.primary)")] + evidence.facts),
            switchedBy: nil)
        return true
    }

    private func tell(_ address: Address, _ evidence: SendingWatch.Evidence, _ snapshot: DirectorySnapshot) -> Bool {
        guard let postmaster = snapshot.postmaster else { return false }
        let language = snapshot.configuration.language
        var message = HouseMessage(
            hostName: snapshot.configuration.hostName, from: (postmaster.primary, "Mail Administrator"),
            subject: SendingNotice.subject(address).text(language), lines: SendingNotice.lines(address, evidence.words, language))
        message.to = [postmaster.primary]
        let now = SystemSources.now()
        let bytes = message.compose(now: now, offset: LocalTime.offset(now), random: SystemSources.random(32))
        let envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(postmaster.primary, notify: .never)])
        if case .sent = self.house.send(bytes, envelope, trace: self.makeTrace(), ignoresQuota: true) { return true }
        return false
    }
}

extension SendingWatch.Evidence {
    fileprivate var facts: [(key: String, value: String)] {
        switch self {
        case .peak(let count, let usual): [("rule", "peak"), ("recipients", "\(count)"), ("usual", "\(usual)")]
        case .refused(let count, let all): [("rule", "refused"), ("refused", "\(count)"), ("recipients", "\(all)")]
        }
    }

    fileprivate var words: Localized {
        switch self {
        case .peak(let count, let usual):
            Localized(
                en:
                    "It named \(count) recipients at other hosts within an hour. In its fullest hour of the last 30 days there were \(usual).",
                ja: "1 時間に外部の受信者 \(count) 件へ送信しようとしました。過去 30 日間の 1 時間の最大は \(usual) 件です。")
        case .refused(let count, let all):
            Localized(
                en: "Of \(all) recipients that it named within 10 minutes \(count) were refused.",
                ja: "10 分間に指定した受信者 \(all) 件のうち \(count) 件が拒否されました。")
        }
    }
}

extension SendingWatch.Limits {
    init(_ limits: SendingLimits) { self.init(anomalyFloor: limits.anomalyFloor, refusalFloor: limits.refusalFloor) }
}
