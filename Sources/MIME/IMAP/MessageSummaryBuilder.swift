internal import Bytes
package import NIOCore

/// Makes the summary of a blob that comes in pieces of any size, in one pass and in bounded memory.
package struct MessageSummaryBuilder: Sendable {
    /// Octets of the message's body, for the preview: text that begins behind them is not looked at.
    private static let window = 256 << 10

    private let limits: MIMELimits
    private var parser: MIMEParser
    /// From `start` on: the body's, or while the header goes on the line's at hand, which may turn out to be the body's first.
    private var beginning = ByteBuffer()
    private var start: Int64 = 0

    package init(_ limits: MIMELimits = MIMELimits()) {
        self.limits = limits
        self.parser = MIMEParser(limits, keepsHeaders: true)
    }

    package mutating func read(_ piece: ByteBuffer) {
        let position = self.parser.position
        self.parser.read(piece)
        self.keep(piece, at: position)
    }

    /// However long the header is, what is kept is the body's.
    private mutating func keep(_ piece: ByteBuffer, at position: Int64) {
        let start = self.parser.bodyStart ?? self.parser.lineStart
        var piece = piece
        if start >= position {
            piece.moveReaderIndex(forwardBy: min(Int(clamping: start - position), piece.readableBytes))
            self.beginning.clear()
            self.start = start
        }
        let room = Self.window - self.beginning.readableBytes
        guard room > 0, let kept = piece.readSlice(length: min(room, piece.readableBytes)) else { return }
        if self.beginning.readableBytes == 0 { self.beginning = kept } else { self.beginning.writeImmutableBuffer(kept) }
    }

    package mutating func finish() -> MessageSummary {
        let structure = self.parser.finish()
        let messages = structure.headers.mapValues { MessageFields($0) }
        let root = messages[0] ?? MessageFields([])
        let parts = MessageParts(structure)
        var sections = SummaryTexts.sections(root, size: structure.size)
        var written = ByteBuffer()
        parts.write(to: &written)
        sections.append(written)
        sections.append(ByteBuffer(string: MessagePreview.text(parts, self.beginning, at: self.start)))
        let (ascii, dependsOnForm) = self.values(structure, messages, root, .ascii)
        sections += ascii
        sections += dependsOnForm ? self.values(structure, messages, root, .utf8).values : ascii.map { _ in ByteBuffer() }
        return MessageSummary(sections)
    }

    /// ENVELOPE, BODYSTRUCTURE, BODY.
    private func values(
        _ structure: MIMEStructure, _ messages: [Int: MessageFields], _ root: MessageFields, _ form: MessageSummary.Form
    ) -> (values: [ByteBuffer], dependsOnForm: Bool) {
        var envelope = ValueWriter(form)
        envelope.envelope(root)
        var body = BodyStructureWriter(structure, messages, form, self.limits)
        body.write()
        return ([envelope.out, body.values.out, body.body], envelope.dependsOnForm || body.values.dependsOnForm)
    }

    /// Of a blob that is in memory.
    package static func summary(of blob: ByteBuffer, _ limits: MIMELimits = MIMELimits()) -> MessageSummary {
        var builder = MessageSummaryBuilder(limits)
        builder.read(blob)
        return builder.finish()
    }
}
