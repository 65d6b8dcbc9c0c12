internal import Bytes
internal import Directory
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Routing
internal import SASL
internal import SMTPWire
internal import Vocabulary

// The body, and what becomes of it.
extension SMTPBackend {
    /// Memory for a body that is larger than most; without it the body goes to disk piece by piece.
    func memory(_ count: Int) -> SMTPOutcome {
        guard self.environment.store.memory.reserve(count) else { return .toDisk }
        self.reserved += count
        return .done
    }

    func body(_ piece: ByteBuffer, _ answer: SessionAnswer<SMTPOutcome>) {
        if !self.sawEightBit { self.sawEightBit = piece.hasEightBit }
        switch self.largeBody(for: piece) {
        case .failure(let reply):
            self.large?.abandon()
            self.large = nil
            answer(.reply(reply))
        case .success(let (large, piece)):
            self.keepForFilters(piece)
            large.append(piece) { result in
                if case .failure(let refusal) = result { answer(.reply(refusal.reply)) } else { answer(.done) }
            }
        }
    }

    /// Where the piece goes. The first one has the header, which is looked at and, for a user of ours, completed.
    private func largeBody(for piece: ByteBuffer) -> Result<(LargeBody, ByteBuffer), Reply> {
        if let large = self.large { return .success((large, piece)) }
        do throws(Reply) {
            let checked = try self.checked(piece, isWhole: false)
            let large: LargeBody
            do { large = try self.environment.store.beginLargeBody() } catch { throw error.reply }
            self.large = large
            return .success((large, checked))
        } catch {
            return .failure(error)
        }
    }

    func finish(_ message: SMTPMessage, _ answer: SessionAnswer<SMTPOutcome>) {
        let body: AcceptItem.Body
        do throws(Reply) {
            // Since MAIL the account may have been locked, or stopped.
            if let refusal = self.accountRefusal() ?? self.suspensionRefusal() { throw refusal }
            body = try self.acceptBody(message)
        } catch {
            self.recordRefused(error)
            self.forgetTransaction()
            answer(.reply(error))
            return
        }
        let reserved = self.takeReservation()
        let pending = self.pending(body, message)
        if let account = self.identity?.account, self.asked.contains(where: { $0.grant != nil }) {
            self.environment.conduct?.submitted(pending.trace, by: account)
        }
        let filters = self.snapshot.configuration.filters
        let head = self.takeFilterHead(body)
        let (identity, snapshot) = (self.identity, self.snapshot)
        self.large = nil  // the store's now
        self.forgetTransaction()
        let finish = Finish(environment: self.environment, pending: pending, reserved: reserved, answer: answer)
        guard !filters.isEmpty else {
            let (item, plan) = pending.item()
            return finish.accept(item, plan)
        }
        let work = FilterWork(
            rules: filters, message: pending, head: head, client: self.facts.peer, hasLogin: identity != nil, snapshot: snapshot,
            environment: self.environment)
        let isTaken = self.environment.work { finish.take(work.run()) }
        if !isTaken { finish.refuse(Reply(451, EnhancedStatus(4, 3, 2), "Too much to do at this moment, try again later")) }
    }

    /// What the filters look at: the message, or the beginning of a large one.
    private func takeFilterHead(_ body: AcceptItem.Body) -> ByteBuffer {
        defer { self.filterHead = ByteBuffer() }
        if case .memory(let bytes) = body { return bytes }
        return self.filterHead
    }

    /// Remembers the beginning of a large message for the filters, where there are some and memory for it.
    private func keepForFilters(_ piece: ByteBuffer) {
        guard !self.snapshot.configuration.filters.isEmpty else { return }
        let room = MessageFacts.head - self.filterHead.readableBytes
        let count = min(room, piece.readableBytes)
        guard count > 0, self.environment.store.memory.reserve(count) else { return }
        self.reserved += count
        if let slice = piece.getSlice(at: piece.readerIndex, length: count) { self.filterHead.writeImmutableBuffer(slice) }
    }

    private func acceptBody(_ message: SMTPMessage) throws(Reply) -> AcceptItem.Body {
        switch message.content {
        case .tail(let rest):
            guard let large = self.large else { throw Reply(451, EnhancedStatus(4, 3, 0), "Message was lost on its way to the disk") }
            if !self.sawEightBit { self.sawEightBit = rest.hasEightBit }
            self.keepForFilters(rest)
            large.append(rest) { _ in }  // a failure stays with the body and comes out of `accept`
            return .large(large)
        case .whole(let bytes):
            let checked = try self.checked(bytes, isWhole: true)
            guard checked.readableBytes > self.environment.store.options.inlineLimit else { return .memory(checked) }
            do {
                let large = try self.environment.store.beginLargeBody()
                self.sawEightBit = checked.hasEightBit
                self.keepForFilters(checked)
                large.append(checked) { _ in }
                return .large(large)
            } catch {
                throw error.reply
            }
        }
    }

    /// The message as it will be stored. What ended the server twice is not looked at a third time.
    private func checked(_ message: ByteBuffer, isWhole: Bool) throws(Reply) -> ByteBuffer {
        let work: ContentWork = self.identity == nil ? .accepting : .submitting
        return try self.environment.crashGuard.handling(work, message, account: self.identity?.account) { (isBlamed) throws(Reply) in
            guard !isBlamed else { throw Reply(451, EnhancedStatus(4, 3, 0), "Message cannot be handled now, try again later") }
            return try self.examined(message, isWhole: isWhole)
        }
    }

    /// Looks for loops; completes the header of a user's message. A stranger's comes out as it went in, but for the end of its header: no line
    /// of it may go on a field of ours.
    private func examined(_ original: ByteBuffer, isWhole: Bool) throws(Reply) -> ByteBuffer {
        let message = original.withMailboxLineAsField()
        self.saysTLSOptional = message.saysTLSOptional
        let (hops, end) = message.countFields(named: "Received")
        if hops > self.snapshot.configuration.smtp.hops {
            throw Reply(554, EnhancedStatus(5, 4, 6), "Too many hops: the message goes round in a loop")  // [RFC5321-6.3]
        }
        switch end {
        case .tooManyFields: throw Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header has too many fields")
        case .incomplete where !isWhole: throw Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header is too long")
        case .incomplete, .blankLine, .noField: break
        }
        guard let identity = self.identity else { return message.withHeaderEnded(end, isWhole: isWhole) }
        do throws(SubmissionFixer.Failure) {
            return try self.fixer(identity).fixed(message, isWhole: isWhole)
        } catch {
            throw error.reply
        }
    }

    private func fixer(_ identity: Identity) -> SubmissionFixer {
        let now = self.environment.clock.now()
        var fixer = SubmissionFixer(
            completionDomain: self.rules.completionDomain ?? self.rules.mainDomain,
            date: CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now)),
            messageID: MessageIDMaker.make(now: now, random: self.environment.random(16), host: self.rules.hostName),
            from: self.sender ?? identity.primaryAddress)
        fixer.author = self.author
        return fixer
    }

    // MARK: Plan

    /// The message with all that is needed to plan its copies and queue entries.
    private func pending(_ body: AcceptItem.Body, _ message: SMTPMessage) -> PendingMessage {
        var envelope = message.envelope
        envelope.sender = self.sender
        // What was said at MAIL goes before what the header says. [RFC8689-4.1]
        envelope.isTLSOptional = self.saysTLSOptional && !envelope.requiresTLS
        for index in envelope.recipients.indices {
            let original = envelope.recipients[index]
            envelope.recipients[index] = Envelope.Recipient(
                self.completed(original.address), notify: original.notify, originalRecipient: original.originalRecipient)
        }
        let now = self.environment.clock.now()
        let prefix = TracePrefix(
            TracePrefix.Facts(
                sender: self.sender, hello: self.hello, peer: self.facts.peer, tls: self.tls, isAuthenticated: self.identity != nil,
                isInternationalized: envelope.isInternationalized, isLMTP: self.isLMTP, host: self.rules.hostName, product: self.product,
                trace: self.trace,
                onlyRecipient: envelope.recipients.count == 1 ? envelope.recipients[0].address : nil,
                date: CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now))))
        var recipients: [PendingMessage.Recipient] = []
        recipients.reserveCapacity(envelope.recipients.count)
        var rest = self.asked[...]
        for recipient in envelope.recipients {
            // The accepted ones are a part of those asked about, in the same order.
            while let first = rest.first, first.address != recipient.address { rest = rest.dropFirst() }
            let planned = rest.popFirst()
            // What leaves this host is what the relay restrictions let pass at RCPT; nothing that changed since makes other mail leave.
            recipients.append(
                PendingMessage.Recipient(
                    recipient: recipient,
                    resolution: planned?.resolution ?? self.snapshot.resolve(recipient.address, ownAddress: self.facts.local),
                    mayRelay: planned?.grant != nil))
        }
        return PendingMessage(
            body: body, envelope: envelope, recipients: recipients, prefix: prefix, now: now, trace: self.trace, size: message.size,
            sawEightBit: self.sawEightBit, queueName: self.environment.queueName)
    }
}

/// Hands a planned message to the store and answers the client, from whatever thread.
private struct Finish: Sendable {
    let environment: SMTPEnvironment
    let pending: PendingMessage
    /// Octets of the store's memory that the body has.
    let reserved: Int
    let answer: SessionAnswer<SMTPOutcome>

    func take(_ result: FilterWork.Result) {
        switch result {
        case .accept(let item, let plan): self.accept(item, plan)
        case .nothingLeft: self.drop(Reply(250, EnhancedStatus(2, 0, 0), "\(self.pending.trace) Message accepted"))
        case .refuse(let reply): self.refuse(reply)
        }
    }

    func accept(_ item: AcceptItem, _ plan: DeliveryPlan) {
        let report = MessageReport(item, plan, size: self.pending.size, events: self.environment.events)
        let (store, reserved, answer) = (self.environment.store, self.reserved, self.answer)
        store.accept(item) { result in
            if reserved > 0 { store.memory.release(reserved) }
            switch result {
            case .success(let accepted):
                report.accepted(accepted)
                answer(.reply(Reply(250, EnhancedStatus(2, 0, 0), "\(report.trace) Message accepted")))
                report.destinations(accepted)
            case .failure(let refusal):
                report.refused(refusal)
                answer(.reply(refusal.reply))
            }
        }
    }

    func refuse(_ reply: Reply) {
        let sender = self.pending.envelope.sender.map { "\($0)" } ?? "<>"
        self.environment.events.record(
            TrailEvent(
                .smtpAccept, "message-refused", trace: self.pending.trace,
                [("from", sender), ("size", "\(self.pending.size)"), ("reply", "\(reply.code) \(reply.text)")]),
            switchedBy: .messageRefused)
        self.drop(reply)
    }

    private func drop(_ reply: Reply) {
        if case .large(let large) = self.pending.body { large.abandon() }
        if self.reserved > 0 { self.environment.store.memory.release(self.reserved) }
        self.answer(.reply(reply))
    }
}

extension SubmissionFixer.Failure {
    fileprivate var reply: Reply {
        switch self {
        case .headerTooLong: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header is too long")
        case .tooManyFields: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header has too many fields")
        case .foreignAuthor:
            Reply(
                550, EnhancedStatus(5, 7, 1), "Message refused: From names an address that is not your account's; use one of its addresses")
        case .unreadableAuthor: Reply(550, EnhancedStatus(5, 6, 0), "Message refused: From is not an address of a sender")
        case .severalAuthors: Reply(550, EnhancedStatus(5, 6, 0), "Message refused: it has more than one From field")
        }
    }
}

extension ByteBuffer {
    /// Some octet is beyond ASCII. Eight at a time: bodies are long.
    var hasEightBit: Bool {
        self.withUnsafeReadableBytes { bytes in
            let words = bytes.count / 8
            for index in 0..<words {
                let word = bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                if word & 0x8080_8080_8080_8080 != 0 { return true }
            }
            return bytes[(words * 8)...].contains { $0 >= 0x80 }
        }
    }
}
