internal import Bytes
internal import Database
internal import Directory
internal import MIME
internal import MessageStore
package import NIOCore
internal import Routing
internal import Text
package import Vocabulary

/// Takes a message from a program on this host, as `sendmail` brings it: the way of a user who has logged in, without a session.
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
        /// Not now: disk or database.
        case notNow(String)
    }

    private let environment: SMTPEnvironment
    /// The header must be in the first piece.
    package static let firstPiece = 512 << 10

    package init(_ environment: SMTPEnvironment) { self.environment = environment }

    /// Takes the message over: on stable storage when this returns. `next` gives pieces of the body with CRLF line ends, empty at its end;
    /// all but the last have `firstPiece` octets or more. Blocks.
    package func accept(_ message: Message, trace: TraceID, next: () throws(Failure) -> ByteBuffer) throws(Failure) {
        let snapshot = self.environment.directory.snapshot
        let rules = snapshot.configuration.routing
        var envelope = try self.envelope(message, rules)
        let first = try next()
        let isWhole = Int64(first.readableBytes) >= message.size
        let head = try self.fixed(first, isWhole: isWhole, from: envelope.sender, rules, snapshot.configuration.smtp.hops)
        let body: AcceptItem.Body
        var isEightBit = head.hasEightBit
        if isWhole, head.readableBytes <= self.environment.store.options.inlineLimit {
            body = .memory(head)
        } else {
            let large: LargeBody
            do { large = try self.environment.store.beginLargeBody() } catch { throw .notNow("\(error)") }
            large.append(head) { _ in }  // a failure stays with the body and comes out of `accept`
            var rest = isWhole ? ByteBuffer() : try next()
            while rest.readableBytes > 0 {
                isEightBit = isEightBit || rest.hasEightBit
                let isWritten = Monitor(false)
                large.append(rest) { _ in
                    isWritten.withLock { $0 = true }
                    isWritten.signal()
                }
                isWritten.wait(until: { $0 }, then: { _ in })
                do throws(Failure) {
                    rest = try next()
                } catch {
                    large.abandon()
                    throw error
                }
            }
            body = .large(large)
        }
        envelope.isEightBit = isEightBit
        let now = self.environment.clock.now()
        var item = AcceptItem(body: body, envelope: envelope, receivedAt: now, trace: trace)
        let product = ProductName(version: snapshot.configuration.showsVersion ? self.environment.version : nil)
        let date = CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now))
        let prefix = TracePrefix(
            localUser: message.userID, sender: envelope.sender, host: rules.hostName, product: product, trace: trace, date: date)
        var plan = DeliveryPlan(prefix: prefix, now: now, queueName: self.environment.queueName)
        for recipient in envelope.recipients { plan.add(recipient, snapshot.resolve(recipient.address, ownAddress: nil), mayRelay: true) }
        item.deliveries = plan.deliveries
        item.queue = plan.queue
        let report = MessageReport(item, plan, size: message.size, events: self.environment.events)
        let answer = Monitor<Result<Accepted, StoreRefusal>?>(nil)
        self.environment.store.accept(item) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        switch answer.wait(until: { $0 != nil }, then: { $0 }) {
        case .success(let accepted)?: report.accepted(accepted)
        case .failure(let refusal)?:
            report.refused(refusal)
            throw .notNow(refusal.reason)
        case nil: throw .notNow("no answer")
        }
    }

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

    private func fixed(
        _ original: ByteBuffer, isWhole: Bool, from sender: Address?, _ rules: RoutingRules, _ hops: Int
    ) throws(Failure) -> ByteBuffer {
        let first = original.withMailboxLineAsField()
        if first.countFields(named: "Received").count > hops { throw .refused("too many hops: the message goes round in a loop") }
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
