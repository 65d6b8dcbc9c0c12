internal import Bytes
internal import Database
internal import Directory
internal import MIME
internal import MessageStore
package import NIOCore
internal import Policy
internal import Routing
internal import Text
package import Vocabulary

/// Takes a message from a program on this host, as `sendmail` brings it: the way of a user who has logged in, without a session. The same
/// limits, filters and rules of form hold as for mail from the network.
package struct LocalSubmission: Sendable {
    /// What the program said.
    package struct Message: Sendable {
        /// nil is `<>`. Addresses may lack their domain.
        package var sender: String?
        package var recipients: [String]
        /// NOTIFY of all recipients; nil leaves it to the usual.
        package var notify: DSNNotify?
        package var dsnReturn: DSNReturn?
        package var envelopeID: String?
        /// Who handed it over.
        package var userID: UInt32
        /// Octets.
        package var size: Int64

        package init(sender: String?, recipients: [String], userID: UInt32, size: Int64) {
            self.sender = sender
            self.recipients = recipients
            self.userID = userID
            self.size = size
        }
    }

    package enum Failure: Error, Sendable, Hashable {
        /// It will never be taken. Words for the log.
        case refused(String)
        /// Not now, nor any other: disk or database.
        case notNow(String)
        /// This user has sent enough for now.
        case userWaits(String)
    }

    private let environment: SMTPEnvironment
    /// The header must be in the first piece.
    package static let firstPiece = 512 << 10

    package init(_ environment: SMTPEnvironment) { self.environment = environment }

    /// Takes the message over: on stable storage when this returns. `next` gives pieces of the body with CRLF line ends, together as many octets as
    /// were said; all but the last have `firstPiece` octets. Blocks.
    package func accept(_ message: Message, trace: TraceID, next: () throws(Failure) -> ByteBuffer) throws(Failure) {
        let snapshot = self.environment.directory.snapshot
        let rules = snapshot.configuration.routing
        var envelope = try self.envelope(message, rules)
        let recipients = envelope.recipients.map {
            PendingMessage.Recipient(recipient: $0, resolution: snapshot.resolve($0.address, ownAddress: nil), mayRelay: true)
        }
        try self.checkRate(message.userID, recipients, snapshot.configuration)
        try self.checkStore()
        let limits = snapshot.configuration.smtp
        var body = LocalBody(announced: message.size, limit: limits.messageSize, line: limits.textLine)
        let head = try self.fixed(try body.take(try next()), isWhole: body.isWhole, from: envelope.sender, rules, limits.hops)
        envelope.isTLSOptional = head.saysTLSOptional  // [RFC8689-4.1]
        let place = try body.store(head, in: self.environment.store, next: next)
        let now = self.environment.clock.now()
        let product = ProductName(version: snapshot.configuration.showsVersion ? self.environment.version : nil)
        let date = CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now))
        let prefix = TracePrefix(
            localUser: message.userID, sender: envelope.sender, host: rules.hostName, product: product, trace: trace, date: date)
        let pending = PendingMessage(
            body: place.body, envelope: envelope, recipients: recipients, prefix: prefix, now: now, trace: trace, size: body.size,
            sawEightBit: body.hasEightBit, queueName: self.environment.queueName)
        guard let (item, plan) = try self.filtered(pending, body.filterHead, snapshot) else { return place.abandon() }
        try self.store(item, plan, size: body.size)
        self.countRate(message.userID, recipients, snapshot.configuration)
    }

    private func store(_ item: AcceptItem, _ plan: DeliveryPlan, size: Int64) throws(Failure) {
        let report = MessageReport(item, plan, size: size, events: self.environment.events)
        let answer = Monitor<Result<Accepted, StoreRefusal>?>(nil)
        self.environment.store.accept(item) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success(let accepted)?:
            report.accepted(accepted)
            report.destinations(accepted)
        case .failure(.tooLarge)?:
            report.refused(.tooLarge)
            throw .refused(StoreRefusal.tooLarge.reason)
        case .failure(let refusal)?:
            report.refused(refusal)
            throw .notNow(refusal.reason)
        case nil: throw .notNow("no answer")
        }
    }

    /// Before anything is read for nothing.
    private func checkStore() throws(Failure) {
        switch self.environment.store.health {
        case .writable: break
        case .diskLow: throw .notNow(StoreRefusal.diskLow.reason)
        case .failed(let reason): throw .notNow(reason)
        }
    }

    // MARK: Filters

    /// nil when the filters throw every copy away.
    private func filtered(
        _ pending: PendingMessage, _ head: ByteBuffer, _ snapshot: DirectorySnapshot
    ) throws(Failure) -> (AcceptItem, DeliveryPlan)? {
        guard !snapshot.configuration.filters.isEmpty else { return pending.item() }
        let work = FilterWork(
            rules: snapshot.configuration.filters, message: pending, head: head, client: .thisHost, hasLogin: true, snapshot: snapshot,
            environment: self.environment)
        switch work.run() {
        case .accept(let item, let plan): return (item, plan)
        case .nothingLeft: return nil
        case .refuse(let reply):
            if case .large(let large) = pending.body { large.abandon() }
            throw .refused("a filter refuses it: \(reply.text)")
        }
    }

    // MARK: Hourly limit

    /// Recipients at other hosts; a message with more of them than an hour allows passes when nothing else was sent.
    private func count(_ recipients: [PendingMessage.Recipient], _ limit: Int) -> Int {
        let leaving = recipients.count { recipient in
            switch recipient.resolution {
            case .remote, .bangPath: true
            case .account, .postmaster, .handler, .refused, .redirected, .unknown: false
            }
        }
        return min(leaving, limit)
    }

    private func checkRate(_ user: UInt32, _ recipients: [PendingMessage.Recipient], _ configuration: Configuration) throws(Failure) {
        guard let limit = configuration.rates.user else { return }
        let (rates, now) = (self.environment.guards.rates, self.environment.clock.now())
        guard rates.hasRoom(.localUser(user), self.count(recipients, limit), limit: limit, at: now) else {
            throw .userWaits("user \(user) of this host has sent to many recipients lately")
        }
    }

    /// What was taken counts, what had to wait does not.
    private func countRate(_ user: UInt32, _ recipients: [PendingMessage.Recipient], _ configuration: Configuration) {
        guard let limit = configuration.rates.user else { return }
        let (rates, now) = (self.environment.guards.rates, self.environment.clock.now())
        _ = rates.take(.localUser(user), self.count(recipients, limit), limit: limit, at: now)
    }

    // MARK: Envelope and header

    private func envelope(_ message: Message, _ rules: RoutingRules) throws(Failure) -> Envelope {
        let domain = rules.completionDomain ?? (rules.mainDomain.isEmpty ? rules.hostName : rules.mainDomain)
        func address(_ text: String) throws(Failure) -> Address {
            let whole = text.utf8.contains(UInt8(ascii: "@")) || text.utf8.contains(UInt8(ascii: "!")) ? text : "\(text)@\(domain)"
            do {
                return try Address(parsing: whole, AddressSyntax(allowsStrayDots: true))
            } catch {
                throw .refused("\(text.prefix(200)) is no address: \(error)")
            }
        }
        var envelope = Envelope(sender: nil)
        if let sender = message.sender { envelope.sender = try address(sender) }
        var known: Set<Address> = []
        for text in message.recipients {
            let recipient = try address(text)
            if known.insert(recipient).inserted { envelope.recipients.append(Envelope.Recipient(recipient, notify: message.notify)) }
        }
        guard !envelope.recipients.isEmpty else { throw .refused("no recipient") }
        envelope.dsnReturn = message.dsnReturn
        envelope.envelopeID = message.envelopeID
        return envelope
    }

    /// The first piece with its header completed. What ended the server twice is not looked at a third time.
    private func fixed(
        _ original: ByteBuffer, isWhole: Bool, from sender: Address?, _ rules: RoutingRules, _ hops: Int
    ) throws(Failure) -> ByteBuffer {
        try self.environment.crashGuard.handling(.submitting, original) { (isBlamed) throws(Failure) in
            guard !isBlamed else { throw .refused("its content ended the server twice") }
            let first = original.withMailboxLineAsField()
            let (count, end) = first.countFields(named: "Received")
            if count > hops { throw .refused("too many hops: the message goes round in a loop") }
            if case .tooManyFields = end { throw .refused("its header has too many fields") }
            let now = self.environment.clock.now()
            let fixer = SubmissionFixer(
                completionDomain: rules.completionDomain ?? rules.mainDomain,
                date: CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now)),
                messageID: MessageIDMaker.make(now: now, random: self.environment.random(16), host: rules.hostName),
                from: sender ?? Address(localPart: "MAILER-DAEMON", domain: rules.hostName))
            do throws(SubmissionFixer.Failure) {
                return try fixer.fixed(first, isWhole: isWhole)
            } catch {
                throw .refused("its header is too long")
            }
        }
    }
}

extension LocalBody.Place {
    fileprivate var body: AcceptItem.Body {
        switch self {
        case .memory(let bytes): .memory(bytes)
        case .large(let large): .large(large)
        }
    }

    fileprivate func abandon() { if case .large(let large) = self { large.abandon() } }
}

extension IPAddress {
    /// From where programs of this host come.
    fileprivate static let thisHost: IPAddress = {
        // SAFETY: four bytes are always an address.
        guard let address = IPAddress(bytes: [127, 0, 0, 1]) else { preconditionFailure("loopback") }
        return address
    }()
}
