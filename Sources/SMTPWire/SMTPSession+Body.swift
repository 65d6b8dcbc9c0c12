import Bytes
import NIOCore
import Vocabulary

/// A body on its way in.
struct SMTPBody: Sendable {
    var decoder: DotDecoder
    /// What the backend has not been given yet.
    var held = ByteBuffer()
    /// Pieces went to the backend already.
    var isStreamed = false
    /// Octets of memory that the backend has granted.
    var granted = Self.free
    /// Why the message will be refused at its end.
    var refusal: Reply?

    /// What every body may take without asking: most messages need no more.
    static let free = 16 << 10
    /// Pieces behind the first.
    static let piece = 64 << 10

    init(unstuffs: Bool, _ session: SMTPSession) {
        self.decoder = DotDecoder(
            unstuffs: unstuffs, maximumLine: session.profile.limits.textLine, repairsNewlines: session.repairsNewlines)
    }

    /// Takes what is in `input` for this body.
    mutating func decode(_ input: inout ByteBuffer, limit: Int64) {
        self.decoder.decode(&input, into: &self.held, keeps: self.refusal == nil)
        if self.refusal == nil, self.decoder.size > limit { self.refuse(.tooBig(limit)) }
        if self.refusal == nil, let fault = self.decoder.fault { self.refuse(.fault(fault)) }
    }

    /// Nothing more is kept; the rest is read and dropped.
    mutating func refuse(_ reply: Reply) {
        self.refusal = reply
        self.held = ByteBuffer()
    }
}

/// Where octets of a body come from.
enum SMTPSource: Sendable {
    case data
    case chunk(SMTPChunk)
    case url(SMTPReference)
}

// DATA and BDAT.
extension SMTPSession {
    mutating func data(_ rest: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        guard self.envelope?.recipients.isEmpty == false else {
            self.complain(self.profile.isLMTP ? .noLocalRecipients : .noRecipients, &out)
            return
        }
        // DATA ends a group; who sends the message before we ask for it has not read our replies. [RFC2920-3.1]
        guard rest.readableBytes == 0 else {
            self.end(.talksAfterData, &out)
            return
        }
        out.replies.writeStaticString("354 End data with <CR><LF>.<CR><LF>\r\n")
        self.body = SMTPBody(unstuffs: true, self)
        self.phase = .data
        out.setDeadline(self.profile.limits.dataTimeout)
    }

    /// True when there may be more to do with the input.
    mutating func readData(_ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) -> Bool {
        guard input.readableBytes > 0 else { return false }
        out.setDeadline(self.profile.limits.dataTimeout)
        self.body?.decode(&input, limit: self.profile.limits.messageSize)
        if self.body?.decoder.isFinished == true {
            self.finishBody(&out)
            return false
        }
        self.handOver(.data, &out)
        return false
    }

    /// Asks for memory, or hands on what is held, when there is too much of it.
    mutating func handOver(_ source: SMTPSource, _ out: inout SessionOutput<SMTPCall>) {
        guard let body = self.body, body.refusal == nil else { return }
        let held = body.held.readableBytes
        if body.isStreamed ? held >= SMTPBody.piece : held > self.profile.bodyInMemory {
            let piece = body.held
            self.body?.held = ByteBuffer()
            self.body?.isStreamed = true
            self.ask(.body(piece), .body(source), &out)
        } else if held > body.granted {
            self.body?.granted = self.profile.bodyInMemory
            self.ask(.memory(self.profile.bodyInMemory), .body(source), &out)
        }
    }

    /// The backend has answered about a piece of the body.
    mutating func bodyAnswered(_ outcome: SMTPOutcome, _ source: SMTPSource, _ out: inout SessionOutput<SMTPCall>) {
        if case .reply(let reply) = outcome { self.body?.refuse(reply) }
        if case .toDisk = outcome { self.body?.isStreamed = true }
        out.setDeadline(self.profile.limits.dataTimeout)
        switch source {
        case .data: self.phase = .data
        case .chunk(let chunk):
            self.phase = .chunk(chunk)
            if chunk.remaining == 0 { self.chunkEnded(chunk, &out) }
        case .url(let reference): self.readURL(reference, &out)
        }
    }

    /// The end of the message was met.
    mutating func finishBody(isLast: Bool = true, _ out: inout SessionOutput<SMTPCall>) {
        guard let body = self.body, let envelope = self.envelope else { return }
        // A chunk that is not the last has one reply in LMTP too. [RFC2033-4.3]
        if self.profile.isLMTP, isLast { self.fates = envelope.recipients.count }
        if let refusal = body.refusal {
            self.reset(then: refusal, refused: refusal, &out)
            return
        }
        self.counts.transactions += 1
        self.dropTransaction()
        let message = SMTPMessage(
            envelope: envelope, content: body.isStreamed ? .tail(body.held) : .whole(body.held), size: body.decoder.size)
        self.ask(.finish(message), .finish, &out)
    }

    // MARK: BDAT

    mutating func chunkCommand(_ line: ByteBuffer, _ out: inout SessionOutput<SMTPCall>) {
        guard self.body != nil || self.envelope?.recipients.isEmpty == false else {
            self.refuseChunk(line, .noRecipients, &out)
            return
        }
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.chunk(&cursor) }) {
        case .failure(let reply): self.end(reply, &out)  // what follows is not commands, and nobody knows how much of it
        case .success(let chunk):
            if self.body == nil { self.body = SMTPBody(unstuffs: false, self) }
            self.phase = .chunk(chunk)
            out.setDeadline(self.profile.limits.dataTimeout)
        }
    }

    /// The octets of a chunk come whether we want them or not. [RFC3030-2]
    mutating func refuseChunk(_ line: ByteBuffer, _ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        switch Self.parse(line, 4, { cursor throws(Reply) in try SMTPGrammar.chunk(&cursor) }) {
        case .success(let chunk) where chunk.remaining <= self.profile.limits.messageSize:
            self.phase = .droppedChunk(remaining: chunk.remaining, reply)
            out.setDeadline(self.profile.limits.dataTimeout)
        case .success, .failure: self.end(reply, &out)
        }
    }

    mutating func readChunk(_ chunk: SMTPChunk, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) -> Bool {
        var left = chunk
        if left.remaining > 0 {
            guard input.readableBytes > 0 else { return false }
            let count = Int(clamping: min(left.remaining, Int64(input.readableBytes)))
            guard var slice = input.readSlice(length: count) else { return false }
            left.remaining -= Int64(count)
            out.setDeadline(self.profile.limits.dataTimeout)
            self.body?.decode(&slice, limit: self.profile.limits.messageSize)
        }
        self.phase = .chunk(left)
        self.handOver(.chunk(left), &out)
        if case .awaiting = self.phase { return false }
        guard left.remaining == 0 else { return true }
        self.chunkEnded(chunk, &out)
        return true
    }

    private mutating func chunkEnded(_ chunk: SMTPChunk, _ out: inout SessionOutput<SMTPCall>) {
        self.partEnded(isLast: chunk.isLast, Reply(250, EnhancedStatus(2, 0, 0), "Chunk Ok"), &out)
    }

    /// A part of the message is here whole: its end, or there is more to come.
    mutating func partEnded(isLast: Bool, _ reply: Reply, _ out: inout SessionOutput<SMTPCall>) {
        if isLast, var body = self.body, body.refusal == nil {
            self.body = nil
            body.decoder.finishLine(into: &body.held)
            if let fault = body.decoder.fault { body.refuse(.fault(fault)) }
            self.body = body
        }
        if isLast || self.body?.refusal != nil {  // a refused chunk ends the transaction [RFC3030-2]
            self.finishBody(isLast: isLast, &out)
        } else {
            self.say(reply, &out)
        }
    }

    mutating func dropChunk(_ remaining: Int64, _ reply: Reply, _ input: inout ByteBuffer, _ out: inout SessionOutput<SMTPCall>) -> Bool {
        let count = Int(clamping: min(remaining, Int64(input.readableBytes)))
        input.moveReaderIndex(forwardBy: count)
        guard remaining - Int64(count) > 0 else {
            self.complain(reply, &out)
            return true
        }
        self.phase = .droppedChunk(remaining: remaining - Int64(count), reply)
        return false
    }
}
