internal import Bytes
package import NIOCore

/// Makes the summary of a blob that comes in pieces of any size, in one pass and in bounded memory.
package struct MessageSummaryBuilder: Sendable {
    /// Of the message, for the preview: text that begins behind it is not looked at.
    private static let window = 256 << 10

    private let limits: MIMELimits
    private var parser: MIMEParser
    private var beginning = ByteBuffer()

    package init(_ limits: MIMELimits = MIMELimits()) {
        self.limits = limits
        self.parser = MIMEParser(limits, keepsHeaders: true)
    }

    package mutating func read(_ piece: ByteBuffer) {
        if self.beginning.readableBytes == 0 {
            self.beginning = piece
        } else if self.beginning.readableBytes < Self.window {
            self.beginning.writeImmutableBuffer(piece)
        }
        self.parser.read(piece)
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
        sections.append(ByteBuffer(string: MessagePreview.text(parts, self.beginning)))
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
