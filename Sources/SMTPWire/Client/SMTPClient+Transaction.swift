internal import Bytes
internal import NIOCore
internal import Policy
internal import Vocabulary

// MAIL, RCPT and what they are answered.
extension SMTPClient {
    /// A body up to this many octets goes with its commands in one group, where the server allows it.
    static let groupedBody = 64 << 10

    mutating func begin(_ message: SMTPClientMessage, _ out: inout SessionOutput<SMTPClientCall>) {
        if self.isDraining {
            // Nothing was tried: whoever sent it keeps it.
            let results = message.envelope.recipients.map { _ in SMTPClientReport.Result.failed(.local("the server is stopping")) }
            return self.ask(.finished(SMTPClientReport(results: results, isUntouched: true, passedDSN: false), canGoOn: false), &out)
        }
        let isInternational = message.envelope.isInternationalized || message.envelope.hasInternationalAddress
        var transaction = SMTPClientTransaction(
            message, isInternational: isInternational && self.peer.hasInternational,
            usesChunking: self.peer.hasChunking && self.settings.usesChunking && !self.settings.isLMTP)
        if let cause = self.obstacle(message, needsInternational: isInternational) {
            transaction.failRest(cause)
            self.transaction = transaction
            return self.finishTransaction(&out)
        }
        var group = ByteBuffer()
        self.writeGroup(&transaction, &group)
        guard group.isCommands(self.expected.count) else {
            transaction.failRest(.badAddress("the address has characters that SMTP does not"))
            self.transaction = transaction
            self.expected = []
            return self.finishTransaction(&out)
        }
        out.replies.writeBuffer(&group)
        self.transaction = transaction
        self.phase = .talking
        out.setDeadline(self.settings.timeouts.command)
        if self.mayGroup(transaction), case .whole(let body) = message.body { self.sendWhole(body, &out) }
    }

    /// What cannot be sent to this server at all. Found before MAIL, so that nothing is sent for nothing.
    private func obstacle(_ message: SMTPClientMessage, needsInternational: Bool) -> DeliveryFailure.Cause? {
        if let limit = self.peer.sizeLimit, message.size > limit { return .tooLarge(limit: limit) }  // [RFC1870-6.3]
        if needsInternational, !self.peer.hasInternational { return .needsInternational }  // [RFC6531-3.5]
        if message.envelope.isEightBit, !self.peer.hasEightBit { return .needsEightBit }  // [RFC6152-3]
        // A report is rather sent without than lost. [RFC8689-5]
        if message.envelope.requiresTLS, message.envelope.sender != nil, self.tls == nil || !self.peer.hasRequireTLS {
            return .needsRequireTLS
        }  // [RFC8689-4.2.1]
        return nil
    }

    private mutating func writeGroup(_ transaction: inout SMTPClientTransaction, _ out: inout ByteBuffer) {
        if self.needsReset {
            out.writeStaticString("RSET\r\n")
            self.expected.append(.reset)
            self.needsReset = false
        }
        out.writeMail(transaction.message, self.peer, isInternational: transaction.isInternational)
        self.expected.append(.mail)
        guard self.peer.hasPipelining else { return }
        while transaction.named < transaction.count { self.writeNextRecipient(&transaction, &out) }
        if !transaction.usesChunking, !transaction.message.isQuestion {
            out.writeStaticString("DATA\r\n")
            self.expected.append(.data)
        }
    }

    private mutating func writeNextRecipient(_ transaction: inout SMTPClientTransaction, _ out: inout ByteBuffer) {
        let index = transaction.named
        out.writeRecipient(
            transaction.message.envelope.recipients[index], self.peer, isInternational: transaction.isInternational)
        self.expected.append(.rcpt(index))
        transaction.named += 1
    }

    /// The body goes behind the recipients without waiting: one round trip a message. [RFC3030-4.2]
    private func mayGroup(_ transaction: SMTPClientTransaction) -> Bool {
        guard self.peer.hasPipelining, transaction.usesChunking, !transaction.message.isQuestion,
            case .whole(let body) = transaction.message.body
        else { return false }
        return body.readableBytes <= Self.groupedBody
    }

    // MARK: Replies

    mutating func transactionAnswered(_ step: Expected, _ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        // Taken out, so that it is changed in place and not copied.
        guard var transaction = self.transaction else { return self.lose("a reply that belongs to nothing", &out) }
        self.transaction = nil
        transaction.isUnanswered = false
        switch step {
        case .mail: self.mailAnswered(reply, &transaction)
        case .rcpt(let index): self.recipientAnswered(index, reply, &transaction)
        case .data where reply.code == 354: break
        case .data: self.refuse(&transaction, reply, .data)
        case .chunk(let isLast): self.chunkAnswered(reply, isLast: isLast, &transaction)
        case .message, .emptyMessage: self.messageAnswered(reply, &transaction)
        case .delivery(let index): self.deliveryAnswered(index, reply, &transaction)
        case .greeting, .ehlo, .helo, .startTLS, .reset, .quit, .auth: break
        }
        self.transaction = transaction
        if step == .data, reply.code == 354 { return self.beginData(&out) }
        self.goOn(&out)
    }

    private mutating func mailAnswered(_ reply: Reply, _ transaction: inout SMTPClientTransaction) {
        transaction.mailReply = reply
        if reply.code / 100 == 2 { self.needsReset = true } else { transaction.failRest(.reply(reply, .mail)) }
    }

    private func recipientAnswered(_ index: Int, _ reply: Reply, _ transaction: inout SMTPClientTransaction) {
        guard transaction.recipients.indices.contains(index) else { return }
        transaction.recipients[index] = reply
        if reply.code / 100 != 2 { transaction.fail(index, .reply(reply, .rcpt)) }
    }

    private mutating func chunkAnswered(_ reply: Reply, isLast: Bool, _ transaction: inout SMTPClientTransaction) {
        transaction.openChunks -= 1
        if reply.code / 100 != 2 { return self.refuse(&transaction, reply, .message) }
        if isLast { self.messageAnswered(reply, &transaction) }
    }

    private mutating func messageAnswered(_ reply: Reply, _ transaction: inout SMTPClientTransaction) {
        if reply.code / 100 == 2 {
            transaction.deliverRest(reply)
            self.needsReset = false
        } else {
            self.refuse(&transaction, reply, .message)
        }
    }

    /// Of one recipient; the transaction is over with the last. [RFC2033-4.2]
    private mutating func deliveryAnswered(_ index: Int, _ reply: Reply, _ transaction: inout SMTPClientTransaction) {
        if reply.code / 100 == 2 { transaction.deliver(index, reply) } else { transaction.fail(index, .reply(reply, .message)) }
        self.needsReset = !self.expected.isEmpty
    }

    /// The replies that the end of the body brings about: one, or with LMTP one for each recipient that was taken.
    mutating func expectFate(of transaction: SMTPClientTransaction) {
        guard self.settings.isLMTP else { return self.expected.append(.message) }
        for (index, reply) in transaction.recipients.enumerated() where reply?.isPositive == true { self.expected.append(.delivery(index)) }
    }

    private mutating func refuse(_ transaction: inout SMTPClientTransaction, _ reply: Reply, _ stage: DeliveryFailure.Stage) {
        transaction.failRest(.reply(reply, stage))
        self.needsReset = true
    }

    /// What comes next, once a reply was noted.
    private mutating func goOn(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let transaction = self.transaction else { return }
        guard self.expected.isEmpty else {
            // Of a group, or of chunks under way: those do not stop the body until too many are open.
            guard transaction.isSending, transaction.isOpen, transaction.openChunks < Self.mostOpenChunks else {
                return self.awaitNext(&out)
            }
            return self.ask(.read, &out)
        }
        guard transaction.isAccepted, transaction.isOpen else { return self.finishTransaction(&out) }
        if transaction.isSending { return self.ask(.read, &out) }
        if transaction.named < transaction.count {
            self.nameNext(&out)
        } else if transaction.message.isQuestion {
            self.answerQuestion(&out)
        } else if transaction.hasTaken, !transaction.isSent {
            self.beginBody(&out)
        } else {
            self.finishTransaction(&out)
        }
    }

    /// All that was asked is answered: who was taken would get mail.
    private mutating func answerQuestion(_ out: inout SessionOutput<SMTPClientCall>) {
        guard var transaction = self.transaction else { return }
        self.transaction = nil
        for (index, reply) in transaction.recipients.enumerated() {
            if let reply, reply.isPositive { transaction.deliver(index, reply) }
        }
        self.transaction = transaction
        self.finishTransaction(&out)
    }

    private mutating func nameNext(_ out: inout SessionOutput<SMTPClientCall>) {
        guard var transaction = self.transaction else { return }
        self.transaction = nil
        self.writeNextRecipient(&transaction, &out.replies)
        self.transaction = transaction
        self.awaitNext(&out)
    }

    mutating func finishTransaction(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let transaction = self.transaction else { return }
        self.transaction = nil
        self.transactions += 1
        let report = SMTPClientReport(results: transaction.report, passedDSN: self.peer.hasDSN)
        self.ask(.finished(report, canGoOn: !self.isDraining), &out)
    }
}

extension Envelope {
    /// An address that can be written with SMTPUTF8 only.
    fileprivate var hasInternationalAddress: Bool {
        (self.sender?.needsInternational ?? false) || self.recipients.contains { $0.address.needsInternational }
    }
}
