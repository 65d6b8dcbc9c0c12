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
        let reserved = self.takeReservation()
        let store = self.environment.store
        let body: AcceptItem.Body
        do throws(Reply) {
            body = try self.acceptBody(message)
        } catch {
            self.recordRefused(error)
            self.forgetTransaction()
            store.memory.release(reserved)
            answer(.reply(error))
            return
        }
        let (item, plan) = self.item(body, message.envelope)
        let report = MessageReport(item, plan, size: message.size, events: self.environment.events)
        self.large = nil  // the store's now
        self.forgetTransaction()
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

    private func acceptBody(_ message: SMTPMessage) throws(Reply) -> AcceptItem.Body {
        switch message.content {
        case .tail(let rest):
            guard let large = self.large else { throw Reply(451, EnhancedStatus(4, 3, 0), "Message was lost on its way to the disk") }
            if !self.sawEightBit { self.sawEightBit = rest.hasEightBit }
            large.append(rest) { _ in }  // a failure stays with the body and comes out of `accept`
            return .large(large)
        case .whole(let bytes):
            let checked = try self.checked(bytes, isWhole: true)
            guard checked.readableBytes > self.environment.store.options.inlineLimit else { return .memory(checked) }
            do {
                let large = try self.environment.store.beginLargeBody()
                self.sawEightBit = checked.hasEightBit
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

    /// Looks for loops; completes the header of a user's message. A stranger's comes out as it went in.
    private func examined(_ message: ByteBuffer, isWhole: Bool) throws(Reply) -> ByteBuffer {
        let (hops, end) = message.countFields(named: "Received")
        if hops > self.snapshot.configuration.smtp.hops {
            throw Reply(554, EnhancedStatus(5, 4, 6), "Too many hops: the message goes round in a loop")  // [RFC5321-6.3]
        }
        switch end {
        case .tooManyFields: throw Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header has too many fields")
        case .incomplete where !isWhole: throw Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header is too long")
        case .incomplete, .blankLine, .noField: break
        }
        guard let identity = self.identity else { return message }
        do throws(SubmissionFixer.Failure) {
            return try self.fixer(identity).fixed(message, isWhole: isWhole)
        } catch {
            throw Reply(554, EnhancedStatus(5, 6, 0), "Message refused: its header is too long")
        }
    }

    private func fixer(_ identity: Identity) -> SubmissionFixer {
        let now = self.environment.clock.now()
        return SubmissionFixer(
            completionDomain: self.rules.completionDomain ?? self.rules.mainDomain,
            date: CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now)),
            messageID: MessageIDMaker.make(now: now, random: self.environment.random(16), host: self.rules.hostName),
            from: self.sender ?? identity.primaryAddress)
    }

    /// An octet beyond ASCII was in the body.
    private func hasEightBit(_ body: AcceptItem.Body) -> Bool {
        if case .memory(let bytes) = body { return bytes.hasEightBit }
        return self.sawEightBit
    }

    // MARK: Plan

    /// The message with a copy for each account that it is for, and a queue entry for what must wait.
    private func item(_ body: AcceptItem.Body, _ accepted: Envelope) -> (AcceptItem, DeliveryPlan) {
        var envelope = accepted
        envelope.sender = self.sender
        for index in envelope.recipients.indices {
            let original = envelope.recipients[index]
            envelope.recipients[index] = Envelope.Recipient(
                self.completed(original.address), notify: original.notify, originalRecipient: original.originalRecipient)
        }
        let now = self.environment.clock.now()
        var item = AcceptItem(body: body, envelope: envelope, receivedAt: now, trace: self.trace)
        let prefix = TracePrefix(
            TracePrefix.Facts(
                sender: self.sender, hello: self.hello, peer: self.facts.peer, tls: self.tls, isAuthenticated: self.identity != nil,
                isInternationalized: envelope.isInternationalized, host: self.rules.hostName, product: self.product, trace: self.trace,
                onlyRecipient: envelope.recipients.count == 1 ? envelope.recipients[0].address : nil,
                date: CivilTime(unixSeconds: now, offsetMinutes: self.environment.clock.offset(now))))
        var plan = DeliveryPlan(prefix: prefix, now: now, queueName: self.environment.queueName)
        var rest = self.asked[...]
        for recipient in envelope.recipients {
            // The accepted ones are a part of those asked about, in the same order.
            while let first = rest.first, first.address != recipient.address { rest = rest.dropFirst() }
            let planned = rest.popFirst()
            // What leaves this host is what the relay restrictions let pass at RCPT; nothing that changed since makes other mail leave.
            plan.add(
                recipient, planned?.resolution ?? self.snapshot.resolve(recipient.address, ownAddress: self.facts.local),
                mayRelay: planned?.grant != nil)
        }
        item.deliveries = plan.deliveries
        item.queue = plan.queue
        // Whatever the client said: a host without 8BITMIME must not get such a message. [RFC6152-3]
        if !plan.queue.isEmpty { item.envelope.isEightBit = item.envelope.isEightBit || self.hasEightBit(body) }
        return (item, plan)
    }
}

extension ByteBuffer {
    /// Some octet is beyond ASCII. Eight at a time: bodies are long.
    fileprivate var hasEightBit: Bool {
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
