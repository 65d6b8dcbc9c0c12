internal import Bytes
internal import NIOCore
internal import Vocabulary

// The body: BDAT where the server has it, else DATA. Both send the same bytes: whole lines that end in CRLF. [RFC3030-2] [RFC5321-4.5.2]
extension SMTPClient {
    /// Chunks sent ahead of their replies.
    static let mostOpenChunks = 8

    /// Somebody was taken: the body is due.
    mutating func beginBody(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let transaction = self.transaction else { return }
        guard transaction.usesChunking else {
            out.replies.writeStaticString("DATA\r\n")
            return self.expect(.data, self.settings.timeouts.data, &out)
        }
        switch transaction.message.body {
        case .whole(let body): self.sendWhole(body, &out)
        case .streamed: self.beginStream(&out)
        }
    }

    /// DATA was answered 354.
    mutating func beginData(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let transaction = self.transaction else { return }
        // MAIL was refused and a recipient taken: whatever we sent now, this server would deliver it.
        if transaction.hasTaken, !transaction.isOpen { return self.leave(&out) }
        guard transaction.hasTaken else {
            // LMTP has one reply a recipient, here none: nothing would end this message. [RFC2033-4.2]
            if self.settings.isLMTP { return self.leave(&out) }
            // The group was refused, and the server waits for a message all the same: it gets none. [RFC2920-3.1]
            out.replies.writeStaticString(".\r\n")
            return self.expect(.emptyMessage, self.settings.timeouts.message, &out)
        }
        switch transaction.message.body {
        case .whole(let body): self.sendWhole(body, &out)
        case .streamed: self.beginStream(&out)
        }
    }

    /// Reports and closes without another word.
    private mutating func leave(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let transaction = self.transaction else { return }
        self.transaction = nil
        self.phase = .closed
        out.perform(.finished(SMTPClientReport(results: transaction.report, passedDSN: self.peer.hasDSN), canGoOn: false))
        out.close()
    }

    private mutating func beginStream(_ out: inout SessionOutput<SMTPClientCall>) {
        self.transaction?.isSending = true
        out.setDeadline(self.settings.timeouts.block)
        self.ask(.read, &out)
    }

    mutating func sendWhole(_ body: ByteBuffer, _ out: inout SessionOutput<SMTPClientCall>) {
        guard var transaction = self.transaction else { return }
        self.transaction = nil
        self.note(body, transaction)
        var bytes = transaction.lines.fix(body)
        var end = transaction.lines.finish()
        bytes.writeBuffer(&end)
        transaction.isSent = true
        if transaction.usesChunking {
            self.writeChunk(bytes, isLast: true, &transaction, &out)
        } else {
            transaction.dots.encode(bytes, into: &out.replies)
            transaction.dots.finish(into: &out.replies)
            self.expectFate(of: transaction)
        }
        self.noteNothing(transaction)
        self.transaction = transaction
        self.awaitNext(&out)
    }

    /// Until `noteNothing`: this message is to blame for what happens.
    private func note(_ piece: ByteBuffer, _ transaction: SMTPClientTransaction) {
        guard let name = transaction.message.name else { return }
        _ = self.settings.crashGuard.enterContent(.sending, piece, named: name, account: nil)
    }

    private func noteNothing(_ transaction: SMTPClientTransaction) {
        if transaction.message.name != nil { self.settings.crashGuard.leaveContent() }
    }

    /// A piece of a streamed body has come.
    mutating func send(_ piece: ByteBuffer, _ out: inout SessionOutput<SMTPClientCall>) {
        guard var transaction = self.transaction else { return }
        self.transaction = nil
        self.note(piece, transaction)
        let bytes = transaction.lines.fix(piece)
        if transaction.usesChunking {
            if bytes.readableBytes > 0 { self.writeChunk(bytes, isLast: false, &transaction, &out) }
        } else {
            transaction.dots.encode(bytes, into: &out.replies)
        }
        self.noteNothing(transaction)
        self.transaction = transaction
        out.setDeadline(self.settings.timeouts.block)  // [RFC5321-4.5.3.2.5]
        let mustWait = transaction.openChunks >= (self.peer.hasPipelining ? Self.mostOpenChunks : 1)
        if mustWait { self.awaitNext(&out) } else { self.ask(.read, &out) }
    }

    mutating func endBody(_ out: inout SessionOutput<SMTPClientCall>) {
        guard var transaction = self.transaction else { return }
        self.transaction = nil
        let rest = transaction.lines.finish()
        transaction.isSending = false
        transaction.isSent = true
        if transaction.usesChunking {
            self.writeChunk(rest, isLast: true, &transaction, &out)
        } else {
            transaction.dots.encode(rest, into: &out.replies)
            transaction.dots.finish(into: &out.replies)
            self.expectFate(of: transaction)
        }
        self.transaction = transaction
        self.awaitNext(&out)
    }

    // RFC 3030 2:  bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF, then so many octets as they are
    private mutating func writeChunk(
        _ bytes: ByteBuffer, isLast: Bool, _ transaction: inout SMTPClientTransaction, _ out: inout SessionOutput<SMTPClientCall>
    ) {
        out.replies.writeString("BDAT \(bytes.readableBytes)\(isLast ? " LAST" : "")\r\n")
        out.replies.writeImmutableBuffer(bytes)
        self.expected.append(.chunk(isLast: isLast))
        transaction.openChunks += 1
    }
}
