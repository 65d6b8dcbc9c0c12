import Bytes
import NIOCore
import Vocabulary

/// A BURL in hand. [RFC4468-3.2]
struct SMTPReference: Sendable {
    /// The message ends with it.
    var isLast: Bool
    /// Everything behind the URL was given.
    var isWhole = false
}

// BURL: content that lies in a mailbox is a part of the message. The backend gives it piece by piece; it is held to what every body is.
extension SMTPSession {
    mutating func urlCommand(_ line: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        guard self.body != nil || self.envelope?.recipients.isEmpty == false else { return self.complain(.noRecipients, &out) }
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.url(&cursor) }) {
        case .failure(let reply): self.complain(reply, &out)
        case .success(let (url, isLast)):
            if self.body == nil { self.body = SMTPBody(unstuffs: false, self) }
            out.setDeadline(self.profile.limits.dataTimeout)
            self.ask(.url(url), .url(SMTPReference(isLast: isLast)), &out)
        }
    }

    mutating func urlAnswered(_ outcome: SMTPOutcome, _ reference: SMTPReference, _ out: inout SessionOutput<SMTPCall>) {
        guard case .content(var piece, let isLast) = outcome else {
            if case .reply(let reply) = outcome { self.urlFailed(reply, &out) } else { self.urlFailed(.internalError, &out) }
            return
        }
        out.setDeadline(self.profile.limits.dataTimeout)
        self.body?.decode(&piece, limit: self.profile.limits.messageSize)
        var reference = reference
        reference.isWhole = isLast
        self.phase = .command
        self.handOver(.url(reference), &out)
        if case .awaiting = self.phase { return }
        self.readURL(reference, &out)
    }

    /// The next piece, unless that was the last or nothing will come of the message.
    mutating func readURL(_ reference: SMTPReference, _ out: inout SessionOutput<SMTPCall>) {
        guard reference.isWhole || self.body?.refusal != nil else { return self.ask(.urlOn, .url(reference), &out) }
        self.partEnded(
            isLast: reference.isLast, Reply(250, EnhancedStatus(2, 5, 0), "Waiting for additional BURL or BDAT commands"), &out)
    }

    /// The transaction is over, and who tries one URL after the other is counted. [RFC4468-3.2]
    private mutating func urlFailed(_ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        self.counts.errors += 1
        guard self.counts.errors < self.profile.limits.errors else {
            out.replies.writeReply(reply)
            return self.end(.tooManyErrors, &out)
        }
        self.reset(then: reply, refused: reply, &out)
    }
}
