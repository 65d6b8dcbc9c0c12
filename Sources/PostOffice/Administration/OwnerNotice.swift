package import Bounces
import Bytes
import Delivery
import Directory
import MessageStore
package import Vocabulary

/// Tells the owner of an account, in his language, what a postmaster has undone of how he logs in.
package enum OwnerNotice {
    private static let traces = TraceIDs()

    /// nil when it is on stable storage, or leads nowhere; else why it could not be sent, which stops nothing.
    package static func send(_ notice: SecurityNotice, to account: AccountID, _ context: AdminContext) -> Localized? {
        let snapshot = context.directory.snapshot
        guard let owner = snapshot.recipient(account)?.primary else { return nil }
        let host = snapshot.configuration.hostName
        let postmaster = snapshot.postmaster?.primary ?? Address(localPart: "postmaster", domain: host)
        let language = snapshot.language(account)
        let now = SystemSources.now()
        let offset = LocalTime.offset(now)
        var message = HouseMessage(
            hostName: host, from: (postmaster, "Mail Administrator"), subject: notice.subject.text(language),
            lines: notice.lines(
                owner: owner, hostName: host, postmaster: postmaster,
                time: CivilTime(unixSeconds: now, offsetMinutes: offset).rfc3339, language))
        message.to = [owner]
        let bytes = message.compose(now: now, offset: offset, random: SystemSources.random(32))
        let envelope = Envelope(sender: nil, recipients: [Envelope.Recipient(owner, notify: .never)])
        do {
            let house = HouseMail(directory: context.directory, store: try context.store(), now: SystemSources.now)
            // It must be read, also where there is no room.
            guard case .notNow(let reason) = house.send(bytes, envelope, trace: Self.traces.next(), ignoresQuota: true) else { return nil }
            return Localized(
                en: "\(owner) could not be told by mail: \(reason)", ja: "\(owner) にメールで通知できませんでした: \(reason)")
        } catch {
            return ErrorWords.text("\(owner) could not be told by mail", "\(owner) にメールで通知できませんでした", error)
        }
    }
}
