import Bounces
import Delivery
import Directory
import Forms
import MessageStore
import Text
import Vocabulary

/// `broadcast`: one message from the postmaster to all accounts, or to those of a domain. One stored copy for thousands of mailboxes.
enum BroadcastHandlers {
    static let all: [AdminHandler] = [Administration.handler("broadcast", Self.broadcast)]

    /// Accounts of one record of the store.
    private static let batch = 10_000
    private static let traces = TraceIDs()

    private static func broadcast(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard let subject = request.option("subject"), let text = request.input else {
            throw AdminFailure(Localized(en: "a subject and a text are needed", ja: "件名と本文が必要です"), .misuse)
        }
        let domain = try self.domain(request.option("domain"), context)
        let people = try self.people(domain, context)
        guard !people.isEmpty else {
            throw AdminFailure(
                domain.map { Localized(en: "no account has its primary address in \($0)", ja: "\($0) をメインアドレスとするアカウントはありません") }
                    ?? Localized(en: "there are no accounts", ja: "アカウントがありません"))
        }
        if request.has("preview") {
            output.line(Localized(en: "\(people.count) accounts would get it", ja: "\(people.count) アカウントに送信されます"))
            return .done
        }
        if let confirmed = request.option("count"), confirmed != "\(people.count)" {
            throw AdminFailure(
                Localized(
                    en: "there are \(people.count) accounts now, not \(confirmed); nothing was sent",
                    ja: "アカウントは現在 \(people.count) 件です（\(confirmed) 件ではありません）。送信しませんでした"))
        }
        return try self.send(subject, text, to: people, domain, context, output)
    }

    private static func domain(_ name: String?, _ context: AdminContext) throws(AdminFailure) -> String? {
        guard let name else { return nil }
        guard let domain = DomainName.normalized(name) else {
            throw AdminFailure(Localized(en: "\(Shown.text(name)) is no domain", ja: "\(Shown.text(name)) はドメイン名ではありません"), .misuse)
        }
        return domain
    }

    /// Primary addresses of those who get mail here.
    private static func people(_ domain: String?, _ context: AdminContext) throws -> [Address] {
        let snapshot = context.directory.snapshot
        let postmaster = snapshot.postmaster?.account
        var people: [Address] = []
        var last = AccountID(rawValue: 0)
        while true {
            let page = try context.directory.page(after: last, limit: 1000)
            guard let end = page.last else { return people }
            last = end.id
            for account in page where account.id != postmaster {
                guard let address = try? Address(parsing: account.primary),
                    domain == nil || DomainName.normalized(address.domain) == domain,
                    case .account = snapshot.resolveTarget(address)
                else { continue }
                people.append(address)
            }
        }
    }

    private static func send(
        _ subject: String, _ text: String, to people: [Address], _ domain: String?, _ context: AdminContext, _ output: AdminOutput
    ) throws -> AdminStatus {
        let snapshot = context.directory.snapshot
        let host = snapshot.configuration.hostName
        let postmaster = snapshot.postmaster?.primary ?? Address(localPart: "postmaster", domain: host)
        var message = HouseMessage(
            hostName: host, from: (postmaster, "Postmaster"), subject: subject,
            lines: text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init))
        message.audience = "All users of \(domain ?? host)"
        let now = SystemSources.now()
        let bytes = message.compose(now: now, offset: LocalTime.offset(now), random: SystemSources.random(32))
        let house = HouseMail(directory: context.directory, store: try context.store(), now: SystemSources.now)
        var done = 0
        for start in stride(from: 0, to: people.count, by: Self.batch) {
            let some = people[start..<min(start + Self.batch, people.count)]
            let envelope = Envelope(sender: nil, recipients: some.map { Envelope.Recipient($0, notify: .never) })
            let trace = Self.traces.next()
            switch house.send(bytes, envelope, trace: trace) {
            case .sent: done += some.count
            case .nobody: break
            case .notNow(let reason):
                throw AdminFailure(
                    Localized(
                        en: "\(done) of \(people.count) accounts have it; then the message store refused: \(reason)",
                        ja: "\(people.count) 件中 \(done) 件に送信した後、メッセージストアがエラーになりました: \(reason)"))
            }
        }
        output.line(Localized(en: "sent to \(done) accounts", ja: "\(done) アカウントに送信しました"))
        return .done
    }
}
