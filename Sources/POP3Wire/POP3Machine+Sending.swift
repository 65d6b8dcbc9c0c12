internal import Bytes
internal import MIME
internal import NIOCore
internal import Vocabulary

/// A message on its way to the client.
struct Sending: Sendable {
    var index: Int
    var encoder = DotEncoder()
    /// TOP was said.
    var isTop = false
    /// For TOP: where to stop; nil sends all.
    var top: TopCut?
    /// +OK has been said; from here on a failure can only end the connection.
    var hasBegun = false
}

extension POP3Machine {
    mutating func send(_ index: Int, lines: Int?, _ out: inout Output) {
        var sending = Sending(index: index, isTop: lines != nil)
        // Who asks for more lines than the message has octets asks for all of it, as clients do that use TOP instead of RETR.
        if let lines, let messages = self.maildrop?.maildrop.messages, messages.indices.contains(index), lines < messages[index].size {
            sending.top = TopCut(lines: lines)
        }
        self.phase = .sending(sending)
        out.perform(.read(message: index))
    }

    /// What a stranger wrote is taken apart only while it is noted as being in hand.
    mutating func read(_ piece: ByteBuffer, isLast: Bool, of name: ContentHash?, _ sending: Sending, _ out: inout Output) {
        let crashGuard = self.settings.crashGuard
        let isBlamed = crashGuard.handling(.reading, piece, named: name, account: self.account) { isBlamed in
            if !isBlamed { self.pass(self.presented(piece, sending), isLast: isLast, sending, &out) }
            return isBlamed
        }
        guard isBlamed else { return }
        // It ended the server twice: its owner gets it as it is, and nobody looks at what it says. [docs/decisions: 0015]
        guard sending.top == nil else { return self.unreadable(.onlyWhole, sending, &out) }
        let isWithheld = crashGuard.handling(.passing, piece, named: name?.passedOn, account: self.account) { isBlamed in
            if !isBlamed { self.pass((piece, growth: 0), isLast: isLast, sending, &out) }
            return isBlamed
        }
        if isWithheld { self.unreadable(.withheld, sending, &out) }
    }

    /// Who did not say UTF8 gets a header in ASCII. Refusing the message instead would be allowed, but a client that gives up at the first
    /// error could then be shut out of its mailbox by one letter from a stranger. [RFC6856-2.1]
    private func presented(_ piece: ByteBuffer, _ sending: Sending) -> (piece: ByteBuffer, growth: Int) {
        guard !sending.hasBegun, !self.isUTF8, let surrogate = SurrogateHeader.rewritten(piece) else { return (piece, 0) }
        return (surrogate, surrogate.readableBytes - piece.readableBytes)
    }

    private mutating func pass(
        _ presented: (piece: ByteBuffer, growth: Int), isLast: Bool, _ sending: Sending, _ out: inout Output
    ) {
        var sending = sending
        if !sending.hasBegun {
            sending.hasBegun = true
            self.writeBeginning(sending, growth: presented.growth, &out)
        }
        let wanted = sending.top?.take(presented.piece) ?? presented.piece
        sending.encoder.encode(wanted, into: &out.replies)
        if isLast || sending.top?.isDone == true {
            sending.encoder.finish(into: &out.replies)
            self.phase = .transaction
        } else {
            self.phase = .sending(sending)
            out.perform(.readOn)
        }
    }

    private func writeBeginning(_ sending: Sending, growth: Int, _ out: inout Output) {
        guard !sending.isTop, let messages = self.maildrop?.maildrop.messages, messages.indices.contains(sending.index) else {
            out.replies.writeStaticString("+OK\r\n")
            return
        }
        out.replies.writeStaticString("+OK ")
        out.replies.writeDecimal(Int64(messages[sending.index].size) + Int64(growth))
        out.replies.writeStaticString(self.language == .japanese ? " オクテット\r\n" : " octets\r\n")
    }

    mutating func unreadable(_ failure: ReadFailure, _ sending: Sending, _ out: inout Output) {
        // Part of the message has left: closing without the terminator is the only way to tell that the rest is missing.
        guard !sending.hasBegun else { return self.close(&out) }
        self.phase = .transaction
        switch failure {
        case .gone: out.replies.writeError(.messageGone, self.language)
        case .failed: out.replies.writeError(.messageUnreadable, self.language, code: POP3Code.temporary)
        case .onlyWhole: out.replies.writeError(.messageOnlyWhole, self.language, code: POP3Code.permanent)
        case .withheld: out.replies.writeError(.messageWithheld, self.language, code: POP3Code.permanent)  // [RFC3206-4]
        }
    }
}

/// Cuts a message after its header, the blank line and so many lines of the body. [RFC1939-7]
struct TopCut: Sendable {
    private var linesLeft: Int
    private var isInHeader = true
    /// Octets of the current line so far, 2 standing for any more; a lone CR counts as none.
    private var lineLength = 0
    private(set) var isDone = false

    init(lines: Int) { self.linesLeft = lines }

    /// The wanted part of the piece.
    mutating func take(_ piece: ByteBuffer) -> ByteBuffer {
        var piece = piece
        let view = piece.readableBytesView
        var at = view.startIndex
        while !self.isDone, let end = view[at...].firstIndex(of: .lf) {
            self.measure(view[at..<end])
            at = end + 1
            self.lineEnded()
        }
        guard self.isDone else {
            self.measure(view[at...])
            return piece
        }
        return piece.readSlice(length: at - view.startIndex) ?? ByteBuffer()
    }

    private mutating func measure(_ part: ByteBufferView) {
        if self.isInHeader, self.lineLength == 0, part.contains(where: { $0 != .cr }) { self.lineLength = 2 }
    }

    private mutating func lineEnded() {
        if self.isInHeader {
            if self.lineLength == 0 { self.isInHeader = false }
            self.lineLength = 0
        } else {
            self.linesLeft -= 1
        }
        if !self.isInHeader && self.linesLeft == 0 { self.isDone = true }
    }
}
