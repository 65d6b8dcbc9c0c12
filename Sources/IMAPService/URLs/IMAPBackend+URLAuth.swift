internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import SASL
internal import Vocabulary

// URLs that carry the right to read what they name. [RFC4467-3]
extension IMAPBackend {
    /// The only mechanism: a code over the URL under a key that never leaves the server. [RFC4467-2.2]
    private static let mechanism = "internal"

    func makeURLs(_ wanted: [(url: String, mechanism: String)], _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            var urls: [String] = []
            for (text, mechanism) in wanted {
                let bad = IMAPRefusal(.badURL, code: IMAPURL.badCode(text))
                guard let url = AuthorizedURL(parsing: text), url.authorization == nil, self.isHere(url.host),
                    self.environment.account(url.user) == identity.account
                else { throw bad }
                guard mechanism.lowercased() == Self.mechanism else { throw IMAPRefusal(.unknownMechanism, code: "CANNOT") }
                let found = try self.find(url.message.mailbox, needing: .read, orElse: bad)
                if let validity = url.message.validity, validity != found.facts.uidValidity { throw bad }
                let keys = URLKeys(self.reads, identity.account)
                let key = try self.reading { () throws(StoreError) in try keys.make(for: found.id, self.environment.makeNonce) }
                urls.append("\(url.rump):\(Self.mechanism):\(URLToken.make(url.rump, key: key))")
            }
            var out = ByteBuffer()
            out.writeURLsLine(urls)
            return .account(out)
        }
    }

    /// From then on no URL that was made before opens anything: of one mailbox, or of all. [RFC4467-7]
    func resetKey(_ mailbox: String?, _ mechanisms: [String], _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            guard mechanisms.allSatisfy({ $0.lowercased() == Self.mechanism }) else {
                throw IMAPRefusal(.unknownMechanism, code: "CANNOT")
            }
            let keys = URLKeys(self.reads, try self.identity().account)
            let found = try mailbox.map { (name) throws(IMAPRefusal) in try self.find(name, needing: .read) }
            try self.reading { () throws(StoreError) in try keys.forget(found?.id, self.environment.makeNonce) }
            return .account(ByteBuffer(), code: "URLMECH INTERNAL")  // [RFC4467-7.1]
        }
    }

    func fetchURLs(_ urls: [String], _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in self.begin(URLFetchWork(urls, self), answer) }
    }

    // MARK: One URL

    /// What the URL opens to this session; nil where it opens nothing, whatever the reason: who guesses learns nothing. [RFC4467-7]
    func opened(_ text: String) throws(IMAPRefusal) -> SectionStream? {
        guard let url = AuthorizedURL(parsing: text), let (mechanism, token) = url.authorization, mechanism == Self.mechanism,
            self.isHere(url.host), url.expires.map({ $0 > self.environment.now() }) ?? true, try self.mayUse(url.access),
            let owner = self.environment.account(url.user), self.environment.isActive(owner), let login = self.environment.loginName(owner)
        else { return nil }
        // By the rights of whose URL it is, as they are now.
        let identity = Identity(account: owner, login: login, primaryAddress: Address(localPart: login, domain: ""))
        let finder = MailboxFinder(identity: identity, environment: self.environment, reads: self.reads)
        return try self.reading { () throws(StoreError) -> SectionStream? in
            guard let found = try finder.find(url.message.mailbox), found.rights.contains(.read),
                url.message.validity.map({ $0 == found.facts.uidValidity }) ?? true,
                let key = try URLKeys(self.reads, owner).key(of: found.id), URLToken.isRight(token, of: url.rump, key: key)
            else { return nil }
            do throws(IMAPRefusal) {
                return try self.stream(of: url.message, in: found, orElse: IMAPRefusal(.badURL))
            } catch { return nil }
        }
    }

    private func mayUse(_ access: AuthorizedURL.Access) throws(IMAPRefusal) -> Bool {
        switch access {
        case .anonymous, .authUser: true
        case .user(let name): self.environment.account(name) == (try self.identity().account)
        // No session here is that of a server for submission.
        case .submit: false
        }
    }

    private func isHere(_ host: String) -> Bool {
        let configuration = self.environment.configuration()
        return host == configuration.routing.hostName.lowercased() || host == configuration.mainDomain.description.lowercased()
    }
}

/// Keys of URLs: one of each user and mailbox, and one of the user that goes into all of his. [RFC4467-2.1]
struct URLKeys {
    /// Beside the annotations of the user, whom alone they concern; no command gives them out.
    static let name = "/private/vendor/post.office/url-key"

    private let reads: StoreReads
    private let account: AccountID

    init(_ reads: StoreReads, _ account: AccountID) {
        self.reads = reads
        self.account = account
    }

    /// nil where none was made, or it was taken back.
    func key(of mailbox: MailboxID) throws(StoreError) -> [UInt8]? {
        guard let own = try self.stored(mailbox), let common = try self.stored(nil) else { return nil }
        return own + common
    }

    func make(for mailbox: MailboxID, _ random: () -> String) throws(StoreError) -> [UInt8] {
        for place in [nil, mailbox] where try self.stored(place) == nil { try self.set(Array((random() + random()).utf8), place) }
        guard let key = try self.key(of: mailbox) else { throw .closed }
        return key
    }

    /// nil: of all mailboxes.
    func forget(_ mailbox: MailboxID?, _ random: () -> String) throws(StoreError) {
        try self.set(mailbox == nil ? Array((random() + random()).utf8) : nil, mailbox)
    }

    private func stored(_ mailbox: MailboxID?) throws(StoreError) -> [UInt8]? {
        try self.reads.store.metadata(of: mailbox, account: self.account).first { $0.name == Self.name }?.value
    }

    private func set(_ value: [UInt8]?, _ mailbox: MailboxID?) throws(StoreError) {
        try self.reads.wait {
            self.reads.store.setMetadata([(name: Self.name, value: value)], of: mailbox, account: self.account, completion: $0)
        }
    }
}
