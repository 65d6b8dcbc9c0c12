internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import SASL
internal import Vocabulary

/// Opens URLs that carry the right to read what they name. [RFC4467-3]
struct URLOpener: Sendable {
    /// Who comes with a URL.
    enum Reader: Sendable {
        case user(AccountID)
        /// Submission, on behalf of a user who has logged in there. [RFC4468-3.3]
        case submission(for: AccountID)
    }

    /// The only mechanism: a code over the URL under a key that never leaves the server. [RFC4467-2.2]
    static let mechanism = "internal"

    let environment: IMAPService.Environment
    var reads: StoreReads { StoreReads(self.environment.store) }

    /// What the URL opens; nil where it opens nothing, whatever the reason: who guesses learns nothing. [RFC4467-7]
    func opened(_ text: String, by reader: Reader) throws(StoreError) -> NamedContent? {
        guard let url = AuthorizedURL(parsing: text), let (mechanism, token) = url.authorization, mechanism == Self.mechanism,
            self.isHere(url.host), url.expires.map({ $0 > self.environment.now() }) ?? true, self.mayUse(url.access, reader),
            let owner = self.environment.account(url.user), self.environment.isActive(owner), let login = self.environment.loginName(owner)
        else { return nil }
        // By the rights of whose URL it is, as they are now.
        let identity = Identity(account: owner, login: login, primaryAddress: Address(localPart: login, domain: ""))
        let finder = MailboxFinder(identity: identity, environment: self.environment, reads: self.reads)
        guard let found = try finder.find(url.message.mailbox), found.rights.contains(.read),
            url.message.validity.map({ $0 == found.facts.uidValidity }) ?? true,
            let key = try URLKeys(self.reads, owner).key(of: found.id), URLToken.isRight(token, of: url.rump, key: key)
        else { return nil }
        do throws(StoreError) {
            return try self.content(of: url.message, in: found)
        } catch {
            guard case .damaged = error else { throw error }
            return nil
        }
    }

    func mayUse(_ access: AuthorizedURL.Access, _ reader: Reader) -> Bool {
        switch (access, reader) {
        case (.anonymous, _), (.authUser, _): true
        case (.user(let name), .user(let account)), (.submit(let name), .submission(let account)):
            self.environment.account(name) == account
        case (.user, .submission), (.submit, .user): false
        }
    }

    func isHere(_ host: String) -> Bool {
        let configuration = self.environment.configuration()
        return host == configuration.routing.hostName.lowercased() || host == configuration.mainDomain.description.lowercased()
    }

    /// What a URL names; nil where there is no such message, or one at which nobody may look. A message that is there and cannot be read
    /// is no mistake in the URL: it throws.
    func content(of url: IMAPURL, in found: FoundMailbox) throws(StoreError) -> NamedContent? {
        let content: MessageContent?
        do throws(StoreError) {
            content = try self.environment.store.contents(of: found.id, [url.uid]).first?.get()
        } catch {
            switch error {
            case .noSuchMessage, .noSuchMailbox: return nil
            default: throw error
            }
        }
        guard let content else { return nil }
        let summaries = Summaries(store: self.environment.store, crashGuard: self.environment.crashGuard, account: found.facts.account)
        return NamedContent(section: url.section, content: content, summaries: summaries)
    }
}

/// A message, or a part of one, that a URL names.
struct NamedContent: Sendable {
    let section: BodySection
    let content: MessageContent
    fileprivate let summaries: Summaries

    fileprivate init(section: BodySection, content: MessageContent, summaries: Summaries) {
        self.section = section
        self.content = content
        self.summaries = summaries
    }

    private func summary() throws(StoreError) -> MessageSummary? {
        if let kept = self.summaries.kept([self.content.blob])[self.content.blob] { return kept }
        guard case .summary(let summary) = try self.summaries.make(self.content) else { return nil }
        return summary
    }

    /// Its octets as they are stored; nil where the message has no such part.
    func stream() throws(StoreError) -> SectionStream? {
        if self.section.isWholeMessage {
            return SectionStream(self.content, front: self.content.prefix, 0..<self.content.bodySize, self.section.partial)
        }
        guard let summary = try self.summary() else { return nil }
        return try SectionStream(self.section, summary.parts, self.content)
    }

    /// BODYPARTSTRUCTURE; nil for what is no part, as a header. [RFC5524-3.2]
    func structure() throws(StoreError) -> ByteBuffer? {
        guard self.section.text == .all, let summary = try self.summary() else { return nil }
        return BodyStructurePart.find(self.section.part, in: summary.bodyStructure(.ascii))
    }

    /// Begins to learn how long the content is without its transfer encoding; nil for what has none of its own. [RFC5524-3.1]
    func measuring() throws(StoreError) -> (measuring: BinaryMeasuring?, place: BinaryPlace)? {
        guard self.section.text == .all, let summary = try self.summary(), let place = summary.parts.binary(self.section.part) else {
            return nil
        }
        return (BinaryMeasuring(place), place)
    }

    func stream(_ extent: BinaryExtent, _ place: BinaryPlace) -> SectionStream {
        let front = place.hasPrefix ? self.content.prefix : ByteBuffer()
        return SectionStream(decoding: self.content, front: front, place.range, extent, self.section.partial)
    }
}
