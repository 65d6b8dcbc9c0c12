package import NIOCore

/// Reads the text of a message as SMTP sends it, in pieces cut anywhere: undoes dot-stuffing, finds CRLF.CRLF and nothing else as the
/// end, and notices what no message may contain. [RFC5321-4.5.2] [RFC5321-2.3.8]
///
/// A fault does not stop it: it reads on to the true end, so that no part of a refused message is ever taken for commands.
package struct DotDecoder: Sendable {
    package enum Fault: Hashable, Sendable {
        /// CR without LF, or LF without CR: on the next host they could be line ends, and a dot between them the end of a message.
        case bareCarriageReturn, bareLineFeed
        case nul
        /// Longer than `maximumLine`.
        case longLine
    }

    private enum State: Sendable {
        case lineStart
        /// A dot at the start of a line, held back.
        case dot
        /// CR behind such a dot, held back.
        case dotReturn
        case text
        case carriageReturn
        /// Behind an LF that was made a CRLF: the line is empty, but no dot here is the end of the message or stuffing.
        case repaired
    }

    private let unstuffs: Bool
    private let repairsNewlines: Bool
    private let maximumLine: Int
    private var state = State.lineStart
    /// Octets of the current line so far, CRLF and stuffing excluded.
    private var column = 0
    /// The first fault met.
    package private(set) var fault: Fault?
    /// Octets of content so far, whether they were kept or not.
    package private(set) var size: Int64 = 0
    /// The end was met (never where nothing is unstuffed).
    package private(set) var isFinished = false

    /// - Parameters:
    ///   - unstuffs: true for DATA; false for the chunks of BDAT, whose end is counted and whose dots are plain text. [RFC3030-2]
    ///   - maximumLine: octets of a line without CRLF.
    ///   - repairsNewlines: an LF alone becomes CRLF instead of a fault. For the few clients that the postmaster trusts with it; the end
    ///     of the message is CRLF.CRLF all the same.
    package init(unstuffs: Bool = true, maximumLine: Int, repairsNewlines: Bool = false) {
        self.unstuffs = unstuffs
        self.repairsNewlines = repairsNewlines
        self.maximumLine = maximumLine
    }

    /// The content so far ends with CRLF, or is empty.
    package var isAtLineStart: Bool { self.state == .lineStart || self.state == .repaired }

    /// Consumes all of `input`, or up to and with the end. Content is appended to `out` if `keeps` and no fault has been met.
    package mutating func decode(_ input: inout ByteBuffer, into out: inout ByteBuffer, keeps: Bool = true) {
        let consumed = input.withUnsafeReadableBytes { bytes in self.decode(bytes, into: &out, keeps: keeps) }
        input.moveReaderIndex(forwardBy: consumed)
    }

    /// For content that is not cut by lines: what is missing to end the last line.
    package mutating func finishLine(into out: inout ByteBuffer) {
        switch self.state {
        case .lineStart, .repaired: return
        case .text, .dot:
            out.writeStaticString("\r\n")
            self.size += 2
        case .carriageReturn, .dotReturn: self.note(.bareCarriageReturn)
        }
        self.state = .lineStart
    }

    private mutating func decode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteBuffer, keeps: Bool) -> Int {
        var position = 0
        var runStart = 0  // content from here on is not yet in `out`
        while position < bytes.count, !self.isFinished {
            let byte = bytes[position]
            switch self.state {
            case .lineStart where byte == UInt8(ascii: ".") && self.unstuffs:
                self.emit(bytes, runStart, position, keeps, &out)
                position += 1
                runStart = position
                self.state = .dot
            case .lineStart: self.state = .text
            case .dot where byte == .cr:
                position += 1
                runStart = position
                self.state = .dotReturn
            case .dot: self.state = .text  // the dot was stuffing
            case .dotReturn where byte == .lf:
                position += 1
                runStart = position
                self.isFinished = true
            case .dotReturn:
                self.note(.bareCarriageReturn)
                self.state = .text
            case .repaired: self.state = .text
            case .text where self.repairsNewlines && byte == .lf:
                self.emit(bytes, runStart, position, keeps, &out)
                if keeps, self.fault == nil { out.writeStaticString("\r\n") }
                self.size += 2
                self.column = 0
                position += 1
                runStart = position
                self.state = .repaired
            case .text: position = self.scanLine(bytes, from: position)
            case .carriageReturn: self.afterReturn(byte, &position)
            }
        }
        self.emit(bytes, runStart, position, keeps, &out)
        return position
    }

    /// From `start` to behind the next CR, or to the end of `bytes`.
    private mutating func scanLine(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = bytes.firstOffset(of: .cr, from: start)
        var stop = end ?? bytes.count
        var newline = bytes.firstOffset(of: .lf, from: start, to: stop)
        if self.repairsNewlines, let found = newline { (end, stop, newline) = (nil, found, nil) }
        let nul = bytes.firstOffset(of: 0, from: start, to: stop)
        let room = self.maximumLine - self.column
        self.column += stop - start
        let long = self.column > self.maximumLine ? start + max(0, room) : nil
        if newline != nil || nul != nil || long != nil { self.note(first: [(newline, .bareLineFeed), (nul, .nul), (long, .longLine)]) }
        guard let end else { return stop }
        self.state = .carriageReturn
        return end + 1
    }

    private mutating func afterReturn(_ byte: UInt8, _ position: inout Int) {
        guard byte == .lf else {
            self.note(.bareCarriageReturn)
            self.state = .text
            return
        }
        position += 1
        self.column = 0
        self.state = .lineStart
    }

    /// The first by its place, so that it does not matter how the input was cut.
    private mutating func note(first faults: [(Int?, Fault)]) {
        if let first = faults.min(by: { ($0.0 ?? .max) < ($1.0 ?? .max) }) { self.note(first.1) }
    }

    private mutating func note(_ fault: Fault) { if self.fault == nil { self.fault = fault } }

    private mutating func emit(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ keeps: Bool, _ out: inout ByteBuffer) {
        guard end > start else { return }
        self.size += Int64(end - start)
        if keeps, self.fault == nil { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) }
    }
}
