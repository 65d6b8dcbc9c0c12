internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import SASL
internal import Vocabulary

// URLs that carry the right to read what they name. [RFC4467-3]
extension IMAPBackend {
    func makeURLs(_ wanted: [(url: String, mechanism: String)], _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            var urls: [String] = []
            for (text, mechanism) in wanted {
                let bad = IMAPRefusal(.badURL, code: IMAPURL.badCode(text))
                guard let url = AuthorizedURL(parsing: text), url.authorization == nil, self.opener.isHere(url.host),
                    self.environment.account(url.user) == identity.account
                else { throw bad }
                guard mechanism.lowercased() == URLOpener.mechanism else { throw IMAPRefusal(.unknownMechanism, code: "CANNOT") }
                let found = try self.find(url.message.mailbox, needing: .read, orElse: bad)
                if let validity = url.message.validity, validity != found.facts.uidValidity { throw bad }
                let keys = URLKeys(self.reads, identity.account)
                let key = try self.reading { () throws(StoreError) in try keys.make(for: found.id, self.environment.makeNonce) }
                urls.append("\(url.rump):\(URLOpener.mechanism):\(URLToken.make(url.rump, key: key))")
            }
            var out = ByteBuffer()
            out.writeURLsLine(urls)
            return .account(out)
        }
    }

    /// From then on no URL that was made before opens anything: of one mailbox, or of all. [RFC4467-7]
    func resetKey(_ mailbox: String?, _ mechanisms: [String], _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            guard mechanisms.allSatisfy({ $0.lowercased() == URLOpener.mechanism }) else {
                throw IMAPRefusal(.unknownMechanism, code: "CANNOT")
            }
            let keys = URLKeys(self.reads, try self.identity().account)
            let found = try mailbox.map { (name) throws(IMAPRefusal) in try self.find(name, needing: .read) }
            try self.reading { () throws(StoreError) in try keys.forget(found?.id, self.environment.makeNonce) }
            return .account(ByteBuffer(), code: "URLMECH INTERNAL")  // [RFC4467-7.1]
        }
    }

    func fetchURLs(_ urls: [FetchedURL], _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in self.begin(URLFetchWork(urls, self), answer) }
    }

    // MARK: One URL

    var opener: URLOpener { URLOpener(environment: self.environment) }

    /// What the URL names, where it opens it to this session.
    func opened(_ text: String) throws(IMAPRefusal) -> NamedContent? {
        let reader = URLOpener.Reader.user(try self.identity().account)
        return try self.reading { () throws(StoreError) in try self.opener.opened(text, by: reader) }
    }

    func stream(of url: IMAPURL, in found: FoundMailbox, orElse bad: IMAPRefusal) throws(IMAPRefusal) -> SectionStream {
        let stream = try self.reading { () throws(StoreError) in try self.opener.content(of: url, in: found)?.stream() }
        guard let stream else { throw bad }
        return stream
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
